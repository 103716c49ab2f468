/* Queues: among tasks, and between tasks and the manager. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What tasks get: queues, and how many items. */
struct job {
    rp_queue_id from, to;
    uint64_t first, count;
    struct ticket ticket;
};

static rp_queue *open_queue(rp_pool *pool, size_t capacity)
{
    rp_queue *queue = NULL;
    REQUIRE_STATUS(rp_queue_open(pool, capacity, &queue), RP_OK);
    REQUIRE(queue && rp_queue_id_of(queue));
    return queue;
}

static void close_queue(rp_queue *queue)
{
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
    CHECK(!queue);
}

static rp_future *submit(rp_pool *pool, rp_fn *fn, struct job job)
{
    rp_future *future = NULL;
    job.ticket = ticket_of(0);
    REQUIRE_STATUS(rp_submit(pool, fn, &job, sizeof job, &future), RP_OK);
    return future;
}

/* The task must have succeeded. */
static void finish(rp_future *future)
{
    if (!CHECK_STATUS(rp_result(future, NULL), RP_OK))
        fprintf(stderr, "%s\n", rp_error(future));
    rp_release(&future);
}

static void put_number(rp_queue *queue, uint64_t number)
{
    REQUIRE_STATUS(rp_put(queue, &number, sizeof number, RP_FOREVER), RP_OK);
}

static uint64_t number_in(rp_view view)
{
    uint64_t number = UINT64_MAX;
    if (CHECK_UINT(view.size, sizeof number))
        memcpy(&number, view.data, sizeof number);
    return number;
}

static uint64_t get_number(rp_queue *queue)
{
    rp_view view = {0};
    REQUIRE_STATUS(rp_get(queue, &view, 30), RP_OK);
    return number_in(view);
}

/* ---- Tasks ------------------------------------------------------------------------------------ */

/* Puts the numbers first .. first + count - 1, and notes each in `started`. */
static int produce(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    for (uint64_t i = job->first; i < job->first + job->count; i++) {
        rp_status status = rp_call_put(call, job->to, &i, sizeof i, RP_FOREVER);
        if (status)
            return rp_fail(call, "put %s", rp_strerror(status));
        atomic_fetch_add(&stage->started, 1);
    }
    return 0;
}

/* Gets numbers, which it marks as run, until an item is empty. Answers how many. */
static int consume(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    uint64_t count = 0, number;
    for (;; count++) {
        rp_view view;
        rp_status status = rp_call_get(call, job->from, &view, RP_FOREVER);
        if (status)
            return rp_fail(call, "get %s", rp_strerror(status));
        if (!view.size)
            return rp_return(call, &count, sizeof count);
        memcpy(&number, view.data, sizeof number);
        atomic_fetch_add(&stage->runs[number], 1);
    }
}

