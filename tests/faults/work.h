/* Random work, seeded, by the public API, that judges its own results: each arrives once and is right,
 * whatever becomes of the workers. A failure is a sentence, and ends the program's good opinion:
 *
 *     struct work work = {.pool = pool, .seed = seed, .retries = retries};
 *     work_some(&work)     a map, a reduction, a stream, tasks, a queue, shared memory, tasks that end their
 *                          processes ..., as the seed wants
 *     work.wrong           how often something was not as it should
 *
 * Workers may die: then an item may fail by RP_WORKER_LOST where its retries are used up, and all by
 * RP_POOL_BROKEN where nobody is left (`broken`). */
#ifndef RANKPOOL_TESTS_FAULTS_WORK_H
#define RANKPOOL_TESTS_FAULTS_WORK_H

#include <rankpool/rankpool.h>
#include <stdbool.h>

struct work {
    rp_pool *pool;
    uint64_t seed; /* the next random number comes of it */
    int retries;   /* of the pool */
    /* Opens a pool beside, in work->pool, which isolates its tasks or not; NULL: there can be none. */
    rp_status (*open)(struct work *work, bool isolates);
    size_t submitted; /* tasks so far */
    int kinds;        /* of work done so far */
    int wrong;
    bool broken;
};

void work_some(struct work *work);

uint64_t work_random(struct work *work, uint64_t below);

/* Says what is wrong. */
void work_fail(struct work *work, const char *format, ...) RP_PRINTF(2, 3);

#endif
