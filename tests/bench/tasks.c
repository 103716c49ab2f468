/* Tasks one by one: bench_tasks LIST N REPETITIONS [WINDOW]
 *
 * Submits all items, then takes all results in the order of completion; with a WINDOW, never more
 * than so many tasks are under way. The first repetition is the first use of a fresh pool. Beside
 * the whole it prints what the first submission of all took, and the memory it left in use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

static void submit(rp_pool *pool, const struct work *work, size_t i)
{
    pool_check(pool, rp_submit(pool, pool_answer, &work->items[i], sizeof work->items[i], NULL));
}

/* Results know their index in the pool: `first` is that of this repetition's first item. */
static void take(rp_pool *pool, struct work *work, size_t first)
{
    rp_view view;
    rp_future *future = rp_next(pool, RP_FOREVER);
    if (!future) {
        fprintf(stderr, "a task is missing\n");
        exit(1);
    }
    pool_check(pool, rp_result(future, &view));
    memcpy(&work->results[rp_index(future) - first], view.data, sizeof *work->results);
    rp_release(&future);
}

static void run(rp_pool *pool, struct work *work, size_t first, size_t window)
{
    size_t memory = work_memory(), submitted = 0;
    double begun = work_now();
    while (submitted < work->n && submitted < window)
        submit(pool, work, submitted++);
    double seconds = work_now() - begun;
    if (submitted == work->n)
        printf("SUBMIT list=%s n=%zu seconds=%.9f rate=%.0f bytes=%.1f\n", work->name, work->n, seconds,
               (double)work->n / seconds, ((double)work_memory() - (double)memory) / (double)work->n);
    for (size_t taken = 0; taken < work->n; taken++) {
        take(pool, work, first);
        if (submitted < work->n)
            submit(pool, work, submitted++);
    }
}

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *pool = pool_open();
    work_make(&work, argument(argc, argv, 1, "empty"), argument_count(argc, argv, 2, 100000));
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    size_t window = argument_count(argc, argv, 4, 0);
    for (int i = 0; i < repetitions; i++) {
        struct measure measure = measure_begin(&work, rp_workers(pool));
        run(pool, &work, (size_t)i * work.n, window ? window : work.n);
        measure_end(&measure, window ? "window" : i ? "tasks" : "tasks-first", i);
    }
    work_free(&work);
    return rp_close(&pool) != RP_OK;
}