/* Squares numbers from one queue to another, and passes the end on. */
static int square_on(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    rp_view view;
    uint64_t number;
    (void)size;
    do {
        rp_status status = rp_call_get(call, job->from, &view, RP_FOREVER);
        if (!status && view.size) {
            memcpy(&number, view.data, sizeof number);
            number *= number;
        }
        if (!status)
            status = rp_call_put(call, job->to, view.size ? &number : NULL, view.size, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
    } while (view.size);
    return 0;
}

/* Puts its numbers, and an empty item behind them. */
static int produce_to_the_end(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    int code = produce(call, in, size);
    return code || !rp_call_put(call, job->to, NULL, 0, RP_FOREVER) ? code : 2;
}

/* Answers the status of a get without end. */
static int get_one(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    atomic_fetch_add(&stage->started, 1);
    rp_status status = rp_call_get(call, job->from, NULL, RP_FOREVER);
    return rp_return(call, &status, sizeof status);
}

/* The same of a put. */
static int put_one(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    atomic_fetch_add(&stage->started, 1);
    rp_status status = rp_call_put(call, job->to, "x", 1, RP_FOREVER);
    return rp_return(call, &status, sizeof status);
}

static void check_answered(rp_future *future, rp_status wanted)
{
    rp_view view;
    rp_status answered = RP_BUSY;
    if (CHECK_STATUS(rp_result(future, &view), RP_OK) && CHECK_UINT(view.size, sizeof answered))
        memcpy(&answered, view.data, sizeof answered);
    CHECK_STATUS(answered, wanted);
    rp_release(&future);
}

/* ---- Order ------------------------------------------------------------------------------------ */

TEST_CASE(items_come_out_in_the_order_in_which_they_went_in)
{
    enum { n = 3000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    char data[n];
    data_fill(data, sizeof data, 1);
    for (size_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_put(queue, data, i % 7 ? i : 0, RP_FOREVER), RP_OK);
    for (size_t i = 0; i < n; i++) {
        rp_view view;
        REQUIRE_STATUS(rp_get(queue, &view, 0), RP_OK);
        REQUIRE(CHECK_UINT(view.size, i % 7 ? i : 0) && CHECK_MEM(view.data, data, view.size));
    }
    CHECK_STATUS(rp_get(queue, NULL, 0), RP_TIMEOUT);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_task_fills_a_queue_that_the_manager_empties_meanwhile)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    rp_future *future = submit(pool, produce, (struct job){.to = rp_queue_id_of(queue), .count = n});
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_UINT(get_number(queue), i));
    finish(future);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_task_empties_a_queue_that_the_manager_fills_meanwhile)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    stage_reset();
    rp_future *future = submit(pool, consume, (struct job){.from = rp_queue_id_of(queue)});
    for (uint64_t i = 0; i < n; i++)
        put_number(queue, i);
    CHECK_STATUS(rp_put(queue, NULL, 0, 0), RP_OK);
    finish(future);
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_INT(stage()->runs[i], 1));
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_bounded_queue_gives_each_item_of_many_producers_to_one_of_many_consumers)
{
    enum { n = 100000, most = 8 };
    rp_pool *pool = suite_open(NULL);
    int pairs = suite_is_alone(pool) || rp_workers(pool) < 2 ? 1 : rp_workers(pool) / 2;
    pairs = pairs < most ? pairs : most;
    rp_queue *queue = open_queue(pool, rp_workers(pool) < 2 ? 0 : 50);
    rp_future *producers[most], *consumers[most];
    uint64_t each = n / (uint64_t)pairs, taken = 0;
    stage_reset();
    for (int i = 0; i < pairs; i++)
        producers[i] =
            submit(pool, produce,
                   (struct job){.to = rp_queue_id_of(queue), .first = (uint64_t)i * each, .count = each});
    for (int i = 0; i < pairs; i++)
        consumers[i] = submit(pool, consume, (struct job){.from = rp_queue_id_of(queue)});
    for (int i = 0; i < pairs; i++)
        finish(producers[i]);
    for (int i = 0; i < pairs; i++)
        CHECK_STATUS(rp_put(queue, NULL, 0, RP_FOREVER), RP_OK);
    for (int i = 0; i < pairs; i++) {
        rp_view view;
        if (CHECK_STATUS(rp_result(consumers[i], &view), RP_OK))
            taken += number_in(view);
        rp_release(&consumers[i]);
    }
    CHECK_UINT(taken, each * (uint64_t)pairs);
    for (uint64_t i = 0; i < each * (uint64_t)pairs; i++)
        REQUIRE(CHECK_INT(stage()->runs[i], 1));
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(tasks_form_a_pipeline)
{
    enum { n = 5000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *first = open_queue(pool, 0), *second = open_queue(pool, 0);
    rp_future *producer =
        submit(pool, produce_to_the_end, (struct job){.to = rp_queue_id_of(first), .count = n});
    rp_future *squarer =
        submit(pool, square_on, (struct job){.from = rp_queue_id_of(first), .to = rp_queue_id_of(second)});
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_UINT(get_number(second), i * i));
    rp_view end;
    CHECK_STATUS(rp_get(second, &end, 30), RP_OK);
    CHECK_UINT(end.size, 0);
    finish(producer);
    finish(squarer);
    close_queue(first);
    close_queue(second);
    suite_close(pool);
}

/* ---- Sizes ------------------------------------------------------------------------------------ */

static int echo_item(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    rp_view view;
    (void)size;
    rp_status status = rp_call_get(call, job->from, &view, RP_FOREVER);
    if (!status)
        status = rp_call_put(call, job->to, view.data, view.size, RP_FOREVER);
    return status ? rp_fail(call, "%s", rp_strerror(status)) : 0;
}

TEST_CASE(items_of_any_size_pass_from_the_manager_to_a_task_and_back)
{
    static const size_t sizes[] = {0, 1, 24, 25, 63, 64, 65, 4096, 100001, (size_t)64 << 20};
    enum { n = sizeof sizes / sizeof *sizes };
    rp_pool *pool = suite_open(NULL);
    rp_queue *there = open_queue(pool, 0), *back = open_queue(pool, 0);
    for (size_t i = 0; i < n; i++) {
        char *data = malloc(sizes[i] ? sizes[i] : 1);
        rp_view view;
        REQUIRE(data);
        data_fill(data, sizes[i], i);
        rp_future *future =
            submit(pool, echo_item, (struct job){.from = rp_queue_id_of(there), .to = rp_queue_id_of(back)});
        CHECK_STATUS(rp_put(there, data, sizes[i], RP_FOREVER), RP_OK);
        REQUIRE_STATUS(rp_get(back, &view, 60), RP_OK);
        CHECK_UINT((uintptr_t)view.data % 16, 0);
        if (CHECK_UINT(view.size, sizes[i]))
            CHECK(memcmp(view.data, data, sizes[i]) == 0);
        finish(future);
        free(data);
    }
    close_queue(there);
    close_queue(back);
    suite_close(pool);
}

TEST_CASE(the_memory_of_items_is_used_again)
{
    enum { n = 300 };
    size_t size = (size_t)4 << 20;
    char *data = calloc(1, size);
    rp_pool *pool = suite_open(NULL);
    rp_queue *there = open_queue(pool, 0), *back = open_queue(pool, 0);
    REQUIRE(data);
    size_t before = 0;
    for (int i = 0; i < n; i++) {
        rp_view view;
        rp_future *future =
            submit(pool, echo_item, (struct job){.from = rp_queue_id_of(there), .to = rp_queue_id_of(back)});
        REQUIRE_STATUS(rp_put(there, data, size, RP_FOREVER), RP_OK);
        REQUIRE_STATUS(rp_get(back, &view, 60), RP_OK);
        finish(future);
        if (i == 10)
            before = process_resident();
    }
    if (!process_is_inspected())
        CHECK(process_resident() < before + 16 * size);
    free(data);
    close_queue(there);
    close_queue(back);
    suite_close(pool);
}

TEST_CASE(a_view_lives_until_the_next_one_also_beyond_the_pool)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0), *other = open_queue(pool, 0);
    rp_view view, second;
    put_number(queue, 5);
    put_number(other, 6);
    REQUIRE_STATUS(rp_get(queue, &view, 0), RP_OK);
    put_number(queue, 7);
    REQUIRE_STATUS(rp_get(other, &second, 0), RP_OK);
    suite_close(pool);
    CHECK_UINT(number_in(view), 5);
    CHECK_UINT(number_in(second), 6);
    close_queue(queue);
    close_queue(other);
}

