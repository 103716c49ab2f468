/* A user's mistake gets a status and a sentence: no abort, no hang, nothing done by halves. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <math.h>
#include <rankpool/mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

static int echo(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

/* The call failed so, left a sentence, and the pool still works. */
#define REFUSED(pool, call, status)                                                                          \
    do {                                                                                                     \
        check_note("%s", #call);                                                                             \
        CHECK_STATUS(call, status);                                                                          \
        CHECK(strlen(rp_last_error(pool)) > 10);                                                             \
        check_note("%s", "");                                                                                \
    } while (0)

static void check_sound(rp_pool *pool)
{
    uint64_t out[50];
    rp_future *future;
    check_note("afterwards");
    CHECK_STATUS(rp_map_range(pool, echo, 0, 50, out, sizeof *out), RP_OK);
    for (uint64_t i = 0; i < 50; i++)
        CHECK_UINT(out[i], i);
    REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    rp_release(&future);
    check_note("%s", "");
}

TEST_CASE(an_open_without_a_place_for_the_pool_is_refused)
{
    REFUSED(NULL, rp_open(NULL, NULL), RP_INVALID);
    rp_pool *pool = NULL;
    REFUSED(NULL, rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool), RP_INVALID); /* it runs no MPI itself */
    CHECK(!pool);
}

/* ---- Maps --------------------------------------------------------------------------------------------- */

TEST_CASE(maps_refuse_what_is_no_array)
{
    uint64_t in[4] = {0}, out[4] = {9, 9, 9, 9};
    rp_pool *pool = suite_open(NULL);
    REFUSED(NULL, rp_map(NULL, echo, in, 8, 4, out, 8), RP_INVALID);
    REFUSED(NULL, rp_map_range(NULL, echo, 0, 4, out, 8), RP_INVALID);
    REFUSED(NULL, rp_map_with(NULL, echo, in, 8, 4, out, 8, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map(pool, NULL, in, 8, 4, out, 8), RP_INVALID);
    REFUSED(pool, rp_map(pool, NULL, in, 8, 0, out, 8), RP_INVALID);
    REFUSED(pool, rp_map(pool, echo, NULL, 8, 4, out, 8), RP_INVALID);
    REFUSED(pool, rp_map(pool, echo, in, 8, 4, NULL, 8), RP_INVALID);
    REFUSED(pool, rp_map(pool, echo, in, SIZE_MAX, 4, out, 8), RP_INVALID);
    REFUSED(pool, rp_map(pool, echo, in, 8, SIZE_MAX / 2, out, 8), RP_INVALID);
    REFUSED(pool, rp_map(pool, echo, in, 8, 4, out, SIZE_MAX / 2), RP_INVALID);
    REFUSED(pool, rp_map_range(pool, echo, 4, 3, out, 8), RP_INVALID);
    REFUSED(pool, rp_map_range(pool, NULL, 3, 4, out, 8), RP_INVALID);
    REFUSED(pool, rp_map_range(pool, echo, 3, 4, NULL, 8), RP_INVALID);
    REFUSED(pool, rp_map_range(pool, echo, 0, UINT64_MAX, out, 8), RP_INVALID);
    for (int i = 0; i < 4; i++)
        CHECK_UINT(out[i], 9);
    check_sound(pool);
    suite_close(pool);
}

static void combine(void *into, const void *from, size_t size)
{
    (void)into, (void)from, (void)size;
}

TEST_CASE(reductions_refuse_what_cannot_be_combined)
{
    uint64_t in[4] = {0}, out = 9;
    rp_pool *pool = suite_open(NULL);
    REFUSED(NULL, rp_map_reduce(NULL, echo, in, 8, 4, combine, &out, 8, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, NULL, in, 8, 4, combine, &out, 8, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, NULL, 8, 4, combine, &out, 8, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 4, NULL, &out, 8, NULL, NULL), RP_INVALID);
    CHECK_HAS(rp_last_error(pool), "combining function");
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 4, combine, NULL, 8, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 4, combine, &out, 0, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 4, combine, NULL, 0, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 4, combine, &out, SIZE_MAX, NULL, NULL), RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 0, NULL, &out, 8, NULL, NULL), RP_INVALID);
    REFUSED(pool,
            rp_map_reduce(pool, echo, in, 8, 4, combine, &out, 8, RP_MAP_OPTIONS(.schedule = "fair"), NULL),
            RP_INVALID);
    REFUSED(pool, rp_map_reduce(pool, echo, in, 8, 4, combine, &out, 8, RP_MAP_OPTIONS(.timeout = 1), NULL),
            RP_INVALID);
    CHECK_UINT(out, 9);
    check_sound(pool);
    suite_close(pool);
}

