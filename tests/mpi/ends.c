/* However the manager ends while its pool is open, the job ends soon, as it did, and nothing is left. A
 * program of start/ends.c is run as a user runs it: alone, and under mpirun. */
#define _GNU_SOURCE
#include "suite/shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "traces.h"

#define MPIRUN                                                                                               \
    "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 " MPIEXEC " --oversubscribe --bind-to none "  \
    "-n 3 "

static double took; /* seconds */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What it says besides is MPI's, of its end. */
static void run(const char *command)
{
    char whole[1024];
    double begun = seconds();
    check_note("%s", command);
    snprintf(whole, sizeof whole, "export ASAN_OPTIONS=handle_segv=0:detect_leaks=0; exec 2>/dev/null; %s",
             command);
    shell_run(whole);
    took = seconds() - begun;
}

/* ---- What is left ------------------------------------------------------------------------------ */

static bool is_gone(long pid)
{
    double end = seconds() + 10;
    while (kill((pid_t)pid, 0) == 0 && seconds() < end)
        usleep(1000);
    return kill((pid_t)pid, 0) != 0;
}

/* The processes that it has told of. */
static void check_nothing_left(int processes)
{
    char *at = strstr(said.text, "processes");
    REQUIRE(at);
    at += strlen("processes");
    int count = 0;
    for (char *end; *at == ' '; at = end, count++) {
        long pid = strtol(at, &end, 10);
        CHECK(is_gone(pid));
        CHECK_INT(count_names(pid), 0);
    }
    CHECK(count >= processes);
}

/* ---- Ends ---------------------------------------------------------------------------------------- */

static const struct {
    const char *how; /* and whether workers run long tasks then */
    int code;
} ends[] = {{"exit busy", 7},
            {"exit", 7},
            {"_exit", 5},
            {"abort busy", 128 + SIGABRT},
            {"segv", 128 + SIGSEGV},
            {"kill busy", 128 + SIGKILL}};

static void check_ends(const char *launcher, bool exactly)
{
    char command[512];
    check_seconds(200);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(command, sizeof command, "%s%s %s", launcher, PROGRAM, ends[i].how);
        run(command);
        CHECK(said.code > 0);
        if (exactly)
            CHECK_INT(said.code, ends[i].code);
        CHECK(took < 20);
        check_nothing_left(3);
    }
}

TEST_CASE(a_program_alone_ends_as_its_manager_does_and_leaves_nothing)
{
    check_ends("RANKPOOL_WORKERS=2 ", true);
}

TEST_CASE(under_mpirun_the_job_ends_with_the_manager_and_leaves_nothing)
{
    check_ends(MPIRUN, false);
}

TEST_CASE(a_signal_to_the_program_ends_it_all)
{
    run("RANKPOOL_WORKERS=2 " PROGRAM " wait busy & pid=$!; sleep 1; kill -TERM $pid; wait $pid");
    CHECK_INT(said.code, 128 + SIGTERM);
    check_nothing_left(3);
}

/* ---- A plain program ------------------------------------------------------------------------------ */

TEST_CASE(arguments_variables_input_output_and_status_are_those_of_a_plain_program)
{
    static const char *const launchers[] = {"", "RANKPOOL_LAUNCH=inline ", MPIRUN};
    char command[512];
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        snprintf(command, sizeof command,
                 "printf \"first\\nsecond\\n\" | ENDS_VARIABLE=\"a b\" %s%s repeat \"two words\" \"\" -n",
                 launchers[i], PROGRAM);
        run(command);
        CHECK_STR(said.text, "[two words][][-n] a b\n6 first\n7 second\n");
        CHECK_INT(said.code, 21);
    }
}
