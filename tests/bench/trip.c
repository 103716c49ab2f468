/* Round trips: bench_trip N GAP
 * One empty task after the other to an idle pool, the manager asleep for GAP microseconds before
 * each. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool.h"

static double trip_us(rp_pool *pool)
{
    int64_t steps = 0;
    rp_future *future;
    double begun = work_now();
    pool_check(pool, rp_submit(pool, pool_answer, &steps, sizeof steps, &future));
    pool_check(pool, rp_result(future, NULL));
    double us = (work_now() - begun) * 1e6;
    rp_release(&future);
    return us;
}

int main(int argc, char **argv)
{
    rp_pool *pool = pool_open();
    size_t n = argument_count(argc, argv, 1, 1000), gap = argument_count(argc, argv, 2, 0);
    double *us = calloc(n + 1, sizeof *us);
    if (!us || !n)
        return 2;
    for (int i = 0; i < 100; i++)
        trip_us(pool);
    for (size_t i = 0; i < n; i++) {
        if (gap)
            usleep((useconds_t)gap);
        us[i] = trip_us(pool);
    }
    work_sort(us, n);
    printf("TRIP gap=%zu n=%zu least=%.2f median=%.2f p99=%.2f most=%.2f\n", gap, n, us[0], us[n / 2],
           us[n * 99 / 100], us[n - 1]);
    free(us);
    return rp_close(&pool) != RP_OK;
}
