#include "calls.h"

#include <math.h>

/* A pool with three squares submitted, of 1, 2 and 3. */
static rp_pool *open_with_squares(rp_future *futures[3])
{
    rp_pool *pool = suite_open(NULL);
    for (int i = 0; i < 3; i++) {
        double x = i + 1;
        REQUIRE_STATUS(rp_submit(pool, square, &x, sizeof x, &futures[i]), RP_OK);
    }
    return pool;
}

static void close_with(rp_pool *pool, rp_future *futures[3])
{
    for (int i = 0; i < 3; i++)
        rp_release(&futures[i]);
    suite_close(pool);
}

static int refuse(rp_call *call, const void *in, size_t size)
{
    return rp_fail(call, "task %zu will not", rp_call_index(call));
}

TEST_CASE(a_task_is_submitted)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_submit]
    double x = 3, answer = 0;
    rp_view view;
    rp_future *future = NULL;
    if (rp_submit(pool, square, &x, sizeof x, &future) || rp_result(future, &view))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    else
        answer = *(const double *)view.data;
    rp_release(&future);
    //! [rp_submit]
    CHECK_NEAR(answer, 9, 0);
    suite_close(pool);
}

TEST_CASE(a_task_is_submitted_with_options)
{
    rp_pool *pool = suite_open(NULL);
    double x = 3;
    //! [rp_submit_with]
    rp_future *future;
    const rp_task_options *options = RP_TASK_OPTIONS(.worker = 1, .priority = 5);
    rp_status status = rp_submit_with(pool, square, &x, sizeof x, options, &future);
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    //! [rp_submit_with]
    rp_task_info info;
    REQUIRE_STATUS(status, RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    CHECK_STATUS(rp_info(future, &info), RP_OK);
    CHECK_INT(info.worker, 1);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(results_are_taken_as_they_come)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_next]
    double sum = 0;
    for (double x = 1; x <= 10; x++)
        if (rp_submit(pool, square, &x, sizeof x, NULL)) /* the future stays with the pool */
            fprintf(stderr, "%s\n", rp_last_error(pool));
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        if (rp_result(future, &view) == RP_OK)
            sum += *(const double *)view.data;
    }
    //! [rp_next]
    CHECK_NEAR(sum, 385, 0);
    suite_close(pool);
}

TEST_CASE(a_task_is_waited_for)
{
    rp_future *futures[3], *future;
    rp_pool *pool = open_with_squares(futures);
    future = futures[2];
    //! [rp_wait]
    while (rp_wait(future, 5) == RP_TIMEOUT)
        fprintf(stderr, "still waiting for task %zu\n", rp_index(future));
    //! [rp_wait]
    CHECK_INT(rp_state_of(future), RP_DONE);
    close_with(pool, futures);
}

TEST_CASE(a_result_is_looked_at)
{
    rp_future *futures[3], *future;
    rp_pool *pool = open_with_squares(futures);
    future = futures[2];
    //! [rp_result]
    double value = NAN;
    rp_view view;
    rp_status status = rp_result(future, &view); /* waits */
    if (status)
        fprintf(stderr, "%s: %s\n", rp_strerror(status), rp_error(future));
    else if (view.size == sizeof value)
        memcpy(&value, view.data, sizeof value);
    //! [rp_result]
    CHECK_NEAR(value, 9, 0);
    close_with(pool, futures);
}

TEST_CASE(a_failure_is_a_sentence)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, refuse, NULL, 0, &future), RP_OK);
    //! [rp_error]
    if (rp_result(future, NULL) == RP_TASK_FAILED)
        fprintf(stderr, "%s\n", rp_error(future)); /* "task 0 failed with code 1 on worker 1 (...)" */
    //! [rp_error]
    CHECK_HAS(rp_error(future), "task 0 failed with code 1 on worker ");
    CHECK_HAS(rp_error(future), "task 0 will not");
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(a_task_tells_how_far_it_is)
{
    rp_future *futures[3], *future;
    rp_pool *pool = open_with_squares(futures);
    future = futures[2];
    //! [rp_state_of]
    static const char *const words[] = {
        [RP_PENDING] = "is queued", [RP_RUNNING] = "runs", [RP_DONE] = "is done"};
    printf("task %zu %s\n", rp_index(future), words[rp_state_of(future)]);
    //! [rp_state_of]
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    CHECK_STR(words[rp_state_of(future)], "is done");
    close_with(pool, futures);
}

TEST_CASE(a_task_is_cancelled)
{
    rp_future *futures[3], *future;
    rp_pool *pool = open_with_squares(futures);
    future = futures[2];
    //! [rp_cancel]
    if (rp_cancel(future) == RP_BUSY)
        fprintf(stderr, "too late: it has started\n");
    bool cancelled = rp_result(future, NULL) == RP_CANCELLED;
    //! [rp_cancel]
    CHECK(cancelled || rp_result(future, NULL) == RP_OK);
    CHECK_STATUS(rp_cancel(future), cancelled ? RP_OK : RP_BUSY);
    close_with(pool, futures);
}

TEST_CASE(results_are_put_where_they_belong)
{
    rp_pool *pool = suite_open(NULL);
    double out[10] = {0};
    //! [rp_index]
    for (double x = 0; x < 10; x++) /* the pool's first tasks: their indices are 0 to 9 */
        if (rp_submit(pool, square, &x, sizeof x, NULL))
            fprintf(stderr, "%s\n", rp_last_error(pool));
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        if (rp_result(future, &view) == RP_OK)
            memcpy(&out[rp_index(future)], view.data, view.size);
    }
    //! [rp_index]
    CHECK_NEAR(out[9], 81, 0);
    suite_close(pool);
}

