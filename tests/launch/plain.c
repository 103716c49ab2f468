/* A program that starts itself again is a plain program in what it is given: arguments,
 * environment, folder, descriptors, streams. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_plain"
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

static const char *const *environment; /* of the case that runs */

/* Runs the probe plainly and started again: both say and end the same. */
static void check_same(const char *const *arguments, const void *input, size_t size)
{
    struct run runs[2];
    for (int again = 0; again < 2; again++) {
        const char *variables[16] = {again ? "PROBE_RANKS=3" : "PROBE_RANKS=1"};
        for (int i = 0; environment && environment[i]; i++)
            variables[i + 1] = environment[i];
        /* The same folder for both, because its name is in the environment. */
        run_start(&runs[again], &(struct run_setting){.environment = variables}, arguments);
        run_finish(&runs[again], input, size);
    }
    CHECK_INT(runs[1].status, runs[0].status);
    CHECK_STR(runs[1].wrote, runs[0].wrote);
    if (CHECK_INT(runs[1].size, runs[0].size))
        CHECK(memcmp(runs[1].said, runs[0].said, runs[0].size) == 0);
    for (int i = 0; i < 2; i++)
        run_clean(&runs[i], 5);
}

TEST_CASE(arguments_arrive_unchanged)
{
    check_same(ARGUMENTS("args", "", ":", "two words", "line\nbreak", "-n", "--host", "--", "'\"\\$`*",
                         "\xff\x01", "", ":", ""),
               NULL, 0);
}

TEST_CASE(thousands_of_arguments_arrive)
{
    static char texts[4000][32];
    const char *arguments[4002] = {"args"};
    for (int i = 0; i < 4000; i++) {
        snprintf(texts[i], sizeof texts[i], "argument %d", i);
        arguments[i + 1] = texts[i];
    }
    check_same(arguments, NULL, 0);
}

TEST_CASE(arguments_that_main_cut_before_arrive_whole)
{
    environment = ENVIRONMENT("PROBE_BEFORE=cut");
    check_same(ARGUMENTS("args,x", "a"), NULL, 0);
    environment = NULL;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines, but those that differ between any two runs. */
static void sort_lines(char *text, char *sorted)
{
    char *lines[512];
    int count = 0;
    for (char *line = strtok(text, "\n"); line && count < 512; line = strtok(NULL, "\n"))
        if (strncmp(line, "TMPDIR=", 7) && strncmp(line, "PROBE_", 6) && strncmp(line, "_=", 2))
            lines[count++] = line;
    qsort(lines, (size_t)count, sizeof *lines, compare_lines);
    for (int i = 0; i < count; i++)
        sorted = stpcpy(stpcpy(sorted, lines[i]), "\n");
}

static void check_same_environment(const char *const *arguments)
{
    static char sorted[2][1 << 18];
    for (int again = 0; again < 2; again++) {
        struct run run =
            run_through(&(struct run_setting){.environment = ENVIRONMENT(
                                                  again ? "PROBE_RANKS=3" : "PROBE_RANKS=1", "A B=c\nd",
                                                  "OMPI_MCA_btl=self,vader", "EMPTY=", "OMPI_MCA_pml")},
                        arguments);
        sort_lines(run.said, sorted[again]);
        run_clean(&run, 5);
    }
    CHECK_STR(sorted[1], sorted[0]);
    CHECK_HAS(sorted[1], "OMPI_MCA_btl=self,vader");
}

TEST_CASE(the_environment_is_as_it_was)
{
    check_same_environment(ARGUMENTS("env"));
}

TEST_CASE(what_the_manager_starts_has_the_environment_too)
{
    check_same_environment(ARGUMENTS("shell", "exec env"));
}

TEST_CASE(a_variable_set_before_is_set_once)
{
    struct run run = run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_BEFORE=setenv")},
                                 ARGUMENTS("env"));
    CHECK_HAS(run.said, "PROBE_SET=once\n");
    run_clean(&run, 5);
}

/* So that the library cannot see that it is a rank. */
TEST_CASE(an_environment_cleared_before_does_no_harm)
{
    struct run run = run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_BEFORE=clearenv")},
                                 ARGUMENTS("env"));
    CHECK_INT(run.status, 0);
    CHECK_STR(run.said, "");
    run_clean(&run, 5);
}

TEST_CASE(the_program_can_start_itself_from_its_manager)
{
    struct run run = run_through(NULL, ARGUMENTS("shell", PROBE " ranks; exit 7"));
    CHECK_STR(run.said, "3 ranks\n");
    CHECK_INT(run.status, 7);
    run_clean(&run, 5);
}

TEST_CASE(the_folder_is_the_one_it_was_started_in)
{
    char folder[] = "/tmp/rankpool-test-XXXXXX", below[64], wanted[80];
    REQUIRE(mkdtemp(folder));
    snprintf(below, sizeof below, "%s/below", folder);
    REQUIRE(mkdir(below, 0700) == 0);
    for (int changes = 0; changes < 2; changes++) {
        struct run run = run_through(
            &(struct run_setting){.directory = folder,
                                  .environment = ENVIRONMENT(changes ? "PROBE_BEFORE=chdir" : "PROBE_BEFORE=",
                                                             "PROBE_RANKS=3")},
            ARGUMENTS("cwd"));
        snprintf(wanted, sizeof wanted, "%s\n", changes ? below : folder);
        CHECK_STR(run.said, wanted);
        CHECK_INT(run.status, 0);
        run_clean(&run, 5);
    }
    rmdir(below);
    rmdir(folder);
}

