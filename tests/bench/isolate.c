/* A map in a pool with `isolate` beside one without: bench_isolate LIST N REPETITIONS CRASHES
 * By turns; `ratio` is the rate over that without, `crash` the microseconds that a worker spends on a task
 * that ends its process by a signal, and on the next process. */
#include <signal.h>
#include <stdio.h>

#include "pool.h"

static int crash(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    raise(SIGKILL);
    return 0;
}

/* Seconds. */
static double run(rp_pool *pool, struct work *work, const char *what, int repetition)
{
    struct measure measure = measure_begin(work, rp_workers(pool));
    double begun = work_now();
    rp_status status = rp_map(pool, pool_answer, work->items, sizeof *work->items, work->n, work->results,
                              sizeof *work->results);
    double seconds = work_now() - begun;
    pool_check(pool, status);
    measure_end(&measure, what, repetition);
    return seconds;
}

/* Seconds that a worker spends on one of them. */
static double run_crashes(rp_pool *pool, uint64_t n)
{
    double begun = work_now();
    rp_status status = rp_map_range(pool, crash, 0, n, NULL, 0);
    double seconds = work_now() - begun;
    if (status != RP_TASK_CRASHED)
        pool_check(pool, status ? status : RP_INVALID);
    return seconds * rp_workers(pool) / (double)n;
}

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *plain = pool_open(), *isolated;
    pool_check(NULL, rp_open(RP_OPTIONS(.progress = -1, .isolate = 1), &isolated));
    work_make(&work, argument(argc, argv, 1, "grain:1"), argument_count(argc, argv, 2, 100000));
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    size_t crashes = argument_count(argc, argv, 4, 500);
    for (int i = 0; i < repetitions; i++) {
        double without = run(plain, &work, "plain", i), with = run(isolated, &work, "isolate", i);
        printf("ISOLATE n=%zu repetition=%d ratio=%.4f crash=%.1f\n", work.n, i, without / with,
               run_crashes(isolated, crashes) * 1e6);
    }
    work_free(&work);
    pool_check(NULL, rp_close(&isolated));
    return rp_close(&plain) != RP_OK;
}
