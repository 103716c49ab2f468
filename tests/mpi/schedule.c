/* However a map is cut, its results are the serial ones. */
#include "suite/suite.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const schedules[] = {"auto", "static", "dynamic", "guided", "factoring", "adaptive"};
#define SCHEDULES (sizeof schedules / sizeof *schedules)

/* An answer of as many bytes as the common argument says, filled by input and index. */
static int answer(rp_call *call, const void *in, size_t size)
{
    const size_t *length = rp_common(call, NULL);
    if (!length)
        return 0;
    void *room = rp_reserve(call, *length);
    if (!room)
        return 9;
    data_fill(room, *length, data_digest(in, size) + rp_call_index(call));
    return 0;
}

struct shape {
    size_t n, in_size, out_size;
};

struct arrays {
    struct shape shape;
    char *in, *out, *serial;
};

static struct arrays arrays_make(struct shape shape)
{
    struct arrays a = {.shape = shape};
    a.in = malloc(shape.n * shape.in_size + 1);
    a.out = malloc(shape.n * shape.out_size + 1);
    a.serial = malloc(shape.n * shape.out_size + 1);
    REQUIRE(a.in && a.out && a.serial);
    data_fill(a.in, shape.n * shape.in_size, shape.n);
    for (size_t i = 0; i < shape.n; i++)
        data_fill(a.serial + i * shape.out_size, shape.out_size,
                  data_digest(a.in + i * shape.in_size, shape.in_size) + i);
    return a;
}

static void arrays_free(struct arrays *a)
{
    free(a->in);
    free(a->out);
    free(a->serial);
}

static void check_map(rp_pool *pool, struct arrays *a, const char *schedule, size_t chunk, const double *cost)
{
    const struct shape *shape = &a->shape;
    rp_map_report report;
    check_note("%s, chunk %zu, %zu items of %zu bytes, results of %zu%s", schedule, chunk, shape->n,
               shape->in_size, shape->out_size, cost ? ", by cost" : "");
    memset(a->out, 0xee, shape->n * shape->out_size);
    CHECK_STATUS(rp_map_with(pool, answer, a->in, shape->in_size, shape->n, shape->out_size ? a->out : NULL,
                             shape->out_size,
                             RP_MAP_OPTIONS(.schedule = schedule, .chunk = chunk, .cost = cost,
                                            .common = &shape->out_size, .common_size = sizeof(size_t)),
                             &report),
                 RP_OK);
    CHECK_UINT(report.done, shape->n);
    CHECK_MEM(a->out, a->serial, shape->n * shape->out_size);
}

/* ---- Results ------------------------------------------------------------------------------- */

TEST_CASE(every_schedule_and_chunk_gives_the_same_result)
{
    enum { n = 37 };
    double cost[n];
    rp_pool *pool = suite_open(NULL);
    struct arrays a = arrays_make((struct shape){n, 8, 16});
    for (size_t i = 0; i < n; i++)
        cost[i] = (double)(data_mix(i) % 10);
    for (size_t s = 0; s < SCHEDULES; s++)
        for (size_t chunk = 0; chunk <= n + 2; chunk++)
            check_map(pool, &a, schedules[s], chunk, chunk % 3 ? NULL : cost);
    for (size_t s = 0; s < SCHEDULES; s++) {
        check_map(pool, &a, schedules[s], 1000 * n, NULL);
        check_map(pool, &a, schedules[s], SIZE_MAX / 2, NULL);
    }
    arrays_free(&a);
    suite_close(pool);
}

TEST_CASE(every_schedule_gives_the_same_result_for_few_and_many_items)
{
    static const size_t numbers[] = {1, 2, 3, 5, 8, 1000, 20000};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct arrays a = arrays_make((struct shape){numbers[i], 4, 4});
        for (size_t s = 0; s < SCHEDULES; s++) {
            check_map(pool, &a, schedules[s], 0, NULL);
            check_map(pool, &a, schedules[s], 3, NULL);
        }
        arrays_free(&a);
    }
    suite_close(pool);
}

/* Results dropped, shorter than items, longer and equal. */
static void check_sizes(size_t in_size, size_t n, const size_t *chunks, size_t chunk_count)
{
    const size_t results[] = {0, in_size / 2 + 1, in_size, 2 * in_size + 5};
    rp_pool *pool = suite_open(NULL);
    for (size_t r = 0; r < sizeof results / sizeof *results; r++) {
        struct arrays a = arrays_make((struct shape){n, in_size, results[r]});
        for (size_t s = 0; s < SCHEDULES; s++)
            for (size_t c = 0; c < chunk_count; c++)
                check_map(pool, &a, schedules[s], chunks[c], NULL);
        arrays_free(&a);
    }
    suite_close(pool);
}

