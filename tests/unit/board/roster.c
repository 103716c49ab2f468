/* Who sleeps and who is woken: by turns in one thread, then between threads that really sleep. */
#include "board/roster.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "crowd.h"

/* A member that searched in vain, to where it may sleep. */
static void doze(struct crowd *crowd, int member)
{
    roster_search(&crowd->roster[member]);
    roster_doze(&crowd->roster[member]);
}

TEST_CASE(a_ring_wakes_one_sleeper_who_then_counts_as_searching)
{
    struct crowd crowd;
    crowd_open(&crowd, 3);
    for (int i = 1; i <= 3; i++)
        doze(&crowd, i);
    CHECK_UINT(crowd_searching(&crowd), 0);
    roster_ring(&crowd.roster[0]);
    CHECK_INT(crowd_sleeps(&crowd, 1) + crowd_sleeps(&crowd, 2) + crowd_sleeps(&crowd, 3), 2);
    CHECK_UINT(crowd_searching(&crowd), 1);
    crowd_close(&crowd);
}

TEST_CASE(nobody_is_rung_while_somebody_searches)
{
    struct crowd crowd;
    crowd_open(&crowd, 2);
    doze(&crowd, 1);
    roster_search(&crowd.roster[2]);
    roster_ring(&crowd.roster[0]);
    CHECK(crowd_sleeps(&crowd, 1));
    CHECK_UINT(crowd_searching(&crowd), 1);
    crowd_close(&crowd);
}

TEST_CASE(a_ring_where_nobody_sleeps_leaves_no_trace)
{
    struct crowd crowd;
    crowd_open(&crowd, 2);
    roster_ring(&crowd.roster[0]);
    roster_ring_member(&crowd.roster[0], 1);
    roster_ring_all(&crowd.roster[0]);
    CHECK_UINT(crowd_searching(&crowd), 0);
    crowd_close(&crowd);
}

TEST_CASE(the_last_searcher_that_finds_work_rings_the_next)
{
    struct crowd crowd;
    crowd_open(&crowd, 3);
    roster_search(&crowd.roster[1]);
    roster_search(&crowd.roster[2]);
    doze(&crowd, 3);
    CHECK(!roster_found(&crowd.roster[1])); /* worker 2 still looks */
    CHECK(roster_found(&crowd.roster[2]));
    crowd_close(&crowd);
}

TEST_CASE(who_finds_work_rings_nobody_where_nobody_sleeps)
{
    struct crowd crowd;
    crowd_open(&crowd, 2);
    roster_search(&crowd.roster[1]);
    CHECK(!roster_found(&crowd.roster[1]));
    CHECK_UINT(crowd_searching(&crowd), 0);
    crowd_close(&crowd);
}

TEST_CASE(everybody_is_rung_when_all_are)
{
    struct crowd crowd;
    crowd_open(&crowd, 5);
    for (int i = 1; i <= 5; i++)
        doze(&crowd, i);
    roster_ring_all(&crowd.roster[0]);
    for (int i = 1; i <= 5; i++) {
        CHECK(!crowd_sleeps(&crowd, i));
        roster_sleep(&crowd.roster[i], CLOCK_NEVER); /* returns at once */
    }
    CHECK_UINT(crowd_searching(&crowd), 5);
    crowd_close(&crowd);
}

TEST_CASE(a_member_is_rung_by_its_number)
{
    struct crowd crowd;
    crowd_open(&crowd, 3);
    for (int i = 1; i <= 3; i++)
        doze(&crowd, i);
    roster_ring_member(&crowd.roster[0], 2);
    roster_ring_member(&crowd.roster[0], 2);
    CHECK(crowd_sleeps(&crowd, 1) && !crowd_sleeps(&crowd, 2) && crowd_sleeps(&crowd, 3));
    CHECK_UINT(crowd_searching(&crowd), 1);
    crowd_close(&crowd);
}

TEST_CASE(who_rouses_itself_counts_as_searching_once)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    doze(&crowd, 1);
    roster_rouse(&crowd.roster[1]);
    CHECK_UINT(crowd_searching(&crowd), 1);
    CHECK(!crowd_sleeps(&crowd, 1));
    CHECK_UINT(crowd.roster[0].shared->member[1].bell, 0);

    roster_doze(&crowd.roster[1]);
    roster_ring(&crowd.roster[0]); /* it has counted the sleeper */
    roster_rouse(&crowd.roster[1]);
    CHECK_UINT(crowd_searching(&crowd), 1);
    crowd_close(&crowd);
}

