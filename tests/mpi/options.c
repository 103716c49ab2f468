/* The options of rp_map_with beyond how a map is cut. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N 2000

/* ---- stop_at_failure ----------------------------------------------------------------------- */

struct stop {
    struct ticket ticket;
    size_t fails; /* item */
};

static int run_or_fail(rp_call *call, const void *in, size_t size)
{
    const struct stop *stop = rp_common(call, NULL);
    struct stage *stage = stop ? stage_at(stop->ticket.stage) : NULL;
    (void)in, (void)size;
    if (!stage)
        return 99;
    size_t index = rp_call_index(call);
    atomic_fetch_add(&stage->runs[index], 1);
    return index == stop->fails ? rp_fail(call, "here it stops") : 0;
}

static void check_stop(rp_pool *pool, const char *schedule, size_t chunk, size_t fails)
{
    struct stop stop = {ticket_of(0), fails};
    static rp_status statuses[STAGE_ITEMS];
    rp_map_report report;
    check_note("%s, chunk %zu, item %zu fails", schedule, chunk, fails);
    stage_reset();
    memset(statuses, 0xee, sizeof statuses);
    CHECK_STATUS(
        rp_map_with(pool, run_or_fail, NULL, 0, STAGE_ITEMS, NULL, 0,
                    RP_MAP_OPTIONS(.schedule = schedule, .chunk = chunk, .stop_at_failure = true,
                                   .common = &stop, .common_size = sizeof stop, .statuses = statuses),
                    &report),
        RP_TASK_FAILED);
    size_t counts[3] = {0};
    for (size_t i = 0; i < STAGE_ITEMS; i++) {
        int as = statuses[i] == RP_OK ? 0 : statuses[i] == RP_TASK_FAILED ? 1 : 2;
        counts[as]++;
        if (as == 2)
            CHECK_STATUS(statuses[i], RP_CANCELLED);
        if (stage()->runs[i] != (as == 2 ? 0 : 1))
            CHECK_FAILED("item %zu ran %d times, its status is %d", i, stage()->runs[i], statuses[i]);
    }
    CHECK_UINT(report.done, counts[0]);
    CHECK_UINT(report.failed, 1);
    CHECK_UINT(report.cancelled, counts[2]);
    CHECK_UINT(report.done + report.failed + report.cancelled, STAGE_ITEMS);
    CHECK_UINT(report.first_failed, fails);
    CHECK_STATUS(statuses[fails], RP_TASK_FAILED);
    CHECK_HAS(report.message, "here it stops");
}

TEST_CASE(what_has_not_started_when_an_item_fails_is_cancelled_if_asked_for)
{
    static const char *const schedules[] = {"auto", "static", "dynamic", "guided", "factoring", "adaptive"};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        check_stop(pool, schedules[i], 0, 0);
        check_stop(pool, schedules[i], 10, STAGE_ITEMS / 2 + 3);
    }
    check_stop(pool, "auto", 0, STAGE_ITEMS - 1);
    suite_close(pool);
}

static int fail_first_or_nap(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    if (rp_call_index(call) == 0)
        return rp_fail(call, "here it stops");
    usleep(1000);
    return 0;
}

TEST_CASE(a_failure_at_the_start_leaves_the_most_of_a_map_cancelled)
{
    enum { n = 2000 };
    rp_pool *pool = suite_open(NULL);
    rp_map_report report;
    CHECK_STATUS(rp_map_with(pool, fail_first_or_nap, NULL, 0, n, NULL, 0,
                             RP_MAP_OPTIONS(.chunk = 1, .stop_at_failure = true), &report),
                 RP_TASK_FAILED);
    CHECK(report.cancelled > n / 2);
    CHECK_UINT(report.done + report.cancelled, n - 1);
    CHECK_STATUS(rp_map_with(pool, fail_first_or_nap, NULL, 0, 10, NULL, 0,
                             RP_MAP_OPTIONS(.chunk = 10, .schedule = "dynamic", .stop_at_failure = true),
                             &report),
                 RP_TASK_FAILED);
    CHECK_UINT(report.cancelled, 9); /* the siblings in its claim, too */
    suite_close(pool);
}

/* ---- cost ---------------------------------------------------------------------------------- */

static void make_costs(double *cost, struct ticket *in)
{
    for (size_t i = 0; i < N; i++) {
        cost[i] = (double)(data_mix(i) % 1000003);
        in[i] = ticket_of(i);
    }
}