TEST_CASE(standard_input_and_output_carry_any_bytes)
{
    size_t size = 3000000;
    unsigned char *bytes = malloc(size);
    REQUIRE(bytes);
    uint32_t word = 1;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)((word = word * 1664525 + 1013904223) >> 24);
    check_same(ARGUMENTS("cat"), bytes, size);
    free(bytes);
}

TEST_CASE(what_was_written_before_is_written_once_a_process)
{
    struct run run = run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_BEFORE=print")},
                                 ARGUMENTS("ranks"));
    int count = 0;
    for (const char *at = run.said; (at = strstr(at, "before ")); at++)
        count++;
    CHECK_INT(count, 4);
    CHECK_HAS(run.said, "3 ranks\n");
    run_clean(&run, 5);
}

static void close_streams(void)
{
    close(0);
    close(2);
}

TEST_CASE(closed_streams_stay_closed)
{
    struct run run =
        run_through(&(struct run_setting){.prepare = close_streams},
                    ARGUMENTS("shell", "for i in 0 1 2; do [ -e /proc/self/fd/$i ]; echo $?; done"));
    CHECK_STR(run.said, "1\n0\n1\n");
    run_clean(&run, 5);
}

static void open_seventeen(void)
{
    int ends[2];
    if (pipe(ends) || write(ends[1], "seventeen", 9) != 9)
        _exit(126);
    dup2(ends[0], 17);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE(further_descriptors_reach_the_manager)
{
    struct run run =
        run_through(&(struct run_setting){.prepare = open_seventeen}, ARGUMENTS("descriptor", "17"));
    CHECK_STR(run.said, "seventeen");
    run_clean(&run, 5);
}

TEST_CASE(input_that_the_manager_closed_has_no_reader)
{
    struct run run;
    run_start(&run, NULL, ARGUMENTS("close"));
    REQUIRE(run_line(&run));
    struct pollfd input = {.fd = run.in};
    CHECK_INT(poll(&input, 1, 5000), 1);
    CHECK_INT(input.revents, POLLERR);
    kill(run.pid, SIGTERM);
    run_finish(&run, NULL, 0);
    run_clean(&run, 5);
}

TEST_CASE(workers_are_bound_before_they_start_and_the_manager_is_not)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        SKIP_CASE("one CPU");
    struct run plain = run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_RANKS=1")},
                                   ARGUMENTS("shell", "grep Cpus_allowed_list /proc/self/status | cut -f 2"));
    struct run run = run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_CPUS=/1/0-1")},
                                 ARGUMENTS("cpus"));
    char wanted[256];
    snprintf(wanted, sizeof wanted, "[] [two\nlines]\n%s1\n0-1\n", plain.said);
    CHECK_STR(run.said, wanted);
    run_clean(&plain, 5);
    run_clean(&run, 5);
}

/* A folder with nothing but mpirun and what it needs; there is no ssh in it. */
TEST_CASE(no_ssh_is_needed)
{
    char folder[] = "/tmp/rankpool-test-XXXXXX", command[256], path[64];
    REQUIRE(mkdtemp(folder));
    snprintf(command, sizeof command,
             "for i in mpirun orterun orted prte prterun; do command -v $i >/dev/null && ln -s $(command -v "
             "$i) %s; done",
             folder);
    REQUIRE(system(command) >= 0);
    snprintf(path, sizeof path, "PATH=%s", folder);
    struct run run = run_through(&(struct run_setting){.environment = ENVIRONMENT(path)}, ARGUMENTS("ranks"));
    CHECK_STR(run.wrote, "");
    CHECK_STR(run.said, "3 ranks\n");
    run_clean(&run, 5);
    snprintf(command, sizeof command, "rm -r %s", folder);
    REQUIRE(system(command) == 0);
}

TEST_CASE(more_ranks_than_cores_start)
{
    struct run run =
        run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_RANKS=9")}, ARGUMENTS("ranks"));
    CHECK_STR(run.said, "9 ranks\n");
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
}

/* An allocation is no reason to leave this machine. */
TEST_CASE(inside_an_allocation_all_ranks_are_here)
{
    struct run run = run_through(
        &(struct run_setting){.environment = ENVIRONMENT(
                                  "SLURM_JOB_ID=12", "SLURM_JOBID=12", "SLURM_NODELIST=far[1-2]",
                                  "SLURM_JOB_NODELIST=far[1-2]", "SLURM_NNODES=2", "SLURM_JOB_NUM_NODES=2",
                                  "SLURM_TASKS_PER_NODE=4(x2)", "SLURM_CPUS_ON_NODE=4", "SLURM_PROCID=0",
                                  "PBS_JOBID=1", "PBS_ENVIRONMENT=PBS_BATCH", "PBS_NODEFILE=/nowhere",
                                  "PE_HOSTFILE=/nowhere", "OMPI_MCA_orte_default_hostfile=/nowhere")},
        ARGUMENTS("ranks"));
    CHECK_STR(run.said, "3 ranks\n");
    CHECK_STR(run.wrote, "");
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
}

/* A copy of the probe that removes itself before it starts itself again. */
TEST_CASE(a_program_deleted_meanwhile_starts_all_the_same)
{
    char copy[] = "/tmp/rankpool-test-XXXXXX", command[512];
    int file = mkstemp(copy);
    REQUIRE(file >= 0);
    close(file);
    snprintf(command, sizeof command, "cp %s %s && chmod 700 %s", PROBE, copy, copy);
    REQUIRE(system(command) == 0);
    struct run run =
        run_through(&(struct run_setting){.program = copy, .environment = ENVIRONMENT("PROBE_BEFORE=delete")},
                    ARGUMENTS("ranks"));
    CHECK_STR(run.said, "3 ranks\n");
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
    unlink(copy);
}
