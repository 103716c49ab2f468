/* What tasks answer, and what of it reaches the caller: results of any size, failures in words. */
#include "suite/suite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Answers as many bytes as its input says, from rp_return or from rp_reserve. */
static int return_many(rp_call *call, const void *in, size_t size)
{
    size_t wanted;
    memcpy(&wanted, in, size);
    void *data = malloc(wanted + 1);
    if (!data)
        return 3;
    data_fill(data, wanted, wanted);
    int code = rp_return(call, data, wanted);
    free(data);
    return code;
}

static int reserve_many(rp_call *call, const void *in, size_t size)
{
    size_t wanted;
    memcpy(&wanted, in, size);
    void *room = rp_reserve(call, wanted);
    if (!room || (uintptr_t)room % _Alignof(max_align_t))
        return 3;
    data_fill(room, wanted, wanted);
    return 0;
}

static const size_t sizes[] = {0,    1,    7,     8,     9,     16,    23,    24,      25,      31,      32,
                               33,   63,   64,    65,    127,   128,   129,   1000,    4095,    4096,    4097,
                               8191, 8193, 16384, 16385, 65535, 65536, 65537, 1 << 20, 3000001, 40 << 20};
#define SIZES (sizeof sizes / sizeof *sizes)

static void check_result(rp_future *future, size_t size)
{
    rp_view view = {NULL, 1};
    check_note("%zu bytes", size);
    if (!CHECK_STATUS(rp_result(future, &view), RP_OK) || !CHECK_UINT(view.size, size))
        return;
    CHECK_UINT((uintptr_t)view.data % _Alignof(max_align_t), 0);
    char *wanted = malloc(size + 1);
    REQUIRE(wanted);
    data_fill(wanted, size, size);
    CHECK_MEM(view.data, wanted, size);
    free(wanted);
}

TEST_CASE(results_of_any_size_come_back)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[2 * SIZES];
    for (size_t i = 0; i < SIZES; i++) {
        REQUIRE_STATUS(rp_submit(pool, return_many, &sizes[i], sizeof *sizes, &futures[2 * i]), RP_OK);
        REQUIRE_STATUS(rp_submit(pool, reserve_many, &sizes[i], sizeof *sizes, &futures[2 * i + 1]), RP_OK);
    }
    for (size_t i = 0; i < 2 * SIZES; i++) {
        check_result(futures[i], sizes[i / 2]);
        rp_release(&futures[i]);
    }
    suite_close(pool);
}

TEST_CASE(inputs_of_any_size_arrive)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[SIZES];
    char *in = malloc(sizes[SIZES - 1]);
    REQUIRE(in);
    for (size_t i = 0; i < SIZES; i++) {
        data_fill(in, sizes[i], sizes[i]);
        REQUIRE_STATUS(rp_submit(pool, task_echo, in, sizes[i], &futures[i]), RP_OK);
    }
    memset(in, 0, sizes[SIZES - 1]);
    for (size_t i = 0; i < SIZES; i++) {
        check_result(futures[i], sizes[i]);
        rp_release(&futures[i]);
    }
    free(in);
    suite_close(pool);
}

TEST_CASE(many_large_results_are_fetched_in_any_order)
{
    enum { n = 60 };
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[n];
    for (size_t i = 0; i < n; i++) {
        size_t size = 100000 + 1000 * i;
        REQUIRE_STATUS(rp_submit(pool, reserve_many, &size, sizeof size, &futures[i]), RP_OK);
    }
    for (size_t k = 0; k < n; k++) {
        size_t i = k * 37 % n;
        check_result(futures[i], 100000 + 1000 * i);
        if (k % 2)
            rp_release(&futures[i]);
    }
    suite_release(futures, n);
    suite_close(pool);
}

/* ---- Answering twice, or less than was reserved -------------------------------------------------- */

static int answer_again(rp_call *call, const void *in, size_t size)
{
    static const size_t lengths[] = {5, 100000, 3, 300000, 40, 0};
    char fill[64];
    size_t last;
    memcpy(&last, in, size);
    for (size_t i = 0; i <= last; i++) {
        memset(fill, (int)i, sizeof fill);
        if (lengths[i] <= sizeof fill && i % 2 == 0) {
            if (rp_return(call, fill, lengths[i]))
                return 2;
            continue;
        }
        void *room = rp_reserve(call, lengths[i]);
        if (!room)
            return 3;
        memset(room, (int)i, lengths[i]);
    }
    return 0;
}

