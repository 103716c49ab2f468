/* Isolated items that crash or run too long, and are tried again where that was asked for. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum way { CRASH, HANG, KILL_WORKER };

/* An item that ends its process in its first `falls` tries. */
struct trial {
    struct ticket ticket;
    int falls;
    enum way way;
};

enum { ALWAYS = 1000 };

/* The result of an item: at which try it succeeded. */
static int try_it(rp_call *call, const struct trial *trial)
{
    int attempt = rp_call_attempt(call), code = task_mark(call, &trial->ticket, sizeof trial->ticket);
    rp_worker_info here;
    if (code || attempt > trial->falls)
        return code ? code : rp_return(call, &attempt, sizeof attempt);
    if (trial->way == KILL_WORKER && attempt == 1 && !rp_here(call, &here))
        kill((pid_t)here.pid, SIGKILL);
    while (trial->way == HANG || (trial->way == KILL_WORKER && attempt == 1))
        pause();
    raise(SIGKILL);
    return 1;
}

static int fall(rp_call *call, const void *in, size_t size)
{
    (void)size;
    return try_it(call, in);
}

static struct trial trial_of(size_t number, int falls)
{
    return (struct trial){ticket_of(number), falls, CRASH};
}

/* One of ten falls once, one of a hundred twice. */
static int usual_falls(size_t number)
{
    return number % 100 == 33 ? 2 : number % 10 == 3;
}

enum { N = 200 };

static struct trial trials[N];
static int out[N];
static rp_status statuses[N];

static void prepare(size_t n, int (*falls)(size_t number))
{
    stage_reset();
    memset(out, 0, sizeof out);
    for (size_t i = 0; i < n; i++)
        trials[i] = trial_of(i, falls(i));
}

/* Each was begun once for each try, and not by the way of a neighbour's fall. */
static void check_runs(size_t n, int tries)
{
    for (size_t i = 0; i < n; i++) {
        int wanted = trials[i].falls < tries ? trials[i].falls + 1 : tries;
        check_note("item %zu", i);
        if (!CHECK_INT(atomic_load(&stage()->runs[i]), wanted))
            break;
    }
    check_note("%s", "");
}

static void check_results(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!CHECK_INT(out[i], trials[i].falls + 1))
            break;
}

/* ---- Maps -------------------------------------------------------------------------------- */

TEST_CASE(items_of_a_map_that_crash_are_tried_again_and_their_neighbours_are_not)
{
    static double cost[N];
    const rp_map_options *ways[] = {RP_MAP_OPTIONS(.retries = 2), RP_MAP_OPTIONS(.chunk = N, .retries = 2),
                                    RP_MAP_OPTIONS(.chunk = 1, .retries = 5),
                                    RP_MAP_OPTIONS(.cost = cost, .retries = 2),
                                    RP_MAP_OPTIONS(.schedule = "static", .retries = 2)};
    for (size_t i = 0; i < N; i++)
        cost[i] = (double)(i * 7919 % N);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        rp_map_report report;
        check_note("way %zu", k);
        prepare(N, usual_falls);
        CHECK_STATUS(rp_map_with(pool, fall, trials, sizeof *trials, N, out, sizeof *out, ways[k], &report),
                     RP_OK);
        CHECK_UINT(report.done, N);
        CHECK_UINT(report.failed + report.cancelled, 0);
        if (ways[k]->chunk == 1) /* each try is a claim */
            CHECK_UINT(report.chunks, N + N / 10 + N / 100);
        check_results(N);
        check_runs(N, 3);
    }
    suite_close(pool);
}

static int fall_too_often(size_t number)
{
    return number == 40 || number == 140 ? ALWAYS : number % 50 == 7;
}

