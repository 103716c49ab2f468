/* Reductions beside deaths and failures: whatever is lost, the result has the bits of the tree, or there is
 * none, and no part of it is left in anybody's memory. */
#include <signal.h>
#include <string.h>

#include "check.h"
#include "reduction.h"

/* ---- Deaths ---------------------------------------------------------------------------------- */

/* Worker 1 dies with a claim, after parts of its own have been sent: these are still good. */
static void die_between(void *state)
{
    struct puppets *puppets = state;
    CHECK_INT(puppet_work(&puppets->worker[1], 3), 3);
    CHECK(puppet_claim(&puppets->worker[2]));
    CHECK(puppet_claim(&puppets->worker[1]));
    puppet_perform(&puppets->worker[2]);
    gang_kill(&puppets->gang, 1);
    puppets->worker[1].claim.run = 0;
}

static void work_alone(void *state)
{
    struct puppets *puppets = state;
    while (puppet_work(&puppets->worker[2], 1000))
        continue;
    puppets_at("manager: sleeps", 1, work_alone, puppets);
}

static void die_between_and_go_on(void *state)
{
    die_between(state);
    puppets_at("manager: sleeps", 1, work_alone, state);
}

TEST_CASE(what_a_dead_worker_has_sent_is_combined_with_what_runs_again)
{
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        struct puppets puppets;
        check_seconds(20);
        check_note("%zu bytes", reduction_sizes[s]);
        puppets_open(&puppets, 2, NULL);
        puppets_at("manager: sleeps", 1, die_between_and_go_on, &puppets);
        reduction_check(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 7}, 300,
                        reduction_sizes[s]);
        for (int i = 0; i < 300; i++)
            CHECK_UINT(gang_tally->runs[i], 1); /* puppets do not run what they die with */
        reduction_check_nothing_left(&puppets);
        puppets_close(&puppets);
    }
}

static int fatal_at_first(rp_call *call, const void *input, size_t size)
{
    uint64_t item;
    memcpy(&item, input, sizeof item);
    if (item % 100 == 99 && rp_call_attempt(call) == 1)
        raise(SIGKILL);
    return reduction_item(call, input, size);
}

/* Dies in a combination, once. */
static void fatal_combine(void *into, const void *from, size_t size)
{
    if (atomic_exchange(&gang_tally->gate, 0))
        raise(SIGKILL);
    reduction_combine(into, from, size);
}

TEST_CASE(workers_that_die_in_items_and_in_combining_cost_no_bit)
{
    static const enum schedule schedules[] = {SCHEDULE_AUTO, SCHEDULE_STATIC, SCHEDULE_FACTORING};
    for (int s = 0; s < REDUCTION_SIZES; s++)
        for (int k = 0; k < 3; k++) {
            struct gang gang;
            check_seconds(20);
            check_note("%s, %zu bytes", schedule_name(schedules[k]), reduction_sizes[s]);
            gang_start(&gang, 4, MEMORY_MEMFD, NULL);
            gang_open(&gang, NULL);
            reduction_check(&gang, &(struct map_work){.fn = fatal_at_first, .schedule = schedules[k]}, 250,
                            reduction_sizes[s]);
            gang_tally->gate = 1;
            reduction_check(&gang, &(struct map_work){.combine = fatal_combine, .schedule = schedules[k]},
                            1000, reduction_sizes[s]);
            CHECK_UINT(gang_tally->gate, 0);
            gang_end(&gang);
        }
}

static int fatal(rp_call *call, const void *input, size_t size)
{
    uint64_t item;
    memcpy(&item, input, sizeof item);
    if (item == 150)
        raise(SIGKILL);
    return reduction_item(call, input, size);
}

TEST_CASE(an_item_that_kills_its_workers_fails_the_reduction_and_all_others_are_done)
{
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        struct gang gang;
        struct error error;
        rp_map_report report;
        uint64_t out[REDUCTION_LONGEST / 8] = {77};
        check_seconds(20);
        check_note("%zu bytes", reduction_sizes[s]);
        struct map_work work =
            reduction_work(&(struct map_work){.fn = fatal, .retries = 1}, 300, reduction_sizes[s], out);
        gang_start(&gang, 3, MEMORY_MEMFD, NULL);
        gang_open(&gang, NULL);
        CHECK_STATUS(map_run(&gang.manager, &work, &report, &error), RP_WORKER_LOST);
        CHECK_UINT(report.first_failed, 150);
        CHECK_UINT(report.failed, 1);
        CHECK_UINT(report.done, 299);
        CHECK_UINT(out[0], 77);
        reduction_check(&gang, &(struct map_work){0}, 300, reduction_sizes[s]); /* the pool goes on */
        gang_end(&gang);
    }
}

