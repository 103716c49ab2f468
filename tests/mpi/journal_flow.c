/* The journal under streams and submitted tasks: what is stored is given without being run. */
#define _GNU_SOURCE
#include <signal.h>

#include "suite/resume.h"

/* ---- Streams ----------------------------------------------------------------------------- */

/* A ticket, and the size of the result. */
struct order {
    struct ticket ticket;
    size_t size;
};

static size_t size_of(size_t number)
{
    return number % 97 == 5 ? 100000 : data_mix(number) % 300;
}

/* Answers bytes of the size that it is told; fails for each fifth while the gate is closed. */
static int answer_bytes(rp_call *call, const void *in, size_t size)
{
    const struct order *order = in;
    struct stage *stage = size == sizeof *order ? stage_at(order->ticket.stage) : NULL;
    if (!stage)
        return rp_fail(call, "there is no stage");
    atomic_fetch_add(&stage->started, 1);
    atomic_fetch_add(&stage->runs[order->ticket.number], 1);
    if (order->ticket.number % 5 == 3 && !atomic_load(&stage->gate))
        return rp_fail(call, "the gate is closed");
    void *out = rp_reserve(call, order->size);
    if (out)
        data_fill(out, order->size, order->ticket.number);
    return out ? 0 : 1;
}

static bool is_right(size_t number, rp_view view)
{
    static char wanted[100000];
    data_fill(wanted, size_of(number), number);
    return CHECK_UINT(view.size, size_of(number)) && (!view.size || CHECK_MEM(view.data, wanted, view.size));
}

struct flow {
    size_t drawn, given, failed;
    bool seen[N], wrong;
    struct order next;
};

static int draw_order(void *state, rp_view *item)
{
    struct flow *flow = state;
    if (flow->drawn == N)
        return 0;
    flow->next = (struct order){ticket_of(flow->drawn), size_of(flow->drawn)};
    flow->drawn++;
    *item = (rp_view){&flow->next, sizeof flow->next};
    return 1;
}

static int take_result(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    (void)error;
    flow->given++;
    flow->failed += status != RP_OK;
    flow->wrong = flow->wrong || index >= N || flow->seen[index] || (!status && !is_right(index, result));
    if (index < N)
        flow->seen[index] = true;
    return 0;
}

static void stream_once(size_t failed, size_t runs)
{
    static struct flow flow;
    flow = (struct flow){0};
    rp_pool *pool = open_again();
    CHECK_STATUS(rp_stream(pool, answer_bytes, draw_order, take_result, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, N);
    CHECK_UINT(flow.failed, failed);
    CHECK(!flow.wrong);
    CHECK_UINT(count_runs(), runs);
    suite_close(pool);
}

TEST_CASE(what_a_stream_has_finished_is_given_without_being_run)
{
    begin();
    stream_once(N / 5, N);
    atomic_store(&stage()->gate, 1);
    stream_once(0, N / 5);
    stream_once(0, 0);
    finish();
}

/* ---- Submitted tasks --------------------------------------------------------------------- */

static void submit_once(size_t failed, size_t runs)
{
    static rp_future *futures[N];
    size_t wrong = 0, stored = 0;
    rp_pool *pool = open_again();
    for (size_t i = 0; i < N; i++) {
        struct order order = {ticket_of(i), size_of(i)};
        REQUIRE_STATUS(rp_submit_with(pool, answer_bytes, &order, sizeof order,
                                      RP_TASK_OPTIONS(.label = i % 2 ? "odd" : NULL), &futures[i]),
                       RP_OK);
    }
    for (size_t i = 0; i < N; i++) {
        rp_view view;
        rp_task_info info;
        if (rp_result(futures[i], &view))
            wrong++;
        else
            is_right(i, view);
        CHECK_STATUS(rp_info(futures[i], &info), RP_OK);
        stored += info.attempts == 0;
        rp_release(&futures[i]);
    }
    CHECK_UINT(wrong, failed);
    CHECK_UINT(count_runs(), runs);
    CHECK_UINT(stored, N - runs);
    suite_close(pool);
}

TEST_CASE(a_stored_task_is_done_when_it_is_submitted)
{
    begin();
    submit_once(N / 5, N);
    atomic_store(&stage()->gate, 1);
    submit_once(0, N / 5);
    submit_once(0, 0);
    finish();
}

TEST_CASE(rp_next_gives_stored_tasks_once_and_those_that_nobody_waited_for_are_stored_too)
{
    begin();
    for (int time = 0; time < 3; time++) {
        size_t given = 0, sum = 0;
        rp_pool *pool = open_again();
        for (size_t i = 0; i < N; i++) {
            struct ticket ticket = ticket_of(i);
            rp_future *future = NULL;
            REQUIRE_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, time ? NULL : &future), RP_OK);
            rp_release(&future);
        }
        for (rp_future *future; time && (future = rp_next(pool, RP_FOREVER)); rp_release(&future), given++) {
            rp_view view;
            if (CHECK_STATUS(rp_result(future, &view), RP_OK))
                sum += *(const size_t *)view.data;
        }
        CHECK_UINT(given, time ? N : 0);
        CHECK_UINT(sum, time ? (size_t)N * (N - 1) / 2 : 0);
        suite_close(pool);
        CHECK_UINT(count_runs(), time ? 0 : N);
    }
    finish();
}

TEST_CASE(maps_streams_and_tasks_of_one_pool_are_kept_apart)
{
    begin();
    for (int time = 0; time < 2; time++) {
        static size_t out[N];
        static struct flow flow;
        rp_pool *pool = open_again();
        flow = (struct flow){0};
        atomic_store(&stage()->gate, 1);
        for (size_t map = 0; map < 3; map++) {
            struct ticket ticket = ticket_of(map);
            rp_future *future;
            struct ticket *in = tickets(N);
            REQUIRE_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, &future), RP_OK);
            for (size_t i = 0; i < N; i++)
                in[i].number = (i + map) % N;
            CHECK_STATUS(rp_map(pool, task_mark, in, sizeof *in, N, out, sizeof *out), RP_OK);
            CHECK_UINT(out[0], map);
            CHECK_STATUS(rp_result(future, NULL), RP_OK);
            rp_release(&future);
        }
        CHECK_STATUS(rp_stream(pool, answer_bytes, draw_order, take_result, &flow, NULL), RP_OK);
        CHECK(!flow.wrong);
        CHECK_UINT(count_runs(), time ? 0 : 3 * N + 3 + N);
        suite_close(pool);
    }
    finish();
}

/* ---- Isolated tasks ---------------------------------------------------------------------- */

static int raise_term(rp_call *call, const void *in, size_t size)
{
    (void)in;
    raise(SIGTERM);
    return rp_return(call, &size, sizeof size);
}

TEST_CASE(a_signal_that_drains_the_program_ends_an_isolated_task)
{
    begin();
    rp_pool *pool = open_again(), *isolated = suite_open(RP_OPTIONS(.isolate = 1));
    rp_future *future;
    REQUIRE_STATUS(rp_submit(isolated, raise_term, NULL, 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_TASK_CRASHED);
    CHECK_HAS(rp_error(future), "SIGTERM");
    rp_release(&future);
    suite_close(isolated);
    suite_close(pool);
    finish();
}
