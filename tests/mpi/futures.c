/* Sets of futures. */
#include "suite/suite.h"

#define HELD 64

/* A pool whose workers are all held by gated tasks. */
static rp_pool *open_held(rp_future **held, int workers)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, workers);
    REQUIRE(rp_workers(pool) <= HELD);
    stage_reset();
    suite_occupy(pool, held);
    return pool;
}

/* ---- rp_as_completed ----------------------------------------------------------------------------------- */

TEST_CASE(futures_already_done_come_first_and_duplicates_once)
{
    enum { done = 20, n = 40 };
    rp_pool *pool = suite_open(NULL);
    rp_future *held[HELD], *futures[n], *set[2 * n];
    bool alone = suite_is_alone(pool); /* then nothing runs but in waiting calls */
    REQUIRE(rp_workers(pool) <= HELD);
    stage_reset();
    for (size_t i = 0; i < done; i++)
        futures[i] = suite_submit(pool, task_twice, i);
    CHECK_STATUS(rp_wait_many(futures, done, RP_ALL, RP_FOREVER, NULL), RP_OK);
    if (!alone)
        suite_occupy(pool, held);
    for (size_t i = done; i < n; i++)
        futures[i] = suite_submit(pool, task_twice, i);
    for (size_t i = 0; i < n; i++)
        set[2 * i] = set[2 * i + 1] = futures[n - 1 - i];
    rp_iter *iter = rp_as_completed(pool, set, 2 * n);
    REQUIRE(iter);
    memset(set, 0, sizeof set); /* it was copied */
    unsigned given[n] = {0};
    size_t count = 0;
    for (rp_future *future; (future = rp_iter_next(iter, RP_FOREVER)); count++) {
        size_t place = 0;
        while (place < n && futures[place] != future)
            place++;
        REQUIRE(place < n);
        given[place]++;
        CHECK_INT(rp_state_of(future), RP_DONE);
        CHECK((place < done) == (count < done));
        if (count + 1 == done && !alone)
            suite_relieve(pool, held);
    }
    CHECK_STATUS(rp_iter_status(iter), RP_OK);
    CHECK_UINT(count, n);
    for (size_t i = 0; i < n; i++)
        CHECK_UINT(given[i], 1);
    CHECK(!rp_iter_next(iter, RP_FOREVER));
    rp_iter_free(&iter);
    CHECK(!iter);
    rp_iter_free(&iter);
    suite_release(futures, n);
    suite_close(pool);
}

TEST_CASE(a_timeout_of_0_yields_only_done_ones)
{
    rp_future *held[HELD], *set[4];
    rp_pool *pool = open_held(held, 1);
    for (size_t i = 0; i < 4; i++)
        set[i] = i < 2 ? suite_submit(pool, task_twice, i) : suite_submit_mark(pool, i);
    CHECK_STATUS(rp_cancel(set[3]), RP_OK);
    CHECK_STATUS(rp_cancel(set[0]), RP_OK);
    rp_iter *iter = rp_as_completed(pool, set, 4);
    REQUIRE(iter);
    CHECK_PTR(rp_iter_next(iter, 0), set[3]); /* in the order of their ends */
    CHECK_PTR(rp_iter_next(iter, 0), set[0]);
    CHECK(!rp_iter_next(iter, 0));
    CHECK_STATUS(rp_iter_status(iter), RP_TIMEOUT);
    CHECK(!rp_iter_next(iter, 0.01));
    CHECK_STATUS(rp_iter_status(iter), RP_TIMEOUT);
    suite_relieve(pool, held);
    CHECK(rp_iter_next(iter, RP_FOREVER) != NULL);
    CHECK(rp_iter_next(iter, RP_FOREVER) != NULL);
    CHECK(!rp_iter_next(iter, RP_FOREVER));
    CHECK_STATUS(rp_iter_status(iter), RP_OK);
    rp_iter_free(&iter);
    suite_release(set, 4);
    suite_close(pool);
}

TEST_CASE(an_empty_set_ends_at_once_and_one_may_be_left_early)
{
    rp_pool *pool = suite_open(NULL);
    rp_iter *iter = rp_as_completed(pool, NULL, 0);
    REQUIRE(iter);
    CHECK(!rp_iter_next(iter, RP_FOREVER));
    CHECK_STATUS(rp_iter_status(iter), RP_OK);
    rp_iter_free(&iter);
    rp_future *futures[100];
    for (size_t i = 0; i < 100; i++)
        futures[i] = suite_submit(pool, task_twice, i);
    iter = rp_as_completed(pool, futures, 100);
    REQUIRE(iter);
    CHECK(rp_iter_next(iter, RP_FOREVER) != NULL);
    rp_iter_free(&iter);
    suite_release(futures, 100);
    suite_close(pool);
}

