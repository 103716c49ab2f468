/* sum_squares: the sum of all squares below 5,000,000 + x for x = 0 .. 19, in a loop and by a map.
 *
 *     ./sum_squares                  on all cores
 *     RANKPOOL_WORKERS=4 ./sum_squares
 *
 * The loop is the plain program; rp_map_range is the same loop over the pool: the input of item x
 * is the number x itself. What differs is the time, which is shown for both. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rankpool/rankpool.h>

enum { FIRST = 5000000, COUNT = 20 };

/* These sums need 66 bits: a number is high * 10^18 + low, which is easily printed too. */
#define BASE UINT64_C(1000000000000000000)
struct big {
    uint64_t high, low;
};

/* Each step carries into the next, so that no compiler makes a formula of the loop. */
static struct big squares_below(uint64_t n)
{
    struct big sum = {0, 0};
    for (uint64_t i = 0; i < n; i++) {
        sum.low += i * i;
        if (sum.low >= BASE) {
            sum.low -= BASE;
            sum.high++;
        }
    }
    return sum;
}

static int squares_task(rp_call *call, const void *in, size_t size)
{
    (void)size;
    struct big sum = squares_below(FIRST + *(const uint64_t *)in);
    return rp_return(call, &sum, sizeof sum);
}

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void)
{
    rp_pool *pool;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    struct big expected[COUNT], sums[COUNT];
    double began = now();
    for (uint64_t x = 0; x < COUNT; x++)
        expected[x] = squares_below(FIRST + x);
    double serial = now() - began;

    began = now();
    rp_status status = rp_map_range(pool, squares_task, 0, COUNT, sums, sizeof *sums);
    double parallel = now() - began;

    bool right = status == RP_OK;
    if (!right)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    for (size_t x = 0; x < COUNT && right; x++) {
        right = memcmp(&sums[x], &expected[x], sizeof *sums) == 0;
        printf("squares below %zu: %" PRIu64 "%018" PRIu64 "%s\n", FIRST + x, sums[x].high, sums[x].low,
               right ? "" : ", which is wrong");
    }
    printf("one after the other: %.3f s; workers: %d, %.3f s; speed-up: %.2f\n", serial, rp_workers(pool),
           parallel, serial / parallel);
    return rp_close(&pool) || !right ? EXIT_FAILURE : EXIT_SUCCESS;
}
