/* Cancelling, and the states of a future. */
#include "suite/suite.h"

#define HELD 64

static int answer_number(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

static rp_pool *open_with_workers(void)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    REQUIRE(rp_workers(pool) <= HELD);
    stage_reset();
    return pool;
}

/* Another node tells that a task runs there, and that is on its way for a while. */
static void await_running(rp_future *future)
{
    double end = suite_seconds() + 20;
    while (rp_state_of(future) == RP_PENDING && suite_seconds() < end)
        ;
    CHECK_INT(rp_state_of(future), RP_RUNNING);
}

TEST_CASE(a_pending_task_can_be_cancelled_again_and_again_and_never_runs)
{
    enum { n = 200 };
    rp_pool *pool = suite_open(NULL);
    rp_future *held[HELD], *futures[n];
    stage_reset();
    if (!suite_is_alone(pool))
        suite_occupy(pool, held);
    for (size_t i = 0; i < n; i++)
        futures[i] = suite_submit_mark(pool, i);
    for (size_t i = 0; i < n; i += 2) {
        CHECK_INT(rp_state_of(futures[i]), RP_PENDING);
        CHECK_STATUS(rp_cancel(futures[i]), RP_OK);
        CHECK_INT(rp_state_of(futures[i]), RP_DONE);
        CHECK_STATUS(rp_cancel(futures[i]), RP_OK);
    }
    if (!suite_is_alone(pool))
        suite_relieve(pool, held);
    for (size_t i = 0; i < n; i++) {
        bool cancelled = i % 2 == 0;
        rp_view view;
        CHECK_STATUS(rp_wait(futures[i], RP_FOREVER), RP_OK);
        CHECK_STATUS(rp_result(futures[i], &view), cancelled ? RP_CANCELLED : RP_OK);
        CHECK(cancelled == (rp_error(futures[i])[0] != '\0'));
        CHECK_STATUS(rp_cancel(futures[i]), cancelled ? RP_OK : RP_BUSY);
        CHECK_INT(stage()->runs[i], cancelled ? 0 : 1);
        rp_release(&futures[i]);
    }
    suite_close(pool);
}

TEST_CASE(a_running_or_finished_task_is_busy)
{
    rp_pool *pool = open_with_workers();
    rp_future *held[HELD];
    suite_occupy(pool, held);
    for (int i = 0; i < rp_workers(pool); i++) {
        await_running(held[i]);
        CHECK_STATUS(rp_cancel(held[i]), RP_BUSY);
        CHECK_HAS(rp_last_error(pool), "started");
    }
    atomic_store(&stage()->gate, 1);
    for (int i = 0; i < rp_workers(pool); i++) {
        CHECK_STATUS(rp_result(held[i], NULL), RP_OK);
        CHECK_STATUS(rp_cancel(held[i]), RP_BUSY);
        CHECK_STATUS(rp_result(held[i], NULL), RP_OK);
        rp_release(&held[i]);
    }
    suite_close(pool);
}

TEST_CASE(the_states_of_a_future_are_consistent_at_every_moment)
{
    enum { n = 3000 };
    rp_pool *pool = suite_open(NULL);
    static rp_future *futures[n];
    rp_state last[n];
    for (uint64_t i = 0; i < n; i++) {
        REQUIRE_STATUS(rp_submit(pool, answer_number, &i, sizeof i, &futures[i]), RP_OK);
        last[i] = RP_PENDING;
    }
    for (size_t done = 0, step = 0; done < n; step++) {
        if (suite_is_alone(pool))
            rp_wait(futures[n - 1], 0);
        done = 0;
        for (size_t i = step % 7; i < n; i += suite_is_alone(pool) ? 7 : 1) {
            rp_task_info info;
            rp_state state = rp_state_of(futures[i]);
            REQUIRE(state >= last[i]); /* pending, running, done: never back */
            if (state == RP_DONE) {
                CHECK_STATUS(rp_info(futures[i], &info), RP_OK);
                CHECK_STATUS(rp_wait(futures[i], 0), RP_OK);
            } else if (!CHECK_STR(rp_error(futures[i]), "")) {
                break;
            }
            last[i] = state;
        }
        for (size_t i = 0; i < n; i++)
            done += last[i] == RP_DONE;
    }
    suite_release(futures, n);
    suite_close(pool);
}

TEST_CASE(a_held_task_goes_from_running_to_done_and_a_queued_one_from_pending)
{
    rp_pool *pool = open_with_workers();
    rp_future *held[HELD], *queued;
    rp_task_info info;
    suite_occupy(pool, held);
    queued = suite_submit_mark(pool, 1);
    await_running(held[0]);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(rp_state_of(held[0]), RP_RUNNING);
        CHECK_INT(rp_state_of(queued), RP_PENDING);
        CHECK_STATUS(rp_info(queued, &info), RP_BUSY);
        CHECK_STATUS(rp_info(held[0], &info), RP_BUSY);
    }
    suite_relieve(pool, held);
    CHECK_STATUS(rp_wait(queued, RP_FOREVER), RP_OK);
    CHECK_INT(rp_state_of(queued), RP_DONE);
    CHECK_STATUS(rp_info(queued, &info), RP_OK);
    CHECK(info.queued > 0 && info.queued < 60);
    CHECK(info.ran >= 0 && info.ran < 60);
    CHECK(info.worker >= 1 && info.worker <= rp_workers(pool));
    CHECK_INT(info.pid, atomic_load(&stage()->pid[1]));
    rp_release(&queued);
    suite_close(pool);
}

