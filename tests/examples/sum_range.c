/* sum_range: the sum of 0 .. n-1 for four n, first one after the other, then over the pool.
 *
 *     ./sum_range                    on all cores
 *     mpirun -n 3 ./sum_range        on two ranks beside the manager's
 *
 * rp_map takes its arrays as qsort does: sums[i] answers numbers[i]. Results are in the order of
 * the inputs, whichever worker computed them, and however long each took. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rankpool/rankpool.h>

static const uint64_t numbers[] = {11000000, 23000000, 53000000, 34000000};
enum { COUNT = sizeof numbers / sizeof *numbers };

/* `volatile` makes the compiler do each addition: it knows that this loop is n(n-1)/2. */
static uint64_t sum_below(uint64_t n)
{
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum = sum + i;
    return sum;
}

/* The same as a task: the input is n. */
static int sum_task(rp_call *call, const void *in, size_t size)
{
    (void)size;
    uint64_t sum = sum_below(*(const uint64_t *)in);
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

    uint64_t expected[COUNT], sums[COUNT];
    double began = now();
    for (size_t i = 0; i < COUNT; i++)
        expected[i] = sum_below(numbers[i]);
    double serial = now() - began;

    began = now();
    rp_status status = rp_map(pool, sum_task, numbers, sizeof *numbers, COUNT, sums, sizeof *sums);
    double parallel = now() - began;

    bool right = status == RP_OK;
    if (!right)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    for (size_t i = 0; i < COUNT && right; i++) {
        right = sums[i] == expected[i] && sums[i] == numbers[i] * (numbers[i] - 1) / 2;
        printf("0 + 1 + .. + %ju = %ju%s\n", (uintmax_t)numbers[i] - 1, (uintmax_t)sums[i],
               right ? "" : ", which is wrong");
    }
    printf("one after the other: %.3f s; workers: %d, %.3f s; speed-up: %.2f\n", serial, rp_workers(pool),
           parallel, serial / parallel);
    return rp_close(&pool) || !right ? EXIT_FAILURE : EXIT_SUCCESS;
}
