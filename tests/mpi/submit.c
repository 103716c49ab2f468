/* Tasks that are submitted one by one: rp_submit, rp_next, rp_wait. */
#include "suite/suite.h"

#include <stdlib.h>

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in;
    return size == 0 ? 0 : rp_fail(call, "%zu bytes", size);
}

static uint64_t answer_of(rp_future *future)
{
    rp_view view;
    uint64_t answer = 0;
    if (CHECK_STATUS(rp_result(future, &view), RP_OK) && CHECK_UINT(view.size, sizeof answer))
        memcpy(&answer, view.data, sizeof answer);
    return answer;
}

TEST_CASE(a_submitted_tasks_result_is_right)
{
    rp_pool *pool = suite_open(NULL);
    uint64_t value = 21;
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, task_twice, &value, sizeof value, &future), RP_OK);
    value = 0; /* it was copied */
    CHECK_UINT(answer_of(future), 42);
    CHECK_INT(rp_state_of(future), RP_DONE);
    CHECK_STR(rp_error(future), "");
    rp_release(&future);
    CHECK(!future);
    suite_close(pool);
}

TEST_CASE(inputs_and_results_of_no_bytes_work)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    rp_view view = {&view, 99};
    REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, &view), RP_OK);
    CHECK_UINT(view.size, 0);
    rp_release(&future);
    REQUIRE_STATUS(rp_submit(pool, nothing, "", 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(indices_count_the_tasks_of_a_pool_from_0)
{
    rp_pool *pool = suite_open(NULL), *other = suite_open(NULL);
    rp_future *futures[20];
    for (size_t i = 0; i < 20; i++) {
        REQUIRE_STATUS(rp_submit(i % 2 ? other : pool, nothing, NULL, 0, &futures[i]), RP_OK);
        CHECK_UINT(rp_index(futures[i]), i / 2);
    }
    suite_release(futures, 20);
    suite_close(pool);
    suite_close(other);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

TEST_CASE(a_wait_runs_out_and_the_task_still_completes_later)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    stage_reset();
    struct ticket ticket = ticket_of(3);
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &future), RP_OK);
    double begun = suite_seconds();
    CHECK_STATUS(rp_wait(future, 0.05), RP_TIMEOUT);
    CHECK(suite_seconds() - begun >= 0.05);
    CHECK_STATUS(rp_wait(future, 0), RP_TIMEOUT);
    CHECK_HAS(rp_last_error(pool), "not done");
    atomic_store(&stage()->gate, 1);
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    CHECK_STATUS(rp_wait(future, 0), RP_OK);
    CHECK_UINT(answer_of(future), 3);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(a_wait_of_0_only_looks)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    stage_reset();
    struct ticket ticket = ticket_of(0);
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &future), RP_OK);
    double begun = suite_seconds();
    for (int i = 0; i < 1000; i++)
        if (!CHECK_STATUS(rp_wait(future, 0), RP_TIMEOUT) || !CHECK(!rp_next(pool, 0)))
            break;
    CHECK(suite_seconds() - begun < 5);
    atomic_store(&stage()->gate, 1);
    CHECK_STATUS(rp_wait(future, 30), RP_OK);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(alone_each_poll_runs_one_queued_task_lowest_index_first)
{
    rp_pool *pool = suite_open(NULL);
    if (!suite_is_alone(pool)) {
        suite_close(pool);
        SKIP_CASE("workers run the tasks");
    }
    stage_reset();
    rp_future *futures[5];
    for (size_t i = 0; i < 5; i++)
        futures[i] = suite_submit_mark(pool, i);
    CHECK_UINT(stage()->started, 0); /* rp_submit only queues */
    for (size_t i = 0; i < 5; i++) {
        CHECK_INT(rp_state_of(futures[i]), RP_PENDING);
        CHECK_STATUS(rp_wait(futures[4], 0), i < 4 ? RP_TIMEOUT : RP_OK);
        CHECK_UINT(stage()->started, i + 1);
        CHECK_UINT(stage()->place[i], i + 1);
        CHECK_INT(rp_state_of(futures[i]), RP_DONE);
    }
    suite_release(futures, 5);
    suite_close(pool);
}

