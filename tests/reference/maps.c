#include "calls.h"

TEST_CASE(an_array_is_mapped)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_map]
    double in[4] = {1, 2, 3, 4}, out[4];
    if (rp_map(pool, square, in, sizeof *in, 4, out, sizeof *out))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    else
        printf("%g\n", out[3]); /* 16 */
    //! [rp_map]
    CHECK_NEAR(out[3], 16, 0);
    suite_close(pool);
}

TEST_CASE(an_array_is_mapped_with_hints_and_a_report)
{
    double in[4] = {1, 2, 3, 4}, cost[4] = {10, 10, 10, 3000}, out[4];
    rp_pool *pool = suite_open(NULL);
    //! [rp_map_with]
    rp_status statuses[4];
    rp_map_report report;
    const rp_map_options *options = RP_MAP_OPTIONS(.cost = cost, .statuses = statuses, .label = "squares");
    if (rp_map_with(pool, square, in, sizeof *in, 4, out, sizeof *out, options, &report))
        fprintf(stderr, "%zu failed, first %zu: %s\n", report.failed, report.first_failed, report.message);
    printf("%zu items in %g seconds\n", report.done, report.seconds);
    //! [rp_map_with]
    CHECK_UINT(report.done, 4);
    CHECK_STATUS(statuses[3], RP_OK);
    CHECK_NEAR(out[3], 16, 0);
    suite_close(pool);
}

//! [rp_map_range]
static int is_prime(rp_call *call, const void *in, size_t size)
{
    uint64_t n = *(const uint64_t *)in;
    bool prime = n > 1;
    for (uint64_t i = 2; prime && i * i <= n; i++)
        prime = n % i != 0;
    return rp_return(call, &prime, sizeof prime);
}

static rp_status find_primes(rp_pool *pool, bool primes[100])
{
    return rp_map_range(pool, is_prime, 1000, 1100, primes, sizeof *primes); /* primes[0] is of 1000 */
}
//! [rp_map_range]

TEST_CASE(a_range_is_mapped)
{
    bool primes[100];
    size_t count = 0;
    rp_pool *pool = suite_open(NULL);
    REQUIRE_STATUS(find_primes(pool, primes), RP_OK);
    for (int i = 0; i < 100; i++)
        count += primes[i];
    CHECK_UINT(count, 16);
    CHECK(primes[9]);
    suite_close(pool);
}

//! [rp_map_reduce]
static void add_up(void *into, const void *from, size_t size)
{
    *(double *)into += *(const double *)from;
}

static rp_status sum_squares(rp_pool *pool, const double *in, size_t n, double *sum)
{
    return rp_map_reduce(pool, square, in, sizeof *in, n, add_up, sum, sizeof *sum, NULL, NULL);
}
//! [rp_map_reduce]

TEST_CASE(an_array_is_mapped_to_one_value)
{
    double in[4] = {1, 2, 3, 4}, sum = 0;
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(sum_squares(pool, in, 4, &sum), RP_OK);
    CHECK_NEAR(sum, 30, 0);
    suite_close(pool);
}

//! [rp_stream]
struct numbers {
    double drawn, last, sum;
};

static int draw(void *state, rp_view *item)
{
    struct numbers *numbers = state;
    if (numbers->drawn == numbers->last)
        return 0;
    numbers->drawn++;
    *item = (rp_view){&numbers->drawn, sizeof numbers->drawn}; /* copied before the next call */
    return 1;
}

static int add(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct numbers *numbers = state;
    if (status)
        return fprintf(stderr, "item %zu: %s\n", index, error); /* not 0: ends the stream */
    numbers->sum += *(const double *)result.data;
    return 0;
}

static rp_status sum_drawn(rp_pool *pool, struct numbers *numbers)
{
    return rp_stream(pool, square, draw, add, numbers, RP_MAP_OPTIONS(.window = 100));
}
//! [rp_stream]

TEST_CASE(a_generator_is_mapped)
{
    struct numbers numbers = {.last = 10};
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(sum_drawn(pool, &numbers), RP_OK);
    CHECK_NEAR(numbers.sum, 385, 0);
    suite_close(pool);
}
