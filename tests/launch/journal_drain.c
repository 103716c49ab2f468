/* A job with a journal that is asked to end, or out of time: it stores what it has, and the next run goes
 * on from there. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_journal"
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "jobs.h"

/* ---- Draining ---------------------------------------------------------------------------- */

/* Ends with 75, and what has ended is stored: each item once. */
static void check_drained(struct run *run)
{
    run_finish(run, NULL, 0);
    CHECK_INT(run->status, 75);
    CHECK_HAS(run->wrote, "goes on from there");
    run_clean(run, 10);
    size_t count = job_look();
    CHECK(count < JOB_ITEMS);
    CHECK_UINT(job_count_log(), count);
}

static void drain(const char *launch, const char *mode, int number)
{
    struct run run;
    check_note("%s %s, signal %d", launch, mode, number);
    job_begin(launch);
    job_start(&run, NULL, ARGUMENTS(mode, "400", JOB_ITEM_US));
    job_await_log(50);
    kill(run.pid, number);
    check_drained(&run);
    CHECK_INT(job_run(NULL, ARGUMENTS(mode, "400", JOB_ITEM_US)), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
    CHECK_UINT(job_count_log(), JOB_ITEMS);
    check_note("%s", "");
    job_finish();
}

TEST_CASE(a_signal_lets_what_runs_end_stores_it_and_ends_with_75)
{
    static const char *const modes[] = {"map", "stream", "tasks"};
    for (int i = 0; i < 3; i++) {
        drain("auto", modes[i], i % 2 ? SIGUSR1 : SIGTERM);
        drain("inline", modes[i], i % 2 ? SIGTERM : SIGUSR1);
    }
}

/* The item that falls is tried again for many minutes; behind it a stream alone has nothing. */
static void drain_beside_tries(const char *launch, const char *mode)
{
    struct run run;
    check_note("%s %s", launch, mode);
    job_begin(launch);
    const char *const more[] = {"RANKPOOL_ISOLATE=1", "RANKPOOL_RETRIES=1000", "JOB_FALLS=60", NULL};
    memcpy(&job_environment[4], more, sizeof more);
    job_start(&run, NULL, ARGUMENTS(mode, "400", "0"));
    job_await_log(60);
    kill(run.pid, SIGTERM);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 75);
    run_clean(&run, 10);
    CHECK(job_look() < JOB_ITEMS);
    CHECK(!job_stored[60]);
    job_environment[4] = NULL;
    CHECK_INT(job_run(NULL, ARGUMENTS(mode, "400", "0")), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
    check_note("%s", "");
    job_finish();
}

TEST_CASE(a_signal_does_not_wait_for_what_is_to_be_tried_again)
{
    static const char *const modes[] = {"map", "stream", "tasks"};
    for (int i = 0; i < 3; i++) {
        drain_beside_tries("auto", modes[i]);
        drain_beside_tries("inline", modes[i]);
    }
}

TEST_CASE(a_signal_that_comes_by_several_ways_at_once_is_one)
{
    struct run run;
    job_begin("auto");
    job_environment[4] = "JOB_HANGS=60:1";
    job_start(&run, NULL, ARGUMENTS("tasks", "400", JOB_ITEM_US));
    job_await_log(100);
    for (int i = 0; i < 3; i++) {
        kill(run.pid, SIGTERM);
        usleep(100000); /* or they would be one to the kernel */
    }
    check_drained(&run);
    job_finish();
}

TEST_CASE(a_second_signal_later_ends_the_job_at_once)
{
    struct run run;
    job_begin("auto");
    job_environment[4] = "JOB_HANGS=60:60";
    job_start(&run, NULL, ARGUMENTS("tasks", "400", JOB_ITEM_US));
    job_await_log(100);
    kill(run.pid, SIGTERM);
    usleep(1300000);
    uint64_t sent = clock_ns();
    kill(run.pid, SIGTERM);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 128 + SIGTERM);
    CHECK(clock_ns() - sent < UINT64_C(10000000000));
    run_clean(&run, 10);
    char wal[112];
    snprintf(wal, sizeof wal, "%s-wal", job_journal);
    unlink(wal);
    job_finish();
}

TEST_CASE(a_program_that_takes_the_signal_itself_gets_it)
{
    struct run run;
    job_begin("auto");
    job_start(&run, NULL, ARGUMENTS("map", "400", JOB_ITEM_US, "own"));
    job_await_log(50);
    kill(run.pid, SIGTERM);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 5);
    run_clean(&run, 10);
    CHECK_INT(job_run(NULL, ARGUMENTS("map", "400", JOB_ITEM_US)), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
    job_finish();
}

/* On a busy machine the deadline may come before the first item. It does not come too early: `least` is
 * seconds, of the time since 1970. Without it the items would take far longer. */
