/* Payload: bench_echo SIZE N REPETITIONS
 * N items of SIZE bytes go to a worker and come back: one by one as tasks, all as tasks with a
 * window of four, and in one map. Bytes are counted in both directions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define WINDOW 4

static int echo(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

struct payload {
    rp_pool *pool;
    size_t size, n;
    char *in, *out; /* n items */
};

static void take(struct payload *payload, size_t first)
{
    rp_view view;
    rp_future *future = rp_next(payload->pool, RP_FOREVER);
    pool_check(payload->pool, rp_result(future, &view));
    if (view.size != payload->size ||
        memcmp(view.data, payload->in + (rp_index(future) - first) * view.size, 8)) {
        fprintf(stderr, "task %zu did not echo its input\n", rp_index(future));
        exit(1);
    }
    rp_release(&future);
}

/* Returns how many tasks were submitted. */
static size_t by_tasks(struct payload *payload, size_t first, size_t window)
{
    size_t submitted = 0;
    for (size_t taken = 0; taken < payload->n; taken++) {
        for (; submitted < payload->n && submitted < taken + window; submitted++)
            pool_check(payload->pool, rp_submit(payload->pool, echo, payload->in + submitted * payload->size,
                                                payload->size, NULL));
        take(payload, first);
    }
    return payload->n;
}

static void by_map(struct payload *payload)
{
    pool_check(payload->pool, rp_map(payload->pool, echo, payload->in, payload->size, payload->n,
                                     payload->out, payload->size));
}

static void report(const struct payload *payload, const char *what, double begun)
{
    double seconds = work_now() - begun;
    printf("ECHO what=%s size=%zu n=%zu seconds=%.9f mbps=%.1f\n", what, payload->size, payload->n, seconds,
           2e-6 * (double)payload->size * (double)payload->n / seconds);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct payload payload = {.pool = pool_open()};
    payload.size = argument_count(argc, argv, 1, 1024);
    payload.n = argument_count(argc, argv, 2, 1000);
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    payload.in = malloc(payload.size * payload.n);
    payload.out = malloc(payload.size * payload.n);
    if (payload.size < 8 || !payload.in || !payload.out)
        return 2;
    memset(payload.out, 1, payload.size * payload.n); /* zeros might not be written */
    for (size_t i = 0; i < payload.n; i++)
        memset(payload.in + i * payload.size, (int)(i % 251), payload.size);

    size_t first = 0;
    for (int i = 0; i < repetitions; i++) {
        double begun = work_now();
        first += by_tasks(&payload, first, 1);
        report(&payload, "one", begun);
        begun = work_now();
        first += by_tasks(&payload, first, WINDOW);
        report(&payload, "window", begun);
        begun = work_now();
        by_map(&payload);
        report(&payload, "map", begun);
        if (memcmp(payload.in, payload.out, payload.size * payload.n)) {
            fprintf(stderr, "the map did not echo its inputs\n");
            return 1;
        }
    }
    free(payload.in);
    free(payload.out);
    return rp_close(&payload.pool) != RP_OK;
}
