/* What `rankpool doctor` starts on all nodes: a message to every worker and back, and a map over all of them.
 * The manager says in the form of facts.h how that went; a sentence on standard error says what did not. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rankpool/rankpool.h>

enum { MESSAGE = 1 << 20, ITEMS_A_WORKER = 1000 };

static int echo(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

static int square(rp_call *call, const void *in, size_t size)
{
    uint64_t number;
    (void)size;
    memcpy(&number, in, sizeof number);
    number *= number;
    return rp_return(call, &number, sizeof number);
}

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "rankpool-trial: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The longest way there and back, in seconds. */
static double send_around(rp_pool *pool, const unsigned char *message)
{
    double longest = 0;
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        rp_future *future;
        rp_view view;
        double from = now();
        if (rp_submit_with(pool, echo, message, MESSAGE, RP_TASK_OPTIONS(.worker = worker), &future))
            give_up("a message", rp_last_error(pool));
        if (rp_result(future, &view))
            give_up("a message", rp_error(future));
        if (view.size != MESSAGE || memcmp(view.data, message, MESSAGE) != 0)
            give_up("a message", "it came back as another one");
        if (now() - from > longest)
            longest = now() - from;
        rp_release(&future);
    }
    return longest;
}

static void map_all(rp_pool *pool)
{
    size_t n = (size_t)ITEMS_A_WORKER * (size_t)rp_workers(pool);
    uint64_t *in = calloc(n, sizeof *in), *out = calloc(n, sizeof *out);
    if (!in || !out)
        give_up("a map", "no memory");
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    if (rp_map(pool, square, in, sizeof *in, n, out, sizeof *out))
        give_up("a map", rp_last_error(pool));
    for (size_t i = 0; i < n; i++)
        if (out[i] != i * i)
            give_up("a map", "a result is wrong");
    free(in);
    free(out);
}

static int count_hosts(const rp_pool *pool)
{
    int hosts = 0;
    rp_worker_info info, before;
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        bool known = false;
        if (rp_worker(pool, worker, &info))
            give_up("the workers", rp_last_error(pool));
        for (int other = 1; other < worker && !known; other++)
            known = !rp_worker(pool, other, &before) && strcmp(before.host, info.host) == 0;
        hosts += !known;
    }
    return hosts;
}

int main(void)
{
    rp_pool *pool;
    static unsigned char message[MESSAGE];
    for (size_t i = 0; i < MESSAGE; i++)
        message[i] = (unsigned char)(i * 2654435761u >> 8);
    if (rp_open(RP_OPTIONS(.progress = -1), &pool))
        give_up("the pool", rp_last_error(NULL));
    double longest = send_around(pool, message);
    map_all(pool);
    printf("rankpool facts 1\nhosts=%d\nworkers=%d\nmessage_ms=%.1f\nend\n", count_hosts(pool),
           rp_workers(pool), 1e3 * longest);
    return rp_close(&pool) != RP_OK;
}
