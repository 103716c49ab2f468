/* Calls in the middle of others, and processes that the program makes by itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite/suite.h"

static int fail(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "as it should");
}

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

static void close_the_pool(rp_future *future, void *arg)
{
    (void)future;
    CHECK_STATUS(rp_close(arg), RP_INVALID);
}

TEST_CASE(a_callback_cannot_close_its_pool)
{
    rp_pool *pool = suite_open(NULL), *same = pool;
    rp_future *future;
    uint64_t one = 1;
    REQUIRE_STATUS(rp_submit(pool, task_echo, &one, sizeof one, &future), RP_OK);
    REQUIRE_STATUS(rp_on_done(future, close_the_pool, &same), RP_OK);
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    CHECK_PTR(same, pool);
    rp_release(&future);
    suite_close(pool);
}

static void make_a_mistake(rp_future *future, void *arg)
{
    (void)future;
    CHECK_STATUS(rp_submit(arg, NULL, NULL, 0, NULL), RP_INVALID);
}

TEST_CASE(a_map_says_its_own_failure_whatever_callbacks_did)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    rp_map_report report;
    uint64_t in[50] = {0};
    REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
    REQUIRE_STATUS(rp_on_done(future, make_a_mistake, pool), RP_OK);
    CHECK_STATUS(rp_map_with(pool, fail, in, 8, 50, NULL, 0, NULL, &report), RP_TASK_FAILED);
    CHECK_HAS(rp_last_error(pool), "as it should");
    CHECK_HAS(report.message, "as it should");
    rp_release(&future);
    suite_close(pool);
}

static rp_pool *aside; /* in the manager while it reduces; workers have none */
static uint64_t asides;

static int answer_index(rp_call *call, const void *in, size_t size)
{
    uint64_t index = rp_call_index(call);
    (void)in, (void)size;
    return rp_return(call, &index, sizeof index);
}

/* Adds, and has something computed in between where there is a pool for that. */
static void add_and_look_aside(void *into, const void *from, size_t size)
{
    enum { ITEMS = 300 };
    uint64_t in[ITEMS], out[ITEMS] = {0}, sum, other;
    rp_status status = RP_OK;
    memcpy(&sum, into, sizeof sum);
    memcpy(&other, from, sizeof other);
    for (uint64_t i = 0; i < ITEMS; i++)
        in[i] = out[i] = other + i;
    if (aside) {
        memset(out, 0, sizeof out);
        status = rp_map(aside, task_echo, in, sizeof *in, ITEMS, out, sizeof *out);
        asides++;
    }
    if (status || memcmp(in, out, sizeof in) != 0)
        sum = UINT64_MAX / 2;
    sum += other;
    memcpy(into, &sum, size);
}

TEST_CASE(a_combination_may_use_another_pool)
{
    enum { ITEMS = 700 };
    static const size_t chunks[] = {0, 7};
    rp_pool *pool = suite_open(NULL), *other = suite_open(NULL);
    for (size_t c = 0; c < 2; c++) {
        uint64_t sum = 0;
        aside = other;
        asides = 0;
        CHECK_STATUS(rp_map_reduce(pool, answer_index, NULL, 0, ITEMS, add_and_look_aside, &sum, sizeof sum,
                                   RP_MAP_OPTIONS(.chunk = chunks[c], .schedule = "dynamic"), NULL),
                     RP_OK);
        aside = NULL;
        CHECK_UINT(sum, (uint64_t)ITEMS * (ITEMS - 1) / 2);
        CHECK(asides > 0);
    }
    suite_close(other);
    suite_close(pool);
}

static int say_and_forget(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    if (rp_call_index(call) % 2)
        return 7;
    rp_fail(call, "not meant");
    return 0;
}

TEST_CASE(a_failure_does_not_borrow_the_sentence_of_another_item)
{
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(rp_map_range(pool, say_and_forget, 0, 10, NULL, 0), RP_TASK_FAILED);
    CHECK(!strstr(rp_last_error(pool), "not meant"));
    suite_close(pool);
}

TEST_CASE(a_pool_with_a_finalizer_closes_after_many_tasks_were_cancelled)
{
    rp_options options = RP_OPTIONS_INIT;
    options.finalizer = nothing;
    rp_pool *pool = suite_open(&options);
    for (int i = 0; i < 30000; i++)
        REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, NULL), RP_OK);
    rp_cancel_all(pool);
    suite_close(pool);
}

TEST_CASE(a_child_that_the_program_forks_ends_by_itself)
{
    rp_pool *pool = suite_open(NULL);
    uint64_t in = 5, out = 0;
    pid_t child = fork();
    if (child == 0)
        exit(3);
    REQUIRE(child > 0);
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    CHECK_STATUS(rp_map(pool, task_echo, &in, 8, 1, &out, 8), RP_OK);
    CHECK_UINT(out, 5);
    suite_close(pool);
}

static int fork_and_exit(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        exit(4);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return rp_fail(call, "no child: %s", strerror(errno));
    return WIFEXITED(status) && WEXITSTATUS(status) == 4 ? 0 : rp_fail(call, "it ended with %d", status);
}

TEST_CASE(a_child_that_a_task_forks_ends_by_itself)
{
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(rp_map_range(pool, fork_and_exit, 0, 4, NULL, 0), RP_OK);
    CHECK_STR(rp_last_error(pool), "");
    suite_close(pool);
}

static int refuse(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "no licence");
}

TEST_CASE(a_map_on_a_broken_pool_reports_that_nothing_ran)
{
    rp_options options = RP_OPTIONS_INIT;
    options.initializer = refuse;
    rp_pool *pool;
    REQUIRE_STATUS(rp_open(&options, &pool), RP_OK);
    uint64_t in[9] = {0};
    rp_status statuses[9];
    rp_map_options map_options = RP_MAP_OPTIONS_INIT;
    map_options.statuses = statuses;
    for (int round = 0; round < 2; round++) {
        rp_map_report report = {.done = 77};
        memset(statuses, 0, sizeof statuses);
        CHECK_STATUS(rp_map_with(pool, task_echo, in, 8, 9, in, 8, &map_options, &report), RP_POOL_BROKEN);
        CHECK_UINT(report.done, 0);
        CHECK_UINT(report.cancelled, 9);
        CHECK_UINT(report.first_failed, 9);
        CHECK_STATUS(statuses[8], RP_POOL_BROKEN);
        CHECK_HAS(report.message, "no licence");
    }
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
}
