/* Queues: waits that end by time, and those that nobody could end. */
#define _GNU_SOURCE
#include "queue_work.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Time ------------------------------------------------------------------------------------- */

TEST_CASE(a_put_to_a_full_queue_waits_until_somebody_gets)
{
    enum { n = 2000, capacity = 3 };
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_queue *queue = open_queue(pool, capacity);
    stage_reset();
    rp_future *future = submit(pool, produce, (struct job){.to = rp_queue_id_of(queue), .count = n});
    REQUIRE(stage_await_with(&stage()->started, capacity, future));
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

/* Also where some of them have to be run by who leads a node, who else leaves them to others. How soon is
 * seen in the best of some rounds: a busy machine delays any of them. */
TEST_CASE(that_all_tasks_wait_is_seen_soon)
{
    enum { rounds = 10 };
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    double least = INFINITY;
    for (int round = 0; round < rounds; round++) {
        rp_queue *queue = open_queue(pool, 0);
        rp_future *futures[128];
        double begun = suite_seconds();
        for (int i = 0; i < rp_workers(pool); i++)
            futures[i] = submit(pool, get_one, (struct job){.from = rp_queue_id_of(queue)});
        CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_TIMEOUT);
        double spent = suite_seconds() - begun;
        least = spent < least ? spent : least;
        close_queue(queue);
        for (int i = 0; i < rp_workers(pool); i++)
            check_answered(futures[i], RP_CLOSED);
    }
    CHECK(least < 0.05);
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
    REQUIRE(stage_await_with(&stage()->started, 1, waiting));
    REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &gated), RP_OK);
    REQUIRE(stage_await_with(&stage()->started, 2, waiting));
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