/* ---- Many ---------------------------------------------------------------------------------------- */

TEST_CASE(cancelling_all_ends_a_long_queue_and_the_pool_goes_on)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    rp_future *held[HELD];
    bool alone = suite_is_alone(pool);
    stage_reset();
    if (!alone)
        suite_occupy(pool, held);
    rp_future *mine = suite_submit_mark(pool, n);
    for (size_t i = 0; i < n; i++) {
        struct ticket ticket = ticket_of(i);
        REQUIRE_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, NULL), RP_OK);
    }
    CHECK_UINT(rp_cancel_all(pool), n + 1);
    CHECK_UINT(rp_cancel_all(pool), 0);
    CHECK_INT(rp_state_of(mine), RP_DONE);
    CHECK_STATUS(rp_result(mine, NULL), RP_CANCELLED);
    if (!alone)
        suite_relieve(pool, held);
    size_t cancelled = 0;
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
        cancelled += rp_result(future, NULL) == RP_CANCELLED;
    CHECK_UINT(cancelled, n);
    rp_release(&mine);
    for (size_t i = 0; i <= n; i++)
        if (!CHECK_INT(stage()->runs[i], 0))
            break;
    mine = suite_submit_mark(pool, 7);
    CHECK_STATUS(rp_result(mine, NULL), RP_OK);
    rp_release(&mine);
    suite_close(pool);
}

TEST_CASE(a_task_that_is_cancelled_while_it_may_start_either_runs_or_does_not)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    static rp_future *futures[n];
    size_t cancelled = 0, ran = 0;
    stage_reset();
    for (size_t i = 0; i < n; i++) {
        futures[i] = suite_submit_mark(pool, i);
        if (i >= 3)
            rp_cancel(futures[i - i % 4]);
    }
    for (size_t i = 0; i < n; i++) {
        CHECK_STATUS(rp_wait(futures[i], RP_FOREVER), RP_OK);
        rp_status status = rp_result(futures[i], NULL);
        cancelled += status == RP_CANCELLED;
        ran += status == RP_OK;
        if (!CHECK_INT(stage()->runs[i], status == RP_OK ? 1 : 0))
            break;
        rp_release(&futures[i]);
    }
    CHECK_UINT(cancelled + ran, n);
    suite_close(pool);
}

TEST_CASE(cancelling_right_before_the_close_does_not_hang)
{
    for (int round = 0; round < 10; round++) {
        rp_pool *pool = suite_open(NULL);
        rp_future *futures[100];
        for (uint64_t i = 0; i < 100; i++)
            REQUIRE_STATUS(rp_submit(pool, answer_number, &i, sizeof i, &futures[i]), RP_OK);
        if (round % 2) {
            rp_cancel_all(pool);
        } else {
            for (size_t i = 0; i < 100; i++)
                rp_cancel(futures[99 - i]);
        }
        suite_close(pool);
        for (size_t i = 0; i < 100; i++) {
            rp_status status = rp_result(futures[i], NULL);
            CHECK(status == RP_OK || status == RP_CANCELLED);
            rp_release(&futures[i]);
        }
    }
}

/* ---- Releasing ------------------------------------------------------------------------------------- */

TEST_CASE(a_released_task_still_runs)
{
    enum { n = 300 };
    rp_pool *pool = suite_open(NULL);
    stage_reset();
    for (size_t i = 0; i < n; i++) {
        rp_future *future = suite_submit_mark(pool, i);
        rp_release(&future);
        CHECK(!future);
    }
    CHECK(!rp_next(pool, 0)); /* they do not come from there either */
    suite_close(pool);
    for (size_t i = 0; i < n; i++)
        CHECK_INT(stage()->runs[i], 1);
}

TEST_CASE(cancelled_and_released_tasks_do_not_run)
{
    enum { n = 300 };
    rp_pool *pool = suite_open(NULL);
    rp_future *held[HELD];
    bool alone = suite_is_alone(pool);
    stage_reset();
    if (!alone)
        suite_occupy(pool, held);
    for (size_t i = 0; i < n; i++) {
        rp_future *future = suite_submit_mark(pool, i);
        CHECK_STATUS(rp_cancel(future), RP_OK);
        rp_release(&future);
    }
    if (!alone)
        suite_relieve(pool, held);
    suite_close(pool);
    for (size_t i = 0; i < n; i++)
        CHECK_INT(stage()->runs[i], 0);
}

TEST_CASE(cancelling_from_inside_the_loop_of_rp_next_works)
{
    enum { n = 2000 };
    rp_pool *pool = suite_open(NULL);
    static rp_future *mine[n];
    stage_reset();
    for (uint64_t i = 0; i < n; i++) {
        REQUIRE_STATUS(rp_submit(pool, answer_number, &i, sizeof i, NULL), RP_OK);
        mine[i] = suite_submit_mark(pool, i);
    }
    size_t count = 0;
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future), count++)
        rp_cancel(mine[n - 1 - count]);
    CHECK_UINT(count, n);
    for (size_t i = 0; i < n; i++) {
        rp_status status = rp_result(mine[i], NULL);
        CHECK_INT(stage()->runs[i], status == RP_CANCELLED ? 0 : 1);
        rp_release(&mine[i]);
    }
    suite_close(pool);
}