/* ---- Time ------------------------------------------------------------------------------------- */

TEST_CASE(a_put_to_a_full_queue_waits_until_somebody_gets)
{
    enum { n = 2000, capacity = 3 };
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, capacity);
    stage_reset();
    rp_future *future = submit(pool, produce, (struct job){.to = rp_queue_id_of(queue), .count = n});
    REQUIRE(stage_await(&stage()->started, capacity));
    CHECK_STATUS(rp_wait(future, 0.05), RP_TIMEOUT);
    CHECK_UINT(stage()->started, capacity);
    for (uint64_t i = 0; i < n; i++) {
        CHECK(atomic_load(&stage()->started) <= i + capacity);
        REQUIRE(CHECK_UINT(get_number(queue), i));
    }
    finish(future);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(the_manager_waits_for_room_until_a_task_gets)
{
    enum { n = 2000 };
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, 1);
    stage_reset();
    rp_future *future = submit(pool, consume, (struct job){.from = rp_queue_id_of(queue)});
    for (uint64_t i = 0; i < n; i++)
        put_number(queue, i);
    CHECK_STATUS(rp_put(queue, NULL, 0, RP_FOREVER), RP_OK);
    finish(future);
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_INT(stage()->runs[i], 1));
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(capacity_does_not_bind_alone)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 2);
    bool alone = suite_is_alone(pool);
    for (uint64_t i = 0; i < 5; i++)
        CHECK_STATUS(rp_put(queue, &i, sizeof i, 0), alone || i < 2 ? RP_OK : RP_TIMEOUT);
    if (!alone)
        CHECK_HAS(rp_last_error(pool), "full");
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_get_runs_out_of_time_while_a_task_runs)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *held[STAGE_ITEMS / 1000];
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, 0);
    stage_reset();
    suite_occupy(pool, held);
    double begun = suite_seconds();
    CHECK_STATUS(rp_get(queue, NULL, 0.15), RP_TIMEOUT);
    double spent = suite_seconds() - begun;
    CHECK(spent >= 0.15 && spent < 20);
    CHECK_HAS(rp_last_error(pool), "empty");
    CHECK_STATUS(rp_get(queue, NULL, 0), RP_TIMEOUT);
    suite_relieve(pool, held);
    close_queue(queue);
    suite_close(pool);
}

