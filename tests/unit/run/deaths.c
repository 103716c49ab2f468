/* Workers that die, or stand still, while the manager waits, polls, begins or ends. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "board/roster.h"
#include "check.h"
#include "run/submit.h"
#include "traces.h"
#include "work.h"

/* ---- Tasks ----------------------------------------------------------------------------------- */

/* Initializers and finalizers count themselves in hooks[0]. */
static int wait_at_gate(rp_call *call, const void *in, size_t size)
{
    rp_worker_info info;
    (void)in, (void)size;
    if (rp_here(call, &info) || atomic_fetch_add(&gang_tally->hooks[0], 1))
        return 0;
    gang_tally->waiter = info.pid;
    atomic_fetch_add(&gang_tally->waiting, 1);
    while (gang_tally->gate)
        usleep(200);
    return 0;
}

static int die_as_first(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    if (atomic_fetch_add(&gang_tally->hooks[0], 1) == 0)
        raise(SIGKILL);
    return 0;
}

/* Every hundredth item kills who runs it first. */
static int fatal_at_first(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    int done = gang_square(call, in, size);
    if (item % 100 == 0 && item && rp_call_attempt(call) == 1)
        raise(SIGKILL);
    return done;
}

/* Item 99 kills its worker once item 100 has failed, which waits until 99 is under way. */
static int fatal_and_failing(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 99 && rp_call_attempt(call) == 1) {
        atomic_fetch_add(&gang_tally->waiting, 1);
        gang_await(&gang_tally->hooks[1], 1);
        raise(SIGKILL);
    }
    if (item == 100) {
        gang_await(&gang_tally->waiting, 1);
        atomic_fetch_add(&gang_tally->hooks[1], 1);
        return rp_fail(call, "no");
    }
    return gang_square(call, in, size);
}

/* ---- Looking after them ---------------------------------------------------------------------- */

TEST_CASE(a_death_is_noticed_by_a_manager_that_only_polls)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    gang_tally->gate = 1;
    work_submit(&gang, gang_gated_square, 0);
    gang_await(&gang_tally->waiting, 1);
    gang_kill(&gang, gang_tally->waiter == gang.pid[1] ? 1 : 2);
    gang_tally->gate = 0;
    struct task *task;
    while (!(task = submit_next(&gang.manager, 0)))
        usleep(1000);
    work_check(&gang, task, 0);
    gang_end(&gang);
}

TEST_CASE(a_searcher_that_stands_still_keeps_no_work_from_the_others)
{
    struct gang gang;
    const struct gang_fate fates[] = {{1, "search: counted", 1, SIGSTOP}, {0}};
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, fates);
    gang_open(&gang, NULL);
    gang_await_sleep(&gang, 1);
    gang_await_sleep(&gang, 2);
    gang_arm();
    /* Both run one, and search again: worker 1 stops there. */
    while (!gang_tally->struck) {
        work_submit(&gang, gang_slow_square, 1);
        work_submit(&gang, gang_slow_square, 2);
        for (int i = 0; i < 2; i++)
            gang.manager.setup.dispose(submit_next(&gang.manager, CLOCK_NEVER));
    }
    gang_await_sleep(&gang, 2);
    work_submit(&gang, gang_square, 3);
    work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), 3);
    kill(gang.pid[1], SIGCONT);
    gang_end(&gang);
}

TEST_CASE(an_initializer_that_takes_its_time_keeps_no_work_from_the_others)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_tally->gate = 1;
    gang_open(&gang, &(struct manager_setup){.initializer = wait_at_gate});
    gang_await(&gang_tally->waiting, 1);
    int busy = gang_tally->waiter == gang.pid[1] ? 1 : 2;
    gang_await_sleep(&gang, 3 - busy);
    CHECK_UINT(gang.roster.shared->searching, 0);
    for (uint64_t item = 1; item < 20; item++) {
        work_submit(&gang, gang_square, item);
        work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), item);
        CHECK_INT(gang_tally->runner[item], gang.pid[3 - busy]);
    }
    gang_tally->gate = 0;
    gang_end(&gang);
}

/* ---- Where a worker dies ------------------------------------------------------------------------- */

TEST_CASE(items_that_kill_their_worker_once_run_elsewhere_on_their_second_try)
{
    struct gang gang;
    check_seconds(20);
    gang_start(&gang, 4, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    work_map(&gang, &(struct map_work){.fn = fatal_at_first, .schedule = SCHEDULE_DYNAMIC}, 300);
    CHECK_UINT(gang_tally->runs[100], 2);
    CHECK_UINT(gang_tally->runs[101], 1);
    gang_reset_tally();
    work_tasks(&gang, fatal_at_first, 101, 101, false);
    CHECK_UINT(gang_tally->runs[100], 2);
    gang_end(&gang);
}

TEST_CASE(a_worker_that_dies_in_its_initializer_is_done_without)
{
    struct gang gang;
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, &(struct manager_setup){.initializer = die_as_first});
    work_map(&gang, &(struct map_work){.schedule = SCHEDULE_STATIC}, 300);
    work_tasks(&gang, gang_square, 50, 10, false);
    gang_end(&gang);
}

TEST_CASE(a_worker_that_dies_in_its_finalizer_does_not_keep_the_pool_open)
{
    struct gang gang;
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, &(struct manager_setup){.finalizer = die_as_first});
    gang_await_sleep(&gang, 1); /* both have entered */
    gang_await_sleep(&gang, 2);
    work_map(&gang, &(struct map_work){0}, 300);
    gang_end(&gang);
    CHECK_UINT(gang_tally->hooks[0], 2);
}

