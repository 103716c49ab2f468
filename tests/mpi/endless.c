/* Millions of items and tasks: memory is bounded by what is under way, in the manager and in its
 * workers, not by how many there are. */
#include "suite/suite.h"

#include <stdlib.h>

#define GROWTH ((size_t)16 << 20)
#define MEMBER 64

static int mix(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    if (size != sizeof value)
        return rp_fail(call, "%zu bytes", size);
    memcpy(&value, in, sizeof value);
    value = data_mix(value);
    return rp_return(call, &value, sizeof value);
}

/* ---- What is resident ----------------------------------------------------------------------- */

/* Of the manager, 0, and of the workers: before, and the most since then. Memory that is shared
 * counts in each. */
struct residents {
    size_t before[MEMBER], most[MEMBER];
};

static int begin_measure(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    process_forget();
    size_t resident = process_resident();
    return rp_return(call, &resident, sizeof resident);
}

static int end_measure(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    size_t peak = process_peak();
    return rp_return(call, &peak, sizeof peak);
}

static void ask_workers(rp_pool *pool, rp_fn *fn, size_t *answers)
{
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        rp_future *future;
        rp_view view;
        rp_task_options options = RP_TASK_OPTIONS_INIT;
        options.worker = worker;
        REQUIRE_STATUS(rp_submit_with(pool, fn, NULL, 0, &options, &future), RP_OK);
        REQUIRE_STATUS(rp_result(future, &view), RP_OK);
        memcpy(&answers[worker], view.data, sizeof *answers);
        rp_release(&future);
    }
}

static void begin_case(void)
{
    check_seconds(120);
    if (process_is_inspected())
        SKIP_CASE("memory is more than the program's own here");
}

static rp_pool *open_measured(struct residents *residents)
{
    rp_pool *pool = suite_open(NULL);
    REQUIRE(rp_workers(pool) < MEMBER);
    ask_workers(pool, begin_measure, residents->before);
    process_forget();
    residents->before[0] = process_resident();
    return pool;
}

static void close_measured(rp_pool *pool, struct residents *residents, size_t growth)
{
    residents->most[0] = process_peak();
    ask_workers(pool, end_measure, residents->most);
    for (int i = 0; i <= rp_workers(pool); i++) {
        check_note("worker %d grew from %zu KiB to %zu", i, residents->before[i] >> 10,
                   residents->most[i] >> 10);
        CHECK(residents->before[i] > 0 && residents->most[i] >= residents->before[i]);
        CHECK(residents->most[i] - residents->before[i] <= growth);
    }
    check_note("%s", "");
    suite_close(pool);
}

/* ---- Streams -------------------------------------------------------------------------------- */

struct flow {
    uint64_t n, drawn, given, wrong;
    unsigned char *seen; /* a bit each */
};

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    if (flow->drawn == flow->n)
        return 0;
    *item = (rp_view){&flow->drawn, sizeof flow->drawn};
    flow->drawn++; /* the item is the number of those drawn, from 1 */
    return 1;
}

static int take(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    uint64_t value = 0;
    (void)error;
    if (result.size == sizeof value)
        memcpy(&value, result.data, sizeof value);
    unsigned char bit = (unsigned char)(1 << index % 8);
    bool first = index < flow->n && !(flow->seen[index / 8] & bit);
    flow->wrong += status || !first || value != data_mix(index + 1);
    if (first)
        flow->seen[index / 8] |= bit;
    flow->given++;
    return 0;
}

TEST_CASE(ten_million_streamed_items_keep_the_memory_of_all_bounded)
{
    begin_case();
    struct residents residents = {0};
    struct flow flow = {.n = 10000000};
    flow.seen = calloc(flow.n / 8 + 1, 1);
    REQUIRE(flow.seen);
    memset(flow.seen, 0, flow.n / 8 + 1); /* it is resident */
    rp_pool *pool = open_measured(&residents);
    CHECK_STATUS(rp_stream(pool, mix, draw, take, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, flow.n);
    CHECK_UINT(flow.wrong, 0);
    close_measured(pool, &residents, GROWTH);
    free(flow.seen);
}

static int fail(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "item %zu fails with a sentence that is too long for a note", rp_call_index(call));
}

