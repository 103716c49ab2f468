/* Workers that have nothing to do, and rest as run/worker.c does until they have claimed an item; who rings
 * for them; and what may come between the steps of both.
 *
 * A sleeper ends when it has claimed all that it waits for: one that nobody wakes is a test that hangs. */
#ifndef RANKPOOL_TESTS_BOARD_NIGHT_H
#define RANKPOOL_TESTS_BOARD_NIGHT_H

#include "actor.h"
#include "board/crowd.h"
#include "board/roster.h"

struct night {
    struct crowd crowd;
    struct sleeper {
        struct crowd *crowd;
        int member; /* 1, 2 */
        int items;  /* that it waits for, one by one */
        struct actor actor;
    } sleeper[2];
    struct actor ringer;
};

/* Sleepers are awake at first; each waits for so many items. */
void night_open(struct night *night, int workers, int items);
void night_close(struct night *night);

/* Each is up, and nobody is counted as asleep or searching. */
void night_check_all_up(const struct night *night);

/* A sleeper begins, and comes to `place`; NULL: it sleeps. */
void sleeper_start(struct sleeper *sleeper, const char *place);

/* The state is the crowd's. */
void ring(void *crowd);
void ring_all(void *crowd);
void post_and_ring(void *crowd);

#endif