TEST_CASE(maps_refuse_wrong_options)
{
    rp_pool *pool = suite_open(NULL);
    rp_map_report report = {.done = 77};
#define WITH(...) rp_map_with(pool, nothing, NULL, 0, 5, NULL, 0, RP_MAP_OPTIONS(__VA_ARGS__), &report)
    REFUSED(pool, WITH(.schedule = "fair"), RP_INVALID);
    CHECK_HAS(rp_last_error(pool), "fair");
    REFUSED(pool, WITH(.schedule = ""), RP_INVALID);
    REFUSED(pool, WITH(.common_size = 5), RP_INVALID);
    REFUSED(pool, WITH(.timeout = 1), RP_INVALID);
    if (!suite_is_alone(pool)) /* alone it is not copied */
        REFUSED(pool, WITH(.common = "x", .common_size = SIZE_MAX / 4), RP_NO_MEMORY);
#undef WITH
    CHECK_UINT(report.done, 77); /* outputs are written only on success */
    check_sound(pool);
    suite_close(pool);
}

/* ---- Tasks and futures ----------------------------------------------------------------------------------
 */

TEST_CASE(tasks_refuse_what_cannot_be)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future = NULL;
    REFUSED(NULL, rp_submit(NULL, nothing, NULL, 0, &future), RP_INVALID);
    REFUSED(pool, rp_submit(pool, NULL, NULL, 0, &future), RP_INVALID);
    REFUSED(pool, rp_submit(pool, nothing, NULL, 5, &future), RP_INVALID);
    REFUSED(pool, rp_submit(pool, NULL, NULL, 0, NULL), RP_INVALID);
    REFUSED(pool, rp_submit(pool, nothing, "x", SIZE_MAX / 4, &future), RP_NO_MEMORY);
    REFUSED(pool, rp_submit(pool, nothing, "x", SIZE_MAX - 3, NULL), RP_INVALID);
    CHECK(!future);
    CHECK(!rp_next(NULL, 0));
    CHECK(!rp_next(pool, RP_FOREVER)); /* none was left with the pool */
    check_sound(pool);
    suite_close(pool);
}

TEST_CASE(no_future_is_refused_by_every_call)
{
    rp_view view = {NULL, 3};
    rp_task_info info;
    rp_future *none = NULL;
    REFUSED(NULL, rp_wait(NULL, 0), RP_INVALID);
    REFUSED(NULL, rp_result(NULL, &view), RP_INVALID);
    REFUSED(NULL, rp_cancel(NULL), RP_INVALID);
    REFUSED(NULL, rp_info(NULL, &info), RP_INVALID);
    CHECK(rp_error(NULL) != NULL);
    CHECK_UINT(rp_index(NULL), 0);
    rp_state_of(NULL);
    rp_release(NULL);
    rp_release(&none);
    CHECK_UINT(view.size, 3);
}