TEST_CASE(a_manager_that_computes_takes_over_what_a_dead_worker_held)
{
    static const enum schedule schedules[] = {SCHEDULE_AUTO, SCHEDULE_STATIC, SCHEDULE_DYNAMIC};
    for (int i = 0; i < 3; i++) {
        struct gang gang;
        check_note("%s", schedule_name(schedules[i]));
        gang_start(&gang, 2, MEMORY_MEMFD, (struct gang_fate[]){{1, "claim: held", 2, SIGKILL}, {0}});
        gang_open(&gang, &(struct manager_setup){.computes = true});
        gang_arm();
        for (int k = 0; k < 3; k++)
            work_map(&gang, &(struct map_work){.fn = gang_slow_square, .schedule = schedules[i], .chunk = 1},
                     100);
        gang_end(&gang);
    }
}

/* What was claimed for good is a victim's even where the map is stopped then. */
TEST_CASE(a_map_that_stops_at_a_failure_ends_beside_a_death)
{
    struct gang gang;
    struct error error;
    rp_map_report report;
    uint64_t in[300], out[300];
    rp_status statuses[300];
    for (uint64_t i = 0; i < 300; i++)
        in[i] = i;
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    struct map_work work = {.fn = fatal_and_failing,
                            .in = in,
                            .in_size = sizeof *in,
                            .n = 300,
                            .out = out,
                            .out_size = sizeof *out,
                            .schedule = SCHEDULE_DYNAMIC,
                            .statuses = statuses,
                            .stop_at_failure = true};
    CHECK_STATUS(map_run(&gang.manager, &work, &report, &error), RP_TASK_FAILED);
    CHECK_UINT(report.done + report.failed + report.cancelled, 300);
    CHECK_UINT(report.first_failed, 100);
    CHECK_UINT(report.failed, 1);
    for (int i = 0; i < 300; i++)
        CHECK(statuses[i] == (i == 100 ? RP_TASK_FAILED : RP_OK) ||
              (i != 100 && statuses[i] == RP_CANCELLED));
    work_map(&gang, &(struct map_work){0}, 300); /* the pool goes on */
    gang_end(&gang);
}

/* ---- Nobody is left ------------------------------------------------------------------------------ */

TEST_CASE(a_pool_whose_workers_are_all_dead_says_so_at_once)
{
    struct gang gang;
    struct error error;
    check_seconds(20);
    gang_start(&gang, 3, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    work_map(&gang, &(struct map_work){0}, 300);
    for (int i = 1; i <= 3; i++)
        gang_kill(&gang, i);
    uint64_t begun = clock_ns();
    CHECK(work_map_or_break(&gang, &(struct map_work){0}, 300));
    struct task task = {.fn = gang_square, .with_pool = true};
    CHECK_STATUS(submit_task(&gang.manager, &task, "", 0, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "3");
    CHECK_PTR(submit_next(&gang.manager, CLOCK_NEVER), NULL);
    CHECK_STATUS(manager_check(&gang.manager, &error), RP_POOL_BROKEN);
    gang_end(&gang);
    CHECK(clock_ns() - begun < 2000000000u);
}

TEST_CASE(tasks_that_wait_when_the_last_worker_dies_fail)
{
    struct gang gang;
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    gang_tally->gate = ~0u;
    for (uint64_t item = 0; item < 6; item++)
        work_submit(&gang, gang_gated_square, item);
    gang_await(&gang_tally->waiting, 2); /* two run, four wait */
    gang_kill(&gang, 1);
    gang_kill(&gang, 2);
    bool delivered[6] = {false};
    for (int i = 0; i < 6; i++) {
        struct task *task = submit_next(&gang.manager, CLOCK_NEVER);
        REQUIRE(task && task->index < 6 && !delivered[task->index]);
        delivered[task->index] = true;
        CHECK_STATUS(task->status, RP_POOL_BROKEN);
        CHECK_HAS(task->sentence, "no worker is left");
        gang.manager.setup.dispose(task);
    }
    gang_end(&gang);
}

/* ---- POSIX shared memory ------------------------------------------------------------------------- */

TEST_CASE(a_pool_on_posix_memory_works_and_leaves_no_name)
{
    struct gang gang;
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_POSIX, (struct gang_fate[]){{1, "claim: held", 30, SIGKILL}, {0}});
    memory_forget_name(&gang.roster.memory); /* as who makes it does once all have attached */
    gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
    gang_arm();
    work_map(&gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC}, 3000);
    work_tasks(&gang, gang_square, 500, 100, false);
    gang_end(&gang);
    CHECK_INT(count_names(getpid()), 0);
}

static void die_as_manager(void)
{
    struct gang gang;
    gang_start(&gang, 2, MEMORY_POSIX, NULL);
    memory_forget_name(&gang.roster.memory);
    gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
    while (count_names(getpid()))
        work_map(&gang, &(struct map_work){.fn = gang_slow_square}, 50);
    raise(SIGKILL);
}

TEST_CASE(a_manager_killed_at_work_leaves_no_name)
{
    int status;
    check_seconds(10); /* the name goes while it works, or never */
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        die_as_manager();
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(count_names(pid), 0);
}
