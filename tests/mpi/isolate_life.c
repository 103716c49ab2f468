/* The children in which isolated tasks run: how long, what they begin with, and that none is left. */
#define _GNU_SOURCE
#include "suite/deeds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Time -------------------------------------------------------------------------------- */

static volatile sig_atomic_t asked;

static void note_request(int number)
{
    (void)number;
    asked = 1;
}

/* Takes a ticket: goes on until it is asked to stop, says so, and then returns or, with number 1, goes on. */
static int stay(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    struct stage *stage = stage_at(ticket->stage);
    (void)size;
    signal(SIGTERM, note_request);
    while (!asked)
        __asm__ volatile("");
    atomic_fetch_add(&stage->ended, 1);
    while (ticket->number == 1)
        __asm__ volatile("");
    return rp_return(call, &size, sizeof size);
}

TEST_CASE(a_stuck_task_is_asked_then_killed_and_its_worker_serves_again)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    stage_reset();
    for (size_t number = 0; number < 2; number++) {
        struct ticket ticket = ticket_of(number);
        rp_future *stuck;
        const rp_task_options *options = RP_TASK_OPTIONS(.timeout = 0.1, .worker = rp_workers(pool));
        REQUIRE_STATUS(rp_submit_with(pool, stay, &ticket, sizeof ticket, options, &stuck), RP_OK);
        CHECK_STATUS(rp_result(stuck, NULL), RP_TASK_TIMEOUT);
        CHECK_UINT(atomic_load(&stage()->ended), number + 1);
        rp_release(&stuck);
        struct item item = {GOOD, 7};
        rp_future *next;
        rp_view view;
        REQUIRE_STATUS(rp_submit_with(pool, deed_act, &item, sizeof item,
                                      RP_TASK_OPTIONS(.worker = rp_workers(pool)), &next),
                       RP_OK);
        if (CHECK_STATUS(rp_result(next, &view), RP_OK))
            CHECK_UINT(*(const size_t *)view.data, answer_of(7));
        rp_release(&next);
    }
    suite_close(pool);
}

static int pause_a_little(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    usleep(20000);
    return rp_return(call, &size, sizeof size);
}

TEST_CASE(the_time_is_for_each_item_not_for_all)
{
    enum { n = 40 };
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    CHECK_STATUS(rp_map_with(pool, pause_a_little, NULL, 0, n, NULL, 0,
                             RP_MAP_OPTIONS(.timeout = 0.4, .chunk = n), NULL),
                 RP_OK);
    suite_close(pool);
}

/* ---- Initializers ------------------------------------------------------------------------ */

/* The initarg is the stage's path. */
static int initialize(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = stage_at(in);
    (void)size;
    if (!stage)
        return rp_fail(call, "no stage");
    atomic_fetch_add(&stage->started, 1);
    *rp_local(call) = stage;
    return 0;
}

static int finalize(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = *rp_local(call);
    (void)in, (void)size;
    atomic_fetch_add(&stage->ended, 1);
    return 0;
}

static int need_local(rp_call *call, const void *in, size_t size)
{
    if (!*rp_local(call))
        return rp_fail(call, "not initialized");
    return deed_act(call, in, size);
}

TEST_CASE(the_initializer_runs_in_each_new_child)
{
    enum { n = 210 };
    struct item items[n];
    size_t crashes = 0;
    for (size_t i = 0; i < n; i++) {
        items[i] = (struct item){i % 20 == 19 ? ABORT : GOOD, i};
        crashes += items[i].deed != GOOD;
    }
    stage_reset();
    rp_map_report report;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .initializer = initialize, .finalizer = finalize,
                                          .initarg = stage_path(), .initarg_size = strlen(stage_path()) + 1));
    CHECK_STATUS(
        rp_map_with(pool, need_local, items, sizeof *items, n, NULL, 0, RP_MAP_OPTIONS(.chunk = 7), &report),
        RP_TASK_CRASHED);
    CHECK_UINT(report.failed, crashes);
    int workers = rp_workers(pool);
    suite_close(pool);
    size_t started = atomic_load(&stage()->started), ended = atomic_load(&stage()->ended);
    CHECK(started + (size_t)workers > crashes);
    CHECK(ended >= 1 && ended <= (size_t)workers);
}

/* Runs well in the first children, and crashes or fails in those that come later. */
static int initialize_once(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = stage_at(in);
    (void)size;
    if (!stage || !atomic_load(&stage->gate))
        return 0;
    if (atomic_load(&stage->gate) == 2)
        abort();
    return rp_fail(call, "not again");
}

static void check_later_failure(int gate, const char *said)
{
    struct item item = {ABORT, 0};
    stage_reset(); /* workers may begin at once */
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .initializer = initialize_once,
                                          .initarg = stage_path(), .initarg_size = strlen(stage_path()) + 1));
    rp_future *first, *second;
    struct item good = {GOOD, 1};
    const rp_task_options *here = RP_TASK_OPTIONS(.worker = 1);
    for (int worker = 1; worker <= rp_workers(pool); worker++) { /* all have begun */
        const rp_task_options *there = RP_TASK_OPTIONS(.worker = worker);
        REQUIRE_STATUS(rp_submit_with(pool, deed_act, &good, sizeof good, there, &first), RP_OK);
        CHECK_STATUS(rp_result(first, NULL), RP_OK);
        rp_release(&first);
    }
    atomic_store(&stage()->gate, gate);
    REQUIRE_STATUS(rp_submit_with(pool, deed_act, &item, sizeof item, here, &first), RP_OK);
    CHECK_STATUS(rp_result(first, NULL), RP_TASK_CRASHED);
    REQUIRE_STATUS(rp_submit_with(pool, deed_act, &good, sizeof good, here, &second), RP_OK);
    CHECK_STATUS(rp_result(second, NULL), RP_POOL_BROKEN);
    CHECK_HAS(rp_error(second), said);
    rp_release(&first);
    rp_release(&second);
    CHECK_STATUS(rp_map(pool, deed_act, &good, sizeof good, 1, NULL, 0), RP_POOL_BROKEN);
    CHECK_HAS(rp_last_error(pool), said);
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
}

