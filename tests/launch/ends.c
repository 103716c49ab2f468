/* However a process of the program ends, the first one ends as the manager did, and nothing is
 * left. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_ends"
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "run.h"
#include "traces.h"

static int status_of(const char *const *environment, const char *const *arguments)
{
    struct run run = run_through(&(struct run_setting){.environment = environment}, arguments);
    int status = run.status;
    run_clean(&run, 5);
    return status;
}

TEST_CASE(the_exit_status_is_the_managers)
{
    CHECK_INT(status_of(NULL, ARGUMENTS("exit", "0")), 0);
    CHECK_INT(status_of(NULL, ARGUMENTS("exit", "1")), 1);
    CHECK_INT(status_of(NULL, ARGUMENTS("exit", "75")), 75);
    CHECK_INT(status_of(NULL, ARGUMENTS("exit", "255")), 255);
    CHECK_INT(status_of(NULL, ARGUMENTS("exit", "256")), 0);
}

TEST_CASE(the_status_given_to__exit_counts_too)
{
    CHECK_INT(status_of(NULL, ARGUMENTS("_exit", "0")), 0);
    CHECK_INT(status_of(NULL, ARGUMENTS("_exit", "3")), 3);
}

TEST_CASE(a_signal_that_ends_the_manager_is_128_and_its_number)
{
    CHECK_INT(status_of(NULL, ARGUMENTS("signal", "6")), 128 + 6);
    CHECK_INT(status_of(NULL, ARGUMENTS("signal", "11")), 128 + 11);
    CHECK_INT(status_of(NULL, ARGUMENTS("signal", "9")), 128 + 9);
}

TEST_CASE(busy_workers_end_with_the_manager)
{
    uint64_t late = clock_deadline(6); /* two seconds are their grace */
    CHECK_INT(status_of(ENVIRONMENT("PROBE_WORKERS=busy"), ARGUMENTS("_exit", "4")), 4);
    CHECK(clock_ns() < late);
}

enum victim { PARENT, MANAGER, WORKER, MPIRUN, PARENT_AND_MPIRUN };

static int segments_of(const char *line)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "*_segment.*.%lx.*", strtoul(line + strlen("job "), NULL, 10));
    return count_entries("/dev/shm", pattern);
}

/* Kills one of a running program's processes; the status of the first one then. */
static int status_after_killing(enum victim victim, int number, bool busy)
{
    struct run run;
    run_start(&run, &(struct run_setting){.environment = ENVIRONMENT(busy ? "PROBE_WORKERS=busy" : "NONE")},
              ARGUMENTS(victim == WORKER ? "stdin" : "wait"));
    long pids[3] = {0};
    REQUIRE(run_pids(&run, pids, 3) == 3);
    char said[64];
    snprintf(said, sizeof said, "%.60s", run.line);
    if (victim == PARENT_AND_MPIRUN)
        kill((pid_t)mpirun_of(run.pid), number);
    long pid = victim == PARENT || victim == PARENT_AND_MPIRUN ? run.pid
               : victim == MPIRUN                              ? mpirun_of(run.pid)
                                                               : pids[victim == WORKER];
    REQUIRE(pid > 0 && kill((pid_t)pid, number) == 0);
    while (victim == WORKER && kill((pid_t)pid, 0) == 0)
        usleep(1000); /* the first process buries it; the probe takes a dead one for alive until then */
    run_finish(&run, NULL, 0);
    int status = run.status;
    run_clean(&run, 5);
    CHECK_INT(segments_of(said), 0);
    return status;
}

TEST_CASE(killing_the_manager_ends_all)
{
    CHECK_INT(status_after_killing(MANAGER, SIGKILL, false), 128 + SIGKILL);
    CHECK_INT(status_after_killing(MANAGER, SIGKILL, true), 128 + SIGKILL);
}

TEST_CASE(killing_the_first_process_ends_all)
{
    CHECK_INT(status_after_killing(PARENT, SIGKILL, false), 1000 + SIGKILL);
    CHECK_INT(status_after_killing(PARENT, SIGKILL, true), 1000 + SIGKILL);
}

TEST_CASE(killing_mpirun_ends_all)
{
    CHECK_INT(status_after_killing(MPIRUN, SIGKILL, false), 128 + SIGKILL);
    CHECK_INT(status_after_killing(MPIRUN, SIGTERM, true), 128 + SIGKILL);
}

TEST_CASE(killing_the_first_process_and_mpirun_at_once_ends_all)
{
    CHECK_INT(status_after_killing(PARENT_AND_MPIRUN, SIGKILL, true), 1000 + SIGKILL);
}

TEST_CASE(a_manager_goes_on_when_a_worker_is_killed)
{
    CHECK_INT(status_after_killing(WORKER, SIGKILL, false), 100);
}

TEST_CASE(a_background_child_of_the_manager_outlives_it)
{
    struct run run;
    run_start(&run, NULL, ARGUMENTS("shell", "(sleep 0.3; echo later) & exit 2"));
    run_finish(&run, NULL, 0);
    CHECK_STR(run.said, "later\n");
    CHECK_INT(run.status, 2);
    run_clean(&run, 5);
}

/* The time and the wake-ups of the first process while its manager waits. */
TEST_CASE(the_first_process_sleeps_while_the_manager_works)
{
    struct run run;
    run_start(&run, NULL, ARGUMENTS("stdin"));
    long pids[3];
    REQUIRE(run_pids(&run, pids, 3) == 3);
    char path[64], line[128];
    long switches[2] = {0, 0};
    snprintf(path, sizeof path, "/proc/%ld/status", (long)run.pid);
    for (int round = 0; round < 2; round++) {
        usleep(round ? 500000 : 200000);
        FILE *file = fopen(path, "re");
        REQUIRE(file);
        while (fgets(line, sizeof line, file))
            if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                switches[round] = strtol(line + 24, NULL, 10);
        fclose(file);
    }
    CHECK_INT(switches[1], switches[0]);
    run_finish(&run, NULL, 0);
    run_clean(&run, 5);
}
