/* Reductions of nothing, of items that fail, and calls from inside of them. */
#include "reduce.h"

#include <stdlib.h>

/* ---- Ends ------------------------------------------------------------------------------------ */

TEST_CASE(nothing_is_reduced_to_nothing)
{
    rp_pool *pool = suite_open(NULL);
    double out = 5;
    rp_map_report report = {.done = 7};
    CHECK_STATUS(
        rp_map_reduce(pool, reduce_sum_of_input, NULL, 8, 0, reduce_add, &out, sizeof out, NULL, &report),
        RP_OK);
    CHECK(out == 5);
    CHECK_UINT(report.done + report.failed + report.cancelled + report.first_failed, 0);
    suite_close(pool);
}

/* Items that fail: multiples of a number, by answering so many bytes or, of as many as are expected,
 * by refusing. */
struct trouble {
    size_t every, length;
};

static int make_trouble(rp_call *call, const void *in, size_t size)
{
    const struct trouble *trouble = rp_common(call, NULL);
    char bytes[100] = {0};
    size_t i = rp_call_index(call);
    if (i == 0 || i % trouble->every)
        return reduce_sum_of_input(call, in, size);
    return trouble->length == sizeof(double) ? rp_fail(call, "%zu is refused", i)
                                             : rp_return(call, bytes, trouble->length);
}

TEST_CASE(a_failed_item_leaves_the_others_to_run_and_the_result_untouched)
{
    enum { n = 1000, every = 97 };
    static const size_t chunks[] = {0, 1, 7, n};
    const struct trouble trouble = {every, sizeof(double)};
    rp_pool *pool = suite_open(NULL);
    size_t *in = reduce_numbers(n), result_sizes[n];
    rp_status statuses[n];
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        double out = 77;
        rp_map_report report;
        check_note("chunk %zu", chunks[c]);
        CHECK_STATUS(rp_map_reduce(pool, make_trouble, in, sizeof *in, n, reduce_add, &out, sizeof out,
                                   RP_MAP_OPTIONS(.chunk = chunks[c], .common = &trouble,
                                                  .common_size = sizeof trouble, .statuses = statuses,
                                                  .sizes = result_sizes),
                                   &report),
                     RP_TASK_FAILED);
        CHECK(out == 77);
        CHECK_UINT(report.first_failed, every);
        CHECK_UINT(report.failed, (n - 1) / every);
        CHECK_UINT(report.done, n - (n - 1) / every);
        CHECK_UINT(report.cancelled, 0);
        CHECK_HAS(report.message, "item 97 ");
        CHECK_HAS(rp_last_error(pool), "97 is refused");
        for (size_t i = 0; i < n; i++) {
            bool fails = i && i % every == 0;
            CHECK_STATUS(statuses[i], fails ? RP_TASK_FAILED : RP_OK);
            CHECK_UINT(result_sizes[i], fails ? 0 : sizeof(double));
        }
    }
    free(in);
    suite_close(pool);
}

TEST_CASE(a_result_of_another_size_fails_its_item_and_both_sizes_are_told)
{
    static const struct {
        size_t length;
        const char *sentence;
    } lengths[] = {{0, "0 bytes is shorter than the 8 that are combined"},
                   {7, "7 bytes is shorter than the 8 that are combined"},
                   {9, "9 bytes does not fit into the 8"},
                   {100, "100 bytes does not fit into the 8"}};
    rp_pool *pool = suite_open(NULL);
    size_t *in = reduce_numbers(50);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        const struct trouble trouble = {40, lengths[k].length};
        double out = 77;
        rp_map_report report;
        CHECK_STATUS(rp_map_reduce(pool, make_trouble, in, sizeof *in, 50, reduce_add, &out, sizeof out,
                                   RP_MAP_OPTIONS(.common = &trouble, .common_size = sizeof trouble),
                                   &report),
                     RP_TASK_FAILED);
        CHECK(out == 77);
        CHECK_UINT(report.failed, 1);
        CHECK_UINT(report.first_failed, 40);
        CHECK_HAS(report.message, lengths[k].sentence);
    }
    free(in);
    suite_close(pool);
}