TEST_CASE(a_sleep_ends_at_its_deadline_and_counts_as_searching)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    doze(&crowd, 1);
    uint64_t deadline = clock_deadline(0.02);
    roster_sleep(&crowd.roster[1], deadline);
    CHECK(clock_ns() >= deadline);
    CHECK_UINT(crowd_searching(&crowd), 1);
    CHECK(!crowd_sleeps(&crowd, 1));
    crowd_close(&crowd);
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

TEST_CASE(after_a_death_everybody_is_woken_once)
{
    struct crowd crowd;
    crowd_open(&crowd, 4);
    for (int i = 2; i <= 4; i++)
        doze(&crowd, i);
    roster_bury(&crowd.roster[0], 1);
    for (int i = 2; i <= 4; i++) {
        CHECK(!crowd_sleeps(&crowd, i));
        roster_sleep(&crowd.roster[i], CLOCK_NEVER);
    }
    CHECK_UINT(crowd.roster[0].shared->member[1].dead, 1);
    CHECK_UINT(crowd.roster[0].shared->member[2].dead, 0);
    crowd_close(&crowd);
}

TEST_CASE(who_died_while_searching_keeps_no_ring_from_the_living)
{
    struct crowd crowd;
    crowd_open(&crowd, 3);
    roster_search(&crowd.roster[1]); /* and dies */
    roster_bury(&crowd.roster[0], 1);
    for (int round = 0; round < 3; round++) {
        doze(&crowd, 2);
        doze(&crowd, 3);
        roster_ring(&crowd.roster[0]);
        CHECK(!crowd_sleeps(&crowd, 2) && !crowd_sleeps(&crowd, 3));
        CHECK(!roster_found(&crowd.roster[2])); /* nobody sleeps */
        doze(&crowd, 2);
        CHECK(roster_found(&crowd.roster[3]));
    }
    crowd_close(&crowd);
}

TEST_CASE(neither_the_dead_nor_who_was_woken_by_a_death_are_counted_as_hungry)
{
    struct crowd crowd;
    crowd_open(&crowd, 3);
    roster_search(&crowd.roster[1]); /* and dies */
    doze(&crowd, 2);
    doze(&crowd, 3);
    CHECK_UINT(roster_count_hungry(&crowd.roster[0]), 3);
    roster_bury(&crowd.roster[0], 1);
    for (int i = 2; i <= 3; i++) {
        roster_sleep(&crowd.roster[i], CLOCK_NEVER);
        roster_found(&crowd.roster[i]);
    }
    CHECK(!roster_is_hungry(&crowd.roster[0]));
    CHECK_UINT(roster_count_hungry(&crowd.roster[0]), 0);
    doze(&crowd, 3);
    CHECK(roster_is_hungry(&crowd.roster[0]));
    CHECK_UINT(roster_count_hungry(&crowd.roster[0]), 1);
    crowd_close(&crowd);
}

TEST_CASE(a_sleeper_whose_bit_the_dead_had_taken_is_woken)
{
    struct crowd crowd;
    crowd_open(&crowd, 2);
    doze(&crowd, 2);
    atomic_store(&crowd.roster[0].shared->asleep[0], 0); /* worker 1 took it, and died before the bell */
    roster_bury(&crowd.roster[0], 1);
    CHECK_UINT(crowd.roster[0].shared->member[2].bell, 0);
    roster_sleep(&crowd.roster[2], CLOCK_NEVER);
    crowd_close(&crowd);
}

/* ---- Many members ---------------------------------------------------------------------------- */

TEST_CASE(all_of_a_full_roster_sleep_and_are_woken)
{
    struct error error;
    struct roster manager;
    REQUIRE_STATUS(roster_create(&manager, BOARD_WORKERS_MAX, MEMORY_MEMFD, &error), RP_OK);
    for (int i = 1; i <= BOARD_WORKERS_MAX; i++) {
        struct roster worker = manager;
        worker.self = i;
        roster_search(&worker);
        roster_doze(&worker);
    }
    roster_ring_member(&manager, BOARD_WORKERS_MAX);
    CHECK_UINT(manager.shared->member[BOARD_WORKERS_MAX].bell, 0);
    CHECK_UINT(manager.shared->member[BOARD_WORKERS_MAX - 1].bell, 1);
    for (int left = BOARD_WORKERS_MAX - 1; left; left--) {
        atomic_store(&manager.shared->searching, 0);
        roster_ring(&manager);
        int asleep = 0;
        for (int i = 1; i <= BOARD_WORKERS_MAX; i++)
            asleep += manager.shared->member[i].bell == 1;
        REQUIRE(asleep == left - 1);
    }
    roster_release(&manager);
}

