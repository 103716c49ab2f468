/* Submitted tasks on a node that is led from elsewhere: they start, end, are cancelled and given back one by
 * one. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "outpost.h"

static struct outpost post;

static int fail_at_three(rp_call *call, const void *in, size_t size)
{
    rp_worker_info info;
    (void)in, (void)size;
    if (rp_call_index(call) == 903 && !rp_here(call, &info))
        return rp_fail(call, "three is too many for worker %d", info.worker);
    return rp_return(call, "fine", 4);
}

TEST_CASE(a_task_that_fails_says_why_and_the_number_of_its_worker)
{
    outpost_start(&post, 1, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_tasks(1, 5);
    outpost_send_tasks(&post, &block, fail_at_three);
    outpost_await_items(&post, 5);
    const struct outpost_note *failed = outpost_find(&post, 1, 3), *fine = outpost_find(&post, 1, 4);
    REQUIRE(failed && fine);
    CHECK_STATUS(failed->note.status, RP_TASK_FAILED);
    CHECK_INT(failed->note.code, 1);
    CHECK_UINT(failed->note.worker, OUTPOST_FIRST);
    REQUIRE(failed->note.bytes == strlen("three is too many for worker 5"));
    CHECK_MEM(failed->payload, "three is too many for worker 5", failed->note.bytes);
    CHECK_STATUS(fine->note.status, RP_OK);
    outpost_end(&post);
}

static int pass(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->waiting, 1);
    return 0;
}

/* It may wait for what the tasks do. */
TEST_CASE(a_lone_leader_runs_its_tasks_though_its_manager_takes_nothing)
{
    enum { N = 30 };
    outpost_start(&post, 1, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_tasks(1, N);
    outpost_send_tasks(&post, &block, pass);
    gang_await(&gang_tally->waiting, N);
    outpost_await_items(&post, N);
    outpost_end(&post);
}

/* The leader looks at the net when there is something on its way: here there is nothing any more. */
static int run_once_told(rp_call *call, const void *in, size_t size)
{
    static int runs;
    (void)call, (void)in, (void)size;
    runs++;
    while (atomic_load(&post.started) < runs)
        sched_yield();
    return 0;
}

/* If the leader dies of an item, that is the one that is known to have started and not to have ended. */
TEST_CASE(what_a_lone_leader_has_run_is_told_before_it_starts_anything_else)
{
    enum { N = 300 };
    outpost_start(&post, 1, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message tasks = outpost_tasks(1, N), map = outpost_squares(2, N);
    map.block.flags = WIRE_TELLING;
    map.block.schedule = SCHEDULE_STATIC;
    map.block.function = outpost_name(run_once_told);
    map.block.patience_us = tasks.block.patience_us = 10000000;
    outpost_send_tasks(&post, &tasks, run_once_told);
    outpost_await_items(&post, N);
    outpost_send_squares(&post, &map, 0);
    outpost_await_items(&post, 2 * N);
    CHECK_INT(post.started, 2 * N);
    CHECK_UINT(post.charged, 1);
    outpost_end(&post);
}

static int wait_for_gate(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    atomic_fetch_add(&gang_tally->runs[rp_call_index(call)], 1);
    gang_await(&gang_tally->gate, 1);
    return 0;
}

/* Two of the tasks run, and wait. */
static void start_two_that_wait(uint32_t items)
{
    struct wire_message block = outpost_tasks(2, items);
    outpost_start(&post, 3, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    outpost_send_tasks(&post, &block, wait_for_gate);
    gang_await(&gang_tally->runs[900], 1);
    gang_await(&gang_tally->runs[901], 1);
}

TEST_CASE(before_the_leader_runs_what_is_for_it_alone_it_gives_back_what_nobody_has_begun)
{
    start_two_that_wait(20);
    struct wire_message mine = outpost_tasks(1, 1);
    mine.block.worker = OUTPOST_FIRST;
    outpost_send_tasks(&post, &mine, fail_at_three);
    outpost_await(&post, WIRE_RECALLED, 1);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.block, 2);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.from, 2);
    outpost_await_items(&post, 1);
    const struct outpost_note *note = outpost_find(&post, 1, 0);
    CHECK(note && note->note.worker == OUTPOST_FIRST);
    CHECK_INT(post.got[WIRE_STARTED], 3); /* all that run were told before */
    atomic_store(&gang_tally->gate, 1);
    outpost_await_items(&post, 3);
    outpost_end(&post);
}

TEST_CASE(the_leader_takes_one_task_that_nobody_comes_for_once_the_manager_sends_no_more)
{
    start_two_that_wait(4);
    outpost_await(&post, WIRE_PAUSE, 1);
    struct wire_pause asked = post.last[WIRE_PAUSE].pause;
    CHECK(asked.begins);
    struct wire_message other = {.type = WIRE_PAUSED, .paused = {asked.pause + 1}};
    outpost_send(&post, &other, NULL, 0); /* to one that it has not asked for */
    struct wire_message granted = {.type = WIRE_PAUSED, .paused = {asked.pause}};
    outpost_send(&post, &granted, NULL, 0);
    outpost_await(&post, WIRE_RECALLED, 1);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.from, 3);
    gang_await(&gang_tally->runs[902], 1);
    atomic_store(&gang_tally->gate, 1);
    outpost_await_items(&post, 3);
    outpost_await(&post, WIRE_PAUSE, 2);
    CHECK(!post.last[WIRE_PAUSE].pause.begins);
    outpost_end(&post);
    CHECK_UINT(gang_tally->runs[903], 0);
}