TEST_CASE(futures_may_be_waited_for_in_any_order)
{
    enum { n = 500 };
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[n];
    for (uint64_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_submit(pool, task_twice, &i, sizeof i, &futures[i]), RP_OK);
    for (size_t k = 0; k < n; k++) {
        size_t i = k * 211 % n; /* 211 and 500 have no common factor */
        CHECK_UINT(answer_of(futures[i]), 2 * i);
        rp_release(&futures[i]);
    }
    suite_close(pool);
}

/* ---- rp_next --------------------------------------------------------------------------------- */

TEST_CASE(completion_order_gives_each_task_exactly_once)
{
    enum { n = 5000 };
    rp_pool *pool = suite_open(NULL);
    static unsigned char given[n];
    memset(given, 0, sizeof given);
    for (uint64_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_submit(pool, task_twice, &i, sizeof i, NULL), RP_OK);
    size_t count = 0;
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future), count++) {
        size_t index = rp_index(future);
        REQUIRE(index < n);
        given[index]++;
        if (!CHECK_UINT(answer_of(future), 2 * index))
            break;
    }
    CHECK_UINT(count, n);
    for (size_t i = 0; i < n; i++)
        if (!CHECK_INT(given[i], 1))
            break;
    CHECK(!rp_next(pool, 0));
    CHECK(!rp_next(pool, RP_FOREVER)); /* none is left: it does not wait */
    suite_close(pool);
}

TEST_CASE(one_process_completes_tasks_in_the_order_of_submission)
{
    rp_pool *pool = suite_open(NULL);
    if (rp_workers(pool) > 1) {
        suite_close(pool);
        SKIP_CASE("several workers overtake each other");
    }
    for (uint64_t i = 0; i < 3000; i++)
        REQUIRE_STATUS(rp_submit(pool, task_twice, &i, sizeof i, NULL), RP_OK);
    for (size_t i = 0; i < 3000; i++) {
        rp_future *future = rp_next(pool, RP_FOREVER);
        REQUIRE(future);
        bool right = CHECK_UINT(rp_index(future), i);
        rp_release(&future);
        if (!right)
            break;
    }
    suite_close(pool);
}

TEST_CASE(futures_of_the_caller_do_not_come_from_rp_next)
{
    rp_pool *pool = suite_open(NULL);
    uint64_t value = 1;
    rp_future *mine, *next;
    REQUIRE_STATUS(rp_submit(pool, task_twice, &value, sizeof value, &mine), RP_OK);
    REQUIRE_STATUS(rp_submit(pool, task_twice, &value, sizeof value, NULL), RP_OK);
    next = rp_next(pool, RP_FOREVER);
    REQUIRE(next);
    CHECK_UINT(rp_index(next), 1);
    CHECK(!rp_next(pool, RP_FOREVER));
    rp_release(&mine);
    rp_release(&next);
    suite_close(pool);
}

TEST_CASE(submitting_from_inside_the_loop_of_rp_next_works)
{
    rp_pool *pool = suite_open(NULL);
    uint64_t value = 1;
    REQUIRE_STATUS(rp_submit(pool, task_twice, &value, sizeof value, NULL), RP_OK);
    size_t count = 0;
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        value = answer_of(future);
        count++;
        if (count < 600 && !CHECK_STATUS(rp_submit(pool, task_twice, &value, sizeof value, NULL), RP_OK))
            break;
        if (count % 100 == 1 && count < 600) /* several at a time, too */
            CHECK_STATUS(rp_submit(pool, task_twice, &value, sizeof value, NULL), RP_OK);
    }
    CHECK_UINT(count, 606);
    suite_close(pool);
}