TEST_CASE(an_initializer_that_fails_in_a_later_child_breaks_the_pool)
{
    check_later_failure(1, "not again");
}

TEST_CASE(an_initializer_that_crashes_breaks_the_pool)
{
    check_later_failure(2, "initializer");
}

/* ---- What is left ------------------------------------------------------------------------ */

/* Says who runs it, and who watches over it. */
static int tell_processes(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    struct stage *stage = stage_at(ticket->stage);
    (void)size;
    atomic_store(&stage->pid[0], (long)getpid());
    atomic_store(&stage->pid[1], (long)getppid());
    atomic_fetch_add(&stage->started, 1);
    while (ticket->number == 1)
        pause();
    return rp_return(call, "", 0);
}

/* Ended ones that nobody has waited for yet do not count. */
static bool is_there(long pid)
{
    char path[48], line[128] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool got = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    const char *state = strrchr(line, ')');
    return got && state && state[2] != 'Z' && state[2] != 'X';
}

static void await_gone(long pid)
{
    double end = suite_seconds() + 20;
    while (is_there(pid) && suite_seconds() < end)
        usleep(1000);
    CHECK(!is_there(pid));
}

TEST_CASE(no_child_is_left_when_the_pool_is_closed)
{
    stage_reset();
    struct ticket ticket = ticket_of(0);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    CHECK_STATUS(rp_map(pool, tell_processes, &ticket, sizeof ticket, 1, NULL, 0), RP_OK);
    long child = atomic_load(&stage()->pid[0]);
    CHECK(child && child != (long)getpid());
    suite_close(pool);
    await_gone(child);
}

static int kill_the_watcher(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    kill(getppid(), SIGKILL);
    pause();
    return rp_return(call, "", 0);
}

TEST_CASE(who_kills_the_process_that_watches_over_it_falls_alone)
{
    enum { n = 50 };
    static struct item items[n];
    static size_t out[n];
    rp_future *future;
    rp_pool *pool = deed_open();
    REQUIRE_STATUS(rp_submit_with(pool, kill_the_watcher, NULL, 0, RP_TASK_OPTIONS(.timeout = -1), &future),
                   RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_TASK_CRASHED);
    rp_release(&future);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){GOOD, i};
    CHECK_STATUS(rp_map(pool, deed_act, items, sizeof *items, n, out, sizeof *out), RP_OK);
    for (size_t i = 0; i < n; i++)
        CHECK_UINT(out[i], answer_of(i));
    suite_close(pool);
}

TEST_CASE(a_hundred_crashes_leave_nothing_in_the_manager)
{
    enum { n = 100 };
    static struct item items[n];
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){ABORT, i};
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    rp_map_report report;
    struct item good = {GOOD, 1};
    CHECK_STATUS(rp_map(pool, deed_act, &good, sizeof good, 1, NULL, 0), RP_OK);
    struct process_usage was = process_usage();
    rp_map_with(pool, deed_act, items, sizeof *items, n, NULL, 0, NULL, &report);
    CHECK_UINT(report.failed, n);
    process_check(process_usage(), was, (size_t)1 << 20, (size_t)16 << 20);
    suite_close(pool);
}

TEST_CASE(a_killed_worker_takes_its_child_and_its_forker_with_it)
{
    if (getenv("OMPI_COMM_WORLD_SIZE"))
        SKIP_CASE("a launcher ends the job that loses a rank");
    stage_reset();
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    suite_need_workers(pool, 2);
    struct ticket ticket = ticket_of(1);
    rp_future *future;
    rp_worker_info info;
    REQUIRE_STATUS(
        rp_submit_with(pool, tell_processes, &ticket, sizeof ticket, RP_TASK_OPTIONS(.retries = -1), &future),
        RP_OK);
    REQUIRE(stage_await(&stage()->started, 1));
    long child = atomic_load(&stage()->pid[0]), forker = atomic_load(&stage()->pid[1]);
    for (int i = 1; i <= rp_workers(pool); i++) {
        char path[64], line[64] = "";
        long parent = 0;
        REQUIRE_STATUS(rp_worker(pool, i, &info), RP_OK);
        snprintf(path, sizeof path, "/proc/%ld/status", forker);
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof line, file) && sscanf(line, "PPid: %ld", &parent) != 1)
            ;
        if (file)
            fclose(file);
        if (parent == info.pid)
            kill((pid_t)info.pid, SIGKILL);
    }
    CHECK_STATUS(rp_result(future, NULL), RP_WORKER_LOST);
    rp_release(&future);
    await_gone(child);
    await_gone(forker);
    struct item good = {GOOD, 1};
    CHECK_STATUS(rp_map(pool, deed_act, &good, sizeof good, 1, NULL, 0), RP_OK);
    suite_close(pool);
}