TEST_CASE(workers_that_die_anywhere_cost_no_bit)
{
    static const char *const places[] = {"claim: held", "note: written", "note: published",
                                         "claim: announced"};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (int s = 0; s < REDUCTION_SIZES; s++) {
            struct gang gang;
            check_seconds(20);
            check_note("%s, %zu bytes", places[p], reduction_sizes[s]);
            gang_start(&gang, 3, MEMORY_MEMFD,
                       (struct gang_fate[]){{1, places[p], 5, SIGKILL}, {2, places[p], 20, SIGKILL}, {0}});
            gang_open(&gang, &(struct manager_setup){.computes = s % 2});
            gang_arm();
            for (int k = 0; k < 3; k++)
                reduction_check(&gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 3}, 1000,
                                reduction_sizes[s]);
            gang_end(&gang);
        }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static int failing(rp_call *call, const void *input, size_t size)
{
    uint64_t item;
    memcpy(&item, input, sizeof item);
    return item == 150 ? rp_fail(call, "no") : reduction_item(call, input, size);
}

TEST_CASE(a_reduction_that_fails_leaves_nothing)
{
    for (int s = 0; s < REDUCTION_SIZES; s++)
        for (int stops = 0; stops < 2; stops++) {
            struct puppets puppets;
            struct error error;
            rp_map_report report;
            uint64_t out[REDUCTION_LONGEST / 8] = {77};
            check_note("%zu bytes, stops %d", reduction_sizes[s], stops);
            struct map_work work = reduction_work(
                &(struct map_work){
                    .fn = failing, .schedule = SCHEDULE_DYNAMIC, .chunk = 5, .stop_at_failure = stops},
                300, reduction_sizes[s], out);
            puppets_open(&puppets, 2, NULL);
            puppets_at("manager: sleeps", 1, reduction_in_turns, &puppets);
            CHECK_STATUS(map_run(&puppets.gang.manager, &work, &report, &error), RP_TASK_FAILED);
            CHECK_UINT(report.first_failed, 150);
            CHECK_UINT(report.failed, 1);
            CHECK_UINT(report.done + report.cancelled, 299);
            CHECK(stops || report.done == 299);
            CHECK_UINT(out[0], 77);
            reduction_check_nothing_left(&puppets);
            puppets_close(&puppets);
        }
}

static void look_and_go_on(void *state)
{
    reduction_check_nothing_left(state);
    reduction_in_turns(state);
}

static void fail_first(void *state)
{
    struct puppets *puppets = state;
    CHECK_INT(puppet_work(&puppets->worker[1], 40), 40);
    puppets_at("manager: sleeps", 1, look_and_go_on, puppets);
}

TEST_CASE(what_has_come_before_a_failure_is_given_back_at_once)
{
    struct puppets puppets;
    struct error error;
    uint64_t out[REDUCTION_LONGEST / 8];
    struct map_work work = reduction_work(
        &(struct map_work){.fn = failing, .schedule = SCHEDULE_DYNAMIC, .chunk = 5}, 300, 5000, out);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, fail_first, &puppets);
    CHECK_STATUS(map_run(&puppets.gang.manager, &work, NULL, &error), RP_TASK_FAILED);
    puppets_close(&puppets);
}

/* Worker 1 has sent some parts; then both die. */
static void die_all(void *state)
{
    struct puppets *puppets = state;
    die_between(puppets);
    gang_kill(&puppets->gang, 2);
}

TEST_CASE(a_reduction_with_nobody_left_says_so_and_leaves_nothing)
{
    struct puppets puppets;
    struct error error;
    rp_map_report report;
    uint64_t out[REDUCTION_LONGEST / 8] = {77};
    check_seconds(20);
    struct map_work work = reduction_work(&(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 5}, 300,
                                          REDUCTION_LONGEST, out);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, die_all, &puppets);
    CHECK_STATUS(map_run(&puppets.gang.manager, &work, &report, &error), RP_POOL_BROKEN);
    CHECK_UINT(report.done, 20);
    CHECK_UINT(report.cancelled, 280);
    CHECK_UINT(out[0], 77);
    reduction_check_nothing_left(&puppets);
    puppets_close(&puppets);
}
