/* Queues: bench_queue N REPETITIONS
 * A task puts N items of 8 bytes: the manager gets them (get), or another task does (pass), where
 * there are two workers. */
#include <stdio.h>
#include <string.h>

#include "pool.h"

struct job {
    rp_queue_id queue;
    uint64_t count;
};

static int produce(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    (void)size;
    for (uint64_t i = 0; i < job->count; i++)
        if (rp_call_put(call, job->queue, &i, sizeof i, RP_FOREVER))
            return 1;
    return 0;
}

static int consume(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    (void)size;
    for (uint64_t i = 0; i < job->count; i++)
        if (rp_call_get(call, job->queue, NULL, RP_FOREVER))
            return 1;
    return 0;
}

static void submit(rp_pool *pool, rp_fn *fn, const struct job *job)
{
    pool_check(pool, rp_submit(pool, fn, job, sizeof *job, NULL));
}

/* Seconds for all items. */
static double run(rp_pool *pool, size_t n, bool passes)
{
    rp_queue *queue;
    pool_check(pool, rp_queue_open(pool, 0, &queue));
    struct job job = {rp_queue_id_of(queue), n};
    double begun = work_now();
    submit(pool, produce, &job);
    if (passes)
        submit(pool, consume, &job);
    for (size_t i = 0; !passes && i < n; i++)
        pool_check(pool, rp_get(queue, NULL, RP_FOREVER));
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
        pool_check(pool, rp_result(future, NULL));
    double seconds = work_now() - begun;
    pool_check(pool, rp_queue_close(&queue));
    return seconds;
}

int main(int argc, char **argv)
{
    static const char *const ways[] = {"get", "pass"};
    rp_pool *pool = pool_open();
    size_t n = argument_count(argc, argv, 1, 1000000);
    int repetitions = (int)argument_count(argc, argv, 2, 3);
    for (int way = 0; way < (rp_workers(pool) > 1 ? 2 : 1); way++)
        for (int i = 0; i < repetitions; i++) {
            double seconds = run(pool, n, way == 1);
            printf("QUEUE what=%s n=%zu repetition=%d seconds=%.9f rate=%.0f\n", ways[way], n, i, seconds,
                   (double)n / seconds);
        }
    return rp_close(&pool) != RP_OK;
}
