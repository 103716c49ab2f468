/* rp_map, rp_map_with and rp_map_range give what a loop would give. */
#include "suite/suite.h"

#include <stdlib.h>

#define N 3000

static uint64_t answer_of(uint64_t value, size_t index)
{
    return data_mix(value) + index;
}

static int answer(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    if (size != sizeof value)
        return rp_fail(call, "%zu bytes", size);
    memcpy(&value, in, sizeof value);
    uint64_t result = answer_of(value, rp_call_index(call));
    return rp_return(call, &result, sizeof result);
}

/* Items that are multiples of the common argument fail fail. */
static int refuse_multiples(rp_call *call, const void *in, size_t size)
{
    size_t common_size;
    const int *every = rp_common(call, &common_size);
    uint64_t value;
    memcpy(&value, in, sizeof value);
    if (common_size == sizeof *every && value % (uint64_t)*every == 0)
        return rp_fail(call, "%llu is refused", (unsigned long long)value);
    return answer(call, in, size);
}

static uint64_t *values(size_t n)
{
    uint64_t *in = malloc((n + 1) * sizeof *in);
    REQUIRE(in);
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    return in;
}

static bool all_answers_are_right(const uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (out[i] != answer_of(i, i))
            return CHECK_UINT(out[i], answer_of(i, i));
    return true;
}

TEST_CASE(ordered_results_equal_the_serial_ones)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 1000, 4096, 30011};
    rp_pool *pool = suite_open(NULL);
    uint64_t *in = values(30011), *out = values(30011);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_note("%zu items", sizes[i]);
        memset(out, 0xee, 30011 * sizeof *out);
        CHECK_STATUS(rp_map(pool, answer, in, sizeof *in, sizes[i], out, sizeof *out), RP_OK);
        all_answers_are_right(out, sizes[i]);
    }
    CHECK_STR(rp_last_error(pool), "");
    free(in);
    free(out);
    suite_close(pool);
}

TEST_CASE(an_empty_map_returns_at_once)
{
    rp_pool *pool = suite_open(NULL);
    rp_map_report report = {.done = 9, .failed = 9, .cancelled = 9, .first_failed = 9};
    uint64_t out = 5;
    CHECK_STATUS(rp_map(pool, answer, NULL, 8, 0, &out, 8), RP_OK);
    CHECK_STATUS(rp_map(pool, answer, NULL, 0, 0, NULL, 0), RP_OK);
    CHECK_STATUS(rp_map_range(pool, answer, 7, 7, NULL, 0), RP_OK);
    CHECK_STATUS(rp_map_with(pool, answer, NULL, 8, 0, NULL, 0, NULL, &report), RP_OK);
    CHECK_UINT(report.done + report.failed + report.cancelled + report.first_failed + report.chunks, 0);
    CHECK_STR(report.message, "");
    CHECK_UINT(out, 5);
    suite_close(pool);
}

static int mark_index(rp_call *call, const void *in, size_t size)
{
    size_t length;
    struct stage *stage = stage_at(rp_common(call, &length));
    (void)in, (void)size;
    if (!stage)
        return rp_fail(call, "there is no stage");
    atomic_fetch_add(&stage->runs[rp_call_index(call)], 1);
    return 0;
}

TEST_CASE(every_item_runs_once)
{
    rp_pool *pool = suite_open(NULL);
    stage_reset();
    rp_map_report report;
    CHECK_STATUS(rp_map_with(pool, mark_index, NULL, 0, STAGE_ITEMS, NULL, 0,
                             RP_MAP_OPTIONS(.common = stage_path(), .common_size = strlen(stage_path()) + 1),
                             &report),
                 RP_OK);
    for (size_t i = 0; i < STAGE_ITEMS; i++)
        if (stage()->runs[i] != 1)
            CHECK_FAILED("item %zu ran %d times", i, stage()->runs[i]);
    CHECK_UINT(report.done, STAGE_ITEMS);
    suite_close(pool);
}

