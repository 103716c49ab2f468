/* Reductions: however many workers take part and however items are cut and ordered, the result has
 * the bits of the fixed tree. */
#include "reduce.h"

#include <stdlib.h>

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
    size_t *in = reduce_numbers(n);
    void *serial = malloc(operation->size);
    double *cost = malloc((n + 1) * sizeof *cost);
    REQUIRE(serial && cost);
    reduce_serially(operation, 0, n, serial);
    for (size_t i = 0; i < n; i++)
        cost[i] = (double)(data_mix(i) % 100);
    for (size_t s = 0; s < REDUCE_SCHEDULES; s++)
        for (size_t c = 0; c < 2 * chunk_count; c++) {
            const double *hints = c % 2 ? cost : NULL;
            check_note("%s of %zu, %s, chunk %zu%s", operation->name, n, reduce_schedules[s], chunks[c / 2],
                       hints ? ", by cost" : "");
            check(pool, operation, in, n, serial,
                  RP_MAP_OPTIONS(.schedule = reduce_schedules[s], .chunk = chunks[c / 2], .cost = hints));
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
        check_all(pool, &reduce_sum, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

TEST_CASE(sums_of_many_items_have_the_bits_of_the_tree)
{
    static const size_t n[] = {65535, 65537}, chunks[] = {0, 1000};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &reduce_sum, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

TEST_CASE(results_are_combined_in_the_order_of_their_items)
{
    static const size_t n[] = {1, 2, 6, 63, 64, 65, 1000, 20001}, chunks[] = {0, 1, 13};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &reduce_matrix, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

TEST_CASE(long_results_are_combined_as_the_tree_says)
{
    static const size_t n[] = {1, 2, 3, 50, 257}, chunks[] = {0, 1, 5};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        check_all(pool, &reduce_digest, n[i], chunks, sizeof chunks / sizeof *chunks);
    suite_close(pool);
}

static void product_combine(void *into, const void *from, size_t size)
{
    unsigned char *a = into;
    const unsigned char *b = from;
    for (size_t k = 0; k < size; k += 4096)
        a[k] = (unsigned char)(3 * a[k] + b[k]);
}

/* One byte a page: much memory, little work. */
static int huge_task(rp_call *call, const void *in, size_t size)
{
    unsigned char *room = rp_reserve(call, call->capacity);
    (void)in, (void)size;
    if (!room)
        return 1;
    for (size_t k = 0; k < call->capacity; k += 4096)
        room[k] = (unsigned char)data_mix(rp_call_index(call) + k);
    return 0;
}

static unsigned char huge_byte(size_t from, size_t n, size_t k)
{
    size_t half = 1;
    if (n == 1)
        return (unsigned char)data_mix(from + k);
    while (2 * half < n)
        half *= 2;
    return (unsigned char)(3 * huge_byte(from, half, k) + huge_byte(from + half, n - half, k));
}

TEST_CASE(results_of_8_mebibytes_are_combined)
{
    enum { n = 45, size = 8 << 20 };
    rp_pool *pool = suite_open(NULL);
    unsigned char *out = calloc(size, 1);
    REQUIRE(out);
    for (size_t s = 0; s < 3; s++) {
        CHECK_STATUS(rp_map_reduce(pool, huge_task, NULL, 0, n, product_combine, out, size,
                                   RP_MAP_OPTIONS(.schedule = reduce_schedules[s]), NULL),
                     RP_OK);
        for (size_t k = 0; k < size; k += 4096)
            if (!CHECK_UINT(out[k], huge_byte(0, n, k)))
                break;
    }
    free(out);
    suite_close(pool);
}

TEST_CASE(a_million_items_without_inputs_are_reduced)
{
    enum { n = 1000000 };
    rp_pool *pool = suite_open(NULL);
    double serial, out;
    rp_map_report report;
    reduce_serially(&reduce_sum, 0, n, &serial);
    CHECK_STATUS(
        rp_map_reduce(pool, reduce_sum_of_index, NULL, 0, n, reduce_add, &out, sizeof out, NULL, &report),
        RP_OK);
    CHECK_MEM(&out, &serial, sizeof out);
    CHECK_UINT(report.done, n);
    CHECK(report.chunks >= 1 && report.chunks < n / 10);
    CHECK(report.seconds > 0);
    CHECK_STR(report.message, "");
    suite_close(pool);
}

TEST_CASE(arrays_of_rp_alloc_are_reduced_in_place)
{
    enum { n = 30000 };
    rp_pool *pool = suite_open(NULL);
    size_t *in = rp_alloc(pool, n * sizeof *in);
    uint64_t *out = rp_alloc(pool, reduce_matrix.size), serial[4];
    REQUIRE(in && out);
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    reduce_serially(&reduce_matrix, 0, n, serial);
    for (size_t s = 0; s < REDUCE_SCHEDULES; s++) {
        memset(out, 0, reduce_matrix.size);
        CHECK_STATUS(rp_map_reduce(pool, reduce_matrix.fn, in, sizeof *in, n, reduce_matrix.combine, out,
                                   reduce_matrix.size, RP_MAP_OPTIONS(.schedule = reduce_schedules[s]), NULL),
                     RP_OK);
        CHECK_MEM(out, serial, reduce_matrix.size);
    }
    rp_free(pool, in);
    rp_free(pool, out);
    suite_close(pool);
}