TEST_CASE(the_items_of_highest_cost_go_first)
{
    static struct ticket in[N];
    static double cost[N];
    rp_pool *pool = suite_open(NULL);
    if (suite_executors(pool) > 1) {
        suite_close(pool);
        SKIP_CASE("the order shows where one process runs everything");
    }
    make_costs(cost, in);
    static const size_t chunks[] = {0, 1, 100};
    for (size_t c = 0; c < 3; c++) {
        size_t by_place[N];
        stage_reset();
        CHECK_STATUS(rp_map_with(pool, task_mark, in, sizeof *in, N, NULL, 0,
                                 RP_MAP_OPTIONS(.cost = cost, .chunk = chunks[c]), NULL),
                     RP_OK);
        for (size_t i = 0; i < N; i++) {
            REQUIRE(stage()->place[i] >= 1 && stage()->place[i] <= N);
            by_place[stage()->place[i] - 1] = i;
        }
        for (size_t place = 1; place < N; place++)
            CHECK(cost[by_place[place - 1]] >= cost[by_place[place]]);
    }
    suite_close(pool);
}

TEST_CASE(results_stand_at_their_items_whatever_the_costs)
{
    static struct ticket in[N];
    static double cost[N];
    static size_t out[N];
    rp_pool *pool = suite_open(NULL);
    make_costs(cost, in);
    for (int round = 0; round < 4; round++) {
        check_note("round %d", round);
        for (size_t i = 0; round == 1 && i < N; i += 3)
            cost[i] = i % 2 ? NAN : -INFINITY;
        for (size_t i = 0; round == 2 && i < N; i++)
            cost[i] = 0;
        for (size_t i = 0; round == 3 && i < N; i++)
            cost[i] = -(double)i;
        stage_reset();
        memset(out, 0xee, sizeof out);
        size_t sizes[N];
        rp_status statuses[N];
        CHECK_STATUS(rp_map_with(pool, task_mark, in, sizeof *in, N, out, sizeof *out,
                                 RP_MAP_OPTIONS(.cost = cost, .statuses = statuses, .sizes = sizes), NULL),
                     RP_OK);
        for (size_t i = 0; i < N; i++) {
            CHECK_UINT(out[i], i);
            CHECK_UINT(sizes[i], sizeof *out);
            CHECK_STATUS(statuses[i], RP_OK);
            CHECK_INT(stage()->runs[i], 1);
        }
    }
    suite_close(pool);
}

static int fail_odd(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    (void)size;
    return ticket->number % 2 ? rp_fail(call, "item %zu", ticket->number)
                              : rp_return(call, &ticket->number, sizeof ticket->number);
}

TEST_CASE(failures_stand_at_their_items_whatever_the_costs)
{
    static struct ticket in[N];
    static double cost[N];
    static size_t out[N];
    static rp_status statuses[N];
    rp_map_report report;
    rp_pool *pool = suite_open(NULL);
    make_costs(cost, in);
    memset(out, 0xee, sizeof out);
    CHECK_STATUS(rp_map_with(pool, fail_odd, in, sizeof *in, N, out, sizeof *out,
                             RP_MAP_OPTIONS(.cost = cost, .statuses = statuses), &report),
                 RP_TASK_FAILED);
    CHECK_UINT(report.first_failed, 1);
    CHECK_HAS(report.message, "item 1 ");
    for (size_t i = 0; i < N; i++) {
        CHECK_STATUS(statuses[i], i % 2 ? RP_TASK_FAILED : RP_OK);
        CHECK_UINT(out[i], i % 2 ? (size_t)0xeeeeeeeeeeeeeeee : i);
    }
    suite_close(pool);
}

/* ---- label --------------------------------------------------------------------------------- */

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

/* What this process writes to standard error between the two calls. */
static int divert_error(FILE *to)
{
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    dup2(fileno(to), STDERR_FILENO);
    return before;
}

static void restore_error(int before)
{
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
}

TEST_CASE(the_label_stands_on_the_progress_bar)
{
    char text[4096];
    FILE *file = tmpfile();
    REQUIRE(file);
    rp_pool *shown = suite_open(RP_OPTIONS(.progress = 1)), *silent = suite_open(RP_OPTIONS(.progress = -1));
    int before = divert_error(file);
    rp_status first =
        rp_map_with(shown, nothing, NULL, 0, 1000, NULL, 0, RP_MAP_OPTIONS(.label = "digests"), NULL);
    rp_status second =
        rp_map_with(silent, nothing, NULL, 0, 10, NULL, 0, RP_MAP_OPTIONS(.label = "hidden"), NULL);
    restore_error(before);
    CHECK_STATUS(first, RP_OK);
    CHECK_STATUS(second, RP_OK);
    suite_close(shown);
    suite_close(silent);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    CHECK_HAS(text, "digests");
    CHECK(!strstr(text, "hidden"));
}