static void run_into(const char *deadline, double least)
{
    struct run run;
    struct timespec now;
    check_note("%s", deadline);
    job_begin("auto");
    job_environment[4] = deadline;
    job_environment[5] = "JOB_DWELLS=100000";
    job_start(&run, NULL, ARGUMENTS("map", "400", "0"));
    check_drained(&run);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK((double)now.tv_sec + (double)now.tv_nsec * 1e-9 >= least);
    job_environment[4] = job_environment[5] = NULL;
    CHECK_INT(job_run(NULL, ARGUMENTS("map", "400", "0")), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
    CHECK_UINT(job_count_log(), JOB_ITEMS);
    check_note("%s", "");
    job_finish();
}

TEST_CASE(a_deadline_is_a_signal_that_time_sends)
{
    char at[64];
    run_into("RANKPOOL_DEADLINE=0.5", (double)time(NULL) + 0.5);
    double then = (double)time(NULL) + 1.5;
    snprintf(at, sizeof at, "RANKPOOL_DEADLINE=@%.2f", then);
    run_into(at, then);
    run_into("PBS_WALLTIME=1", (double)time(NULL) + 0.9);
}

/* It is another job's where it has passed before the pool is opened. */
TEST_CASE(the_end_of_a_batch_job_is_a_deadline)
{
    char at[64];
    time_t now = time(NULL);
    snprintf(at, sizeof at, "SLURM_JOB_END_TIME=%lld", (long long)now + 8);
    run_into(at, (double)now + 7.2);
}

TEST_CASE(a_deadline_that_is_none_is_refused)
{
    static const char *const wrong[] = {"RANKPOOL_DEADLINE=tomorrow", "RANKPOOL_DEADLINE=-1",
                                        "RANKPOOL_DEADLINE=5m", "RANKPOOL_DEADLINE=@"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        job_begin("inline");
        job_environment[4] = wrong[i];
        struct run run;
        job_start(&run, NULL, ARGUMENTS("map", "400", JOB_ITEM_US));
        run_finish(&run, NULL, 0);
        CHECK_INT(run.status, 3);
        CHECK_HAS(run.wrote, wrong[i]);
        run_clean(&run, 10);
        CHECK_INT(rmdir(job_folder), 0);
    }
}

/* ---- Long claims ------------------------------------------------------------------------- */

#define CLAIMED_US "4000"

/* One worker claims all items at once. */
static void begin_claim(const char *launch, const char *isolate)
{
    job_begin(launch);
    job_set_workers(1);
    job_environment[4] = "RANKPOOL_CHUNK=400";
    job_environment[5] = isolate;
}

/* The rest, by more workers. */
static void finish_claim(const char *mode)
{
    job_set_workers(6);
    job_environment[4] = job_environment[5] = NULL;
    CHECK_INT(job_run(NULL, ARGUMENTS(mode, "400", CLAIMED_US)), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
}

static const struct claimed {
    const char *launch, *mode, *isolate;
} claimed[] = {
    {"auto", "map", NULL},
    {"auto", "stream", NULL},
    {"inline", "map", NULL},
    {"auto", "map", "RANKPOOL_ISOLATE=1"},
    {"auto", "stream", "RANKPOOL_ISOLATE=1"},
    {"inline", "map", "RANKPOOL_ISOLATE=1"},
};
enum { CLAIMED = sizeof claimed / sizeof *claimed };

TEST_CASE(a_signal_in_the_middle_of_a_long_claim_does_not_wait_for_its_end)
{
    for (int i = 0; i < CLAIMED; i++) {
        struct run run;
        check_note("%s %s %s", claimed[i].launch, claimed[i].mode, claimed[i].isolate ? "isolated" : "");
        begin_claim(claimed[i].launch, claimed[i].isolate);
        job_start(&run, NULL, ARGUMENTS(claimed[i].mode, "400", CLAIMED_US));
        job_await_log(20);
        kill(run.pid, SIGTERM);
        check_drained(&run);
        finish_claim(claimed[i].mode);
        CHECK_UINT(job_count_log(), JOB_ITEMS);
        check_note("%s", "");
        job_finish();
    }
}

TEST_CASE(killed_in_the_middle_of_a_long_claim_a_job_has_stored_what_had_finished)
{
    for (int i = 0; i < CLAIMED; i++) {
        struct run run;
        check_note("%s %s %s", claimed[i].launch, claimed[i].mode, claimed[i].isolate ? "isolated" : "");
        begin_claim(claimed[i].launch, claimed[i].isolate);
        job_start(&run, NULL, ARGUMENTS(claimed[i].mode, "400", CLAIMED_US));
        job_await_log(100);
        kill(run.pid, SIGKILL);
        run_finish(&run, NULL, 0);
        run_clean(&run, 10);
        CHECK(job_look() > 0);
        finish_claim(claimed[i].mode);
        CHECK(job_count_log() < JOB_ITEMS + 100);
        check_note("%s", "");
        job_finish();
    }
}