TEST_CASE(other_objects_in_the_place_of_a_pool_or_a_future_are_refused)
{
    static _Alignas(64) unsigned char garbage[4096];
    rp_pool *pool = suite_open(NULL), *wrong_pool;
    rp_future *future, *wrong_future;
    rp_view view;
    rp_worker_info worker;
    REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
    void *places[] = {future, garbage, garbage};
    for (int i = 0; i < 3; i++) {
        memset(garbage, i == 1 ? 0 : 0xa5, sizeof garbage);
        wrong_pool = places[i];
        REFUSED(NULL, rp_submit(wrong_pool, nothing, NULL, 0, NULL), RP_INVALID);
        REFUSED(NULL, rp_map(wrong_pool, nothing, NULL, 0, 5, NULL, 0), RP_INVALID);
        REFUSED(NULL, rp_worker(wrong_pool, 1, &worker), RP_INVALID);
        REFUSED(NULL, rp_close(&wrong_pool), RP_INVALID);
        CHECK(!rp_next(wrong_pool, 0));
        CHECK(!rp_is_manager(wrong_pool));
        CHECK_INT(rp_workers(wrong_pool), 0);
        CHECK_UINT(rp_cancel_all(wrong_pool), 0);
        CHECK_STR(rp_describe(wrong_pool), "");
        wrong_future = i ? places[i] : (void *)pool;
        REFUSED(NULL, rp_wait(wrong_future, 0), RP_INVALID);
        REFUSED(NULL, rp_result(wrong_future, &view), RP_INVALID);
        REFUSED(NULL, rp_cancel(wrong_future), RP_INVALID);
        CHECK_UINT(rp_index(wrong_future), 0);
        rp_release(&wrong_future);
    }
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    rp_release(&future);
    check_sound(pool);
    suite_close(pool);
}

TEST_CASE(odd_times_are_taken_or_refused_but_never_hang_or_overflow)
{
    static const double odd[] = {0, -0.0, 1e-300, 1e-9, 1e18, 1e300, INFINITY, -1, -5, -INFINITY};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        rp_future *future;
        check_note("%g seconds", odd[i]);
        REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
        rp_status status = rp_wait(future, odd[i]);
        CHECK(status == RP_OK || (status == RP_TIMEOUT && odd[i] >= 0 && odd[i] < 1));
        rp_release(&future);
        REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, NULL), RP_OK);
        future = rp_next(pool, odd[i]);
        CHECK(future || (odd[i] >= 0 && odd[i] < 1));
        rp_release(&future);
    }
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
    rp_wait(future, NAN); /* whatever it means, it returns */
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(workers_that_are_not_there_are_refused)
{
    rp_pool *pool = suite_open(NULL);
    rp_worker_info info = {.worker = 55};
    REFUSED(pool, rp_worker(pool, -1, &info), RP_INVALID);
    REFUSED(pool, rp_worker(pool, rp_workers(pool) + 1, &info), RP_INVALID);
    REFUSED(pool, rp_worker(pool, 1, NULL), RP_INVALID);
    REFUSED(NULL, rp_worker(NULL, 1, &info), RP_INVALID);
    CHECK_INT(info.worker, 55);
    CHECK_INT(rp_workers(NULL), 0);
    CHECK(!rp_is_manager(NULL));
    CHECK_STR(rp_describe(NULL), "");
    suite_close(pool);
}

/* ---- Inside a task ----------------------------------------------------------------------------------------
 */