TEST_CASE(items_and_results_of_any_size_come_back)
{
    static const size_t sizes[] = {0, 1, 7, 8, 1000}, chunks[] = {0, 1, 2, 13, 300, 301, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_sizes(sizes[i], 300, chunks, sizeof chunks / sizeof *chunks);
}

TEST_CASE(items_longer_than_a_block_come_back)
{
    check_sizes(100000, 11, (const size_t[]){0, 2, 12}, 3);
}

TEST_CASE(items_of_some_mebibytes_come_back)
{
    rp_pool *pool = suite_open(NULL);
    static const size_t results[] = {0, 3 << 20, 5};
    for (size_t r = 0; r < sizeof results / sizeof *results; r++) {
        struct arrays a = arrays_make((struct shape){5, 3 << 20, results[r]});
        for (size_t s = 0; s < SCHEDULES; s++)
            check_map(pool, &a, schedules[s], s, NULL);
        arrays_free(&a);
    }
    suite_close(pool);
}

TEST_CASE(the_pools_own_schedule_and_chunk_count_where_a_map_names_none)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.schedule = "dynamic", .chunk = 10));
    uint32_t out[1000];
    rp_map_report pools, maps;
    size_t length = sizeof *out;
    rp_map_options options = RP_MAP_OPTIONS_INIT;
    options.common = &length, options.common_size = sizeof length;
    CHECK_STATUS(rp_map_with(pool, answer, NULL, 0, 1000, out, sizeof *out, &options, &pools), RP_OK);
    options.chunk = 100;
    CHECK_STATUS(rp_map_with(pool, answer, NULL, 0, 1000, out, sizeof *out, &options, &maps), RP_OK);
    CHECK(pools.chunks >= 100 && pools.chunks <= 102);
    CHECK(maps.chunks >= 10 && maps.chunks <= 12);
    suite_close(pool);
}

/* ---- Who gets what ------------------------------------------------------------------------- */

static int answer_pid(rp_call *call, const void *in, size_t size)
{
    rp_worker_info here;
    (void)in, (void)size;
    return rp_here(call, &here) ? 2 : rp_return(call, &here.pid, sizeof here.pid);
}

TEST_CASE(static_gives_each_process_one_block_of_equal_length)
{
    enum { n = 1003 };
    long pids[n];
    rp_pool *pool = suite_open(NULL);
    size_t executors = (size_t)suite_executors(pool), blocks = 1, length = 1;
    CHECK_STATUS(rp_map_with(pool, answer_pid, NULL, 0, n, pids, sizeof *pids,
                             RP_MAP_OPTIONS(.schedule = "static"), NULL),
                 RP_OK);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && pids[i] == pids[i - 1]) {
            length++;
            continue;
        }
        CHECK(length == n / executors || length == n / executors + 1);
        length = 1;
        blocks += i < n;
    }
    CHECK_UINT(blocks, executors);
    suite_close(pool);
}

TEST_CASE(dynamic_claims_chunks_of_the_size_asked_for)
{
    enum { n = 1000 };
    static const size_t chunks[] = {1, 3, 10, 64, 999, 1000};
    rp_pool *pool = suite_open(NULL);
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        rp_map_report report;
        check_note("chunk %zu", chunks[c]);
        CHECK_STATUS(rp_map_with(pool, answer_pid, NULL, 0, n, NULL, 0,
                                 RP_MAP_OPTIONS(.schedule = "dynamic", .chunk = chunks[c]), &report),
                     RP_OK);
        /* Where workers take from the low end and the manager from the high one, one is cut short. */
        size_t least = (n + chunks[c] - 1) / chunks[c];
        CHECK(report.chunks >= least && report.chunks <= least + 1);
    }
    suite_close(pool);
}

TEST_CASE(guided_and_factoring_take_ever_shorter_runs)
{
    enum { n = 10000 };
    static const char *const shrinking[] = {"guided", "factoring"};
    rp_pool *pool = suite_open(NULL);
    for (size_t s = 0; s < 2; s++) {
        rp_map_report report;
        check_note("%s", shrinking[s]);
        CHECK_STATUS(rp_map_with(pool, answer_pid, NULL, 0, n, NULL, 0,
                                 RP_MAP_OPTIONS(.schedule = shrinking[s]), &report),
                     RP_OK);
        CHECK(report.chunks >= (suite_executors(pool) > 1 ? 2 : 1) && report.chunks < n / 2);
    }
    suite_close(pool);
}
