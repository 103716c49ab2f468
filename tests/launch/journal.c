/* A job with a journal, killed at any moment, or run again as another one: together its runs compute
 * everything, and nothing again that was stored. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_journal"
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"

static uint64_t state = 7;

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* One journal, from the first of its runs, which are killed, to the last, which has nothing to do. */
static void kill_runs(const char *launch, const char *mode, int kills)
{
    uint64_t seed = state;
    job_begin(launch);
    for (int i = 0; i < kills; i++) {
        struct run run;
        check_note("%s %s, kill %d of seed %llu", launch, mode, i, (unsigned long long)seed);
        job_start(&run, NULL, ARGUMENTS(mode, "400", JOB_ITEM_US));
        usleep((useconds_t)(80000 + draw(220000)));
        kill(run.pid, SIGKILL);
        run_finish(&run, NULL, 0);
        run_clean(&run, 10);
        job_look();
    }
    CHECK_INT(job_run(NULL, ARGUMENTS(mode, "400", JOB_ITEM_US)), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
    /* What ends just before a kill runs twice: how much that is depends on the machine. */
    CHECK(job_count_log() <= 2 * JOB_ITEMS);
    size_t all = job_count_log();
    CHECK_INT(job_run(NULL, ARGUMENTS(mode, "400", JOB_ITEM_US)), 0);
    job_look();
    CHECK_UINT(job_count_log(), all);
    check_note("%s", "");
    job_finish();
}

/* The target journal_kills takes ten times as many. */
static void kill_at_random(const char *launch, const char *mode, int kills)
{
    const char *journals = getenv("JOURNALS");
    int n = journals ? atoi(journals) : 1;
    check_seconds(n * (20 + 10 * kills));
    for (int i = 0; i < n; i++)
        kill_runs(launch, mode, kills);
}

TEST_CASE(killed_at_any_moment_a_map_goes_on_with_what_is_not_stored)
{
    kill_at_random("auto", "map", 2);
}

TEST_CASE(killed_at_any_moment_a_stream_goes_on_with_what_is_not_stored)
{
    kill_at_random("auto", "stream", 1);
}

TEST_CASE(killed_at_any_moment_submitted_tasks_go_on_with_what_is_not_stored)
{
    kill_at_random("auto", "tasks", 1);
}

TEST_CASE(killed_at_any_moment_a_process_alone_goes_on_with_what_is_not_stored)
{
    kill_at_random("inline", "map", 1);
}

/* ---- Other programs ---------------------------------------------------------------------- */

TEST_CASE(another_build_of_the_program_computes_everything_anew)
{
    job_begin("auto");
    CHECK_INT(job_run(NULL, ARGUMENTS("map", "400", "0")), 0);
    CHECK_UINT(job_look(), JOB_ITEMS);
    CHECK_INT(job_run(OTHER_BUILD, ARGUMENTS("map", "400", "0")), 0);
    memset(job_stored, 0, sizeof job_stored);
    CHECK_UINT(job_look(), JOB_ITEMS);
    CHECK_UINT(job_count_log(), 2 * JOB_ITEMS);
    CHECK_INT(job_run(OTHER_BUILD, ARGUMENTS("map", "400", "0")), 0);
    job_look();
    CHECK_UINT(job_count_log(), 2 * JOB_ITEMS);
    job_finish();
}

TEST_CASE(a_second_job_on_a_journal_is_told_who_has_it)
{
    struct run run, second;
    job_begin("auto");
    job_start(&run, NULL, ARGUMENTS("map", "400", "25000"));
    job_await_log(10);
    job_start(&second, NULL, ARGUMENTS("map", "400", "25000"));
    run_finish(&second, NULL, 0);
    CHECK_INT(second.status, 3);
    CHECK_HAS(second.wrote, "it is in use by process ");
    run_clean(&second, 10);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 0);
    run_clean(&run, 10);
    CHECK_UINT(job_look(), JOB_ITEMS);
    CHECK_UINT(job_count_log(), JOB_ITEMS);
    job_finish();
}