TEST_CASE(a_failing_item_leaves_its_siblings_and_the_report_names_the_lowest)
{
    static const size_t chunks[] = {0, 1, 7, N};
    const int every = 97;
    const uint64_t untouched = 0xeeeeeeeeeeeeeeee;
    rp_pool *pool = suite_open(NULL);
    uint64_t *in = values(N), *out = values(N);
    rp_status statuses[N];
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        check_note("chunk %zu", chunks[c]);
        memset(out, 0xee, N * sizeof *out);
        rp_map_report report;
        /* Items 1..N: so that the lowest that fails, 97, is not the first. */
        rp_status status = rp_map_with(pool, refuse_multiples, in + 1, sizeof *in, N - 1, out, sizeof *out,
                                       RP_MAP_OPTIONS(.chunk = chunks[c], .common = &every,
                                                      .common_size = sizeof every, .statuses = statuses),
                                       &report);
        CHECK_STATUS(status, RP_TASK_FAILED);
        for (size_t i = 0; i < N - 1; i++) {
            bool fails = (i + 1) % 97 == 0;
            CHECK_STATUS(statuses[i], fails ? RP_TASK_FAILED : RP_OK);
            CHECK_UINT(out[i], fails ? untouched : answer_of(i + 1, i));
        }
        CHECK_UINT(report.failed, (N - 1) / 97);
        CHECK_UINT(report.done, N - 1 - (N - 1) / 97);
        CHECK_UINT(report.cancelled, 0);
        CHECK_UINT(report.first_failed, 96);
        CHECK_HAS(report.message, "97 is refused");
        CHECK_HAS(report.message, "item 96 ");
        CHECK_HAS(report.message, "code 1 ");
        CHECK_HAS(rp_last_error(pool), "97 is refused");
    }
    free(in);
    free(out);
    suite_close(pool);
}

TEST_CASE(all_items_may_fail)
{
    const int every = 1;
    rp_pool *pool = suite_open(NULL);
    uint64_t *in = values(N);
    rp_map_report report;
    CHECK_STATUS(rp_map_with(pool, refuse_multiples, in, sizeof *in, N, NULL, 0,
                             RP_MAP_OPTIONS(.common = &every, .common_size = sizeof every), &report),
                 RP_TASK_FAILED);
    CHECK_UINT(report.failed, N);
    CHECK_UINT(report.first_failed, 0);
    CHECK_HAS(report.message, "0 is refused");
    free(in);
    suite_close(pool);
}

/* ---- Results of other sizes than their slots ----------------------------------------------- */

/* Item i answers i bytes, each of them i. */
static int answer_as_many(rp_call *call, const void *in, size_t size)
{
    size_t i = rp_call_index(call);
    unsigned char bytes[256];
    (void)in, (void)size;
    memset(bytes, (int)i, sizeof bytes);
    return rp_return(call, bytes, i);
}

static int reserve_as_many(rp_call *call, const void *in, size_t size)
{
    size_t i = rp_call_index(call);
    void *room = rp_reserve(call, i);
    (void)in, (void)size;
    if (!room)
        return 5;
    memset(room, (int)i, i);
    return 0;
}

/* In an array of the pool's a failing item may have written to its slot. */
static void check_slots(rp_fn *fn, size_t slot, bool is_pools)
{
    enum { n = 100 };
    static unsigned char mine[n * 100], wanted[100];
    rp_status statuses[n];
    size_t sizes[n];
    rp_map_report report;
    rp_pool *pool = suite_open(NULL);
    unsigned char *out = is_pools ? rp_alloc(pool, sizeof mine) : mine;
    REQUIRE(out);
    memset(out, 0xee, sizeof mine);
    CHECK_STATUS(rp_map_with(pool, fn, NULL, 0, n, out, slot,
                             RP_MAP_OPTIONS(.statuses = statuses, .sizes = sizes), &report),
                 slot < n - 1 ? RP_TASK_FAILED : RP_OK);
    for (size_t i = 0; i < n; i++) {
        check_note("item %zu in slots of %zu bytes", i, slot);
        bool fits = i <= slot;
        CHECK_STATUS(statuses[i], fits ? RP_OK : RP_TASK_FAILED);
        CHECK_UINT(sizes[i], fits ? i : 0);
        memset(wanted, 0xee, sizeof wanted);
        if (fits)
            memset(wanted, (int)i, i);
        if (fits || !is_pools)
            CHECK_MEM(out + i * slot, wanted, slot);
    }
    check_note("slots of %zu bytes", slot);
    CHECK_UINT(report.first_failed, slot < n - 1 ? slot + 1 : n);
    CHECK_UINT(report.failed, slot < n - 1 ? n - 1 - slot : 0);
    if (slot < n - 1)
        CHECK_HAS(report.message, "bytes");
    suite_close(pool);
}

TEST_CASE(a_longer_result_fails_its_item_and_a_shorter_one_leaves_the_rest_of_the_slot)
{
    static const size_t slots[] = {0, 1, 8, 50, 99, 100};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        check_slots(answer_as_many, slots[i], false);
        check_slots(reserve_as_many, slots[i], false);
        check_slots(answer_as_many, slots[i], true);
        check_slots(reserve_as_many, slots[i], true);
    }
}

TEST_CASE(results_are_dropped_where_there_is_no_place_for_them)
{
    rp_pool *pool = suite_open(NULL);
    rp_map_report report;
    CHECK_STATUS(rp_map_with(pool, answer_as_many, NULL, 0, 200, NULL, 0, NULL, &report), RP_OK);
    CHECK_UINT(report.done, 200);
    CHECK_STATUS(rp_map(pool, reserve_as_many, NULL, 0, 200, NULL, 0), RP_OK);
    suite_close(pool);
}