/* ---- Pools ----------------------------------------------------------------------------------- */

TEST_CASE(pools_are_posted_found_and_dropped)
{
    struct crowd crowd;
    struct error error;
    crowd_open(&crowd, 1);
    struct roster_shared *shared = crowd.roster[0].shared;
    struct memory_handle handle = memory_handle_of(&crowd.board[0].memory);
    doze(&crowd, 1);
    uint32_t version = shared->version;
    REQUIRE_STATUS(roster_post_pool(&crowd.roster[0], 5, &handle, &error), RP_OK);
    CHECK(!crowd_sleeps(&crowd, 1)); /* it is told */
    CHECK(shared->version != version);
    int found = 0;
    for (int i = 0; i < ROSTER_POOLS; i++)
        found += shared->pools[i].id == 5 && shared->pools[i].board.fd == handle.fd;
    CHECK_INT(found, 1);
    version = shared->version;
    roster_drop_pool(&crowd.roster[0], 5);
    CHECK(shared->version != version);
    for (int i = 0; i < ROSTER_POOLS; i++)
        CHECK_UINT(shared->pools[i].id, 0);
    crowd_close(&crowd);
}

TEST_CASE(a_full_table_of_pools_is_a_sentence)
{
    struct crowd crowd;
    struct error error;
    crowd_open(&crowd, 1);
    struct memory_handle handle = memory_handle_of(&crowd.board[0].memory);
    for (uint64_t i = 1; i <= ROSTER_POOLS; i++)
        REQUIRE_STATUS(roster_post_pool(&crowd.roster[0], i, &handle, &error), RP_OK);
    CHECK_STATUS(roster_post_pool(&crowd.roster[0], 100, &handle, &error), RP_UNSUPPORTED);
    CHECK_HAS(error.text, "64");
    roster_drop_pool(&crowd.roster[0], 33);
    CHECK_STATUS(roster_post_pool(&crowd.roster[0], 100, &handle, &error), RP_OK);
    crowd_close(&crowd);
}

TEST_CASE(a_member_refuses_a_pool_and_no_other)
{
    struct crowd crowd;
    struct error error;
    crowd_open(&crowd, 2);
    struct roster *manager = &crowd.roster[0], *worker = &crowd.roster[2];
    struct memory_handle handle = memory_handle_of(&crowd.board[0].memory);
    for (uint64_t pool = 5; pool <= 7; pool++)
        REQUIRE_STATUS(roster_post_pool(manager, pool, &handle, &error), RP_OK);
    uint32_t before = manager->shared->refusals;
    roster_refuse(worker, 5, "no room");
    roster_refuse(worker, 5, "no room");
    roster_refuse(worker, 7, "no room at all");
    CHECK_UINT(manager->shared->refusals, before + 2);
    CHECK(roster_refusal(manager, 5, 2) != NULL);
    CHECK_PTR(roster_refusal(manager, 6, 2), NULL);
    CHECK_PTR(roster_refusal(manager, 5, 1), NULL);
    CHECK_STR(roster_refusal(manager, 7, 2), "no room at all");
    crowd_close(&crowd);
}

TEST_CASE(a_refusal_that_comes_too_late_hurts_no_later_pool)
{
    struct crowd crowd;
    struct error error;
    crowd_open(&crowd, 1);
    struct roster *manager = &crowd.roster[0];
    struct memory_handle handle = memory_handle_of(&crowd.board[0].memory);
    REQUIRE_STATUS(roster_post_pool(manager, 5, &handle, &error), RP_OK);
    roster_refuse(&crowd.roster[1], 5, "no room");
    roster_drop_pool(manager, 5);
    REQUIRE_STATUS(roster_post_pool(manager, 6, &handle, &error), RP_OK); /* in the same place */
    roster_refuse(&crowd.roster[1], 5, "no room");
    CHECK_PTR(roster_refusal(manager, 6, 1), NULL);
    CHECK_UINT(manager->shared->refusals, 1);
    crowd_close(&crowd);
}

TEST_CASE(what_a_member_says_of_itself_is_cut_to_fit)
{
    struct crowd crowd;
    char longest[1000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    crowd_open(&crowd, 1);
    roster_enter(&crowd.roster[1], 3, longest, longest, 2);
    const struct roster_member *member = &crowd.roster[0].shared->member[1];
    CHECK_INT(member->rank, 3);
    CHECK_INT(member->numa_node, 2);
    CHECK_UINT(strlen(member->host), ROSTER_HOST_LENGTH - 1);
    CHECK_UINT(strlen(member->cpus), ROSTER_CPUS_LENGTH - 1);
    crowd_close(&crowd);
}
