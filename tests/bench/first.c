/* The first result: bench_first
 * Prints a line when a task's result is there; whoever started it takes the time. */
#include <stdio.h>

#include "pool.h"

int main(void)
{
    rp_pool *pool = pool_open();
    int64_t steps = 0;
    double answer;
    pool_check(pool, rp_map(pool, pool_answer, &steps, sizeof steps, 1, &answer, sizeof answer));
    printf("FIRST answer=%g\n", answer);
    fflush(stdout);
    return rp_close(&pool) != RP_OK;
}
