/* Falling asleep against being rung. */
#include "check.h"
#include "night.h"

static const char *const falling_asleep[] = {"search: counted", "doze: not searching", "doze: bell set",
                                             "doze: bit set", "sleep: about to"};

#define EACH_PLACE(i) for (size_t i = 0; i < sizeof falling_asleep / sizeof *falling_asleep; i++)

TEST_CASE(work_published_at_any_step_of_falling_asleep_is_found)
{
    EACH_PLACE(i)
    {
        struct night night;
        check_note("%s", falling_asleep[i]);
        night_open(&night, 1, 1);
        sleeper_start(&night.sleeper[0], falling_asleep[i]);
        post_and_ring(&night.crowd);
        actor_end(&night.sleeper[0].actor);
        night_check_all_up(&night);
        night_close(&night);
    }
}

/* The same with another one asleep for good: one of the two must come. */
TEST_CASE(work_published_while_one_falls_asleep_is_found_by_it_or_by_a_sleeper)
{
    EACH_PLACE(i)
    {
        struct night night;
        struct actor *falling = &night.sleeper[0].actor, *asleep = &night.sleeper[1].actor;
        check_note("%s", falling_asleep[i]);
        night_open(&night, 2, 1);
        sleeper_start(&night.sleeper[1], NULL);
        sleeper_start(&night.sleeper[0], falling_asleep[i]);
        post_and_ring(&night.crowd);
        actor_run_to(falling, NULL);
        while (!actor_await_stop(falling) && !actor_await_stop(asleep))
            continue; /* who has claimed it has ended */
        post_and_ring(&night.crowd);
        actor_end(falling);
        actor_end(asleep);
        night_check_all_up(&night);
        night_close(&night);
    }
}

/* The sleeper finds work by itself while a ringer has its bit and not yet cleared its bell: it must
 * not doze again before that, or the late bell wakes it with its bit set, for the next ring to take
 * in vain. */
TEST_CASE(who_rouses_itself_waits_for_the_ringer_that_has_its_bit)
{
    struct night night;
    struct actor *sleeper = &night.sleeper[0].actor;
    night_open(&night, 1, 2);
    sleeper_start(&night.sleeper[0], "doze: bit set");
    crowd_post(&night.crowd, 1, false, 0, 1);
    actor_start(&night.ringer, ring, &night.crowd, "ring: bit taken");
    actor_run_to(sleeper, "sleep: about to");
    CHECK(!actor_await_stop(sleeper)); /* it waits in the kernel, not on its way to the next sleep */
    actor_end(&night.ringer);
    actor_arrive(sleeper);
    CHECK(crowd_sleeps(&night.crowd, 1));
    CHECK_UINT(crowd_searching(&night.crowd), 0);
    post_and_ring(&night.crowd);
    actor_end(sleeper);
    night_close(&night);
}

TEST_CASE(a_death_noticed_while_one_falls_asleep_leaves_it_within_reach)
{
    EACH_PLACE(i)
    {
        struct night night;
        struct actor *sleeper = &night.sleeper[0].actor;
        check_note("%s", falling_asleep[i]);
        night_open(&night, 2, 3);
        sleeper_start(&night.sleeper[0], falling_asleep[i]);
        roster_bury(&night.crowd.roster[0], 2);
        actor_run_to(sleeper, NULL);
        for (int item = 0; item < 3; item++) {
            actor_await_stop(sleeper);
            post_and_ring(&night.crowd);
        }
        actor_end(sleeper);
        night_close(&night);
    }
}
