/* Streams: behaviours 12, 13 and 14. */
#include <stdlib.h>
#include <string.h>

#include "suite/suite.h"

struct flow {
    rp_pool *pool;
    size_t n;                  /* items of the source */
    size_t item_size;          /* 0: of varying sizes */
    int fails_with;            /* what the source returns at its end */
    size_t stops_after;        /* results; 0: never */
    size_t drawn, given, most; /* items; most that were between source and sink */
    size_t failed, wrong;
    unsigned char *seen;
    char *item;
};

static size_t size_of_item(const struct flow *flow, size_t index)
{
    return flow->item_size ? flow->item_size : 8 + index * 31 % 4000;
}

static size_t size_of_result(size_t index)
{
    return index % 500 == 1 ? 300000 : index * 7919 % 3000;
}

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    if (flow->drawn == flow->n)
        return flow->fails_with;
    size_t index = flow->drawn++, size = size_of_item(flow, index);
    memset(flow->item, (int)(index & 255), size);
    memcpy(flow->item, &index, sizeof index);
    if (flow->drawn - flow->given > flow->most)
        flow->most = flow->drawn - flow->given;
    *item = (rp_view){flow->item, size};
    return 1;
}

/* Answers bytes that tell the index; fails for every hundredth item. */
static int answer(rp_call *call, const void *in, size_t size)
{
    size_t index;
    memcpy(&index, in, sizeof index);
    if (index != rp_call_index(call) || (size > 8 && ((const unsigned char *)in)[size - 1] != (index & 255)))
        return rp_fail(call, "input %zu is not item %zu", index, rp_call_index(call));
    if (index % 100 == 99)
        return rp_fail(call, "item %zu is bad", index);
    unsigned char *room = rp_reserve(call, size_of_result(index));
    if (!room)
        return 9;
    memset(room, (int)(index * 3 & 255), size_of_result(index));
    return 0;
}

static bool is_right(size_t index, rp_status status, rp_view result, const char *error)
{
    const unsigned char *bytes = result.data;
    if (index % 100 == 99)
        return status == RP_TASK_FAILED && strstr(error, "is bad") && strstr(error, "worker");
    if (status || result.size != size_of_result(index))
        return false;
    for (size_t i = 0; i < result.size; i += 61)
        if (bytes[i] != (index * 3 & 255))
            return false;
    return true;
}

static int take(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    flow->given++;
    flow->failed += status != RP_OK;
    flow->wrong += !is_right(index, status, result, error) || index >= flow->n || flow->seen[index]++;
    return flow->stops_after && flow->given == flow->stops_after;
}

static struct flow flow_of(rp_pool *pool, size_t n)
{
    struct flow flow = {.pool = pool, .n = n};
    flow.seen = calloc(n < 1000000 ? n : 1000000, 1);
    flow.item = malloc(5000);
    REQUIRE(flow.seen && flow.item);
    return flow;
}

static void flow_free(struct flow *flow)
{
    free(flow->seen);
    free(flow->item);
}

TEST_CASE(a_stream_gives_each_item_once_whatever_the_sizes)
{
    rp_pool *pool = suite_open(NULL);
    struct flow flow = flow_of(pool, 5000);
    CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, 5000);
    CHECK_UINT(flow.failed, 50);
    CHECK_UINT(flow.wrong, 0);
    flow_free(&flow);
    suite_close(pool);
}

TEST_CASE(drawn_minus_given_never_exceeds_the_window)
{
    rp_pool *pool = suite_open(NULL);
    const size_t windows[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct flow flow = flow_of(pool, 2000);
        CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, RP_MAP_OPTIONS(.window = windows[i])), RP_OK);
        CHECK(flow.most <= windows[i]);
        CHECK_UINT(flow.given, 2000);
        CHECK_UINT(flow.wrong, 0);
        flow_free(&flow);
    }
    suite_close(pool);
}

TEST_CASE(a_sink_stops_an_endless_source)
{
    rp_pool *pool = suite_open(NULL);
    struct flow flow = flow_of(pool, 1000000);
    flow.stops_after = 300;
    CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, RP_MAP_OPTIONS(.window = 50)), RP_CANCELLED);
    CHECK_UINT(flow.given, 300);
    CHECK(flow.drawn <= 350);
    CHECK_HAS(rp_last_error(pool), "sink");
    flow_free(&flow);
    suite_close(pool);
}

