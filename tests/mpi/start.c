/* The first open of a program: how many workers it finds, and what it refuses. A probe is run as a
 * user runs a program, in different surroundings, and its words are looked at. */
#define _GNU_SOURCE
#include "suite/shell.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MPIRUN                                                                                               \
    "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 " MPIEXEC " --oversubscribe --bind-to none "

static void run(const char *command)
{
    check_note("%s", command);
    shell_run(command);
}

static void check_opened(const char *workers)
{
    char text[64];
    snprintf(text, sizeof text, "workers %s, sum 9900", workers);
    CHECK_HAS(said.text, text);
    CHECK_INT(said.code, 0);
}

static void check_refused(rp_status status, const char *part)
{
    char text[64];
    snprintf(text, sizeof text, "status %d: ", (int)status);
    CHECK_HAS(said.text, text);
    CHECK_HAS(said.text, part);
    CHECK(!strstr(said.text, "workers 1, sum"));
    CHECK_INT(said.code, 3);
}

/* ---- Workers ------------------------------------------------------------------------------------------ */

TEST_CASE(a_program_alone_gets_no_more_workers_than_processors)
{
    cpu_set_t cpus;
    REQUIRE(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    run("RANKPOOL_PER=thread " PROBE);
    CHECK_INT(said.code, 0);
    const char *at = strstr(said.text, "workers ");
    REQUIRE(at);
    int workers = atoi(at + strlen("workers "));
    CHECK(workers >= 1 && workers <= CPU_COUNT(&cpus));
    CHECK_HAS(said.text, "sum 9900");
}

TEST_CASE(a_restricted_affinity_lowers_the_number_of_workers)
{
    cpu_set_t cpus;
    char command[256];
    unsigned first = 0;
    REQUIRE(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    while (!CPU_ISSET(first, &cpus))
        first++;
    snprintf(command, sizeof command, "taskset -c %u %s", first, PROBE);
    run(command);
    check_opened("1");
}

TEST_CASE(the_environments_number_of_workers_is_honoured_and_the_codes_beats_it)
{
    run("RANKPOOL_WORKERS=3 " PROBE);
    check_opened("3");
    run("RANKPOOL_WORKERS=3 " PROBE " workers=1");
    check_opened("1");
    run(PROBE " workers=4");
    check_opened("4");
}

TEST_CASE(under_a_launcher_the_ranks_given_are_the_workers)
{
    run("RANKPOOL_WORKERS=7 " MPIRUN "-n 3 " PROBE);
    check_opened("2");
    run(MPIRUN "-n 1 " PROBE);
    check_opened("1");
}

TEST_CASE(inline_runs_tasks_in_this_process)
{
    run("RANKPOOL_LAUNCH=inline RANKPOOL_WORKERS=7 " PROBE);
    check_opened("1");
    CHECK_HAS(said.text, "in this process");
}

/* ---- What is refused ---------------------------------------------------------------------------------- */

TEST_CASE(a_request_below_0_is_refused_and_the_program_may_try_again)
{
    run(PROBE " workers=-1");
    check_refused(RP_INVALID, "workers");
    run(MPIRUN "-n 2 " PROBE " workers=-1");
    check_refused(RP_INVALID, "workers");
    run("RANKPOOL_LAUNCH=inline " PROBE " workers=-1");
    check_refused(RP_INVALID, "workers");
    run(PROBE " workers=-1 again");
    CHECK_HAS(said.text, "sum 9900");
    CHECK_INT(said.code, 0);
    run(MPIRUN "-n 2 " PROBE " workers=-1 again");
    check_opened("1");
}

TEST_CASE(wrong_values_in_the_environment_are_refused_by_the_first_open)
{
    run("RANKPOOL_WORKERS=abc " PROBE);
    check_refused(RP_INVALID, "RANKPOOL_WORKERS=abc");
    run("RANKPOOL_WORKERS=-3 " PROBE);
    check_refused(RP_INVALID, "RANKPOOL_WORKERS=-3");
    run("RANKPOOL_SCHEDULE=fair " MPIRUN "-n 3 " PROBE);
    check_refused(RP_INVALID, "RANKPOOL_SCHEDULE=fair");
    run("RANKPOOL_LAUNCH=rocket " PROBE);
    check_refused(RP_INVALID, "RANKPOOL_LAUNCH");
    run("RANKPOOL_ISOLATE=perhaps " PROBE);
    check_refused(RP_INVALID, "RANKPOOL_ISOLATE=perhaps");
}

TEST_CASE(more_workers_than_a_node_can_have_are_refused)
{
    run(PROBE " workers=1000000");
    check_refused(RP_INVALID, "workers");
}

TEST_CASE(ranks_started_as_strangers_are_told_so)
{
    static const char *const launchers[] = {
        "PMI_RANK=0 PMI_SIZE=3 ",
        "PMI_RANK=2 PMI_SIZE=3 ",
        "SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=3 ",
        "FLUX_TASK_RANK=0 FLUX_JOB_SIZE=3 ",
    };
    char command[512];
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        snprintf(command, sizeof command, "%s %s", launchers[i], PROBE);
        run(command);
        check_refused(RP_LAUNCH, "3 processes");
        CHECK_HAS(said.text, "mpirun"); /* the mend */
    }
    /* One process of such a launcher is no stranger to anybody, nor is a batch script. */
    run("PMI_RANK=0 PMI_SIZE=1 " PROBE);
    check_opened("1");
}

TEST_CASE(ranks_of_different_builds_are_told_so_by_rank_and_host_before_any_task_runs)
{
    static const char *const mixes[] = {
        MPIRUN "-n 2 " PROBE " : -n 1 " PROBE_OTHER,
        MPIRUN "-n 1 " PROBE_OTHER " : -n 2 " PROBE,
    };
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
        run(mixes[i]);
        check_refused(RP_MISMATCH, host);
        CHECK_HAS(said.text, i == 0 ? "rank 2" : "rank 1");
        CHECK(!strstr(said.text, "sum"));
    }
}

TEST_CASE(a_later_open_says_again_why_there_is_no_pool)
{
    run("PMI_RANK=0 PMI_SIZE=3 " PROBE " again");
    check_refused(RP_LAUNCH, "3 processes");
    const char *first = strstr(said.text, "status");
    const char *second = first ? strstr(first + 1, "status") : NULL;
    CHECK(second && strstr(second, "3 processes"));
    run(MPIRUN "-n 1 " PROBE " again : -n 1 " PROBE_OTHER " again");
    check_refused(RP_MISMATCH, "rank 1");
    first = strstr(said.text, "status");
    second = first ? strstr(first + 1, "status") : NULL;
    CHECK(second && strstr(second, "rank 1"));
}

TEST_CASE(ranks_of_different_builds_are_told_so_by_every_rank_of_a_program_that_runs_MPI)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    run(MPIRUN "-n 2 " PROBE_COMM " : -n 1 " PROBE_COMM_OTHER);
    check_refused(RP_MISMATCH, host);
    CHECK_HAS(said.text, "rank 2");
    CHECK(!strstr(said.text, "sum"));
    char *at = said.text;
    for (int rank = 0; rank < 3; rank++) {
        at = strstr(at, "status 12: "); /* RP_MISMATCH */
        REQUIRE(at);
        at++;
    }
    run(MPIRUN "-n 3 " PROBE_COMM);
    CHECK_HAS(said.text, "sum 0");
}