/* Both ends, with a limit. */
static int time_out(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    rp_view view;
    (void)size;
    double begun = suite_seconds();
    if (rp_call_get(call, job->from, &view, 0) != RP_TIMEOUT)
        return rp_fail(call, "a poll");
    if (rp_call_get(call, job->from, &view, 0.1) != RP_TIMEOUT)
        return rp_fail(call, "a get");
    if (job->to && rp_call_put(call, job->to, "x", 1, 0.1) != RP_TIMEOUT)
        return rp_fail(call, "a put");
    double spent = suite_seconds() - begun;
    return rp_return(call, &spent, sizeof spent);
}

TEST_CASE(a_task_runs_out_of_time_at_both_ends)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *empty = open_queue(pool, 0), *full = open_queue(pool, 1);
    bool alone = suite_is_alone(pool);
    put_number(full, 1);
    rp_future *future = submit(
        pool, time_out, (struct job){.from = rp_queue_id_of(empty), .to = alone ? 0 : rp_queue_id_of(full)});
    rp_view view;
    double spent = 0;
    REQUIRE_STATUS(rp_result(future, &view), RP_OK);
    memcpy(&spent, view.data, sizeof spent);
    CHECK(alone ? spent < 0.1 : spent >= 0.2); /* alone nobody could change it meanwhile */
    rp_release(&future);
    close_queue(empty);
    close_queue(full);
    suite_close(pool);
}

/* ---- Nobody waits for what cannot come -------------------------------------------------------- */

TEST_CASE(the_manager_does_not_wait_for_what_no_task_could_bring)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 1);
    CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_TIMEOUT);
    CHECK_HAS(rp_last_error(pool), "no task");
    put_number(queue, 1);
    if (!suite_is_alone(pool)) {
        CHECK_STATUS(rp_put(queue, "x", 1, RP_FOREVER), RP_TIMEOUT);
        CHECK_HAS(rp_last_error(pool), "no task");
    }
    rp_future *future =
        submit(pool, produce, (struct job){.to = rp_queue_id_of(queue), .first = 2, .count = 1});
    CHECK_UINT(get_number(queue), 1);
    CHECK_UINT(get_number(queue), 2);
    CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_TIMEOUT); /* the task may be at its end still */
    finish(future);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(where_all_tasks_wait_the_manager_does_not)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, 0), *full = open_queue(pool, 1);
    rp_future *futures[128];
    int n = rp_workers(pool) + 3;
    stage_reset();
    REQUIRE_STATUS(rp_put(full, "x", 1, 0), RP_OK);
    struct job job = {.from = rp_queue_id_of(queue), .to = rp_queue_id_of(full)};
    for (int i = 0; i < n; i++)
        futures[i] = submit(pool, i % 2 ? get_one : put_one, job);
    CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_TIMEOUT);
    CHECK_HAS(rp_last_error(pool), "no task");
    CHECK_STATUS(rp_wait(futures[0], RP_FOREVER), RP_TIMEOUT);
    CHECK_HAS(rp_last_error(pool), "wait");
    CHECK(!rp_next(pool, RP_FOREVER));
    /* It can help them on. */
    for (int i = 0; i < n; i++)
        if (i % 2)
            put_number(queue, 5);
        else
            CHECK_STATUS(rp_get(full, NULL, 30), RP_OK);
    for (int i = 0; i < n; i++)
        check_answered(futures[i], RP_OK);
    close_queue(queue);
    close_queue(full);
    suite_close(pool);
}