/* Notes a mistake: what should be refused was not. */
#define MUST(held)                                                                                           \
    do {                                                                                                     \
        if (!(held))                                                                                         \
            return rp_fail(call, "%s", #held);                                                               \
    } while (0)

struct others {
    rp_pool *pool;
    rp_future *future;
    rp_iter *iter;
    rp_queue *queue;
    long process; /* whose addresses these are: others may read nothing there */
};

static int misbehave(rp_call *call, const void *in, size_t size)
{
    struct others others;
    rp_pool *opened = NULL;
    rp_view view;
    rp_worker_info here;
    memcpy(&others, in, size);
    MUST(rp_here(call, &here) == RP_OK);
    MUST(rp_here(call, NULL) == RP_INVALID);
    if (here.pid != others.process) {
        MUST(rp_open(NULL, &opened) == RP_INVALID && !opened);
        MUST(!rp_is_manager(others.pool) && rp_workers(others.pool) == 0 && !*rp_describe(others.pool));
        MUST(rp_worker(others.pool, 1, &here) == RP_INVALID && *rp_last_error(others.pool));
        MUST(rp_index(others.future) == 0 && !rp_user(others.future) && !rp_queue_id_of(others.queue));
        MUST(!rp_iter_next(others.iter, RP_FOREVER) && rp_iter_status(others.iter) == RP_INVALID);
        rp_iter_free(&others.iter), rp_release(&others.future);
        MUST(others.iter && others.future);
    }
    MUST(rp_map(others.pool, nothing, NULL, 0, 5, NULL, 0) == RP_INVALID);
    MUST(rp_submit(others.pool, nothing, NULL, 0, NULL) == RP_INVALID);
    MUST(!rp_next(others.pool, RP_FOREVER));
    MUST(rp_cancel_all(others.pool) == 0);
    MUST(rp_result(others.future, &view) == RP_INVALID);
    MUST(rp_wait(others.future, RP_FOREVER) == RP_INVALID);
    MUST(rp_cancel(others.future) == RP_INVALID);
    MUST(rp_queue_close(&others.queue) == RP_INVALID && others.queue);
    MUST(rp_close(&others.pool) == RP_INVALID && others.pool);
    return 0;
}

TEST_CASE(calls_on_a_pool_from_inside_its_tasks_are_refused)
{
    rp_pool *pool = suite_open(NULL);
    rp_worker_info me;
    REQUIRE_STATUS(rp_worker(pool, 0, &me), RP_OK);
    struct others in[200];
    in[0] = (struct others){.pool = pool, .process = me.pid};
    REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &in[0].future), RP_OK);
    REQUIRE_STATUS(rp_queue_open(pool, 0, &in[0].queue), RP_OK);
    REQUIRE(in[0].iter = rp_as_completed(pool, &in[0].future, 1));
    for (int i = 1; i < 200; i++)
        in[i] = in[0];
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, misbehave, in, sizeof *in, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    CHECK_STR(rp_error(future), "");
    rp_release(&future);
    rp_map_report report;
    CHECK_STATUS(
        rp_map_with(pool, misbehave, in, sizeof *in, 200, NULL, 0, RP_MAP_OPTIONS(.chunk = 1), &report),
        RP_OK);
    CHECK_STR(report.message, "");
    CHECK_STATUS(rp_result(in[0].future, NULL), RP_OK);
    rp_iter_free(&in[0].iter);
    rp_release(&in[0].future);
    CHECK_STATUS(rp_queue_close(&in[0].queue), RP_OK);
    check_sound(pool);
    suite_close(pool);
}

static int answer_nowhere(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_return(call, NULL, 4);
}

TEST_CASE(an_answer_of_bytes_at_null_fails_its_task_with_a_sentence)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    int out = 5;
    REQUIRE_STATUS(rp_submit(pool, answer_nowhere, NULL, 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_TASK_FAILED);
    CHECK_HAS(rp_error(future), "`data` is NULL, yet it has 4 bytes");
    rp_release(&future);
    CHECK_STATUS(rp_map(pool, answer_nowhere, NULL, 0, 1, &out, sizeof out), RP_TASK_FAILED);
    CHECK_INT(out, 5);
    suite_close(pool);
}

/* ---- Words ------------------------------------------------------------------------------------------------
 */

TEST_CASE(every_status_has_a_text)
{
    for (int status = RP_OK; status <= RP_JOURNAL; status++) {
        CHECK(strlen(rp_strerror((rp_status)status)) > 3);
        for (int other = RP_OK; other < status; other++)
            CHECK(strcmp(rp_strerror((rp_status)status), rp_strerror((rp_status)other)) != 0);
    }
    CHECK(rp_strerror((rp_status)-1) != NULL);
    CHECK(rp_strerror((rp_status)1000) != NULL);
}
