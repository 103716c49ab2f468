/* Falling asleep against being rung. */
#include "board/roster.h"

#include "actor.h"
#include "base/clock.h"
#include "board/crowd.h"
#include "check.h"

/* A worker that has nothing to do, as run/worker.c rests, until it has claimed an item. */
struct sleeper {
    struct crowd *crowd;
    int member;
    int items; /* that it waits for, one by one */
    int claimed;
};

static bool sees_work(const struct sleeper *sleeper)
{
    struct post_offer offer;
    return post_peek(&sleeper->crowd->board[sleeper->member], 0, &offer);
}

static void sleep_until_claimed(void *state)
{
    struct sleeper *sleeper = state;
    struct roster *roster = &sleeper->crowd->roster[sleeper->member];
    struct post_offer offer;
    while (sleeper->claimed < sleeper->items) {
        roster_search(roster);
        while (!crowd_claim(sleeper->crowd, sleeper->member, 1, &offer)) {
            roster_doze(roster);
            if (sees_work(sleeper))
                roster_rouse(roster);
            else
                roster_sleep(roster, CLOCK_NEVER);
        }
        sleeper->claimed++;
        if (roster_found(roster) && sees_work(sleeper))
            roster_ring(roster);
    }
}

static void post_and_ring(void *state)
{
    struct crowd *crowd = state;
    crowd_post(crowd, 1, false, 0, 1);
    roster_ring(&crowd->roster[0]);
}

static void ring(void *state)
{
    struct crowd *crowd = state;
    roster_ring(&crowd->roster[0]);
}

static void ring_all(void *state)
{
    struct crowd *crowd = state;
    roster_ring_all(&crowd->roster[0]);
}

static const char *const falling_asleep[] = {"search: counted", "doze: not searching", "doze: bell set",
                                             "doze: bit set", "sleep: about to"};

#define EACH_PLACE(i) for (size_t i = 0; i < sizeof falling_asleep / sizeof *falling_asleep; i++)

static const char *const ringing[] = {"ring: sleeper seen", "ring: bit taken", "ring: counted",
                                      "ring: bell cleared"};

#define EACH_RING(i) for (size_t i = 0; i < sizeof ringing / sizeof *ringing; i++)

TEST_CASE(work_published_at_any_step_of_falling_asleep_is_found)
{
    EACH_PLACE(i)
    {
        struct crowd crowd;
        struct actor actor;
        check_note("%s", falling_asleep[i]);
        crowd_open(&crowd, 1);
        struct sleeper sleeper = {&crowd, 1, 1, 0};
        actor_start(&actor, sleep_until_claimed, &sleeper, falling_asleep[i]);
        post_and_ring(&crowd);
        actor_end(&actor);
        CHECK_INT(sleeper.claimed, 1);
        CHECK_UINT(crowd_searching(&crowd), 0);
        CHECK_UINT(crowd.roster[0].shared->member[1].bell, 0);
        CHECK_UINT(crowd.roster[0].shared->asleep[0], 0);
        crowd_close(&crowd);
    }
}

/* The same with another one asleep for good: one of the two must come. */
TEST_CASE(work_published_while_one_falls_asleep_is_found_by_it_or_by_a_sleeper)
{
    EACH_PLACE(i)
    {
        struct crowd crowd;
        struct actor falling, asleep;
        check_note("%s", falling_asleep[i]);
        crowd_open(&crowd, 2);
        struct sleeper first = {&crowd, 1, 1, 0}, second = {&crowd, 2, 1, 0};
        actor_start(&asleep, sleep_until_claimed, &second, NULL);
        actor_await_sleep(&asleep);
        actor_start(&falling, sleep_until_claimed, &first, falling_asleep[i]);
        post_and_ring(&crowd);
        actor_run_to(&falling, NULL);
        while (!actor_await_stop(&falling) && !actor_await_stop(&asleep))
            continue; /* who has claimed it has ended */
        post_and_ring(&crowd);
        actor_end(&falling);
        actor_end(&asleep);
        CHECK_INT(first.claimed + second.claimed, 2);
        crowd_close(&crowd);
    }
}

TEST_CASE(of_two_ringers_one_wakes_the_only_sleeper)
{
    EACH_RING(i)
    for (int all = 0; all <= 1; all++) {
        struct crowd crowd;
        struct actor ringer, actor;
        check_note("%s, the other rings %s", ringing[i], all ? "all" : "one");
        crowd_open(&crowd, 1);
        struct sleeper sleeper = {&crowd, 1, 2, 0};
        actor_start(&actor, sleep_until_claimed, &sleeper, NULL);
        actor_await_sleep(&actor);
        crowd_post(&crowd, 2, false, 0, 1);
        actor_start(&ringer, ring, &crowd, ringing[i]);
        if (all)
            ring_all(&crowd);
        else
            ring(&crowd);
        actor_end(&ringer);
        actor_end(&actor);
        CHECK_INT(sleeper.claimed, 2);
        CHECK_UINT(crowd_searching(&crowd), 0);
        CHECK_UINT(crowd.roster[0].shared->asleep[0], 0);
        crowd_close(&crowd);
    }
}