TEST_CASE(the_last_answer_replaces_the_earlier_ones)
{
    static const size_t lengths[] = {5, 100000, 3, 300000, 40, 0};
    rp_pool *pool = suite_open(NULL);
    for (size_t last = 0; last < 6; last++) {
        rp_future *future;
        rp_view view;
        check_note("answer %zu is the last", last);
        REQUIRE_STATUS(rp_submit(pool, answer_again, &last, sizeof last, &future), RP_OK);
        REQUIRE_STATUS(rp_result(future, &view), RP_OK);
        CHECK_UINT(view.size, lengths[last]);
        const unsigned char *bytes = view.data;
        for (size_t i = 0; i < view.size; i++)
            if (!CHECK_UINT(bytes[i], last))
                break;
        rp_release(&future);
    }
    suite_close(pool);
}

static int reserve_more_than_there_is(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    if (rp_reserve(call, SIZE_MAX / 2))
        return 4;
    return rp_reserve(call, SIZE_MAX - 8) ? 5 : 6;
}

TEST_CASE(a_reservation_beyond_all_memory_gives_nothing)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    rp_task_info info;
    REQUIRE_STATUS(rp_submit(pool, reserve_more_than_there_is, NULL, 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_TASK_FAILED);
    CHECK_STATUS(rp_info(future, &info), RP_OK);
    CHECK_INT(info.code, 6);
    rp_release(&future);
    uint64_t small;
    CHECK_STATUS(rp_map(pool, reserve_more_than_there_is, NULL, 0, 1, &small, sizeof small), RP_TASK_FAILED);
    CHECK_STATUS(rp_map(pool, reserve_more_than_there_is, NULL, 0, 1, NULL, 0), RP_TASK_FAILED);
    suite_close(pool);
}

/* ---- Failures ------------------------------------------------------------------------------------ */

static int fail_as_told(rp_call *call, const void *in, size_t size)
{
    int code;
    if (size != sizeof code)
        return rp_fail(call, "the %s is %d years old", "mammoth", 4000);
    memcpy(&code, in, size);
    if (code != INT_MAX)
        return code;
    rp_return(call, "void", 4);
    rp_fail(call, "first this");
    rp_fail(call, "then that");
    return code;
}

static void check_sentence(rp_pool *pool, rp_future *future, int code, const char *part)
{
    rp_task_info info;
    rp_view view = {"untouched", 9};
    char text[64];
    CHECK_STATUS(rp_result(future, &view), RP_TASK_FAILED);
    CHECK_UINT(view.size, 9);
    REQUIRE_STATUS(rp_info(future, &info), RP_OK);
    CHECK_INT(info.code, code);
    CHECK_INT(info.attempts, 1);
    const char *sentence = rp_error(future);
    CHECK_STR(rp_last_error(pool), sentence);
    CHECK_HAS(sentence, part);
    snprintf(text, sizeof text, "code %d ", code);
    CHECK_HAS(sentence, text);
    snprintf(text, sizeof text, "worker %d ", info.worker);
    CHECK_HAS(sentence, text);
    CHECK_HAS(sentence, info.host);
    CHECK_HAS(sentence, "attempt 1");
}

TEST_CASE(a_failure_reaches_the_caller_with_code_message_worker_host_and_attempt)
{
    static const int codes[] = {1, 2, -1, 255, 256, INT_MIN};
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, fail_as_told, NULL, 0, &future), RP_OK);
    check_sentence(pool, future, 1, "the mammoth is 4000 years old");
    rp_release(&future);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        check_note("code %d", codes[i]);
        REQUIRE_STATUS(rp_submit(pool, fail_as_told, &codes[i], sizeof codes[i], &future), RP_OK);
        check_sentence(pool, future, codes[i], "failed");
        CHECK(!strstr(rp_error(future), "mammoth")); /* that was another task's */
        rp_release(&future);
    }
    int code = INT_MAX;
    REQUIRE_STATUS(rp_submit(pool, fail_as_told, &code, sizeof code, &future), RP_OK);
    check_sentence(pool, future, code, "then that");
    CHECK(!strstr(rp_error(future), "first this"));
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(a_worker_that_reported_a_failure_serves_the_next_task)
{
    rp_pool *pool = suite_open(NULL);
    size_t failed = 0, right = 0;
    for (uint64_t i = 0; i < 1000; i++)
        REQUIRE_STATUS(i % 2 ? rp_submit(pool, fail_as_told, NULL, 0, NULL)
                             : rp_submit(pool, task_echo, &i, sizeof i, NULL),
                       RP_OK);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        uint64_t value = UINT64_MAX;
        if (rp_result(future, &view) == RP_OK)
            memcpy(&value, view.data, sizeof value);
        failed += rp_index(future) % 2 && strstr(rp_error(future), "mammoth");
        right += value == rp_index(future);
    }
    CHECK_UINT(failed, 500);
    CHECK_UINT(right, 500);
    suite_close(pool);
}