TEST_CASE(an_item_that_crashes_each_time_fails_after_its_last_try)
{
    rp_map_report report;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 1));
    prepare(N, fall_too_often);
    CHECK_STATUS(rp_map_with(pool, fall, trials, sizeof *trials, N, out, sizeof *out,
                             RP_MAP_OPTIONS(.statuses = statuses), &report),
                 RP_TASK_CRASHED);
    CHECK_UINT(report.done, N - 2);
    CHECK_UINT(report.failed, 2);
    CHECK_UINT(report.first_failed, 40);
    CHECK_HAS(report.message, "item 40 crashed on worker");
    CHECK_HAS(report.message, "attempt 2: its process was killed by SIGKILL");
    CHECK_STR(rp_last_error(pool), report.message);
    for (size_t i = 0; i < N; i++) {
        bool fell = trials[i].falls == ALWAYS;
        if (!CHECK_STATUS(statuses[i], fell ? RP_TASK_CRASHED : RP_OK) ||
            !CHECK_INT(out[i], fell ? 0 : trials[i].falls + 1))
            break;
    }
    check_runs(N, 2);
    suite_close(pool);
}

static void check_not_tried_again(rp_pool *pool, int retries)
{
    rp_map_report report;
    prepare(N, usual_falls);
    CHECK_STATUS(rp_map_with(pool, fall, trials, sizeof *trials, N, out, sizeof *out,
                             RP_MAP_OPTIONS(.retries = retries), &report),
                 RP_TASK_CRASHED);
    CHECK_UINT(report.failed, N / 10);
    CHECK_HAS(report.message, "attempt 1");
    check_runs(N, 1);
}

TEST_CASE(nobody_asked_so_a_crash_is_not_tried_again)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    check_not_tried_again(pool, 0);
    check_not_tried_again(pool, -1);
    suite_close(pool);
    pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 3)); /* the map's word is nearer */
    check_not_tried_again(pool, -1);
    suite_close(pool);
}

TEST_CASE(the_variable_asks_too)
{
    setenv("RANKPOOL_RETRIES", "2", 1);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    unsetenv("RANKPOOL_RETRIES");
    prepare(N, usual_falls);
    CHECK_STATUS(rp_map(pool, fall, trials, sizeof *trials, N, out, sizeof *out), RP_OK);
    check_results(N);
    suite_close(pool);
}

/* The path comes as the share that the initializer made known: a range has no inputs. */
static int fall_in_range(rp_call *call, const void *in, size_t size)
{
    const char *path = *rp_local(call);
    uint64_t number;
    memcpy(&number, in, size);
    struct trial trial = {.ticket.number = number - 1000, .falls = number % 10 == 3};
    strncpy(trial.ticket.stage, path, sizeof trial.ticket.stage - 1);
    return try_it(call, &trial);
}

static int keep_path(rp_call *call, const void *in, size_t size)
{
    static char path[48];
    memcpy(path, in, size);
    *rp_local(call) = path;
    return 0;
}

TEST_CASE(items_of_a_range_are_tried_again)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 1, .initializer = keep_path,
                                          .initarg = stage_path(), .initarg_size = strlen(stage_path()) + 1));
    stage_reset();
    CHECK_STATUS(rp_map_range(pool, fall_in_range, 1000, 1000 + N, out, sizeof *out), RP_OK);
    for (size_t i = 0; i < N; i++)
        if (!CHECK_INT(out[i], 1 + (i % 10 == 3)) || !CHECK_INT(atomic_load(&stage()->runs[i]), out[i]))
            break;
    suite_close(pool);
}

static void add(void *into, const void *from, size_t size)
{
    (void)size;
    *(int *)into += *(const int *)from;
}

TEST_CASE(items_of_a_reduction_are_tried_again_or_fail_it)
{
    int sum = 0, wanted = 0;
    rp_map_report report;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    for (int retries = 2; retries >= 1; retries--) {
        prepare(N, usual_falls);
        for (size_t i = 0; i < N && retries == 2; i++)
            wanted += trials[i].falls + 1;
        CHECK_STATUS(rp_map_reduce(pool, fall, trials, sizeof *trials, N, add, &sum, sizeof sum,
                                   RP_MAP_OPTIONS(.retries = retries, .chunk = 23), &report),
                     retries == 2 ? RP_OK : RP_TASK_CRASHED);
        CHECK_INT(sum, wanted);
        CHECK_UINT(report.failed, retries == 2 ? 0 : N / 100);
        CHECK_UINT(report.done + report.failed, N);
    }
    CHECK_HAS(report.message, "item 33 crashed");
    CHECK_HAS(report.message, "attempt 2");
    suite_close(pool);
}