TEST_CASE(a_map_whose_items_all_wait_ends)
{
    enum { n = 20 };
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, 0);
    struct job jobs[n];
    rp_status answers[n] = {0};
    stage_reset();
    for (int i = 0; i < n; i++)
        jobs[i] = (struct job){.from = rp_queue_id_of(queue), .ticket = ticket_of(0)};
    put_number(queue, 1);
    CHECK_STATUS(rp_map(pool, get_one, jobs, sizeof *jobs, n, answers, sizeof *answers), RP_OK);
    int got = 0;
    for (int i = 0; i < n; i++) {
        CHECK(answers[i] == RP_OK || answers[i] == RP_CLOSED);
        got += answers[i] == RP_OK;
    }
    CHECK_INT(got, 1);
    CHECK_STATUS(rp_put(queue, "x", 1, 0), RP_CLOSED);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(alone_a_task_does_not_wait)
{
    rp_pool *pool = suite_open(NULL);
    if (!suite_is_alone(pool)) {
        suite_close(pool);
        SKIP_CASE("the pool has workers");
    }
    rp_queue *queue = open_queue(pool, 0);
    stage_reset();
    check_answered(submit(pool, get_one, (struct job){.from = rp_queue_id_of(queue)}), RP_TIMEOUT);
    close_queue(queue);
    suite_close(pool);
}

/* ---- Closing ---------------------------------------------------------------------------------- */

TEST_CASE(closing_a_queue_ends_the_waits_at_it)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    for (int round = 0; round < 20; round++) {
        rp_queue *queue = open_queue(pool, 0), *full = open_queue(pool, 1);
        rp_future *futures[64];
        int workers = rp_workers(pool);
        stage_reset();
        put_number(full, 1);
        for (int i = 0; i < workers; i++)
            futures[i] = submit(pool, i % 2 ? put_one : get_one,
                                (struct job){.from = rp_queue_id_of(queue), .to = rp_queue_id_of(full)});
        REQUIRE(stage_await(&stage()->started, (size_t)workers));
        if (round % 2)
            CHECK_STATUS(rp_wait(futures[0], 0.002), RP_TIMEOUT);
        close_queue(queue);
        close_queue(full);
        for (int i = 0; i < workers; i++)
            check_answered(futures[i], RP_CLOSED);
    }
    suite_close(pool);
}

TEST_CASE(closing_the_pool_ends_waits_that_nobody_could_end_and_no_others)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, 0), *other = open_queue(pool, 0);
    stage_reset();
    for (int i = 0; i < rp_workers(pool) + 2; i++)
        submit(pool, get_one, (struct job){.from = rp_queue_id_of(queue)});
    rp_future *producer = submit(pool, produce, (struct job){.to = rp_queue_id_of(queue), .count = 100});
    suite_close(pool);
    CHECK_STATUS(rp_put(queue, "x", 1, 0), RP_CLOSED);
    CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_CLOSED);
    rp_wait(producer, 0);
    CHECK_INT(rp_state_of(producer), RP_DONE);
    rp_release(&producer);
    close_queue(other);
    close_queue(queue);
}

TEST_CASE(closing_the_pool_lets_tasks_finish_their_queues)
{
    enum { n = 3000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    stage_reset();
    rp_future *producer =
        submit(pool, produce_to_the_end, (struct job){.to = rp_queue_id_of(queue), .count = n});
    rp_future *consumer = submit(pool, consume, (struct job){.from = rp_queue_id_of(queue)});
    suite_close(pool);
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_INT(stage()->runs[i], 1));
    finish(producer);
    finish(consumer);
    close_queue(queue);
}

TEST_CASE(queues_are_opened_and_closed_many_times)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queues[100];
    size_t mappings = 0;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 100; i++) {
            queues[i] = open_queue(pool, 0);
            put_number(queues[i], (uint64_t)i);
            put_number(queues[i], (uint64_t)i);
        }
        for (int i = 0; i < 100; i++)
            for (int k = 0; k < i; k++)
                REQUIRE(rp_queue_id_of(queues[i]) != rp_queue_id_of(queues[k]));
        for (int i = 0; i < 100; i++) {
            CHECK_UINT(get_number(queues[i]), i);
            close_queue(queues[i]);
        }
        if (round == 1)
            mappings = process_mappings();
    }
    CHECK(process_mappings() <= mappings + 2);
    suite_close(pool);
}