TEST_CASE(the_report_counts_items_claims_and_time)
{
    rp_pool *pool = suite_open(NULL);
    uint64_t *in = values(N), *out = values(N);
    rp_map_report report;
    double begun = suite_seconds();
    CHECK_STATUS(rp_map_with(pool, answer, in, sizeof *in, N, out, sizeof *out, NULL, &report), RP_OK);
    CHECK_UINT(report.done, N);
    CHECK_UINT(report.failed + report.cancelled, 0);
    CHECK_UINT(report.first_failed, N);
    CHECK(report.chunks >= 1 && report.chunks <= N);
    CHECK(report.seconds > 0 && report.seconds <= suite_seconds() - begun);
    CHECK_STR(report.message, "");
    free(in);
    free(out);
    suite_close(pool);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static int answer_value(rp_call *call, const void *in, size_t size)
{
    return size == sizeof(uint64_t) ? rp_return(call, in, size) : rp_fail(call, "%zu bytes", size);
}

TEST_CASE(a_range_maps_over_its_integers)
{
    static const struct {
        uint64_t begin, end;
    } ranges[] = {{0, 1},
                  {0, 5000},
                  {5, 7},
                  {(UINT64_C(1) << 32) - 200, (UINT64_C(1) << 32) + 200},
                  {UINT64_C(1) << 40, (UINT64_C(1) << 40) + 999},
                  {(UINT64_C(1) << 63) - 2500, (UINT64_C(1) << 63) + 2500},
                  {UINT64_MAX - 300, UINT64_MAX}};
    static uint64_t out[5000];
    rp_pool *pool = suite_open(NULL);
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        uint64_t begin = ranges[r].begin, n = ranges[r].end - begin;
        check_note("from %llu", (unsigned long long)begin);
        CHECK_STATUS(rp_map_range(pool, answer_value, begin, ranges[r].end, out, sizeof *out), RP_OK);
        for (uint64_t i = 0; i < n; i++)
            if (out[i] != begin + i) {
                CHECK_UINT(out[i], begin + i);
                break;
            }
    }
    CHECK_STATUS(rp_map_range(pool, answer, 100, 200, out, sizeof *out), RP_OK);
    for (uint64_t i = 0; i < 100; i++)
        CHECK_UINT(out[i], answer_of(100 + i, i));
    suite_close(pool);
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

static int answer_alignment(rp_call *call, const void *in, size_t size)
{
    unsigned char aligned = (uintptr_t)in % _Alignof(max_align_t) == 0;
    (void)size;
    return rp_return(call, &aligned, 1);
}

TEST_CASE(inputs_whose_size_allows_it_are_aligned_for_any_type)
{
    enum { n = 2000 };
    static _Alignas(max_align_t) unsigned char in[n * 48];
    unsigned char out[n];
    rp_pool *pool = suite_open(NULL);
    for (size_t size = 16; size <= 48; size += 16) {
        CHECK_STATUS(rp_map(pool, answer_alignment, in, size, n, out, 1), RP_OK);
        for (size_t i = 0; i < n; i++)
            CHECK_INT(out[i], 1);
    }
    suite_close(pool);
}

static int answer_digest_with_common(rp_call *call, const void *in, size_t size)
{
    size_t length;
    const void *common = rp_common(call, &length);
    uint64_t digest = data_digest(in, size);
    if (!common != !length)
        return rp_fail(call, "%zu bytes at %p", length, common);
    digest += length ? data_digest(common, length) : 1;
    return rp_return(call, &digest, sizeof digest);
}

TEST_CASE(all_items_see_the_common_argument)
{
    static const size_t sizes[] = {0, 1, 8, 63, 4096, 100001, 5 << 20};
    enum { n = 40 };
    char *common = malloc(5 << 20);
    uint64_t *in = values(n), out[n];
    rp_pool *pool = suite_open(NULL);
    REQUIRE(common);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        check_note("%zu bytes in common", sizes[s]);
        data_fill(common, sizes[s], s);
        uint64_t part = sizes[s] ? data_digest(common, sizes[s]) : 1;
        CHECK_STATUS(rp_map_with(pool, answer_digest_with_common, in, sizeof *in, n, out, sizeof *out,
                                 RP_MAP_OPTIONS(.common = common, .common_size = sizes[s]), NULL),
                     RP_OK);
        for (size_t i = 0; i < n; i++)
            CHECK_UINT(out[i], data_digest(&in[i], sizeof in[i]) + part);
    }
    /* The next map has none. */
    CHECK_STATUS(rp_map(pool, answer_digest_with_common, in, sizeof *in, 1, out, sizeof *out), RP_OK);
    CHECK_UINT(out[0], data_digest(&in[0], sizeof in[0]) + 1);
    free(common);
    free(in);
    suite_close(pool);
}
