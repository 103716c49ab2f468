/* A map with a journal beside one without: bench_journal LIST N REPETITIONS
 * By turns, each in a pool of its own, with its closing; `rate` is that of items computed and stored,
 * `ratio` the time over that without a journal, `again` the rate of items that a second run gets from
 * the file. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"

/* Seconds. */
static double run(struct work *work, const char *path, const char *what, int repetition)
{
    rp_pool *pool;
    pool_check(NULL, rp_open(RP_OPTIONS(.progress = -1, .journal = path), &pool));
    struct measure measure = measure_begin(work, pool_cores(pool));
    double begun = work_now();
    rp_status status = rp_map(pool, pool_answer, work->items, sizeof *work->items, work->n, work->results,
                              sizeof *work->results);
    double seconds = work_now() - begun;
    pool_check(pool, status);
    measure_end(&measure, what, repetition);
    begun = work_now();
    pool_check(NULL, rp_close(&pool));
    return seconds + work_now() - begun;
}

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *first = pool_open(); /* workers do not return from here */
    char folder[] = "/tmp/rankpool-bench-XXXXXX", path[64];
    work_make(&work, argument(argc, argv, 1, "empty"), argument_count(argc, argv, 2, 100000));
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    if (!mkdtemp(folder))
        return perror("bench_journal"), 1;
    snprintf(path, sizeof path, "%s/run.db", folder);
    for (int i = 0; i < repetitions; i++) {
        double plain = run(&work, "", "plain", i), with = run(&work, path, "journal", i);
        double again = run(&work, path, "again", i);
        printf("JOURNAL n=%zu repetition=%d rate=%.0f ratio=%.4f again=%.0f\n", work.n, i,
               (double)work.n / with, with / plain, (double)work.n / again);
        unlink(path);
    }
    rmdir(folder);
    work_free(&work);
    return rp_close(&first) != RP_OK;
}