/* ---- Maps that stop ---------------------------------------------------------------------- */

/* The first one falls for ever, the last one fails of its own will. */
static int fall_or_fail(rp_call *call, const void *in, size_t size)
{
    const struct trial *trial = in;
    return trial->falls < 0 ? rp_fail(call, "enough") : fall(call, in, size);
}

TEST_CASE(what_waits_for_another_try_when_its_map_stops_is_cancelled)
{
    enum { n = 2 };
    rp_map_report report;
    struct trial both[n] = {trial_of(0, ALWAYS), trial_of(1, -1)};
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    double begun = suite_seconds();
    CHECK_STATUS(rp_map_with(pool, fall_or_fail, both, sizeof *both, n, out, sizeof *out,
                             RP_MAP_OPTIONS(.stop_at_failure = true, .retries = ALWAYS, .chunk = 1,
                                            .statuses = statuses),
                             &report),
                 RP_TASK_FAILED);
    CHECK(suite_seconds() - begun < 20);
    CHECK_UINT(report.first_failed, 1);
    CHECK_UINT(report.cancelled, 1);
    CHECK_STATUS(statuses[0], RP_CANCELLED);
    CHECK_STATUS(statuses[1], RP_TASK_FAILED);
    suite_close(pool);
}

TEST_CASE(a_crash_that_is_tried_again_stops_no_map)
{
    rp_map_report report;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 2));
    prepare(N, usual_falls);
    CHECK_STATUS(rp_map_with(pool, fall, trials, sizeof *trials, N, out, sizeof *out,
                             RP_MAP_OPTIONS(.stop_at_failure = true, .chunk = N), &report),
                 RP_OK);
    CHECK_UINT(report.done, N);
    check_results(N);
    check_runs(N, 3);
    suite_close(pool);
}

TEST_CASE(the_last_crash_stops_its_map)
{
    rp_map_report report;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 1));
    prepare(N, fall_too_often);
    CHECK_STATUS(rp_map_with(pool, fall, trials, sizeof *trials, N, out, sizeof *out,
                             RP_MAP_OPTIONS(.stop_at_failure = true, .statuses = statuses), &report),
                 RP_TASK_CRASHED);
    CHECK(report.failed >= 1 && report.failed <= 2);
    CHECK_UINT(report.done + report.failed + report.cancelled, N);
    CHECK_HAS(report.message, "attempt 2");
    suite_close(pool);
}

/* ---- Time -------------------------------------------------------------------------------- */

TEST_CASE(items_that_run_too_long_are_tried_again)
{
    enum { n = 12 };
    rp_map_report report;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .timeout = 0.05));
    prepare(n, usual_falls); /* number 3 falls once */
    trials[3].way = HANG;
    trials[5] = (struct trial){ticket_of(5), ALWAYS, HANG};
    CHECK_STATUS(rp_map_with(pool, fall, trials, sizeof *trials, n, out, sizeof *out,
                             RP_MAP_OPTIONS(.retries = 1), &report),
                 RP_TASK_TIMEOUT);
    CHECK_UINT(report.failed, 1);
    CHECK_UINT(report.first_failed, 5);
    CHECK_HAS(report.message, "item 5 ran too long on worker");
    CHECK_HAS(report.message, "attempt 2");
    CHECK_INT(out[3], 2);
    check_runs(n, 2);
    suite_close(pool);
}

/* ---- Tasks ------------------------------------------------------------------------------- */