static int count_failed(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    (void)index;
    flow->wrong += status != RP_TASK_FAILED || result.size || !error[0];
    flow->given++;
    return 0;
}

TEST_CASE(a_million_items_that_fail_keep_the_memory_of_all_bounded)
{
    begin_case();
    struct residents residents = {0};
    struct flow flow = {.n = 1000000};
    rp_pool *pool = open_measured(&residents);
    CHECK_STATUS(rp_stream(pool, fail, draw, count_failed, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, flow.n);
    CHECK_UINT(flow.wrong, 0);
    close_measured(pool, &residents, GROWTH);
}

enum { PAGES = 8 * 4096 };

static int draw_pages(void *state, rp_view *item)
{
    struct flow *flow = state;
    static unsigned char pages[PAGES];
    memset(pages, (int)(flow->drawn & 255), sizeof pages);
    *item = (rp_view){pages, sizeof pages};
    return flow->drawn < flow->n ? (int)!!++flow->drawn : 0;
}

static int take_pages(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    const unsigned char *pages = result.data;
    (void)error;
    flow->wrong += status || result.size != PAGES || pages[0] != (index & 255) ||
                   memcmp(pages, pages + 1, PAGES - 1) != 0;
    flow->given++;
    return 0;
}

/* 1.25 GiB each way. */
TEST_CASE(streamed_items_of_32_kibibytes_keep_the_memory_of_all_bounded)
{
    begin_case();
    struct residents residents = {0};
    struct flow flow = {.n = 40000};
    rp_pool *pool = open_measured(&residents);
    CHECK_STATUS(rp_stream(pool, task_echo, draw_pages, take_pages, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, flow.n);
    CHECK_UINT(flow.wrong, 0);
    close_measured(pool, &residents, 16 * GROWTH);
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

TEST_CASE(a_million_submitted_tasks_keep_the_memory_of_all_bounded)
{
    enum { window = 1000 };
    bool at_once = suite_has_neighbours(); /* a leader that works alone has one at a time */
    const uint64_t n = at_once ? 1000000 : 20000;
    begin_case();
    struct residents residents = {0};
    rp_pool *pool = open_measured(&residents);
    size_t count = 0, wrong = 0, before = (size_t)rp_workers(pool); /* tasks that measured */
    for (uint64_t i = 0; i < n + window; i++) {
        if (i < n)
            REQUIRE_STATUS(rp_submit(pool, mix, &i, sizeof i, NULL), RP_OK);
        if (i < window)
            continue;
        rp_future *future = rp_next(pool, RP_FOREVER);
        rp_view view;
        uint64_t wanted = data_mix(rp_index(future) - before);
        wrong += rp_result(future, &view) || view.size != 8 || memcmp(view.data, &wanted, 8) != 0;
        count += future != NULL;
        rp_release(&future);
    }
    CHECK_UINT(count, n);
    CHECK_UINT(wrong, 0);
    close_measured(pool, &residents, GROWTH);
}

TEST_CASE(a_map_of_millions_keeps_the_memory_of_all_bounded)
{
    enum { n = 4000000 };
    begin_case();
    struct residents residents = {0};
    uint64_t *in = calloc(n, sizeof *in), *out = calloc(n, sizeof *out);
    REQUIRE(in && out);
    for (size_t i = 0; i < n; i++) /* both are resident */
        in[i] = i, out[i] = 1;
    rp_pool *pool = open_measured(&residents);
    CHECK_STATUS(rp_map(pool, mix, in, sizeof *in, n, out, sizeof *out), RP_OK);
    close_measured(pool, &residents, GROWTH);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += out[i] != data_mix(i);
    CHECK_UINT(wrong, 0);
    free(in);
    free(out);
}