TEST_CASE(a_short_task_submitted_after_a_long_one_is_yielded_first)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 2);
    stage_reset();
    struct ticket ticket = ticket_of(0);
    uint64_t value = 4;
    REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, NULL), RP_OK);
    for (size_t i = 1; i <= 50; i++)
        REQUIRE_STATUS(rp_submit(pool, task_twice, &value, sizeof value, NULL), RP_OK);
    for (size_t i = 1; i <= 50; i++) {
        rp_future *future = rp_next(pool, 30);
        REQUIRE(future);
        CHECK(rp_index(future) > 0);
        rp_release(&future);
    }
    CHECK(!rp_next(pool, 0.01)); /* the long one waits for the gate */
    atomic_store(&stage()->gate, 1);
    rp_future *future = rp_next(pool, RP_FOREVER);
    REQUIRE(future);
    CHECK_UINT(rp_index(future), 0);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(results_that_nobody_fetches_wait_beyond_what_a_worker_can_keep)
{
    size_t n = suite_has_neighbours() ? 100000 : 2000; /* a leader that works alone has one at a time */
    rp_pool *pool = suite_open(NULL);
    stage_reset();
    for (size_t i = 0; i + 1 < n; i++) {
        struct ticket ticket = ticket_of(i);
        REQUIRE_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, NULL), RP_OK);
    }
    rp_future *last = suite_submit_mark(pool, n - 1);
    /* The manager is away until all have run, and takes none of their results meanwhile. Over several nodes
     * it has to look now and then. */
    if (!suite_is_alone(pool))
        REQUIRE(stage_await_with(&stage()->ended, n, suite_is_split() ? last : NULL));
    size_t count = 0, wrong = 0;
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future), count++)
        wrong += answer_of(future) != rp_index(future);
    CHECK_UINT(count, n - 1);
    CHECK_UINT(wrong, 0);
    CHECK_UINT(answer_of(last), n - 1);
    rp_release(&last);
    for (size_t i = 0; i < n; i++)
        if (!CHECK_INT(stage()->runs[i], 1))
            break;
    suite_close(pool);
}

TEST_CASE(submitting_never_blocks_while_all_workers_are_busy)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    rp_future *held[64];
    REQUIRE(rp_workers(pool) <= 64);
    stage_reset();
    suite_occupy(pool, held);
    static char in[3000];
    for (size_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_submit(pool, task_twice, in, i % 10 ? 8 : sizeof in, NULL), RP_OK);
    CHECK(!rp_next(pool, 0));
    suite_relieve(pool, held);
    size_t count = 0, failed = 0;
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future), count++)
        failed += rp_result(future, NULL) != RP_OK;
    CHECK_UINT(count, n);
    CHECK_UINT(failed, n / 10); /* those of 3000 bytes */
    suite_close(pool);
}

TEST_CASE(maps_and_tasks_of_one_pool_may_mix)
{
    enum { n = 1000 };
    static uint64_t in[n], out[n];
    rp_pool *pool = suite_open(NULL);
    for (uint64_t i = 0; i < n; i++) {
        in[i] = i;
        REQUIRE_STATUS(rp_submit(pool, task_twice, &in[i], sizeof *in, NULL), RP_OK);
    }
    for (int round = 0; round < 5; round++) {
        memset(out, 0, sizeof out);
        CHECK_STATUS(rp_map(pool, task_twice, in, sizeof *in, n, out, sizeof *out), RP_OK);
        for (uint64_t i = 0; i < n; i++)
            if (!CHECK_UINT(out[i], 2 * i))
                break;
        for (int i = 0; i < 100; i++) {
            rp_future *future = rp_next(pool, RP_FOREVER);
            REQUIRE(future);
            CHECK_UINT(answer_of(future), 2 * rp_index(future));
            rp_release(&future);
        }
    }
    suite_close(pool); /* the other 500 are given up with it */
}

/* ---- Cost ------------------------------------------------------------------------------------ */

TEST_CASE(large_inputs_and_results_give_their_memory_back)
{
    enum { size = 200000, rounds = 300, at_once = 3 };
    static char in[size];
    if (process_is_inspected())
        SKIP_CASE("memory is more than the program's own here");
    rp_pool *pool = suite_open(NULL);
    size_t before = process_resident();
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < at_once; i++)
            REQUIRE_STATUS(rp_submit(pool, task_echo, in, sizeof in, NULL), RP_OK);
        for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
            rp_view view;
            REQUIRE_STATUS(rp_result(future, &view), RP_OK);
            CHECK_UINT(view.size, sizeof in);
        }
    }
    CHECK(process_resident() < before + 40 * size); /* of the 900 that went each way */
    suite_close(pool);
}