TEST_CASE(tasks_that_crash_are_tried_again_and_say_how_often)
{
    enum { n = 60 };
    size_t count = 0;
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 1));
    prepare(n, usual_falls); /* 33 falls twice */
    for (size_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_submit_with(pool, fall, &trials[i], sizeof *trials,
                                      i == 43 ? RP_TASK_OPTIONS(.retries = -1) : NULL, NULL),
                       RP_OK);
    for (rp_future *future; (future = rp_next(pool, 30)); rp_release(&future), count++) {
        size_t i = rp_index(future);
        rp_task_info info;
        check_note("task %zu", i);
        REQUIRE_STATUS(rp_info(future, &info), RP_OK);
        CHECK_STATUS(rp_result(future, NULL), i == 33 || i == 43 ? RP_TASK_CRASHED : RP_OK);
        CHECK_INT(info.attempts, i == 43 ? 1 : 1 + (i % 10 == 3));
        CHECK_INT(info.code, i == 33 || i == 43 ? -SIGKILL : 0);
        CHECK_INT(atomic_load(&stage()->runs[i]), info.attempts);
        if (i == 33)
            CHECK_HAS(rp_error(future), "attempt 2: its process was killed by SIGKILL");
    }
    CHECK_UINT(count, n);
    suite_close(pool);
}

#define PAUSES_S 0.07 /* of an item that falls three times: 10 ms, 20 and 40 */

static double processor(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

TEST_CASE(who_waits_for_another_try_sleeps_through_pauses_that_double)
{
    rp_future *future;
    rp_task_info info;
    struct trial trial = trial_of(0, 3);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 3));
    stage_reset();
    double begun = suite_seconds(), used = processor();
    REQUIRE_STATUS(rp_submit(pool, fall, &trial, sizeof trial, &future), RP_OK);
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    CHECK(suite_seconds() - begun >= PAUSES_S);
    CHECK(processor() - used < PAUSES_S / 10);
    REQUIRE_STATUS(rp_info(future, &info), RP_OK);
    CHECK_INT(info.attempts, 4);
    rp_release(&future);
    begun = suite_seconds();
    used = processor();
    CHECK_STATUS(rp_map(pool, fall, &trial, sizeof trial, 1, out, sizeof *out), RP_OK);
    CHECK(suite_seconds() - begun >= PAUSES_S);
    CHECK(processor() - used < PAUSES_S / 10);
    CHECK_INT(out[0], 4);
    suite_close(pool);
}

static int fall_and_put(rp_call *call, const void *in, size_t size)
{
    const struct trial *trial = in;
    rp_queue_id queue = trial->ticket.number;
    if (rp_call_attempt(call) <= trial->falls)
        raise(SIGKILL);
    (void)size;
    return rp_call_put(call, queue, "x", 1, RP_FOREVER) ? rp_fail(call, "no queue") : 0;
}

TEST_CASE(a_queue_is_waited_at_for_a_task_that_waits_for_another_try)
{
    rp_queue *queue;
    rp_view view;
    struct trial trial = trial_of(0, 3);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 3));
    REQUIRE_STATUS(rp_queue_open(pool, 0, &queue), RP_OK);
    trial.ticket.number = rp_queue_id_of(queue);
    REQUIRE_STATUS(rp_submit(pool, fall_and_put, &trial, sizeof trial, NULL), RP_OK);
    double used = processor();
    CHECK_STATUS(rp_get(queue, &view, RP_FOREVER), RP_OK);
    CHECK(processor() - used < PAUSES_S / 10);
    CHECK_UINT(view.size, 1);
    rp_queue_close(&queue);
    suite_close(pool);
}

TEST_CASE(a_task_that_waits_for_another_try_has_started_and_is_not_cancelled)
{
    rp_future *future;
    struct trial trial = trial_of(0, 2);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 2));
    stage_reset();
    REQUIRE_STATUS(rp_submit(pool, fall, &trial, sizeof trial, &future), RP_OK);
    /* Alone it begins in a call; and another node says a while later that it has. */
    while (!atomic_load(&stage()->started) || rp_state_of(future) == RP_PENDING)
        rp_wait(future, 0);
    for (int i = 0; i < 20 && atomic_load(&stage()->started) < 3; i++) {
        rp_state state = rp_state_of(future);
        CHECK(state == RP_RUNNING || atomic_load(&stage()->started) == 3);
        CHECK_STATUS(rp_cancel(future), RP_BUSY);
        CHECK_UINT(rp_cancel_all(pool), 0);
        rp_wait(future, 0.003);
    }
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(closing_waits_for_what_waits_for_another_try)
{
    struct trial trial = trial_of(0, 2);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = 2));
    stage_reset();
    REQUIRE_STATUS(rp_submit(pool, fall, &trial, sizeof trial, NULL), RP_OK);
    suite_close(pool);
    CHECK_UINT(atomic_load(&stage()->started), 3);
}