TEST_CASE(two_ringers_of_two_sleepers_wake_both_for_two_items)
{
    struct crowd crowd;
    struct actor ringer, actors[2];
    crowd_open(&crowd, 2);
    struct sleeper sleepers[] = {{&crowd, 1, 1, 0}, {&crowd, 2, 1, 0}};
    for (int i = 0; i < 2; i++) {
        actor_start(&actors[i], sleep_until_claimed, &sleepers[i], NULL);
        actor_await_sleep(&actors[i]);
    }
    crowd_post(&crowd, 1, false, 0, 1);
    actor_start(&ringer, ring, &crowd, "ring: bit taken");
    post_and_ring(&crowd); /* somebody counts as searching: it need not ring */
    actor_end(&ringer);    /* whom it wakes finds two, and rings the other */
    actor_end(&actors[0]);
    actor_end(&actors[1]);
    CHECK_INT(sleepers[0].claimed + sleepers[1].claimed, 2);
    crowd_close(&crowd);
}

static void ring_first(void *state)
{
    struct crowd *crowd = state;
    roster_ring_member(&crowd->roster[0], 1);
}

/* A ringer that comes too late for a sleeper has promised nobody: it may be held up for as long as it
 * likes, and who publishes meanwhile wakes the sleeper that has gone back to bed. */
TEST_CASE(a_ring_in_vain_keeps_no_other_from_the_sleeper)
{
    static void (*const rings[])(void *state) = {ring, ring_first, ring_all};
    for (int i = 0; i < 3; i++) {
        struct crowd crowd;
        struct actor ringer, actor;
        check_note("ring %d", i);
        crowd_open(&crowd, 1);
        struct sleeper sleeper = {&crowd, 1, 1, 0};
        actor_start(&actor, sleep_until_claimed, &sleeper, NULL);
        actor_await_sleep(&actor);
        actor_start(&ringer, rings[i], &crowd, "ring: sleeper seen");
        actor_run_to(&actor, "doze: bell set");
        ring(&crowd); /* for something that is gone when the sleeper looks */
        actor_arrive(&actor);
        actor_go(&ringer, "ring: in vain");
        actor_run_to(&actor, NULL);
        actor_await_sleep(&actor);
        post_and_ring(&crowd);
        if (!CHECK(!crowd_sleeps(&crowd, 1)))
            roster_ring_member(&crowd.roster[0], 1);
        actor_end(&actor);
        actor_end(&ringer);
        CHECK_INT(sleeper.claimed, 1);
        CHECK_UINT(crowd_searching(&crowd), 0);
        crowd_close(&crowd);
    }
}

/* Who finds nothing and sleeps again before the ringer has been to the others is not rung again. */
TEST_CASE(who_rings_all_rings_each_once)
{
    struct crowd crowd;
    struct actor ringer, actors[2];
    crowd_open(&crowd, 2);
    struct sleeper sleepers[] = {{&crowd, 1, 1, 0}, {&crowd, 2, 1, 0}};
    for (int i = 0; i < 2; i++) {
        actor_start(&actors[i], sleep_until_claimed, &sleepers[i], NULL);
        actor_await_sleep(&actors[i]);
    }
    actor_run_to(&actors[0], "sleep: about to");
    actor_start(&ringer, ring_all, &crowd, "ring: bell cleared");
    actor_go(&ringer, "ring: sleeper seen"); /* the second one */
    actor_arrive(&actors[0]);
    actor_end(&ringer);
    CHECK(crowd_sleeps(&crowd, 1));
    actor_run_to(&actors[0], NULL);
    for (int i = 0; i < 2; i++)
        post_and_ring(&crowd);
    actor_end(&actors[0]);
    actor_end(&actors[1]);
    crowd_close(&crowd);
}

/* The sleeper finds work by itself while a ringer has its bit and not yet cleared its bell: it must
 * not doze again before that, or the late bell wakes it with its bit set, for the next ring to take
 * in vain. */
TEST_CASE(who_rouses_itself_waits_for_the_ringer_that_has_its_bit)
{
    struct crowd crowd;
    struct actor ringer, actor;
    crowd_open(&crowd, 1);
    struct sleeper sleeper = {&crowd, 1, 2, 0};
    actor_start(&actor, sleep_until_claimed, &sleeper, "doze: bit set");
    crowd_post(&crowd, 1, false, 0, 1);
    actor_start(&ringer, ring, &crowd, "ring: bit taken");
    actor_run_to(&actor, "sleep: about to");
    CHECK(!actor_await_stop(&actor)); /* it waits in the kernel, not on its way to the next sleep */
    actor_end(&ringer);
    actor_arrive(&actor);
    CHECK(crowd_sleeps(&crowd, 1));
    CHECK_UINT(crowd_searching(&crowd), 0);
    post_and_ring(&crowd);
    actor_end(&actor);
    CHECK_INT(sleeper.claimed, 2);
    crowd_close(&crowd);
}

