/* Submitted tasks in a pool whose workers move by turns, or whose board is small. */
#include "run/submit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "puppets.h"
#include "work.h"

static struct task *submit(struct manager *manager, rp_fn *fn, int priority, int owner, const void *in,
                           size_t in_size)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->with_pool = true;
    task->priority = priority;
    task->owner = owner;
    REQUIRE_STATUS(submit_task(manager, task, in, in_size, &error), RP_OK);
    return task;
}

TEST_CASE(the_highest_priority_runs_first_and_of_these_the_first_submitted)
{
    static const int priorities[] = {0, -3, 7, 0, 7, 1, 2, 3, 4, 5, 6, 7};
    static const int order[] = {2, 4, 11, 10, 9, 8, 7, 6, 5, 0, 3, 1};
    enum { TASKS = sizeof order / sizeof *order };
    struct puppets puppets;
    puppets_open(&puppets, 1, NULL);
    for (uint64_t i = 0; i < TASKS; i++)
        submit(&puppets.gang.manager, gang_square, priorities[i], 0, &i, sizeof i);
    for (int i = 0; i < TASKS; i++) {
        CHECK_INT(puppet_work(&puppets.worker[1], 1), 1);
        struct task *task = submit_next(&puppets.gang.manager, CLOCK_NEVER);
        CHECK_UINT(task->index, order[i]);
        work_check(&puppets.gang, task, (uint64_t)order[i]);
    }
    puppets_close(&puppets);
}

/* Nothing of it stays for claimers to look at. */
TEST_CASE(a_special_task_that_is_done_is_in_nobody_s_way)
{
    struct puppets puppets;
    uint64_t item = 3;
    puppets_open(&puppets, 2, NULL);
    struct manager *manager = &puppets.gang.manager;
    submit(manager, gang_square, 5, 0, &item, sizeof item);
    submit(manager, gang_square, 0, 2, &item, sizeof item);
    CHECK_INT(puppet_work(&puppets.worker[2], 9), 2);
    for (int i = 0; i < 2; i++)
        work_check(&puppets.gang, submit_next(manager, CLOCK_NEVER), 3);
    CHECK_UINT(manager->board.shared->prioritized, 0);
    struct post_offer offer;
    for (int i = 1; i <= 2; i++) {
        CHECK(!post_peek(&puppets.worker[i].station->board, 0, &offer));
        CHECK_UINT(puppets.worker[i].station->board.seen, manager->board.shared->tail);
    }
    puppets_close(&puppets);
}

TEST_CASE(a_task_for_one_worker_waits_for_it)
{
    struct puppets puppets;
    uint64_t item = 4;
    puppets_open(&puppets, 2, NULL);
    submit(&puppets.gang.manager, gang_square, 0, 2, &item, sizeof item);
    CHECK_INT(puppet_work(&puppets.worker[1], 1), 0);
    CHECK_INT(puppet_work(&puppets.worker[2], 1), 1);
    struct task *task = submit_next(&puppets.gang.manager, CLOCK_NEVER);
    CHECK_INT(task->worker, 2);
    work_check(&puppets.gang, task, 4);
    puppets_close(&puppets);
}

TEST_CASE(sleeping_workers_are_woken_for_their_own_tasks)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 3, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    for (uint64_t round = 0; round < 30; round++) {
        int owner = 1 + (int)round % 3;
        for (int i = 1; i <= 3; i++)
            gang_await_sleep(&gang, i);
        submit(&gang.manager, gang_square, 0, owner, &round, sizeof round);
        work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), round);
        CHECK_INT(gang_tally->runner[round], gang.pid[owner]);
    }
    gang_end(&gang);
}

/* ---- Long results ----------------------------------------------------------------------- */

enum { LONG = 100000 };

static int answer_long(rp_call *call, const void *in, size_t size)
{
    unsigned char *answer = rp_reserve(call, LONG);
    if (!answer || size != 1)
        return 1;
    memset(answer, *(const unsigned char *)in, LONG);
    return 0;
}

