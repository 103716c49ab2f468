#include "night.h"

#include "base/clock.h"
#include "check.h"

void night_open(struct night *night, int workers, int items)
{
    crowd_open(&night->crowd, workers);
    for (int i = 0; i < 2; i++)
        night->sleeper[i] = (struct sleeper){.crowd = &night->crowd, .member = i + 1, .items = items};
}

void night_close(struct night *night)
{
    crowd_close(&night->crowd);
}

void night_check_all_up(const struct night *night)
{
    const struct roster_shared *shared = night->crowd.roster[0].shared;
    CHECK_UINT(crowd_searching(&night->crowd), 0);
    CHECK_UINT(shared->asleep[0], 0);
    for (int member = 1; member <= night->crowd.workers; member++)
        CHECK_UINT(shared->member[member].bell, 0);
}

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
    for (int claimed = 0; claimed < sleeper->items; claimed++) {
        roster_search(roster);
        while (!crowd_claim(sleeper->crowd, sleeper->member, 1, &offer)) {
            roster_doze(roster);
            if (sees_work(sleeper))
                roster_rouse(roster);
            else
                roster_sleep(roster, CLOCK_NEVER);
        }
        if (roster_found(roster) && sees_work(sleeper))
            roster_ring(roster);
    }
}

void sleeper_start(struct sleeper *sleeper, const char *place)
{
    actor_start(&sleeper->actor, sleep_until_claimed, sleeper, place);
    if (!place)
        actor_await_sleep(&sleeper->actor);
}

void ring(void *crowd)
{
    roster_ring(&((struct crowd *)crowd)->roster[0]);
}

void ring_all(void *crowd)
{
    roster_ring_all(&((struct crowd *)crowd)->roster[0]);
}

void post_and_ring(void *crowd)
{
    crowd_post(crowd, 1, false, 0, 1);
    ring(crowd);
}