/* ---- Streams ----------------------------------------------------------------------------- */

struct flow {
    size_t drawn, given, failed;
};

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    static struct trial trial;
    trial = trial_of(flow->drawn, usual_falls(flow->drawn));
    *item = (rp_view){&trial, sizeof trial};
    return flow->drawn++ < N;
}

/* Without a second retry each hundredth item fails. */
static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    bool fails = usual_falls(index) == 2;
    flow->given++;
    flow->failed += status != RP_OK;
    check_note("item %zu", index);
    CHECK_STATUS(status, fails ? RP_TASK_CRASHED : RP_OK);
    if (fails)
        CHECK_HAS(error, "attempt 2: its process was killed by SIGKILL");
    else if (CHECK_UINT(result.size, sizeof(int)))
        CHECK_INT(*(const int *)result.data, usual_falls(index) + 1);
    return 0;
}

TEST_CASE(items_of_a_stream_are_tried_again_or_given_as_failed)
{
    struct flow flow = {0};
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    stage_reset();
    CHECK_STATUS(rp_stream(pool, fall, draw, give, &flow, RP_MAP_OPTIONS(.retries = 1, .window = 20)), RP_OK);
    CHECK_UINT(flow.given, N);
    CHECK_UINT(flow.failed, N / 100);
    suite_close(pool);
}

static int stop(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    (void)state, (void)index, (void)status, (void)result, (void)error;
    return 1;
}

static int draw_a_pair(void *state, rp_view *item)
{
    static struct trial trial;
    size_t *drawn = state;
    trial = trial_of(*drawn, *drawn == 1 ? ALWAYS : 0);
    *item = (rp_view){&trial, sizeof trial};
    return (*drawn)++ < 2;
}

TEST_CASE(a_stream_that_is_stopped_does_not_wait_for_another_try)
{
    size_t drawn = 0;
    double begun = suite_seconds();
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1, .retries = ALWAYS));
    CHECK_STATUS(rp_stream(pool, fall, draw_a_pair, stop, &drawn, RP_MAP_OPTIONS(.chunk = 1)), RP_CANCELLED);
    CHECK(suite_seconds() - begun < 20);
    suite_close(pool);
}

/* ---- Beside deaths ----------------------------------------------------------------------- */

/* A map, whose item 50 kills its worker at its first try, and crashes at the second. */
static rp_status map_beside_death(rp_pool *pool, int retries, rp_map_report *report)
{
    prepare(N, usual_falls);
    for (size_t i = 0; i < N; i++)
        trials[i].falls = i == 50 ? 2 : 0;
    trials[50].way = KILL_WORKER;
    return rp_map_with(pool, fall, trials, sizeof *trials, N, out, sizeof *out,
                       RP_MAP_OPTIONS(.retries = retries, .chunk = 1), report);
}

/* Kills 3 of the workers. */
TEST_CASE(lost_workers_and_crashes_count_together)
{
    rp_map_report report;
    if (getenv("OMPI_COMM_WORLD_SIZE"))
        SKIP_CASE("a launcher ends the job that loses a rank");
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    suite_need_workers(pool, 4);
    CHECK_STATUS(map_beside_death(pool, 2, &report), RP_OK);
    check_results(N);
    for (int retries = 0; retries <= 1;
         retries++) { /* a crash alone is not tried again, or is the last one */
        CHECK_STATUS(map_beside_death(pool, retries, &report), RP_TASK_CRASHED);
        CHECK_UINT(report.failed, 1);
        CHECK_UINT(report.done, N - 1);
        CHECK_HAS(report.message, "item 50 crashed");
        CHECK_HAS(report.message, "attempt 2");
    }
    suite_close(pool);
}
