/* Queues between a manager and workers that die, or are stopped, at any step: nobody hangs, and no
 * item is lost or repeated but what was in hand. */
#define _GNU_SOURCE
#include "run/queue.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "run/stuck.h"
#include "run/submit.h"
#include "work.h"

enum { ITEMS = 300 };

/* ---- Tasks ------------------------------------------------------------------------------------ */

/* Puts 0 .. ITEMS - 1 into the queue of that number. */
static int fill(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue;
    (void)size;
    memcpy(&queue, in, sizeof queue);
    for (uint64_t i = 0; i < ITEMS; i++) {
        rp_status status = rp_call_put(call, queue, &i, sizeof i, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
    }
    return 0;
}

/* The same with gaps, in which the others fall asleep, also where the machine is busy. */
static int fill_slowly(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue;
    (void)size;
    memcpy(&queue, in, sizeof queue);
    for (uint64_t i = 0; i < ITEMS; i++) {
        rp_status status = rp_call_put(call, queue, &i, sizeof i, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
        usleep(300);
    }
    return 0;
}

/* Counts what it gets, until an empty item. */
static int drain(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue;
    rp_view view;
    uint64_t item;
    (void)size;
    memcpy(&queue, in, sizeof queue);
    for (;;) {
        rp_status status = rp_call_get(call, queue, &view, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
        if (!view.size)
            return 0;
        memcpy(&item, view.data, sizeof item);
        atomic_fetch_add(&gang_tally->runs[item], 1);
    }
}

static struct task *submit_for(struct gang *gang, int owner, rp_fn *fn, const struct queueing *queue)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->kept = true;
    task->owner = owner;
    REQUIRE_STATUS(submit_task(&gang->manager, task, &queue->number, sizeof queue->number, &error), RP_OK);
    return task;
}

static struct task *submit(struct gang *gang, rp_fn *fn, const struct queueing *queue)
{
    return submit_for(gang, 0, fn, queue);
}

static void finish(struct gang *gang, struct task *task, rp_status wanted)
{
    CHECK_STATUS(submit_wait(&gang->manager, task, CLOCK_NEVER), RP_OK);
    if (!CHECK_STATUS(task->status, wanted) && task->sentence)
        check_note("%s", task->sentence);
    gang->manager.setup.dispose(task);
}

static void open_queue(struct gang *gang, size_t capacity, struct queueing *queue)
{
    struct error error;
    REQUIRE_STATUS(queueing_open(&gang->manager, capacity, queue, &error), RP_OK);
}

/* ---- Works ------------------------------------------------------------------------------------ */

/* What a task puts, counted by the manager, until it has ended and nothing is left. */
static void get_all(struct gang *gang)
{
    struct queueing queue;
    struct error error;
    rp_view view;
    uint64_t item;
    open_queue(gang, 5, &queue);
    struct task *task = submit(gang, fill, &queue);
    while (!queueing_get(&queue, &view, CLOCK_NEVER, &error)) {
        REQUIRE(CHECK_UINT(view.size, sizeof item));
        memcpy(&item, view.data, sizeof item);
        REQUIRE(item < ITEMS);
        atomic_fetch_add(&gang_tally->runs[item], 1);
    }
    CHECK_STATUS(error.status, RP_TIMEOUT);
    finish(gang, task, RP_OK);
    queueing_free(&queue);
}

static void end_drain(struct gang *gang, struct queueing *queue, struct task *task)
{
    struct error error;
    /* If it dies behind the end, the next try waits for another one. */
    do
        CHECK_STATUS(queueing_put(queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
    while (submit_wait(&gang->manager, task, CLOCK_NEVER) == RP_TIMEOUT);
    finish(gang, task, RP_OK);
}

/* What the manager puts, counted by a task. */
static void put_all(struct gang *gang)
{
    struct queueing queue;
    struct error error;
    open_queue(gang, 5, &queue);
    struct task *task = submit(gang, drain, &queue);
    for (uint64_t i = 0; i < ITEMS; i++)
        REQUIRE_STATUS(queueing_put(&queue, &i, sizeof i, CLOCK_NEVER, &error), RP_OK);
    end_drain(gang, &queue, task);
    queueing_free(&queue);
}

/* From a task of one worker to that of another one; once that is dead, from any to any: else both tasks
 * could fall to one worker. */
static void pass(struct gang *gang, size_t capacity, rp_fn *filling, int from, int to)
{
    struct queueing queue;
    bool whole = !gang->manager.crew->member[1].dead;
    open_queue(gang, capacity, &queue);
    struct task *source = submit_for(gang, whole ? from : 0, filling, &queue);
    struct task *sink = submit_for(gang, whole ? to : 0, drain, &queue);
    while (submit_wait(&gang->manager, source, CLOCK_NEVER) == RP_TIMEOUT)
        continue;
    finish(gang, source, RP_OK);
    end_drain(gang, &queue, sink);
    queueing_free(&queue);
}

static void pass_on(struct gang *gang)
{
    pass(gang, 1, fill, 0, 0);
}

static void pass_slowly(struct gang *gang)
{
    pass(gang, 0, fill_slowly, 1, 2);
}

static void be_passed_slowly(struct gang *gang)
{
    pass(gang, 0, fill_slowly, 2, 1);
}

static const struct {
    const char *name;
    void (*work)(struct gang *gang);
} works[] = {
    {"gets of the manager", get_all}, {"puts of the manager", put_all},       {"tasks", pass_on},
    {"a slow producer", pass_slowly}, {"a hasty consumer", be_passed_slowly},
};

enum { WORKS = sizeof works / sizeof *works };

static const char *const places[] = {
    "queue: called", "queue: came back", "queue: got",      "queue: linked", "queue: locked",
    "queue: put",    "queue: unlinked",  "queue: unlocked", "queue: waits",
};

enum { PLACES = sizeof places / sizeof *places };

/* ---- Trials ----------------------------------------------------------------------------------- */

/* Of items a death may cost one, and its producer puts all once more. */
static void check_items(uint32_t deaths)
{
    uint32_t missing = 0;
    for (int i = 0; i < ITEMS; i++) {
        missing += gang_tally->runs[i] == 0;
        if (!CHECK(gang_tally->runs[i] <= 1 + deaths))
            break;
    }
    CHECK(missing <= deaths);
}

static bool try_out(const struct gang_fate *fates, int work, int workers, int signal)
{
    struct gang gang;
    pid_t nurse = 0;
    gang_start(&gang, workers, MEMORY_MEMFD, fates);
    gang_open(&gang, NULL);
    if (signal == SIGSTOP)
        nurse = gang_start_nurse(gang.pid[1]);
    for (int i = 1; i <= workers; i++)
        gang_await_sleep(&gang, i);
    gang_arm();
    for (int round = 0; round < 3 && !gang_tally->struck; round++) {
        gang_reset_tally();
        works[work].work(&gang);
        check_items(signal == SIGKILL ? gang_tally->struck : 0);
    }
    bool struck = gang_tally->struck > 0;
    gang_tally->armed = 0;
    gang_reset_tally();
    works[work].work(&gang); /* and once more by those who are left */
    check_items(0);
    gang_end_nurse(nurse);
    gang_end(&gang);
    return struck;
}

static void try_all(int signal)
{
    for (int place = 0; place < PLACES; place++) {
        bool struck = false;
        for (int work = 0; work < WORKS; work++)
            for (int count = 1; count <= (signal == SIGKILL ? 8 : 1); count += 7) {
                struct gang_fate fates[] = {{1, places[place], count, signal}, {0, NULL, 0, 0}};
                check_note("%s, time %d, in %s", places[place], count, works[work].name);
                struck |= try_out(fates, work, 3, signal);
            }
        CHECK(struck);
    }
    check_note("%s", "");
}

TEST_CASE(a_worker_killed_at_any_step_of_a_queue_stops_nobody)
{
    check_seconds(100);
    try_all(SIGKILL);
}

TEST_CASE(a_worker_stopped_at_any_step_of_a_queue_delays_but_loses_and_repeats_nothing)
{
    check_seconds(100);
    try_all(SIGSTOP);
}

TEST_CASE(who_mends_a_queue_may_die_too)
{
    bool struck = false;
    check_seconds(60);
    for (int round = 0; round < 10; round++) {
        struct gang_fate fates[] = {{1, "queue: linked", 3 + round, SIGKILL},
                                    {2, "queue: linked", 3 + round, SIGKILL},
                                    {1, "queue: mended", 1, SIGKILL},
                                    {2, "queue: mended", 1, SIGKILL},
                                    {0, NULL, 0, 0}};
        try_out(fates, 2, 4, SIGKILL);
        struck |= gang_tally->struck > 1;
    }
    CHECK(struck);
}

/* ---- Stuck ------------------------------------------------------------------------------------ */

static void await_stuck(struct gang *gang)
{
    while (!stuck_is(&gang->manager)) {
        submit_look(&gang->manager);
        sched_yield();
    }
}

TEST_CASE(tasks_that_all_wait_are_found_out_and_others_are_not)
{
    struct gang gang;
    struct queueing queue, other;
    struct error error;
    check_seconds(30);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    open_queue(&gang, 0, &queue);
    open_queue(&gang, 1, &other);
    CHECK(!stuck_is(&gang.manager));
    struct task *first = submit(&gang, drain, &queue);
    CHECK_STATUS(submit_wait(&gang.manager, first, CLOCK_NEVER), RP_TIMEOUT);
    CHECK(stuck_is(&gang.manager));
    CHECK_STATUS(queueing_put(&queue, &(uint64_t){3}, 8, 0, &error), RP_OK);
    CHECK_STATUS(submit_wait(&gang.manager, first, CLOCK_NEVER), RP_TIMEOUT);
    CHECK_UINT(gang_tally->runs[3], 1);
    /* A task that works keeps the other one from being stuck. */
    gang_tally->gate = 1;
    struct task *working = work_submit(&gang, gang_gated_square, 0);
    gang_await(&gang_tally->waiting, 1);
    for (int i = 0; i < 100; i++) {
        CHECK(!stuck_is(&gang.manager));
        submit_look(&gang.manager);
    }
    gang_tally->gate = 0;
    CHECK_STATUS(submit_wait(&gang.manager, working, CLOCK_NEVER), RP_OK);
    REQUIRE(submit_next(&gang.manager, CLOCK_NEVER) == working);
    work_check(&gang, working, 0);
    CHECK(stuck_is(&gang.manager));
    struct task *second = submit(&gang, fill, &other);
    await_stuck(&gang);
    CHECK_UINT(atomic_load(&gang.manager.board.queue[1].count), 1);
    struct task *third = submit(&gang, gang_square, &queue); /* nobody is left to do it */
    CHECK(stuck_is(&gang.manager));
    submit_cancel(&gang.manager, third);
    CHECK(stuck_is(&gang.manager));
    gang.manager.setup.dispose(third);
    queueing_close(&other);
    finish(&gang, second, RP_TASK_FAILED);
    await_stuck(&gang); /* its worker passes the cancelled one first */
    CHECK(stuck_resolve(&gang.manager));
    CHECK(!gang.manager.queues);
    finish(&gang, first, RP_TASK_FAILED);
    CHECK(!stuck_is(&gang.manager));
    queueing_free(&queue);
    queueing_free(&other);
    gang_end(&gang);
}

/* The worker whose claim would have put something dies, and its task runs elsewhere. */
TEST_CASE(a_death_does_not_make_the_others_stuck)
{
    struct gang gang;
    struct queueing queue;
    struct gang_fate fates[] = {
        {1, "queue: linked", 50, SIGKILL}, {2, "queue: linked", 50, SIGKILL}, {0, NULL, 0, 0}};
    check_seconds(30);
    gang_start(&gang, 3, MEMORY_MEMFD, fates);
    gang_open(&gang, NULL);
    gang_arm();
    open_queue(&gang, 0, &queue);
    struct task *to = submit_for(&gang, 2, drain, &queue), *from = submit_for(&gang, 1, fill, &queue);
    CHECK_STATUS(submit_wait(&gang.manager, from, CLOCK_NEVER), RP_OK);
    CHECK_UINT(gang_tally->struck, 1);
    CHECK_STATUS(from->status, RP_OK);
    gang.manager.setup.dispose(from);
    end_drain(&gang, &queue, to);
    for (int i = 0; i < ITEMS; i++)
        CHECK(gang_tally->runs[i] >= 1);
    queueing_free(&queue);
    gang_end(&gang);
}
