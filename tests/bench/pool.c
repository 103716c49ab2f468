#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rp_pool *pool_open(void)
{
    rp_pool *pool;
    pool_check(NULL, rp_open(RP_OPTIONS(.progress = -1), &pool));
    return pool;
}

void pool_check(const rp_pool *pool, rp_status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s: %s\n", rp_strerror(status), rp_last_error(pool));
    exit(1);
}

/* mpirun's variables are to be seen only where the program itself was started by it. Where manager and
 * leaders do not compute, the caller says how many do. */
int pool_cores(const rp_pool *pool)
{
    const char *cores = getenv("BENCH_CORES");
    if (cores)
        return atoi(cores);
    return rp_workers(pool) + (getenv("OMPI_COMM_WORLD_SIZE") && rp_workers(pool) > 0);
}

int pool_answer(rp_call *call, const void *in, size_t size)
{
    int64_t steps;
    if (size != sizeof steps)
        return rp_fail(call, "%zu bytes are not an item", size);
    memcpy(&steps, in, sizeof steps);
    double answer = work_answer(steps);
    return rp_return(call, &answer, sizeof answer);
}
