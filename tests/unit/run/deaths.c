/* Workers that die, or stand still, while the manager waits, polls or is about to begin. */
#define _GNU_SOURCE
#include "run/map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "gang.h"
#include "run/submit.h"

static struct task *submit_square(struct gang *gang, rp_fn *fn, uint64_t item)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->with_pool = true;
    REQUIRE_STATUS(submit_task(&gang->manager, task, &item, sizeof item, &error), RP_OK);
    return task;
}

static void check_square(struct gang *gang, struct task *task, uint64_t item)
{
    uint64_t answer = gang_answer(item);
    REQUIRE(task);
    CHECK_STATUS(task->status, RP_OK);
    CHECK_UINT(task->size, sizeof answer);
    CHECK_MEM(task->result, &answer, sizeof answer);
    gang->manager.setup.dispose(task);
}

TEST_CASE(a_death_is_noticed_by_a_manager_that_only_polls)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    gang_tally->gate = 1;
    submit_square(&gang, gang_gated_square, 0);
    gang_await(&gang_tally->waiting, 1);
    gang_kill(&gang, gang_tally->waiter == gang.pid[1] ? 1 : 2);
    gang_tally->gate = 0;
    struct task *task;
    while (!(task = submit_next(&gang.manager, 0)))
        usleep(1000);
    check_square(&gang, task, 0);
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
        submit_square(&gang, gang_slow_square, 1);
        submit_square(&gang, gang_slow_square, 2);
        for (int i = 0; i < 2; i++)
            gang.manager.setup.dispose(submit_next(&gang.manager, CLOCK_NEVER));
    }
    gang_await_sleep(&gang, 2);
    submit_square(&gang, gang_square, 3);
    check_square(&gang, submit_next(&gang.manager, CLOCK_NEVER), 3);
    kill(gang.pid[1], SIGCONT);
    gang_end(&gang);
}