TEST_CASE(a_pool_has_256_queues_at_a_time)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queues[256], *more = NULL;
    for (int i = 0; i < 256; i++)
        queues[i] = open_queue(pool, 0);
    if (!suite_is_alone(pool)) {
        CHECK_STATUS(rp_queue_open(pool, 0, &more), RP_UNSUPPORTED);
        CHECK_HAS(rp_last_error(pool), "256");
        CHECK(!more);
    }
    close_queue(queues[100]);
    queues[100] = open_queue(pool, 0);
    for (int i = 0; i < 256; i++)
        close_queue(queues[i]);
    suite_close(pool);
}

/* ---- Mistakes --------------------------------------------------------------------------------- */

/* Answers what a poll of each kind says, first of all of puts. */
static int poll_both(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    (void)size;
    rp_status statuses[2] = {rp_call_put(call, job->to, "x", 1, 0), rp_call_get(call, job->from, NULL, 0)};
    return rp_return(call, statuses, sizeof statuses);
}

static void check_polls(rp_pool *pool, rp_queue_id id, rp_status wanted)
{
    rp_future *future = submit(pool, poll_both, (struct job){.from = id, .to = id});
    rp_view view;
    rp_status statuses[2] = {RP_BUSY, RP_BUSY};
    REQUIRE_STATUS(rp_result(future, &view), RP_OK);
    memcpy(statuses, view.data, sizeof statuses);
    CHECK_STATUS(statuses[0], wanted);
    CHECK_STATUS(statuses[1], wanted);
    rp_release(&future);
}

TEST_CASE(a_task_is_told_which_numbers_are_no_queue_s_and_which_were)
{
    rp_pool *pool = suite_open(NULL), *other = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0), *elsewhere = open_queue(other, 0);
    rp_queue_id id = rp_queue_id_of(queue);
    check_polls(pool, id, RP_OK);
    check_polls(pool, rp_queue_id_of(elsewhere), RP_INVALID);
    for (unsigned bit = 0; bit < 64; bit++)
        check_polls(pool, id ^ (uint64_t)1 << bit, RP_INVALID);
    check_polls(pool, 0, RP_INVALID);
    check_polls(pool, UINT64_MAX, RP_INVALID);
    close_queue(queue);
    check_polls(pool, id, RP_CLOSED);
    queue = open_queue(pool, 0);
    CHECK(rp_queue_id_of(queue) != id);
    check_polls(pool, id, RP_CLOSED); /* although its place is used again */
    check_polls(pool, rp_queue_id_of(queue), RP_OK);
    close_queue(queue);
    close_queue(elsewhere);
    suite_close(other);
    suite_close(pool);
}

static int call_with_nothing(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    (void)size;
    if (rp_call_put(call, job->to, NULL, 5, 0) != RP_INVALID ||
        rp_call_put(call, job->to, "x", SIZE_MAX, 0) != RP_INVALID)
        return 2;
    return rp_call_get(call, job->to, NULL, 0) == RP_TIMEOUT ? 0 : 3;
}

TEST_CASE(mistakes_get_a_status_and_a_sentence)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = NULL, *none = NULL;
    char nonsense[256] = {0};
    CHECK_STATUS(rp_queue_open(NULL, 0, &queue), RP_INVALID);
    CHECK_STATUS(rp_queue_open(pool, 0, NULL), RP_INVALID);
    CHECK_HAS(rp_last_error(pool), "place");
    CHECK_STATUS(rp_put(NULL, "x", 1, 0), RP_INVALID);
    CHECK_HAS(rp_last_error(NULL), "NULL");
    CHECK_STATUS(rp_get((rp_queue *)(void *)nonsense, NULL, 0), RP_INVALID);
    CHECK_HAS(rp_last_error(NULL), "no queue");
    CHECK_STATUS(rp_put((rp_queue *)(void *)pool, "x", 1, 0), RP_INVALID);
    CHECK_UINT(rp_queue_id_of(NULL), 0);
    CHECK_UINT(rp_queue_id_of((rp_queue *)(void *)nonsense), 0);
    CHECK_STATUS(rp_queue_close(NULL), RP_OK);
    CHECK_STATUS(rp_queue_close(&none), RP_OK);
    queue = open_queue(pool, 0);
    CHECK_STATUS(rp_put(queue, NULL, 5, 0), RP_INVALID);
    CHECK_STATUS(rp_put(queue, "x", SIZE_MAX, 0), RP_INVALID);
    if (!process_is_inspected()) { /* whose malloc ends the process */
        CHECK_STATUS(rp_put(queue, "x", SIZE_MAX / 4, 0), RP_NO_MEMORY);
        CHECK_HAS(rp_last_error(pool), "memory");
    }
    CHECK_STATUS(rp_get(queue, NULL, 0), RP_TIMEOUT);
    finish(submit(pool, call_with_nothing, (struct job){.to = rp_queue_id_of(queue)}));
    close_queue(queue);
    suite_close(pool);
}