TEST_CASE(a_task_tells_where_it_ran)
{
    rp_future *futures[3], *future;
    rp_pool *pool = open_with_squares(futures);
    future = futures[2];
    //! [rp_info]
    rp_task_info info;
    if (rp_wait(future, RP_FOREVER) == RP_OK && rp_info(future, &info) == RP_OK)
        printf("worker %d (%s, process %ld) took %g seconds, after %g in the queue\n", info.worker, info.host,
               info.pid, info.ran, info.queued);
    //! [rp_info]
    CHECK_INT(info.attempts, 1);
    close_with(pool, futures);
}

TEST_CASE(a_future_is_released)
{
    rp_future *futures[3];
    rp_pool *pool = open_with_squares(futures);
    //! [rp_release]
    for (int i = 0; i < 3; i++) {
        if (rp_result(futures[i], NULL))
            fprintf(stderr, "%s\n", rp_error(futures[i]));
        rp_release(&futures[i]); /* its result, its sentence and its info are gone */
    }
    //! [rp_release]
    CHECK(!futures[2]);
    suite_close(pool);
}

TEST_CASE(a_future_carries_a_pointer)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_user]
    struct pixel {
        double value, square;
    } pixel = {.value = 4};
    if (rp_submit_with(pool, square, &pixel.value, sizeof pixel.value, RP_TASK_OPTIONS(.user = &pixel), NULL))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        if (rp_result(future, &view) == RP_OK)
            memcpy(&((struct pixel *)rp_user(future))->square, view.data, view.size);
    }
    //! [rp_user]
    CHECK_NEAR(pixel.square, 16, 0);
    suite_close(pool);
}

TEST_CASE(some_futures_are_waited_for)
{
    rp_future *futures[3];
    rp_pool *pool = open_with_squares(futures);
    //! [rp_wait_many]
    size_t done;
    rp_status status = rp_wait_many(futures, 3, RP_ALL, 60, &done);
    if (status == RP_TIMEOUT)
        fprintf(stderr, "%zu of 3 are done\n", done); /* futures[0] to futures[done - 1] */
    //! [rp_wait_many]
    CHECK_STATUS(status, RP_OK);
    CHECK_UINT(done, 3);
    close_with(pool, futures);
}

TEST_CASE(futures_are_gone_through_as_they_complete)
{
    rp_future *futures[3];
    rp_pool *pool = open_with_squares(futures);
    //! [rp_as_completed]
    double sum = 0;
    rp_iter *iter = rp_as_completed(pool, futures, 3);
    if (!iter)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    for (rp_future *future; (future = rp_iter_next(iter, RP_FOREVER));) {
        rp_view view;
        if (rp_result(future, &view) == RP_OK)
            sum += *(const double *)view.data;
    }
    rp_iter_free(&iter); /* the futures are still to be released */
    //! [rp_as_completed]
    CHECK_NEAR(sum, 14, 0);
    close_with(pool, futures);
}

TEST_CASE(the_next_future_is_waited_for)
{
    rp_future *futures[3];
    rp_pool *pool = open_with_squares(futures);
    rp_iter *iter = rp_as_completed(pool, futures, 3);
    size_t count = 0;
    //! [rp_iter_next]
    for (rp_future *future; (future = rp_iter_next(iter, 60)); count++)
        printf("task %zu is done\n", rp_index(future));
    //! [rp_iter_next]
    CHECK_UINT(count, 3);
    rp_iter_free(&iter);
    close_with(pool, futures);
}

TEST_CASE(an_iterator_tells_its_end_from_a_timeout)
{
    rp_future *futures[3];
    rp_pool *pool = open_with_squares(futures);
    rp_iter *iter = rp_as_completed(pool, futures, 3);
    //! [rp_iter_status]
    rp_future *future;
    do
        future = rp_iter_next(iter, 0.01);
    while (future || rp_iter_status(iter) == RP_TIMEOUT);
    if (rp_iter_status(iter))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    //! [rp_iter_status]
    CHECK_STATUS(rp_iter_status(iter), RP_OK);
    CHECK_INT(rp_state_of(futures[2]), RP_DONE);
    rp_iter_free(&iter);
    close_with(pool, futures);
}

TEST_CASE(an_iterator_may_be_left_early)
{
    rp_future *futures[3];
    rp_pool *pool = open_with_squares(futures);
    rp_iter *iter = rp_as_completed(pool, futures, 3);
    //! [rp_iter_free]
    rp_future *first = rp_iter_next(iter, RP_FOREVER);
    if (first)
        printf("task %zu was the first\n", rp_index(first));
    rp_iter_free(&iter); /* the others go on */
    //! [rp_iter_free]
    CHECK(first && !iter);
    close_with(pool, futures);
}

//! [rp_on_done]
static void report(rp_future *future, void *arg)
{
    size_t *failed = arg;
    if (rp_result(future, NULL))
        ++*failed;
    rp_release(&future);
}

static rp_status submit_reported(rp_pool *pool, double x, size_t *failed)
{
    rp_future *future;
    rp_status status = rp_submit(pool, x < 0 ? refuse : square, &x, sizeof x, &future);
    return status ? status : rp_on_done(future, report, failed);
}
//! [rp_on_done]

TEST_CASE(a_callback_is_called_when_a_task_is_done)
{
    size_t failed = 0;
    rp_pool *pool = suite_open(NULL);
    for (double x = -2; x < 10; x++)
        CHECK_STATUS(submit_reported(pool, x, &failed), RP_OK);
    suite_close(pool);
    CHECK_UINT(failed, 2);
}
