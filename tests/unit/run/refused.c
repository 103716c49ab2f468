/* Workers that live, but cannot serve a pool: they have no memory for it, or may not open its board; or
 * that run short of memory later. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "board/crowd.h"
#include "board/outbox.h"
#include "check.h"
#include "puppets.h"
#include "run/queue.h"
#include "run/submit.h"
#include "run/worker.h"
#include "work.h"

/* What a worker needs to attach a board, and lacks. */
static const struct want {
    const char *name;
    bool memory; /* else descriptors */
    const char *said;
} wants[] = {
    {"address space", true, "cannot map"},
    {"descriptors", false, "cannot attach"},
};

#define EACH_WANT(want) for (const struct want *want = wants; want < wants + 2; want++)

static size_t size_of(pid_t pid)
{
    char path[64];
    unsigned long pages = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = fopen(path, "re");
    REQUIRE(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return pages * 4096;
}

/* The C library's own type for a resource is not the same everywhere. */
static int limit_worker(pid_t pid, const struct want *want, const struct rlimit *limit, struct rlimit *before)
{
    return want->memory ? prlimit(pid, RLIMIT_AS, limit, before) : prlimit(pid, RLIMIT_NOFILE, limit, before);
}

/* There is room for small things left, but not for a board. */
static void restrict_worker(struct gang *gang, int worker, const struct want *want)
{
    pid_t pid = gang->pid[worker];
    struct rlimit limit;
    REQUIRE(limit_worker(pid, want, NULL, &limit) == 0);
    limit.rlim_cur = want->memory ? size_of(pid) + (16u << 20) : 0;
    REQUIRE(limit_worker(pid, want, &limit, NULL) == 0);
}

static void start_restricted(struct gang *gang, int workers, const struct want *want)
{
    check_seconds(20);
    check_note("%s", want->name);
    gang_start(gang, workers, MEMORY_MEMFD, NULL);
    restrict_worker(gang, 1, want);
}

static struct task *submit_for(struct manager *manager, int owner, uint64_t item)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    task->fn = gang_square;
    task->with_pool = true;
    task->owner = owner;
    REQUIRE_STATUS(submit_task(manager, task, &item, sizeof item, &error), RP_OK);
    return task;
}

static int do_nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

TEST_CASE(who_cannot_serve_is_done_without_and_is_alive)
{
    EACH_WANT(want)
    {
        struct gang gang;
        start_restricted(&gang, 2, want);
        gang_open(&gang, &(struct manager_setup){.finalizer = do_nothing});
        work_map(&gang, &(struct map_work){.schedule = SCHEDULE_STATIC}, 300);
        submit_for(&gang.manager, 1, 8);
        work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), 8);
        CHECK_INT(gang_tally->runner[8], gang.pid[2]);
        CHECK(crew_info(gang.crew, 1, 0).alive);
        CHECK_UINT(manager_count_done(&gang.manager, 1), 0);
        CHECK_UINT(gang.manager.board.shared->participants, 1);
        gang_end(&gang);
    }
}

/* Else the others, awake or asleep, rely on it. */
TEST_CASE(who_cannot_serve_is_not_rung)
{
    struct gang gang;
    start_restricted(&gang, 2, &wants[0]);
    gang_open(&gang, NULL);
    work_map(&gang, &(struct map_work){0}, 300);
    while (!roster_refusal(&gang.roster, gang.manager.setup.pool, 1))
        continue;
    for (uint64_t i = 0; i < 20; i++) {
        gang_await_sleep(&gang, 2);
        CHECK_UINT(gang.roster.shared->asleep[0], 1u << 2);
        CHECK_UINT(gang.roster.shared->searching, 0);
        work_submit(&gang, gang_square, i);
        work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), i);
    }
    gang_end(&gang);
}

TEST_CASE(a_pool_that_nobody_can_serve_says_why)
{
    EACH_WANT(want)
    {
        struct gang gang;
        struct error error;
        rp_map_report report;
        uint64_t in[100] = {0};
        start_restricted(&gang, 2, want);
        restrict_worker(&gang, 2, want);
        gang_open(&gang, NULL);
        submit_for(&gang.manager, 0, 8);
        struct map_work work = {.fn = gang_square, .in = in, .in_size = sizeof *in, .n = 100};
        CHECK_STATUS(map_run(&gang.manager, &work, &report, &error), RP_POOL_BROKEN);
        CHECK_HAS(error.text, "no worker is left");
        CHECK_HAS(error.text, "2 cannot serve");
        CHECK_HAS(error.text, want->said);
        CHECK_UINT(report.cancelled, 100);
        struct task *task = submit_next(&gang.manager, CLOCK_NEVER);
        CHECK_STATUS(task->status, RP_POOL_BROKEN);
        CHECK_HAS(task->sentence, want->said);
        gang.manager.setup.dispose(task);
        gang_end(&gang);
    }
}

TEST_CASE(the_dead_and_the_unable_make_a_pool_that_nobody_can_serve)
{
    struct gang gang;
    struct error error;
    start_restricted(&gang, 2, &wants[0]);
    gang_open(&gang, NULL);
    work_map(&gang, &(struct map_work){0}, 300);
    gang_kill(&gang, 2);
    submit_for(&gang.manager, 2, 8);
    struct task *task = submit_next(&gang.manager, CLOCK_NEVER);
    CHECK_STATUS(task->status, RP_POOL_BROKEN);
    CHECK_HAS(task->sentence, "1 died and 1 cannot serve");
    gang.manager.setup.dispose(task);
    CHECK_STATUS(manager_check(&gang.manager, &error), RP_POOL_BROKEN);
    gang_end(&gang);
}

