/* Ringing against other rings, against sleeps that end by themselves, and against deaths. */
#include "base/clock.h"
#include "check.h"
#include "night.h"

static const char *const ringing[] = {"ring: sleeper seen", "ring: bit taken", "ring: counted",
                                      "ring: bell cleared"};

#define EACH_RING(i) for (size_t i = 0; i < sizeof ringing / sizeof *ringing; i++)

TEST_CASE(of_two_ringers_one_wakes_the_only_sleeper)
{
    EACH_RING(i)
    for (int all = 0; all <= 1; all++) {
        struct night night;
        check_note("%s, the other rings %s", ringing[i], all ? "all" : "one");
        night_open(&night, 1, 2);
        sleeper_start(&night.sleeper[0], NULL);
        crowd_post(&night.crowd, 2, false, 0, 1);
        actor_start(&night.ringer, ring, &night.crowd, ringing[i]);
        (all ? ring_all : ring)(&night.crowd);
        actor_end(&night.ringer);
        actor_end(&night.sleeper[0].actor);
        night_check_all_up(&night);
        night_close(&night);
    }
}

TEST_CASE(two_ringers_of_two_sleepers_wake_both_for_two_items)
{
    struct night night;
    night_open(&night, 2, 1);
    for (int i = 0; i < 2; i++)
        sleeper_start(&night.sleeper[i], NULL);
    crowd_post(&night.crowd, 1, false, 0, 1);
    actor_start(&night.ringer, ring, &night.crowd, "ring: bit taken");
    post_and_ring(&night.crowd); /* somebody counts as searching: it need not ring */
    actor_end(&night.ringer);    /* whom it wakes finds two, and rings the other */
    for (int i = 0; i < 2; i++)
        actor_end(&night.sleeper[i].actor);
    night_close(&night);
}

static void ring_first(void *crowd)
{
    roster_ring_member(&((struct crowd *)crowd)->roster[0], 1);
}

/* A ringer that comes too late for a sleeper has promised nobody: it may be held up for as long as it
 * likes, and who publishes meanwhile wakes the sleeper that has gone back to bed. */
TEST_CASE(a_ring_in_vain_keeps_no_other_from_the_sleeper)
{
    static void (*const rings[])(void *crowd) = {ring, ring_first, ring_all};
    for (int i = 0; i < 3; i++) {
        struct night night;
        struct actor *sleeper = &night.sleeper[0].actor;
        check_note("ring %d", i);
        night_open(&night, 1, 1);
        sleeper_start(&night.sleeper[0], NULL);
        actor_start(&night.ringer, rings[i], &night.crowd, "ring: sleeper seen");
        actor_run_to(sleeper, "doze: bell set");
        ring(&night.crowd); /* for something that is gone when the sleeper looks */
        actor_arrive(sleeper);
        actor_go(&night.ringer, "ring: in vain");
        actor_run_to(sleeper, NULL);
        actor_await_sleep(sleeper);
        post_and_ring(&night.crowd);
        if (!CHECK(!crowd_sleeps(&night.crowd, 1)))
            ring_first(&night.crowd);
        actor_end(sleeper);
        actor_end(&night.ringer);
        night_check_all_up(&night);
        night_close(&night);
    }
}

/* Who finds nothing and sleeps again before the ringer has been to the others is not rung again. */
TEST_CASE(who_rings_all_rings_each_once)
{
    struct night night;
    struct actor *first = &night.sleeper[0].actor;
    night_open(&night, 2, 1);
    for (int i = 0; i < 2; i++)
        sleeper_start(&night.sleeper[i], NULL);
    actor_run_to(first, "sleep: about to");
    actor_start(&night.ringer, ring_all, &night.crowd, "ring: bell cleared");
    actor_go(&night.ringer, "ring: sleeper seen"); /* the second one */
    actor_arrive(first);
    actor_end(&night.ringer);
    CHECK(crowd_sleeps(&night.crowd, 1));
    actor_run_to(first, NULL);
    for (int i = 0; i < 2; i++)
        post_and_ring(&night.crowd);
    for (int i = 0; i < 2; i++)
        actor_end(&night.sleeper[i].actor);
    night_close(&night);
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
        struct night night;
        check_note("%s", ringing[i]);
        night_open(&night, 1, 1);
        sleeper_start(&night.sleeper[0], NULL);
        crowd_post(&night.crowd, 1, false, 1, 1);
        actor_start(&night.ringer, ring, &night.crowd, ringing[i]);
        ring_first(&night.crowd);
        actor_end(&night.ringer);
        actor_end(&night.sleeper[0].actor);
        night_check_all_up(&night);
        night_close(&night);
    }
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

/* A worker that died in the middle of a ring. */
TEST_CASE(a_sleeper_is_woken_for_one_whose_ringer_died)
{
    EACH_RING(i)
    {
        struct night night;
        check_note("%s", ringing[i]);
        night_open(&night, 2, 2);
        sleeper_start(&night.sleeper[0], NULL);
        crowd_post(&night.crowd, 1, false, 0, 1);
        actor_start(&night.ringer, ring, &night.crowd, ringing[i]); /* it comes no further */
        roster_bury(&night.crowd.roster[0], 2);
        actor_await_sleep(&night.sleeper[0].actor); /* for the second item, of which there is none yet */
        post_and_ring(&night.crowd);
        actor_end(&night.sleeper[0].actor);
        actor_end(&night.ringer);
        night_close(&night);
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
