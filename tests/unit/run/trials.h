/* Trials: work of every kind, while who does it meets his fate at a step of the board (gang.h). Many run at
 * a time, since they mostly wait for the manager's tick. */
#ifndef RANKPOOL_TESTS_RUN_TRIALS_H
#define RANKPOOL_TESTS_RUN_TRIALS_H

#include "gang.h"

#define TRIAL_PLACES 20
#define TRIAL_WORKS  7
#define TRIAL_MOST   (2 * TRIAL_PLACES * TRIAL_WORKS)
#define TRIAL_ITEMS  3000 /* that any work has, at most */

/* The k-th time that somebody comes by a place, in a kind of work. */
struct trial {
    int place, work, count;
};

/* Where a worker comes by; the manager alone passes the other steps. */
extern const char *const trial_places[TRIAL_PLACES];

struct trial_work {
    const char *name;
    void (*work)(struct gang *gang);
    uint32_t times; /* that each item is run */
};
extern const struct trial_work trial_works[TRIAL_WORKS];

/* Each work at each place, with each of `many` counts. How many that makes. */
int trials_list(struct trial *trials, const int *counts, int many);

/* Fates of the workers whose bits are set in `victims`; there is room for two each, and the end. */
void trial_set_fates(struct trial trial, unsigned victims, int signal, struct gang_fate *fates);

/* `try_out` returns whether the fate came true. */
void trials_run(const struct trial *trials, int count, bool (*try_out)(struct trial trial));

#endif