static void check_long(const struct task *task, unsigned char byte)
{
    const unsigned char *result = task->result;
    CHECK_STATUS(task->status, RP_OK);
    REQUIRE(task->size == LONG);
    CHECK(result[0] == byte && memcmp(result, result + 1, LONG - 1) == 0);
}

static bool is_on_the_board(const struct gang *gang, const struct task *task)
{
    const char *start = gang->manager.board.memory.base, *result = task->result;
    return result >= start && result < start + gang->manager.board.memory.size;
}

/* Of a small board they may take a part; the rest of it is for results to come. */
TEST_CASE(long_results_stay_where_they_are_as_far_as_there_is_room)
{
    enum { TASKS = 60 };
    struct gang gang;
    struct task *tasks[TASKS];
    int stay = 0;
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_POSIX, NULL);
    gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
    for (unsigned char round = 0; round < 2; round++, stay = 0) {
        for (unsigned char i = 0; i < TASKS; i++) {
            tasks[i] = submit(&gang.manager, answer_long, 0, 0, &i, 1);
            CHECK_STATUS(submit_wait(&gang.manager, tasks[i], CLOCK_NEVER), RP_OK);
        }
        for (unsigned char i = 0; i < TASKS; i++) {
            check_long(tasks[i], i);
            stay += is_on_the_board(&gang, tasks[i]);
        }
        CHECK(stay > 0 && stay < TASKS);
        for (int i = 0; i < TASKS; i++) {
            struct task *task = submit_next(&gang.manager, CLOCK_NEVER);
            submit_let_go(&gang.manager, task);
            gang.manager.setup.dispose(task);
        }
        CHECK_UINT(gang.manager.held, 0);
    }
    gang_end(&gang);
}

TEST_CASE(a_long_result_that_is_held_outlives_the_pool)
{
    struct gang gang;
    unsigned char byte = 77;
    gang_start(&gang, 1, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    submit(&gang.manager, answer_long, 0, 0, &byte, 1);
    struct task *task = submit_next(&gang.manager, CLOCK_NEVER);
    CHECK(is_on_the_board(&gang, task));
    void (*dispose)(struct task *) = gang.manager.setup.dispose;
    gang_end(&gang);
    check_long(task, byte);
    submit_let_go(&gang.manager, task);
    CHECK_PTR(gang.manager.board.shared, NULL);
    dispose(task);
}

/* ---- Where memory is short ----------------------------------------------------------------------- */

static int answer_too_much(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_reserve(call, 10 << 20) ? 0 : 1;
}

TEST_CASE(what_a_small_board_cannot_hold_fails_and_nothing_waits_for_it)
{
    struct gang gang;
    uint64_t item = 9;
    void *large = calloc(1, 20 << 20);
    REQUIRE(large);
    check_seconds(20);
    gang_start(&gang, 2, MEMORY_POSIX, NULL);
    gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
    for (int round = 0; round < 2; round++) {
        struct task *tasks[] = {
            submit(&gang.manager, gang_square, 0, 0, large, 20 << 20),
            submit(&gang.manager, answer_too_much, 0, 0, "", 0),
            submit(&gang.manager, gang_square, 0, 0, &item, sizeof item),
        };
        for (int i = 0; i < 3; i++)
            CHECK_STATUS(submit_wait(&gang.manager, tasks[i], CLOCK_NEVER), RP_OK);
        CHECK_STATUS(tasks[0]->status, RP_NO_MEMORY);
        CHECK_HAS(tasks[0]->sentence, "memory");
        CHECK_STATUS(tasks[1]->status, RP_TASK_FAILED);
        CHECK_HAS(tasks[1]->sentence, "no memory for a result of 10485760 bytes");
        CHECK_STATUS(tasks[2]->status, RP_OK);
        for (int i = 0; i < 3; i++)
            gang.manager.setup.dispose(submit_next(&gang.manager, CLOCK_NEVER));
    }
    work_tasks(&gang, gang_square, 500, 100, false);
    free(large);
    gang_end(&gang);
}
