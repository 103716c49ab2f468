/* What an idle pool costs: bench_idle HOW SECONDS
 * HOW the manager waits: "sleep" in sleep(2), "next" in rp_next and "wait" in rp_wait, for a task
 * that sleeps. Prints the processor seconds that each process used a second. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"

static void sleep_for(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left))
        ;
}

static int sleeping_task(rp_call *call, const void *in, size_t size)
{
    double seconds;
    if (size != sizeof seconds)
        return rp_fail(call, "%zu bytes are not a time", size);
    memcpy(&seconds, in, sizeof seconds);
    sleep_for(seconds);
    return 0;
}

static void be_idle(rp_pool *pool, const char *how, double seconds)
{
    rp_future *future = NULL;
    if (strcmp(how, "sleep") == 0) {
        sleep_for(seconds);
    } else if (strcmp(how, "next") == 0) {
        pool_check(pool, rp_submit(pool, sleeping_task, &seconds, sizeof seconds, NULL));
        future = rp_next(pool, RP_FOREVER);
        pool_check(pool, rp_result(future, NULL));
    } else {
        pool_check(pool, rp_submit(pool, sleeping_task, &seconds, sizeof seconds, &future));
        pool_check(pool, rp_wait(future, RP_FOREVER));
    }
    rp_release(&future);
}

static long pid_of(const rp_pool *pool, int worker)
{
    rp_worker_info info;
    pool_check(pool, rp_worker(pool, worker, &info));
    return info.pid;
}

int main(int argc, char **argv)
{
    rp_pool *pool = pool_open();
    const char *how = argument(argc, argv, 1, "sleep");
    double seconds = atof(argument(argc, argv, 2, "1"));
    int processes = rp_workers(pool) + 1;
    double *used = calloc((size_t)processes, sizeof *used), most = 0;
    be_idle(pool, how, 0.01); /* everybody has started */
    if (!used)
        return 2;
    for (int i = 0; i < processes; i++)
        used[i] = work_cpu(pid_of(pool, i));
    double parent = work_cpu(getppid()), begun = work_now();
    be_idle(pool, how, seconds);
    seconds = work_now() - begun;
    for (int i = 0; i < processes; i++) {
        used[i] = (work_cpu(pid_of(pool, i)) - used[i]) / seconds;
        most = i && used[i] > most ? used[i] : most;
    }
    parent = (work_cpu(getppid()) - parent) / seconds;
    printf("IDLE how=%s seconds=%.3f manager=%.5f worker=%.5f parent=%.5f\n", how, seconds, used[0], most,
           parent);
    free(used);
    return rp_close(&pool) != RP_OK;
}