/* ---- rp_wait_many -------------------------------------------------------------------------------------- */

TEST_CASE(waiting_for_all_moves_everything_to_the_front_in_completion_order)
{
    enum { n = 200 };
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[n], *none = NULL;
    size_t done = 0;
    for (size_t i = 0; i < n; i++)
        futures[i] = suite_submit(pool, i % 3 ? task_twice : task_refuse, i);
    CHECK_STATUS(rp_wait_many(futures, n, RP_ALL, RP_FOREVER, &done), RP_OK);
    CHECK_UINT(done, n);
    unsigned seen[n] = {0};
    for (size_t i = 0; i < n; i++) {
        CHECK_INT(rp_state_of(futures[i]), RP_DONE);
        seen[rp_index(futures[i])]++;
        if (rp_workers(pool) == 1)
            CHECK_UINT(rp_index(futures[i]), i);
    }
    for (size_t i = 0; i < n; i++)
        CHECK_UINT(seen[i], 1);
    CHECK_STATUS(rp_wait_many(futures, n, RP_ALL, 0, NULL), RP_OK);
    CHECK_STATUS(rp_wait_many(&none, 0, RP_ALL, RP_FOREVER, &done), RP_OK);
    CHECK_UINT(done, 0);
    suite_release(futures, n);
    suite_close(pool);
}

TEST_CASE(first_completed_splits_the_set)
{
    rp_future *held[HELD], *set[6], *before[6];
    size_t done = 9;
    rp_pool *pool = open_held(held, 1);
    for (size_t i = 0; i < 6; i++)
        before[i] = set[i] = suite_submit_mark(pool, i);
    CHECK_STATUS(rp_wait_many(set, 6, RP_FIRST_COMPLETED, 0.02, &done), RP_TIMEOUT);
    CHECK_UINT(done, 0);
    CHECK_MEM(set, before, sizeof set);
    CHECK_STATUS(rp_cancel(before[4]), RP_OK);
    CHECK_STATUS(rp_cancel(before[1]), RP_OK);
    CHECK_STATUS(rp_wait_many(set, 6, RP_FIRST_COMPLETED, RP_FOREVER, &done), RP_OK);
    const rp_future *wanted[] = {before[4], before[1], before[0], before[2], before[3], before[5]};
    CHECK_UINT(done, 2);
    CHECK_MEM(set, wanted, sizeof set);
    CHECK_STATUS(rp_wait_many(set, 6, RP_ALL, 0.02, &done), RP_TIMEOUT); /* the split holds there, too */
    CHECK_UINT(done, 2);
    CHECK_MEM(set, wanted, sizeof set);
    suite_relieve(pool, held);
    CHECK_STATUS(rp_wait_many(set, 6, RP_ALL, RP_FOREVER, &done), RP_OK);
    CHECK_UINT(done, 6);
    suite_release(set, 6);
    suite_close(pool);
}

TEST_CASE(first_failed_waits_for_a_failure_or_for_all)
{
    rp_future *set[50];
    size_t done = 0;
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < 50; i++)
        set[i] = suite_submit(pool, i == 30 ? task_refuse : task_twice, i);
    CHECK_STATUS(rp_wait_many(set, 50, RP_FIRST_FAILED, RP_FOREVER, &done), RP_OK);
    size_t failed = 0;
    for (size_t i = 0; i < done; i++)
        failed += rp_result(set[i], NULL) == RP_TASK_FAILED;
    CHECK_UINT(failed, 1);
    CHECK_STATUS(rp_wait_many(set, 50, RP_ALL, RP_FOREVER, &done), RP_OK);
    suite_release(set, 50);
    for (size_t i = 0; i < 50; i++)
        set[i] = suite_submit(pool, task_twice, i);
    CHECK_STATUS(rp_wait_many(set, 50, RP_FIRST_FAILED, RP_FOREVER, &done), RP_OK); /* none fails */
    CHECK_UINT(done, 50);
    suite_release(set, 50);
    suite_close(pool);
}

TEST_CASE(first_failed_runs_out_while_nothing_has_failed)
{
    rp_future *held[HELD], *set[3];
    size_t done = 0;
    rp_pool *pool = open_held(held, 1);
    set[0] = held[0];
    set[1] = suite_submit(pool, task_twice, 1);
    set[2] = suite_submit(pool, task_twice, 2);
    CHECK_STATUS(rp_cancel(set[2]), RP_OK);
    CHECK_STATUS(rp_wait_many(set, 3, RP_FIRST_FAILED, 0.02, &done), RP_OK); /* cancelled is not success */
    CHECK_UINT(done, 1);
    CHECK_STATUS(rp_wait_many(set + 1, 2, RP_FIRST_FAILED, 0.02, &done), RP_TIMEOUT);
    CHECK_UINT(done, 0);
    suite_relieve(pool, held);
    CHECK_STATUS(rp_wait_many(set + 2, 1, RP_FIRST_FAILED, RP_FOREVER, &done), RP_OK);
    rp_release(&set[0]);
    rp_release(&set[2]);
    suite_close(pool);
}

