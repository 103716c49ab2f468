/* Reductions: however many workers take part and however items are cut and ordered, the result has
 * the bits of the fixed tree, which is written down here once more as a recursion. */
#include "suite/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const schedules[] = {"auto", "static", "dynamic", "guided", "factoring", "adaptive"};
#define SCHEDULES (sizeof schedules / sizeof *schedules)

/* ---- What is reduced ------------------------------------------------------------------------- */

/* A result as the serial program computes it: of item i, and of two neighbours. */
struct operation {
    const char *name;
    size_t size;
    rp_fn *fn;
    rp_combine *combine;
    void (*leaf)(size_t i, void *out);
};

/* Sums of numbers of very different sizes: another order, other bits. */
static void sum_leaf(size_t i, void *out)
{
    double x = ldexp((double)(data_mix(i) >> 11), (int)(data_mix(i + 77) % 60) - 30);
    if (i % 3 == 1)
        x = -x;
    memcpy(out, &x, sizeof x);
}

static void sum_combine(void *into, const void *from, size_t size)
{
    double *a = into;
    const double *b = from;
    *a += size == sizeof *a ? *b : NAN;
}

static int sum_task(rp_call *call, const void *in, size_t size)
{
    double x;
    if (size != sizeof(size_t))
        return rp_fail(call, "%zu bytes", size);
    sum_leaf(*(const size_t *)in, &x);
    return rp_return(call, &x, sizeof x);
}

/* Products of 2x2 matrices, modulo 2^64: not commutative. */
static void matrix_leaf(size_t i, void *out)
{
    uint64_t m[4];
    for (unsigned k = 0; k < 4; k++)
        m[k] = data_mix(4 * i + k);
    memcpy(out, m, sizeof m);
}

static void matrix_combine(void *into, const void *from, size_t size)
{
    uint64_t a[4];
    const uint64_t *b = from;
    memcpy(a, into, sizeof a);
    uint64_t c[4] = {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2],
                     a[2] * b[1] + a[3] * b[3]};
    memcpy(into, c, size);
}

static int matrix_task(rp_call *call, const void *in, size_t size)
{
    void *room = rp_reserve(call, 4 * sizeof(uint64_t));
    if (!room || size != sizeof(size_t))
        return 1;
    matrix_leaf(*(const size_t *)in, room);
    return 0;
}

/* Digests of digests: neither commutative nor associative. */
static void digest_leaf(size_t i, void *out)
{
    data_fill(out, 5000, i);
}

static void digest_combine(void *into, const void *from, size_t size)
{
    uint64_t left = data_digest(into, size), right = data_digest(from, size);
    data_fill(into, size, 3 * left + data_mix(right));
}

static int digest_task(rp_call *call, const void *in, size_t size)
{
    void *room = rp_reserve(call, 5000);
    if (!room || size != sizeof(size_t))
        return 1;
    digest_leaf(*(const size_t *)in, room);
    return 0;
}

static const struct operation sum = {"sum", sizeof(double), sum_task, sum_combine, sum_leaf};
static const struct operation matrix = {"matrix", 4 * sizeof(uint64_t), matrix_task, matrix_combine,
                                        matrix_leaf};
static const struct operation digest = {"digest", 5000, digest_task, digest_combine, digest_leaf};

/* Items are halved at the largest power of two below their number. */
static void reduce_serially(const struct operation *operation, size_t from, size_t n, void *out)
{
    size_t half = 1;
    if (n == 1) {
        operation->leaf(from, out);
        return;
    }
    while (2 * half < n)
        half *= 2;
    void *right = malloc(operation->size);
    REQUIRE(right);
    reduce_serially(operation, from, half, out);
    reduce_serially(operation, from + half, n - half, right);
    operation->combine(out, right, operation->size);
    free(right);
}

static size_t *numbers(size_t n)
{
    size_t *in = malloc((n + 1) * sizeof *in);
    REQUIRE(in);
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    return in;
}

static void check(rp_pool *pool, const struct operation *operation, const size_t *in, size_t n,
                  const void *serial, const rp_map_options *options)
{
    rp_map_report report;
    void *out = malloc(operation->size);
    REQUIRE(out);
    CHECK_STATUS(rp_map_reduce(pool, operation->fn, in, sizeof *in, n, operation->combine, out,
                               operation->size, options, &report),
                 RP_OK);
    CHECK_MEM(out, serial, operation->size);
    CHECK_UINT(report.done, n);
    CHECK_UINT(report.first_failed, n);
    free(out);
}

/* By every schedule, with chunks and without, with costs and without. */
static void check_all(rp_pool *pool, const struct operation *operation, size_t n, const size_t *chunks,
                      size_t chunk_count)
{
    size_t *in = numbers(n);
    void *serial = malloc(operation->size);
    double *cost = malloc((n + 1) * sizeof *cost);
    REQUIRE(serial && cost);
    reduce_serially(operation, 0, n, serial);
    for (size_t i = 0; i < n; i++)
        cost[i] = (double)(data_mix(i) % 100);
    for (size_t s = 0; s < SCHEDULES; s++)
        for (size_t c = 0; c < 2 * chunk_count; c++) {
            const double *hints = c % 2 ? cost : NULL;
            check_note("%s of %zu, %s, chunk %zu%s", operation->name, n, schedules[s], chunks[c / 2],
                       hints ? ", by cost" : "");
            check(pool, operation, in, n, serial,
                  RP_MAP_OPTIONS(.schedule = schedules[s], .chunk = chunks[c / 2], .cost = hints));
        }
    check_note("%s", "");
    free(cost);
    free(serial);
    free(in);
}

/* ---- Bits ------------------------------------------------------------------------------------ */

TEST_CASE(sums_have_the_bits_of_the_tree_for_any_number_of_items_and_any_cut)
{
    static const size_t n[] = {1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 127, 128, 129, 1000},
                        chunks[] = {0, 1, 2, 3, 7, 16, 5000};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &sum, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

TEST_CASE(sums_of_many_items_have_the_bits_of_the_tree)
{
    static const size_t n[] = {65535, 65536, 65537, 100000}, chunks[] = {0, 1000};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &sum, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

TEST_CASE(results_are_combined_in_the_order_of_their_items)
{
    static const size_t n[] = {1, 2, 6, 63, 64, 65, 1000, 20001}, chunks[] = {0, 1, 13};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &matrix, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

TEST_CASE(long_results_are_combined_as_the_tree_says)
{
    static const size_t n[] = {1, 2, 3, 50, 257}, chunks[] = {0, 1, 5};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &digest, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}
