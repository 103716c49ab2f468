/* Memory that tasks share: bench_arrays N REPETITIONS [BYTES]
 * A map of N empty items over private arrays and over arrays of rp_alloc by turns; rp_share of BYTES
 * beside two plain copies of them. `ratio` is a rate over the private arrays', and a time over that of
 * the copies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

struct arrays {
    int64_t *items;
    double *results;
};

/* Items a second. */
static double run_map(rp_pool *pool, const struct arrays *arrays, size_t n)
{
    memset(arrays->results, 0, n * sizeof *arrays->results);
    double begun = work_now();
    rp_status status = rp_map(pool, pool_answer, arrays->items, sizeof *arrays->items, n, arrays->results,
                              sizeof *arrays->results);
    double seconds = work_now() - begun;
    pool_check(pool, status);
    for (size_t i = 0; i < n; i++) {
        if (arrays->results[i] != work_answer(0)) {
            fprintf(stderr, "item %zu is wrong\n", i);
            exit(1);
        }
    }
    return (double)n / seconds;
}

static int read_last(rp_call *call, const void *in, size_t in_size)
{
    rp_share_id id;
    size_t size;
    (void)in_size;
    memcpy(&id, in, sizeof id);
    const char *data = rp_shared(call, id, &size);
    return data ? rp_return(call, data + size - 1, 1) : rp_fail(call, "nothing is shared");
}

static double time_share(rp_pool *pool, const char *data, size_t size)
{
    char last = 0;
    rp_share_id id;
    double begun = work_now();
    pool_check(pool, rp_share(pool, data, size, &id));
    double seconds = work_now() - begun;
    pool_check(pool, rp_map(pool, read_last, &id, sizeof id, 1, &last, 1));
    if (last != data[size - 1]) {
        fprintf(stderr, "the share is wrong\n");
        exit(1);
    }
    pool_check(pool, rp_unshare(pool, id));
    return seconds;
}

/* To fresh memory each time, as a share is. */
static double time_copies(const char *data, size_t size)
{
    double begun = work_now();
    for (int i = 0; i < 2; i++) {
        char *copy = malloc(size);
        if (!copy)
            exit(2);
        memcpy(copy, data, size);
        __asm__ volatile("" ::"r"(copy) : "memory");
        free(copy);
    }
    return work_now() - begun;
}

int main(int argc, char **argv)
{
    rp_pool *pool = pool_open();
    size_t n = argument_count(argc, argv, 1, 1000000), size = argument_count(argc, argv, 3, 0);
    int repetitions = (int)argument_count(argc, argv, 2, 3);
    struct arrays own = {calloc(n, 8), calloc(n, 8)}, placed = {rp_alloc(pool, n * 8), rp_alloc(pool, n * 8)};
    char *data = malloc(size + 1);
    if (!own.items || !own.results || !placed.items || !placed.results || !data)
        return 2;
    memset(placed.items, 0, n * 8);
    memset(data, 7, size + 1);
    for (int i = 0; i < repetitions; i++) {
        double rate = run_map(pool, &own, n), in_place = run_map(pool, &placed, n);
        printf("ARRAYS n=%zu repetition=%d rate=%.0f private=%.0f ratio=%.4f\n", n, i, in_place, rate,
               in_place / rate);
        if (!size)
            continue;
        double copies = time_copies(data, size), share = time_share(pool, data, size);
        printf("SHARE size=%zu repetition=%d seconds=%.6f copies=%.6f ratio=%.4f\n", size, i, share, copies,
               share / copies);
    }
    free(own.items);
    free(own.results);
    free(data);
    return rp_close(&pool) != RP_OK;
}