static void sleep_a_little(void *state)
{
    struct crowd *crowd = state;
    roster_search(&crowd->roster[1]);
    roster_doze(&crowd->roster[1]);
    roster_sleep(&crowd->roster[1], clock_deadline(0.001));
}

TEST_CASE(a_sleep_that_ends_by_itself_beside_a_ring_counts_once)
{
    EACH_RING(i)
    {
        struct crowd crowd;
        struct actor ringer, actor;
        check_note("%s", ringing[i]);
        crowd_open(&crowd, 1);
        actor_start(&actor, sleep_a_little, &crowd, "sleep: about to");
        actor_start(&ringer, ring, &crowd, ringing[i]);
        for (uint64_t until = clock_deadline(0.002); clock_ns() < until;)
            continue; /* its time is over */
        actor_run_to(&actor, NULL);
        actor_await_stop(&actor);
        actor_end(&ringer);
        actor_end(&actor);
        CHECK_UINT(crowd_searching(&crowd), 1);
        CHECK_UINT(crowd.roster[0].shared->member[1].bell, 0);
        CHECK_UINT(crowd.roster[0].shared->asleep[0], 0);
        crowd_close(&crowd);
    }
}

TEST_CASE(a_ring_by_number_beside_another_wakes_once)
{
    EACH_RING(i)
    {
        struct crowd crowd;
        struct actor ringer, actor;
        check_note("%s", ringing[i]);
        crowd_open(&crowd, 1);
        struct sleeper sleeper = {&crowd, 1, 1, 0};
        actor_start(&actor, sleep_until_claimed, &sleeper, NULL);
        actor_await_sleep(&actor);
        crowd_post(&crowd, 1, false, 1, 1);
        actor_start(&ringer, ring, &crowd, ringing[i]);
        roster_ring_member(&crowd.roster[0], 1);
        actor_end(&ringer);
        actor_end(&actor);
        CHECK_UINT(crowd_searching(&crowd), 0);
        crowd_close(&crowd);
    }
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

TEST_CASE(a_death_noticed_while_one_falls_asleep_leaves_it_within_reach)
{
    EACH_PLACE(i)
    {
        struct crowd crowd;
        struct actor actor;
        check_note("%s", falling_asleep[i]);
        crowd_open(&crowd, 2);
        struct sleeper sleeper = {&crowd, 1, 3, 0};
        actor_start(&actor, sleep_until_claimed, &sleeper, falling_asleep[i]);
        roster_bury(&crowd.roster[0], 2);
        actor_run_to(&actor, NULL);
        for (int item = 0; item < 3; item++) {
            actor_await_stop(&actor);
            post_and_ring(&crowd);
        }
        actor_end(&actor);
        CHECK_INT(sleeper.claimed, 3);
        crowd_close(&crowd);
    }
}

/* A worker that died in the middle of a ring. */
TEST_CASE(a_sleeper_is_woken_for_one_whose_ringer_died)
{
    EACH_RING(i)
    {
        struct crowd crowd;
        struct actor dead, actor;
        check_note("%s", ringing[i]);
        crowd_open(&crowd, 2);
        struct sleeper sleeper = {&crowd, 1, 2, 0};
        actor_start(&actor, sleep_until_claimed, &sleeper, NULL);
        actor_await_sleep(&actor);
        crowd_post(&crowd, 1, false, 0, 1);
        actor_start(&dead, ring, &crowd, ringing[i]); /* it comes no further */
        roster_bury(&crowd.roster[0], 2);
        actor_await_sleep(&actor); /* for the second item, of which there is none yet */
        post_and_ring(&crowd);
        pthread_join(actor.thread, NULL);
        CHECK_INT(sleeper.claimed, 2);
        actor_end(&dead);
        crowd_close(&crowd);
    }
}

static void sleep_until_quit(void *state)
{
    struct crowd *crowd = state;
    struct roster *roster = &crowd->roster[1];
    roster_search(roster);
    while (!atomic_load(&roster->shared->quit)) {
        roster_doze(roster);
        if (atomic_load(&roster->shared->quit))
            roster_rouse(roster);
        else
            roster_sleep(roster, CLOCK_NEVER);
    }
}

TEST_CASE(all_leave_when_told_to_also_after_a_death_that_nobody_noticed)
{
    EACH_RING(i)
    {
        struct crowd crowd;
        struct actor dead, actor;
        check_note("%s", ringing[i]);
        crowd_open(&crowd, 2);
        actor_start(&actor, sleep_until_quit, &crowd, NULL);
        actor_await_sleep(&actor);
        actor_start(&dead, ring, &crowd, ringing[i]); /* it comes no further */
        roster_quit(&crowd.roster[0]);
        pthread_join(actor.thread, NULL);
        actor_end(&dead);
        crowd_close(&crowd);
    }
}
