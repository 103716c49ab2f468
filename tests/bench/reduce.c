/* Reductions: bench_reduce LIST N REPETITIONS [fold]
 * The sum of all results; with `fold` items have no input, and are empty. */
#include <string.h>

#include "pool.h"

static void add(void *into, const void *from, size_t size)
{
    double *sum = into;
    const double *more = from;
    (void)size;
    *sum += *more;
}

static int answer_nothing(rp_call *call, const void *in, size_t size)
{
    double answer = work_answer(0);
    (void)in, (void)size;
    return rp_return(call, &answer, sizeof answer);
}

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *pool = pool_open();
    work_make(&work, argument(argc, argv, 1, "empty"), argument_count(argc, argv, 2, 100000));
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    bool fold = strcmp(argument(argc, argv, 4, ""), "fold") == 0;
    for (int i = 0; i < repetitions; i++) {
        double sum = 0;
        struct measure measure = measure_begin(&work, pool_cores(pool));
        pool_check(pool,
                   rp_map_reduce(pool, fold ? answer_nothing : pool_answer, work.items,
                                 fold ? 0 : sizeof *work.items, work.n, add, &sum, sizeof sum, NULL, NULL));
        measure_end_sum(&measure, fold ? "fold" : "reduce", i, sum);
    }
    work_free(&work);
    return rp_close(&pool) != RP_OK;
}