TEST_CASE(a_failing_source_ends_the_stream_after_the_results_under_way)
{
    rp_pool *pool = suite_open(NULL);
    struct flow flow = flow_of(pool, 777);
    flow.fails_with = -3;
    CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, NULL), RP_TASK_FAILED);
    CHECK_UINT(flow.given, 777);
    CHECK_HAS(rp_last_error(pool), "-3");
    flow_free(&flow);
    suite_close(pool);
}

TEST_CASE(an_empty_stream_returns_at_once)
{
    rp_pool *pool = suite_open(NULL);
    struct flow flow = flow_of(pool, 0);
    CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, 0);
    flow_free(&flow);
    suite_close(pool);
}

static int draw_numbers(void *state, rp_view *item)
{
    struct flow *flow = state;
    *item = (rp_view){&flow->drawn, sizeof flow->drawn};
    return flow->drawn < flow->n ? (flow->drawn++, 1) : 0;
}

/* Uses the pool while its result is still to be read. */
static int take_and_map(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    uint64_t ninety_nine = 99, out = 0, before, after;
    (void)error, (void)index;
    memcpy(&before, result.data, sizeof before);
    flow->wrong += status || rp_map(flow->pool, task_echo, &ninety_nine, 8, 1, &out, 8) || out != 99;
    flow->wrong += rp_submit(flow->pool, NULL, NULL, 0, NULL) != RP_INVALID;
    flow->wrong += rp_close(&flow->pool) != RP_INVALID;
    memcpy(&after, result.data, sizeof after);
    flow->wrong += before != after || before == 0 || before > flow->n;
    flow->given++;
    return flow->given == 40;
}

TEST_CASE(a_sink_may_use_the_pool_but_not_close_it)
{
    rp_pool *pool = suite_open(NULL);
    struct flow flow = {.pool = pool, .n = 60};
    CHECK_STATUS(rp_stream(pool, task_echo, draw_numbers, take_and_map, &flow, RP_MAP_OPTIONS(.window = 5)),
                 RP_CANCELLED);
    CHECK_UINT(flow.wrong, 0);
    CHECK_HAS(rp_last_error(pool), "the sink stopped");
    suite_close(pool);
}

static int draw_null(void *state, rp_view *item)
{
    struct flow *flow = state;
    *item = (rp_view){NULL, flow->drawn < 60 ? 0 : 5};
    return (int)!!++flow->drawn;
}

static int count(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    (void)index, (void)error;
    flow->given += !status && !result.size;
    return 0;
}

TEST_CASE(bytes_at_null_end_the_stream_after_the_results_under_way)
{
    rp_pool *pool = suite_open(NULL);
    struct flow flow = {.pool = pool};
    CHECK_STATUS(rp_stream(pool, task_echo, draw_null, count, &flow, NULL), RP_INVALID);
    CHECK_UINT(flow.given, 60);
    CHECK_HAS(rp_last_error(pool), "5 bytes at NULL as item 60");
    suite_close(pool);
}

TEST_CASE(a_stream_refuses_what_it_cannot_do)
{
    rp_pool *pool = suite_open(NULL);
    double cost = 1;
    struct flow flow = flow_of(pool, 1);
    CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, RP_MAP_OPTIONS(.cost = &cost)), RP_INVALID);
    CHECK_STATUS(rp_stream(pool, answer, draw, take, &flow, RP_MAP_OPTIONS(.stop_at_failure = true)),
                 RP_INVALID);
    CHECK_STATUS(rp_stream(pool, NULL, draw, take, &flow, NULL), RP_INVALID);
    CHECK_STATUS(rp_stream(pool, answer, NULL, take, &flow, NULL), RP_INVALID);
    CHECK_STATUS(rp_stream(pool, answer, draw, NULL, &flow, NULL), RP_INVALID);
    CHECK_UINT(flow.drawn, 0);
    flow_free(&flow);
    suite_close(pool);
}