/* Each asks for what is done already; over several nodes work moves in calls alone. */
static void ask_state(rp_future **done)
{
    CHECK_INT(rp_state_of(*done), RP_DONE);
}

static void ask_to_wait(rp_future **done)
{
    CHECK_STATUS(rp_wait(*done, RP_FOREVER), RP_OK);
}

static void ask_for_any(rp_future **done)
{
    CHECK_STATUS(rp_wait_many(done, 1, RP_FIRST_COMPLETED, RP_FOREVER, NULL), RP_OK);
}

static bool await_all(size_t n, void (*ask)(rp_future **), rp_future **done)
{
    double end = suite_seconds() + 10;
    while (stage()->ended < n && suite_seconds() < end)
        ask(done);
    return stage()->ended == n;
}

TEST_CASE(who_asks_for_what_is_done_keeps_the_others_going)
{
    enum { n = 100 };
    static void (*const asks[])(rp_future **) = {ask_state, ask_to_wait, ask_for_any};
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    for (size_t k = 0; k < sizeof asks / sizeof *asks; k++) {
        rp_future *futures[n];
        stage_reset();
        for (size_t i = 0; i < n; i++)
            futures[i] = suite_submit_mark(pool, i);
        CHECK_STATUS(rp_wait(futures[0], RP_FOREVER), RP_OK);
        check_note("way %zu", k);
        CHECK(await_all(n, asks[k], futures));
        suite_release(futures, n);
    }
    suite_close(pool);
}

/* ---- Mistakes ------------------------------------------------------------------------------------- */

static void take_note(rp_future *future, void *arg)
{
    (void)future;
    ++*(int *)arg;
}

TEST_CASE(wrong_sets_callbacks_and_options_are_refused)
{
    rp_pool *pool = suite_open(NULL), *other = suite_open(NULL);
    rp_future *set[2] = {suite_submit(pool, task_twice, 1), suite_submit(other, task_twice, 1)}, *none = NULL;
    int notes = 0;
    size_t done = 5;
    rp_iter *wrong = (void *)set[0];
    CHECK_STATUS(rp_wait_many(set, 2, RP_ALL, RP_FOREVER, &done), RP_INVALID);
    CHECK_STATUS(rp_wait_many(NULL, 2, RP_ALL, RP_FOREVER, &done), RP_INVALID);
    CHECK_STATUS(rp_wait_many(&none, 1, RP_ALL, RP_FOREVER, &done), RP_INVALID);
    CHECK_STATUS(rp_wait_many(set, 1, (rp_wait_for)9, RP_FOREVER, &done), RP_INVALID);
    CHECK_UINT(done, 5);
    CHECK(!rp_as_completed(pool, set, 2));
    CHECK(!rp_as_completed(NULL, set, 1));
    CHECK(!rp_as_completed(pool, NULL, 1));
    CHECK(!rp_iter_next(NULL, 0));
    CHECK(!rp_iter_next(wrong, 0));
    CHECK_STATUS(rp_iter_status(wrong), RP_INVALID);
    rp_iter_free(&wrong);
    CHECK_STATUS(rp_on_done(set[0], NULL, NULL), RP_INVALID);
    CHECK_STATUS(rp_on_done(NULL, take_note, &notes), RP_INVALID);
    CHECK(!rp_user(NULL));
#define WITH(...) rp_submit_with(pool, task_twice, "12345678", 8, RP_TASK_OPTIONS(__VA_ARGS__), &none)
    CHECK_STATUS(WITH(.worker = -1), RP_INVALID);
    CHECK_STATUS(WITH(.worker = rp_workers(pool) + 1), RP_INVALID);
    CHECK_STATUS(WITH(.timeout = 1), RP_INVALID);
#undef WITH
    rp_task_options options = RP_TASK_OPTIONS_INIT;
    options.size = 3;
    CHECK_STATUS(rp_submit_with(pool, task_twice, "12345678", 8, &options, &none), RP_INVALID);
    CHECK_STATUS(rp_submit_with(pool, NULL, NULL, 0, NULL, &none), RP_INVALID);
    CHECK_STATUS(rp_submit_with(NULL, task_twice, NULL, 0, NULL, &none), RP_INVALID);
    CHECK(!none);
    suite_release(set, 2);
    suite_close(pool);
    suite_close(other);
}