/* It tries again when another pool opens. */
TEST_CASE(who_can_serve_after_all_is_counted_in_again)
{
    struct gang gang;
    struct error error;
    struct manager other;
    start_restricted(&gang, 2, &wants[0]);
    gang_open(&gang, NULL);
    work_map(&gang, &(struct map_work){.schedule = SCHEDULE_STATIC}, 300);
    CHECK(!manager_has(&gang.manager, 1));
    REQUIRE(prlimit(gang.pid[1], RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}, NULL) == 0);
    struct manager_setup setup = gang.manager.setup;
    setup.pool = 1000;
    REQUIRE_STATUS(manager_open(&other, &setup, &error), RP_OK);
    while (!manager_has(&gang.manager, 1))
        continue;
    submit_for(&gang.manager, 1, 8);
    work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), 8);
    CHECK_INT(gang_tally->runner[8], gang.pid[1]);
    submit_for(&other, 1, 9);
    work_check(&gang, submit_next(&other, CLOCK_NEVER), 9);
    CHECK_INT(gang_tally->runner[9], gang.pid[1]);
    manager_close(&other);
    gang_end(&gang);
}

TEST_CASE(who_closes_its_handle_of_a_pool_is_done_without)
{
    struct gang gang;
    struct error error;
    struct worker worker = {0};
    check_seconds(20);
    gang_start_idle(&gang, 1);
    gang_open(&gang, NULL);
    struct roster roster = gang.roster;
    roster.self = 1;
    REQUIRE_STATUS(worker_join(&worker, &roster, gang.manager.setup.pool, &error), RP_OK);
    submit_for(&gang.manager, 1, 8);
    CHECK(manager_has(&gang.manager, 1));
    worker_part(&worker, &roster, gang.manager.setup.pool);
    struct task *task = submit_next(&gang.manager, clock_deadline(10));
    REQUIRE(task);
    CHECK(!manager_has(&gang.manager, 1));
    CHECK_STATUS(task->status, RP_POOL_BROKEN);
    CHECK_HAS(task->sentence, "it has closed its handle of the pool");
    gang.manager.setup.dispose(task);
    worker_leave(&worker, &roster);
    gang_end(&gang);
}

TEST_CASE(who_cannot_serve_keeps_no_name_in_dev_shm)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_POSIX, NULL);
    memory_forget_name(&gang.roster.memory);
    restrict_worker(&gang, 1, &wants[0]);
    gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
    while (gang.manager.board.memory.name[0])
        work_map(&gang, &(struct map_work){.fn = gang_slow_square}, 50);
    gang_end(&gang);
}

static int get_one(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue;
    memcpy(&queue, in, size);
    return (int)rp_call_get(call, queue, NULL, RP_FOREVER);
}

TEST_CASE(who_cannot_serve_is_not_waited_for_by_tasks_at_a_queue)
{
    struct gang gang;
    struct error error;
    struct queueing queue;
    rp_map_report report;
    start_restricted(&gang, 2, &wants[0]);
    gang_open(&gang, NULL);
    REQUIRE_STATUS(queueing_open(&gang.manager, 1, &queue, &error), RP_OK);
    rp_queue_id in[2] = {queue.number, queue.number};
    struct map_work work = {.fn = get_one, .in = in, .in_size = sizeof *in, .n = 2, .chunk = 1};
    CHECK_STATUS(map_run(&gang.manager, &work, &report, &error), RP_TASK_FAILED);
    CHECK_UINT(report.failed, 2);
    queueing_free(&queue);
    gang_end(&gang);
}

/* ---- Later ----------------------------------------------------------------------------------- */

enum { MANY = 60000 }; /* notes that do not fit into the outbox, nor into what memory is left */

/* Earlier cases have left free memory in the heap. */
static void use_up_memory(void)
{
    void *volatile taken;
    for (size_t size = 1 << 20; size >= 16; size /= 2)
        do
            taken = malloc(size);
        while (taken);
}

static int fail_without_memory(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    if (rp_call_index(call) == 0)
        use_up_memory();
    return rp_fail(call, "no");
}

static char state_of(pid_t pid)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    REQUIRE(file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
    fclose(file);
    return state;
}

/* In the middle of its claim, with its outbox full. */
static void await_sleep_at_work(void *state)
{
    struct gang *gang = state;
    struct board *board = &gang->manager.board;
    struct outbox_span span;
    do {
        span = outbox_look(board, 1);
    } while (span.end - span.first < OUTBOX_NOTES || state_of(gang->pid[1]) != 'S');
    CHECK(atomic_load(&board->slot[1].done) < MANY);
}

TEST_CASE(who_has_no_memory_for_what_it_cannot_tell_yet_waits_asleep)
{
    struct gang gang;
    struct error error;
    rp_map_report report;
    if (BUILT_WITH(address_sanitizer) || BUILT_WITH(thread_sanitizer))
        SKIP_CASE("the sanitizer ends a program whose malloc fails");
    check_seconds(20);
    gang_start(&gang, 1, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    gang_await_sleep(&gang, 1);
    struct rlimit limit = {.rlim_cur = size_of(gang.pid[1]), .rlim_max = RLIM_INFINITY};
    REQUIRE(prlimit(gang.pid[1], RLIMIT_AS, &limit, NULL) == 0);
    puppets_at("manager: sleeps", 1, await_sleep_at_work, &gang);
    struct map_work work = {.fn = fail_without_memory, .range = true, .n = MANY, .chunk = MANY};
    CHECK_STATUS(map_run(&gang.manager, &work, &report, &error), RP_TASK_FAILED);
    CHECK_UINT(report.failed, MANY);
    gang_end(&gang);
}
