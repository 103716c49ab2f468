/* What the simulator is told of one node: bench_costs REPETITIONS
 * Maps of empty items, as large claims and one by one, with what the manager uses of a core meanwhile. Where
 * manager and workers share the cores all of them are busy, so the rest is the workers'.
 * Prints a line for each cost of sim/costs.h that it knows: nanoseconds, the median. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>

#include "pool.h"

#define MANY  1000000
#define SOME  200000
#define MOST  101 /* repetitions */
#define SMALL 1000

/* Of an item, in seconds. */
struct spent {
    double wall, manager;
};

static double used(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static struct spent run(rp_pool *pool, const struct work *work, size_t n, const rp_map_options *options)
{
    double begun = work_now(), before = used();
    pool_check(pool, rp_map_with(pool, pool_answer, work->items, sizeof *work->items, n, work->results,
                                 sizeof *work->results, options, NULL));
    return (struct spent){(work_now() - begun) / (double)n, (used() - before) / (double)n};
}

static struct spent median(rp_pool *pool, const struct work *work, size_t n, size_t repetitions,
                           const rp_map_options *options)
{
    double wall[MOST], manager[MOST];
    run(pool, work, n, options);
    for (size_t i = 0; i < repetitions; i++) {
        struct spent spent = run(pool, work, n, options);
        wall[i] = spent.wall;
        manager[i] = spent.manager;
    }
    work_sort(wall, repetitions);
    work_sort(manager, repetitions);
    return (struct spent){wall[repetitions / 2], manager[repetitions / 2]};
}

static void print(const char *name, double seconds)
{
    printf("COST name=%s ns=%.3f\n", name, seconds > 0 ? seconds * 1e9 : 0);
}

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *pool = pool_open();
    work_make(&work, "empty", MANY);
    size_t repetitions = argument_count(argc, argv, 1, 15);
    repetitions = repetitions < MOST ? repetitions : MOST;
    double cores = pool_cores(pool);
    struct spent runs = median(pool, &work, MANY, repetitions, RP_MAP_OPTIONS(.chunk = SMALL));
    struct spent ones = median(pool, &work, SOME, repetitions, RP_MAP_OPTIONS(.chunk = 1));
    struct spent one = median(pool, &work, 1, repetitions, NULL);
    double item = cores * runs.wall - runs.manager;
    print("worker_item", item);
    print("worker_claim", cores * ones.wall - ones.manager - item);
    print("manager_note", ones.manager - runs.manager);
    print("manager_item", runs.manager / 2); /* half of it to take a result in ... */
    print("leader_item", runs.manager / 2);  /* ... and half to post the item */
    print("start", one.wall);
    work_free(&work);
    return rp_close(&pool) != RP_OK;
}
