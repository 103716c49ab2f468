/* Queues: closing, mistakes, callbacks. */
#define _GNU_SOURCE
#include "queue_work.h"

#include <stdlib.h>
#include <unistd.h>

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
        REQUIRE(stage_await_with(&stage()->started, (size_t)workers, futures[0]));
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