/* Each process fails, and then serves: the same one. */
TEST_CASE(each_worker_serves_on_after_each_failure)
{
    rp_pool *pool = suite_open(NULL);
    for (int i = 0; i < 3 * rp_workers(pool); i++) {
        rp_future *futures[2];
        rp_task_info failed, served;
        rp_task_options options = RP_TASK_OPTIONS_INIT;
        options.worker = 1 + i % rp_workers(pool);
        REQUIRE_STATUS(rp_submit_with(pool, fail_as_told, NULL, 0, &options, &futures[0]), RP_OK);
        REQUIRE_STATUS(rp_submit_with(pool, task_echo, "on", 2, &options, &futures[1]), RP_OK);
        CHECK_STATUS(rp_result(futures[0], NULL), RP_TASK_FAILED);
        CHECK_STATUS(rp_result(futures[1], NULL), RP_OK);
        CHECK_STATUS(rp_info(futures[0], &failed), RP_OK);
        CHECK_STATUS(rp_info(futures[1], &served), RP_OK);
        CHECK_INT(failed.worker, options.worker);
        CHECK_INT(served.pid, failed.pid);
        suite_release(futures, 2);
    }
    suite_close(pool);
}

static int fail_at_length(rp_call *call, const void *in, size_t size)
{
    char text[5000];
    (void)in, (void)size;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    return rp_fail(call, "%s", text);
}

TEST_CASE(an_endless_sentence_is_cut)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *future;
    rp_map_report report;
    REQUIRE_STATUS(rp_submit(pool, fail_at_length, NULL, 0, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_TASK_FAILED);
    CHECK_HAS(rp_error(future),
              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    CHECK(strlen(rp_error(future)) < 5000);
    rp_release(&future);
    CHECK_STATUS(rp_map_with(pool, fail_at_length, NULL, 0, 100, NULL, 0, NULL, &report), RP_TASK_FAILED);
    CHECK_UINT(report.failed, 100);
    CHECK(memchr(report.message, '\0', sizeof report.message) != NULL);
    CHECK_HAS(report.message, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    suite_close(pool);
}

/* ---- What outlives the pool ---------------------------------------------------------------------- */

TEST_CASE(futures_and_views_outlive_the_pool)
{
    rp_pool *pool = suite_open(NULL), *other;
    rp_future *small, *large, *failed, *unwaited;
    rp_view view, again;
    rp_task_info info;
    size_t few = 10, many = 500000;
    REQUIRE_STATUS(rp_submit(pool, reserve_many, &few, sizeof few, &small), RP_OK);
    REQUIRE_STATUS(rp_submit(pool, reserve_many, &many, sizeof many, &large), RP_OK);
    REQUIRE_STATUS(rp_submit(pool, fail_as_told, NULL, 0, &failed), RP_OK);
    REQUIRE_STATUS(rp_submit(pool, reserve_many, &many, sizeof many, &unwaited), RP_OK);
    REQUIRE_STATUS(rp_result(large, &view), RP_OK);
    suite_close(pool);
    other = suite_open(NULL); /* takes its place in memory, perhaps */

    uint64_t digest = data_digest(view.data, view.size);
    check_result(small, few);
    check_result(large, many);
    check_result(unwaited, many);
    CHECK_STATUS(rp_result(large, &again), RP_OK);
    CHECK_PTR(again.data, view.data);
    CHECK_UINT(data_digest(again.data, again.size), digest);
    CHECK_STATUS(rp_wait(failed, 0), RP_OK);
    CHECK_STATUS(rp_result(failed, &again), RP_TASK_FAILED);
    CHECK_HAS(rp_error(failed), "mammoth");
    CHECK_STATUS(rp_info(failed, &info), RP_OK);
    CHECK_INT(info.code, 1);
    CHECK(info.pid > 0 && info.host[0]);
    CHECK_STATUS(rp_cancel(small), RP_BUSY);
    CHECK_INT(rp_state_of(small), RP_DONE);
    CHECK_UINT(rp_index(unwaited), 3);
    rp_release(&small);
    rp_release(&large);
    rp_release(&failed);
    rp_release(&unwaited);
    suite_close(other);
}
