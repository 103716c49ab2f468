/* What all nodes are to have goes by a tree of their leaders, and reaches each node once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "run/holding.h"
#include "run/relay_state.h"
#include "run/submit.h"
#include "spread.h"

/* ---- Maps ---------------------------------------------------------------------------------- */

static void check_all_have_run(void)
{
    for (int i = 0; i < SPREAD_NODES; i++)
        CHECK(manager_count_done(&spread_realm.gang.manager, realm_first(&spread_realm, i)) > 0);
}

TEST_CASE(what_items_have_in_common_reaches_all_nodes_by_a_tree)
{
    spread_start(0, 1);
    for (int round = 1; round <= 3; round++) {
        spread_map(SPREAD_SIZE - (size_t)round);
        CHECK_INT(spread_count_bodies(), 3 * round);
    }
    CHECK_INT(spread_sent.bodies[0], 3);
    CHECK_INT(spread_sent.bodies[1], 3);
    CHECK_INT(spread_sent.bodies[3], 3);
    check_all_have_run();
    spread_end();
}

TEST_CASE(what_is_short_reaches_all_nodes_from_the_manager)
{
    spread_start(0, 1);
    spread_map(5000);
    for (int i = 0; i < SPREAD_NODES; i++)
        CHECK_INT(spread_sent.bodies[i], 1);
    check_all_have_run();
    spread_end();
}

/* ---- Shares -------------------------------------------------------------------------------- */

TEST_CASE(what_is_shared_reaches_all_nodes_by_a_tree_until_it_is_given_up)
{
    struct error error;
    spread_start(0, 1);
    rp_share_id first = spread_share(SPREAD_SIZE), second = spread_share(SPREAD_SIZE);
    spread_ask_all(second, SPREAD_SIZE);
    spread_ask_all(first, SPREAD_SIZE);
    CHECK_INT(spread_count_bodies(), 6);
    CHECK_STATUS(holding_unshare(&spread_realm.gang.manager, first, &error), RP_OK);
    spread_ask_all(first, 0);
    spread_ask_all(second, SPREAD_SIZE);
    spread_end();
}

/* Where a pointer points to in memory: the file, and the offset in it. */
static int find_page(rp_call *call, const void *in, size_t size)
{
    uint64_t place[2] = {0};
    rp_share_id id;
    char line[512];
    memcpy(&id, in, sizeof id);
    uintptr_t share = (uintptr_t)rp_shared(call, id, &size);
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        uint64_t offset, inode;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNx64 " %*s %" SCNu64, &from, &to, &offset,
                   &inode) == 4 &&
            share >= from && share < to) {
            place[0] = inode;
            place[1] = share - from + offset;
        }
    }
    if (maps)
        fclose(maps);
    return rp_return(call, place, sizeof place);
}

static void find_page_of(int worker, rp_share_id id, uint64_t place[2])
{
    spread_take(spread_submit(find_page, worker, id), place, 2 * sizeof *place);
}

TEST_CASE(all_workers_of_a_node_read_the_same_memory)
{
    spread_start(0, 3);
    rp_share_id id = spread_share(SPREAD_SIZE);
    for (int i = 0; i < SPREAD_NODES; i++) {
        uint64_t first[2], other[2];
        find_page_of(realm_first(&spread_realm, i) + 1, id, first);
        find_page_of(realm_first(&spread_realm, i) + 2, id, other);
        CHECK(first[0] != 0);
        CHECK_UINT(first[0], other[0]);
        CHECK_UINT(first[1], other[1]);
    }
    spread_end();
}

/* ---- Leaders that compute ------------------------------------------------------------------ */

/* Those below a leader hear of it later than that one has everything for its task. */
static void delay_those_below(struct realm *realm)
{
    enum { POLLS = 100 };
    for (int i = 0; i < SPREAD_NODES; i++)
        if (road_parent(i) >= 0)
            net_loop_delay(realm->end[i], POLLS, 0);
}

static int meet_and_compare(rp_call *call, const void *in, size_t size)
{
    atomic_fetch_add(&gang_tally->waiting, 1);
    gang_await(&gang_tally->waiting, SPREAD_NODES);
    return spread_compare(call, in, size);
}

TEST_CASE(leaders_that_compute_hand_on_what_is_shared_before_they_begin)
{
    struct task *task[SPREAD_NODES];
    realm_at_ends = delay_those_below;
    spread_start(0, 1);
    rp_share_id id = spread_share(SPREAD_SIZE);
    for (int i = 0; i < SPREAD_NODES; i++)
        task[i] = spread_submit(meet_and_compare, realm_first(&spread_realm, i), id);
    for (int i = 0; i < SPREAD_NODES; i++) {
        uint64_t answer = 0;
        spread_take(task[i], &answer, sizeof answer);
        CHECK_UINT(answer, SPREAD_SIZE);
    }
    CHECK_INT(spread_count_bodies(), 3); /* none had to ask the manager */
    spread_end();
}

TEST_CASE(a_leader_that_computes_does_not_wait_for_ever_for_those_below)
{
    spread_start(0, 1);
    net_loop_hold(spread_realm.end[2], 0, true);
    rp_share_id id = spread_share(SPREAD_SIZE);
    CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, 1), id), SPREAD_SIZE);
    net_loop_hold(spread_realm.end[2], 0, false);
    spread_ask_all(id, SPREAD_SIZE);
    CHECK_INT(spread_count_bodies(), 3);
    spread_end();
}

TEST_CASE(a_leader_that_computes_does_not_wait_for_one_below_that_takes_nothing)
{
    enum { MOST_S = 5 }; /* it used to wait for nine */
    spread_start(0, 1);
    net_loop_hold(spread_realm.end[2], spread_peer(2, 1), true);
    uint64_t late = clock_deadline(MOST_S);
    rp_share_id id = spread_share(SPREAD_LARGE);
    CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, 1), id), SPREAD_LARGE);
    CHECK(!clock_has_passed(late));
    net_loop_hold(spread_realm.end[2], spread_peer(2, 1), false);
    spread_end();
}

static int wait_at_the_gate(rp_call *call, const void *in, size_t size)
{
    gang_await(&gang_tally->gate, 1);
    return spread_compare(call, in, size);
}

/* Node 2, below node 1, works alone. */
TEST_CASE(a_leader_that_computes_does_not_wait_for_one_below_that_computes)
{
    enum { ROUNDS = 4 };
    uint64_t least = UINT64_MAX, answer;
    spread_start(0, 1);
    gang_tally->gate = gang_tally->waiting = 0;
    rp_share_id id = spread_share(SPREAD_SIZE);
    spread_ask_all(id, SPREAD_SIZE);
    struct task *busy = spread_submit(wait_at_the_gate, realm_first(&spread_realm, 2), id);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t begun = clock_ns();
        rp_share_id other = spread_share(SPREAD_SIZE);
        CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, 1), other), SPREAD_SIZE);
        uint64_t took = clock_ns() - begun;
        least = took < least ? took : least;
    }
    CHECK(least < RELAY_MIND_NS);
    gang_tally->gate = 1;
    spread_take(busy, &answer, sizeof answer);
    spread_end();
}
