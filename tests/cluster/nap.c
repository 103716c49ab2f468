/* How much of a map's time its workers work, in a link's delay.
 *
 *     nap ITEMS MICROSECONDS [BYTES]
 *
 * Maps so many items, which wait so long, with inputs and results of so many bytes (8), once to warm up and
 * three times more, and prints for each of those the seconds that it took and the seconds that one of its
 * workers would have waited with all others' help and no delay. */
#define _GNU_SOURCE
#include <rankpool/rankpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 1 << 16, ROUNDS = 3 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Tells how long it was, too: a busy machine wakes late, which is none of the link's. */
static int nap(rp_call *call, const void *in, size_t size)
{
    static unsigned char out[MOST];
    const long *naps = rp_common(call, NULL);
    double began = seconds();
    nanosleep(&(struct timespec){*naps / 1000000, *naps % 1000000 * 1000}, NULL);
    double took = seconds() - began;
    (void)in;
    memcpy(out, &took, sizeof took);
    return rp_return(call, out, size);
}

static int measure(rp_pool *pool, size_t items, long naps, size_t size, int round)
{
    unsigned char *data = calloc(items, size);
    rp_map_options options = RP_MAP_OPTIONS_INIT;
    double slept = 0, began = seconds();
    options.common = &naps;
    options.common_size = sizeof naps;
    if (rp_map_with(pool, nap, data, size, items, data, size, &options, NULL))
        return fprintf(stderr, "%s\n", rp_last_error(pool)), 1;
    double took = seconds() - began;
    for (size_t i = 0; i < items; i++) {
        double one;
        memcpy(&one, data + i * size, sizeof one);
        slept += one;
    }
    if (round)
        printf("%.4f %.4f\n", took, slept / rp_workers(pool));
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    int failed = 0;
    size_t items = argc > 2 ? strtoul(argv[1], NULL, 10) : 0,
           size = argc > 3 ? strtoul(argv[3], NULL, 10) : 8;
    if (!items || size < sizeof(double) || size > MOST)
        return fprintf(stderr, "usage: nap ITEMS MICROSECONDS [BYTES]\n"), 2;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 1;
    for (int round = 0; round <= ROUNDS && !failed; round++)
        failed = measure(pool, items, atol(argv[2]), size, round);
    return rp_close(&pool) != RP_OK || failed;
}