static int note_run(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    atomic_fetch_add(&gang_tally->runs[rp_call_index(call)], 1);
    return 0;
}

/* More than two looks at what lies there pass before it goes on. */
TEST_CASE(the_leader_leaves_a_task_to_a_worker_that_has_nothing_to_do_and_is_slow)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_tasks(1, 1);
    outpost_send_tasks(&post, &block, note_run);
    outpost_await_items(&post, 1);
    gang_await_sleep(&post.gang, 2);
    kill(post.gang.pid[2], SIGSTOP);
    block.block.block = 2;
    outpost_send_tasks(&post, &block, note_run);
    for (uint64_t until = clock_ns() + 400000000; !clock_has_passed(until); sched_yield())
        outpost_poll(&post);
    CHECK_INT(post.got[WIRE_PAUSE], 0);
    kill(post.gang.pid[2], SIGCONT);
    outpost_await_items(&post, 2);
    outpost_end(&post);
}

TEST_CASE(what_nobody_has_begun_is_given_back_and_the_rest_has_notes)
{
    outpost_start(&post, 3, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_tasks(1, 20);
    outpost_send_tasks(&post, &block, wait_for_gate);
    gang_await(&gang_tally->runs[901], 1);
    outpost_send(&post,
                 &(struct wire_message){.type = WIRE_RECALL, .pool = OUTPOST_POOL, .recall = {.block = 1}},
                 NULL, 0);
    outpost_await(&post, WIRE_RECALLED, 1);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.block, 1);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.from, 2);
    atomic_store(&gang_tally->gate, 1);
    outpost_await_items(&post, 2);
    outpost_end(&post);
    for (uint32_t i = 0; i < 20; i++)
        CHECK_UINT(gang_tally->runs[900 + i], i < 2);
}

TEST_CASE(a_task_is_cancelled_until_it_starts)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_tasks(1, 3);
    outpost_send_tasks(&post, &block, wait_for_gate);
    gang_await(&gang_tally->runs[900], 1);
    outpost_await(&post, WIRE_STARTED, 1);
    CHECK_UINT(post.last[WIRE_STARTED].started.item, 0);
    CHECK_UINT(post.last[WIRE_STARTED].started.worker, OUTPOST_FIRST + 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct wire_message cancel = {
            .type = WIRE_CANCEL, .pool = OUTPOST_POOL, .cancel = {.block = 1, .item = i}};
        outpost_send(&post, &cancel, NULL, 0);
        outpost_await(&post, WIRE_ANSWER, (int)i + 1);
        CHECK_UINT(post.last[WIRE_ANSWER].answer.item, i);
        CHECK_UINT(post.last[WIRE_ANSWER].answer.ok, i);
    }
    atomic_store(&gang_tally->gate, 1);
    outpost_await_items(&post, 2);
    outpost_end(&post);
    CHECK_UINT(post.items, 2);
    CHECK_UINT(gang_tally->runs[900], 1);
    CHECK_UINT(gang_tally->runs[901], 0);
    CHECK_UINT(gang_tally->runs[902], 1);
}