TEST_CASE(a_reduction_that_stops_at_a_failure_does_not_start_the_rest)
{
    enum { n = 100000 };
    const struct trouble trouble = {500, sizeof(double)};
    rp_pool *pool = suite_open(NULL);
    size_t *in = reduce_numbers(n);
    rp_status *statuses = malloc(n * sizeof *statuses);
    rp_map_report report;
    double out = 77;
    REQUIRE(statuses);
    CHECK_STATUS(rp_map_reduce(pool, make_trouble, in, sizeof *in, n, reduce_add, &out, sizeof out,
                               RP_MAP_OPTIONS(.schedule = "dynamic", .chunk = 10, .common = &trouble,
                                              .common_size = sizeof trouble, .statuses = statuses,
                                              .stop_at_failure = true),
                               &report),
                 RP_TASK_FAILED);
    CHECK(out == 77);
    CHECK_UINT(report.done + report.failed + report.cancelled, n);
    CHECK(report.failed >= 1 && report.cancelled > 0);
    size_t done = 0, cancelled = 0;
    for (size_t i = 0; i < n; i++) {
        done += statuses[i] == RP_OK;
        cancelled += statuses[i] == RP_CANCELLED;
    }
    CHECK_UINT(report.done, done);
    CHECK_UINT(report.cancelled, cancelled);
    CHECK_STATUS(statuses[report.first_failed], RP_TASK_FAILED);
    free(statuses);
    free(in);
    suite_close(pool);
}

TEST_CASE(results_beyond_any_memory_fail_their_items)
{
    rp_pool *pool = suite_open(NULL);
    double out = 77;
    rp_map_report report;
    CHECK_STATUS(
        rp_map_reduce(pool, reduce_sum_of_index, NULL, 0, 20, reduce_add, &out, SIZE_MAX / 4, NULL, &report),
        RP_NO_MEMORY);
    CHECK_UINT(report.failed, 20);
    CHECK_HAS(report.message, "no memory for a result of");
    CHECK(out == 77);
    suite_close(pool);
}

/* ---- Calls from inside ------------------------------------------------------------------------- */

static rp_pool *outer; /* in the manager; workers have none */

/* A result counts the calls in it that were not refused. */
static void calling_combine(void *into, const void *from, size_t size)
{
    size_t *a = into;
    const size_t *b = from;
    rp_pool *pool = NULL;
    (void)size;
    rp_status status = outer ? rp_map(outer, reduce_sum_of_input, NULL, 0, 5, NULL, 0) : rp_open(NULL, &pool);
    *a += *b + (status != RP_INVALID);
}

static int answer_none(rp_call *call, const void *in, size_t size)
{
    const size_t none = 0;
    (void)in, (void)size;
    return rp_return(call, &none, sizeof none);
}

TEST_CASE(calls_on_a_pool_from_inside_of_combine_are_refused)
{
    static const size_t chunks[] = {0, 1, 50};
    rp_pool *pool = suite_open(NULL);
    outer = pool;
    for (size_t c = 0; c < 3; c++) {
        size_t out = 77;
        CHECK_STATUS(rp_map_reduce(pool, answer_none, NULL, 0, 100, calling_combine, &out, sizeof out,
                                   RP_MAP_OPTIONS(.chunk = chunks[c], .schedule = "dynamic"), NULL),
                     RP_OK);
        CHECK_UINT(out, 0);
    }
    outer = NULL;
    suite_close(pool);
}

struct inner {
    rp_pool *pool;
    double out;
    rp_status status;
};

static void reduce_inside(rp_future *future, void *arg)
{
    struct inner *inner = arg;
    (void)future;
    inner->status = rp_map_reduce(inner->pool, reduce_sum_of_index, NULL, 0, 1000, reduce_add, &inner->out,
                                  sizeof inner->out, NULL, NULL);
}

TEST_CASE(a_callback_may_reduce_while_a_reduction_waits)
{
    enum { n = 50000 };
    rp_pool *pool = suite_open(NULL);
    struct inner inner = {pool, 0, RP_BUSY};
    double serial, wanted, out;
    rp_future *future;
    reduce_serially(&reduce_sum, 0, n, &serial);
    reduce_serially(&reduce_sum, 0, 1000, &wanted);
    REQUIRE_STATUS(rp_submit(pool, answer_none, NULL, 0, &future), RP_OK);
    REQUIRE_STATUS(rp_on_done(future, reduce_inside, &inner), RP_OK);
    CHECK_STATUS(rp_map_reduce(pool, reduce_sum_of_index, NULL, 0, n, reduce_add, &out, sizeof out,
                               RP_MAP_OPTIONS(.chunk = 10), NULL),
                 RP_OK);
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    CHECK_STATUS(inner.status, RP_OK);
    CHECK_MEM(&inner.out, &wanted, sizeof wanted);
    CHECK_MEM(&out, &serial, sizeof serial);
    rp_release(&future);
    suite_close(pool);
}
