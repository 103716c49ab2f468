/* montecarlo: an integral from random points, with its error bar, reduced where the points are drawn.
 *
 *     ./montecarlo [SEED]
 *
 * The integral of 1 / (1 + xyz) over the unit cube is 3/4 of Apery's constant, zeta(3). Each item draws
 * a block of points and answers with count, mean and sum of squared deviations from the mean; blocks
 * are combined on the way to the manager, which gets one estimate. Sums of values and of their squares
 * would do the same on paper, but lose all digits of the error where it is small beside the mean.
 *
 * The points depend on the seed and the block alone, and rp_map_reduce combines in a fixed tree: so all
 * digits are the same for any number of workers. Ten times the points make the error 3.2 times smaller. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rankpool/rankpool.h>

enum { POINTS = 1000 }; /* a block */

struct estimate {
    double count, mean, deviation; /* the latter: the sum of (value - mean)^2 */
};

/* A uniform number in [0, 1), from the word's upper 53 bits. */
static double uniform(uint64_t word)
{
    return (double)(word >> 11) * 0x1p-53;
}

/* The task: a block, with the updates of Welford, "Note on a method for calculating corrected sums of
 * squares and products", Technometrics 4 (1962). */
static int draw(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    struct estimate block = {0};
    for (int i = 0; i < POINTS; i++) {
        uint64_t words[3];
        rp_random(call, words, 3);
        double value = 1 / (1 + uniform(words[0]) * uniform(words[1]) * uniform(words[2]));
        double off = value - block.mean;
        block.count++;
        block.mean += off / block.count;
        block.deviation += off * (value - block.mean);
    }
    return rp_return(call, &block, sizeof block);
}

/* Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
 * variances", Stanford STAN-CS-79-773 (1979). */
static void combine(void *into, const void *from, size_t size)
{
    (void)size;
    struct estimate *a = into;
    const struct estimate *b = from;
    double count = a->count + b->count, off = b->mean - a->mean;
    a->mean += off * b->count / count;
    a->deviation += b->deviation + off * off * a->count * b->count / count;
    a->count = count;
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (rp_open(RP_OPTIONS(.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 0), &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    rp_status status = RP_OK;
    for (size_t blocks = 10; blocks <= 10000 && !status; blocks *= 10) {
        struct estimate all;
        status = rp_map_reduce(pool, draw, NULL, 0, blocks, combine, &all, sizeof all, NULL, NULL);
        if (!status)
            printf("%8.0f points: %.16f +- %.10f\n", all.count, all.mean,
                   sqrt(all.deviation / (all.count - 1) / all.count));
    }
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    return rp_close(&pool) || status ? EXIT_FAILURE : EXIT_SUCCESS;
}