static rp_queue *known;
static rp_pool *known_pool;

static int use_the_manager_s(rp_call *call, const void *in, size_t size)
{
    rp_queue *made;
    (void)call, (void)in, (void)size;
    if (!known) /* a worker, which has only what stood before the pool was opened */
        return 0;
    return rp_put(known, "x", 1, 0) == RP_INVALID && rp_get(known, NULL, 0) == RP_INVALID &&
                   rp_queue_close(&known) == RP_INVALID && rp_queue_open(known_pool, 0, &made) == RP_INVALID
               ? 0
               : 4;
}

TEST_CASE(the_manager_s_calls_are_refused_inside_a_task)
{
    known_pool = suite_open(NULL);
    known = open_queue(known_pool, 0);
    finish(submit(known_pool, use_the_manager_s, (struct job){0}));
    REQUIRE(known);
    close_queue(known);
    known = NULL;
    suite_close(known_pool);
}

/* ---- Callbacks -------------------------------------------------------------------------------- */

static void put_in_callback(rp_future *future, void *arg)
{
    rp_queue *queue = arg;
    (void)future;
    put_number(queue, 77);
}

static void close_in_callback(rp_future *future, void *arg)
{
    rp_queue **queue = arg;
    (void)future;
    CHECK_STATUS(rp_queue_close(queue), RP_OK);
}

TEST_CASE(callbacks_run_inside_a_get_and_may_put_or_close)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    stage_reset();
    rp_future *future = suite_submit_mark(pool, 1);
    CHECK_STATUS(rp_on_done(future, put_in_callback, queue), RP_OK);
    rp_release(&future);
    CHECK_UINT(get_number(queue), 77);
    future = suite_submit_mark(pool, 2);
    rp_queue *closing = queue;
    CHECK_STATUS(rp_on_done(future, close_in_callback, &closing), RP_OK);
    rp_release(&future);
    CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_CLOSED);
    CHECK(!closing);
    suite_close(pool);
}

/* ---- Cost ------------------------------------------------------------------------------------- */

TEST_CASE(waiting_at_queues_uses_almost_no_processor_time)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 2);
    rp_queue *queue = open_queue(pool, 0);
    rp_future *waiting, *gated;
    rp_worker_info info;
    stage_reset();
    struct ticket ticket = ticket_of(0);
    waiting = submit(pool, get_one, (struct job){.from = rp_queue_id_of(queue)});
    REQUIRE(stage_await(&stage()->started, 1));
    REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &gated), RP_OK);
    REQUIRE(stage_await(&stage()->started, 2));
    CHECK_STATUS(rp_wait(waiting, 0.1), RP_TIMEOUT);
    double used = 0;
    for (int round = 0; round < 2; round++) {
        double sum = process_cpu((long)getpid());
        for (int i = 1; i <= rp_workers(pool); i++) {
            REQUIRE_STATUS(rp_worker(pool, i, &info), RP_OK);
            if (info.pid != atomic_load(&stage()->pid[0])) /* which looks at the gate */
                sum += process_cpu(info.pid);
        }
        used = sum - used;
        if (!round)
            CHECK_STATUS(rp_get(queue, NULL, 0.5), RP_TIMEOUT);
    }
    CHECK(used < 0.02 * 0.5 * suite_executors(pool));
    put_number(queue, 1);
    check_answered(waiting, RP_OK);
    atomic_store(&stage()->gate, 1);
    finish(gated);
    close_queue(queue);
    suite_close(pool);
}
