/* What can go wrong with starting again is told in a sentence, and nothing is left. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_refused"
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

/* A folder with an mpirun of ours in it, and PATH so that it is found. */
struct fake {
    char folder[32], file[64], path[4200];
};

static struct fake fake_mpirun(const char *script)
{
    struct fake fake = {.folder = "/tmp/rankpool-test-XXXXXX"};
    REQUIRE(mkdtemp(fake.folder));
    snprintf(fake.file, sizeof fake.file, "%s/mpirun", fake.folder);
    snprintf(fake.path, sizeof fake.path, "PATH=%s:%.4000s", fake.folder, getenv("PATH"));
    FILE *file = fopen(fake.file, "we");
    REQUIRE(file && fprintf(file, "#!/bin/sh\n%s\n", script) > 0 && fclose(file) == 0);
    REQUIRE(chmod(fake.file, 0700) == 0);
    return fake;
}

static struct run run_with_mpirun(const char *script)
{
    struct fake fake = fake_mpirun(script);
    struct run run =
        run_through(&(struct run_setting){.environment = ENVIRONMENT(fake.path)}, ARGUMENTS("ranks"));
    unlink(fake.file);
    rmdir(fake.folder);
    return run;
}

TEST_CASE(an_mpirun_that_fails_is_told_with_what_it_said)
{
    struct run run = run_with_mpirun("echo no network today >&2; exit 3");
    CHECK_INT(run.status, 94);
    CHECK_HAS(run.wrote, "no network today\n");
    CHECK_HAS(run.wrote, "could not be started under the launcher: ");
    CHECK(!strstr(run.wrote, "blocked"));
    CHECK_STR(run.said, "");
    run_clean(&run, 5);
}

TEST_CASE(an_mpirun_of_another_kind_is_told)
{
    struct run run = run_with_mpirun("shift 6; exec env -u PMIX_RANK PMI_RANK=0 \"$@\"");
    CHECK_INT(run.status, 94);
    CHECK_HAS(run.wrote, "does not number its processes");
    run_clean(&run, 5);
}

TEST_CASE(an_mpirun_that_cannot_be_executed_is_told)
{
    struct fake fake = fake_mpirun("");
    FILE *file = fopen(fake.file, "we");
    REQUIRE(file && fprintf(file, "#!/nowhere/interpreter\n") > 0 && fclose(file) == 0);
    struct run run =
        run_through(&(struct run_setting){.environment = ENVIRONMENT(fake.path)}, ARGUMENTS("ranks"));
    CHECK_INT(run.status, 94);
    CHECK_HAS(run.wrote, "mpirun could not be started: No such file or directory");
    run_clean(&run, 5);
    unlink(fake.file);
    rmdir(fake.folder);
}

TEST_CASE(a_signal_while_mpirun_starts_ends_all)
{
    struct run run = run_with_mpirun("kill -TERM $PPID; sleep 1000");
    CHECK_INT(run.status, 1000 + SIGTERM);
    run_clean(&run, 5);
}

/* It has its folder as soon as the process that cleans up is there beside it. */
TEST_CASE(killed_while_mpirun_starts_nothing_is_left)
{
    struct run run = run_with_mpirun(
        "until [ $(wc -w </proc/$PPID/task/$PPID/children) -gt 1 ]; do sleep 0.01; done\n"
        "mkdir -p $TMPDIR/ompi.$(hostname -s).$(id -u)/pid.$$/job; kill -KILL $PPID; sleep 1000");
    CHECK_INT(run.status, 1000 + SIGKILL);
    run_clean(&run, 5);
}

TEST_CASE(a_program_goes_on_where_the_process_that_cleans_up_has_died)
{
    struct run run =
        run_with_mpirun("until [ $(wc -w </proc/$PPID/task/$PPID/children) -gt 1 ]; do sleep 0.01; done\n"
                        "for child in $(cat /proc/$PPID/task/$PPID/children)\n"
                        "do [ $child = $$ ] || kill -KILL $child; done\n"
                        "PATH=${PATH#*:} exec mpirun \"$@\"");
    CHECK_INT(run.status, 0);
    CHECK_STR(run.wrote, "");
    run_clean(&run, 5);
}

TEST_CASE(a_rank_that_ends_before_it_joins_is_told)
{
    struct run run = run_through(
        &(struct run_setting){.environment = ENVIRONMENT("PROBE_BEFORE=worker-ends")}, ARGUMENTS("ranks"));
    CHECK_INT(run.status, 94);
    CHECK_HAS(run.wrote, "rank 1 ended with status 41 before it had joined");
    CHECK(!strstr(run.wrote, "blocked"));
    run_clean(&run, 5);
}

TEST_CASE(a_manager_that_ends_before_it_joins_ends_the_program)
{
    struct run run = run_through(
        &(struct run_setting){.environment = ENVIRONMENT("PROBE_BEFORE=manager-ends")}, ARGUMENTS("ranks"));
    CHECK_INT(run.status, 41);
    run_clean(&run, 5);
}

TEST_CASE(a_list_of_cpus_that_is_none_is_refused)
{
    struct run run =
        run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_CPUS=/x")}, ARGUMENTS("ranks"));
    CHECK_INT(run.status, 94);
    CHECK_HAS(run.wrote, "\"x\" is not a list of CPUs");
    run_clean(&run, 5);
}

/* Two processes of one world each, as a launcher without this MPI's PMI makes them. */
TEST_CASE(strangers_are_told_so)
{
    struct run run = run_through(
        &(struct run_setting){.environment = ENVIRONMENT("SLURM_PROCID=1", "SLURM_STEP_ID=0",
                                                         "SLURM_STEP_NUM_TASKS=4", "OMPI_MCA_ess=singleton")},
        ARGUMENTS("ranks"));
    CHECK_INT(run.status, 93);
    CHECK_HAS(run.wrote, "Slurm's srun started 4 processes, but MPI knows of one");
    run_clean(&run, 5);
}

static struct run run_without_mpirun(const char *wish)
{
    return run_through(&(struct run_setting){.environment = ENVIRONMENT("PATH=/nowhere", wish)},
                       ARGUMENTS("ranks"));
}

TEST_CASE(without_mpirun_tasks_run_in_this_process)
{
    struct run run = run_without_mpirun("RANKPOOL_LAUNCH=auto");
    CHECK_STR(run.said, "inline: no mpirun in PATH\n");
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
}

TEST_CASE(an_mpirun_that_was_asked_for_and_is_missing_is_told)
{
    struct run run = run_without_mpirun("RANKPOOL_LAUNCH=mpirun");
    CHECK_INT(run.status, 95);
    CHECK_HAS(run.wrote, "there is no mpirun in PATH");
    run_clean(&run, 5);
}
