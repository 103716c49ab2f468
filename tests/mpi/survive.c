/* However a process of a running program ends, the others go on as far as they can, and none hangs: in
 * programs started alone, under mpirun, and under mpirun --enable-recovery, which lets a job go on that
 * has lost a rank. The program start/survive.c is run as a user runs it. */
#define _GNU_SOURCE
#include "suite/shell.h"

#include <string.h>

#define ROOT     "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
#define MPIRUN   ROOT MPIEXEC " --oversubscribe --bind-to none -n 3 "
#define RECOVERY MPIRUN "--enable-recovery "
#define ALONE    "RANKPOOL_WORKERS=3 "

/* For programs that call MPI_Finalize themselves, which without it sometimes waits for the dead. */
#define FINALIZE "--mca async_mpi_finalize 1 "

static void run(const char *start, const char *arguments)
{
    char command[1024];
    const char *launcher = strstr(start, "--enable-recovery") ? "recovery " : "mpirun ";
    check_note("%s%s", strcmp(start, ALONE) ? launcher : "", arguments);
    snprintf(command, sizeof command, "%s %s %s", start, PROGRAM, arguments);
    shell_run(command);
}

static int count(const char *part)
{
    int times = 0;
    for (const char *at = said.text; (at = strstr(at, part)); at++)
        times++;
    return times;
}

/* By the number of a signal, or by a call. */
static const char *const ways[] = {"9",         "6",     "11",        "15",          "exit",
                                   "exit-well", "_exit", "MPI_Abort", "MPI_Finalize"};
enum { WAYS = sizeof ways / sizeof *ways };

static void run_with(const char *start, const char *kind, const char *who, const char *how)
{
    char arguments[64];
    snprintf(arguments, sizeof arguments, "%s %s %s", kind, who, how);
    run(start, arguments);
}

/* ---- A worker ends ------------------------------------------------------------------------ */

TEST_CASE(however_a_worker_ends_every_result_arrives)
{
    for (int i = 0; i < WAYS; i++) {
        run_with(ALONE, "open", "worker", ways[i]);
        CHECK_HAS(said.text, "600 of 600 are right, close 0");
        CHECK_INT(said.code, 0);
    }
}

TEST_CASE(however_a_worker_ends_every_result_arrives_where_mpirun_lets_the_job_go_on)
{
    check_seconds(120);
    for (int i = 0; i < WAYS; i++) {
        run_with(RECOVERY, "open", "worker", ways[i]);
        CHECK_HAS(said.text, "600 of 600 are right, close 0");
    }
}

TEST_CASE(a_program_that_runs_mpi_goes_on_and_ends_after_a_rank_that_served)
{
    check_seconds(120);
    for (int i = 0; i < WAYS; i++) {
        run_with(RECOVERY FINALIZE, "comm", "worker", ways[i]);
        CHECK_HAS(said.text, "600 of 600 are right, close 0");
        if (strcmp(ways[i], "MPI_Abort") == 0)
            continue; /* whose mpirun may take the others' last words with it */
        CHECK_HAS(said.text, "rank 0 has finalized");
        CHECK_INT(count("has finalized"), 2);
    }
}

TEST_CASE(where_mpirun_ends_the_job_with_a_rank_it_says_so_and_fails)
{
    static const char *const kinds[] = {"open", "comm"};
    for (int i = 0; i < 2; i++) {
        run_with(MPIRUN, kinds[i], "worker", "9");
        CHECK_HAS(said.text, "exited on signal 9");
        CHECK_INT(said.code, 137);
        run_with(MPIRUN, kinds[i], "worker", "exit");
        CHECK_HAS(said.text, "Exit code:    3");
        CHECK_INT(said.code, 3);
    }
}

/* ---- MPI_Finalize out of place ------------------------------------------------------------ */

TEST_CASE(a_task_that_finalizes_mpi_is_told_and_ends_its_worker)
{
    static const char *const starts[] = {ALONE, RECOVERY FINALIZE, RECOVERY FINALIZE};
    for (int i = 0; i < 3; i++) {
        run_with(starts[i], i < 2 ? "open" : "comm", "worker", "MPI_Finalize");
        CHECK_INT(count("rankpool: a task on worker "), 1);
        CHECK_INT(count("has called MPI_Finalize, which only the program may"), 1);
    }
}

TEST_CASE(an_isolated_task_that_finalizes_mpi_ends_itself_alone)
{
    run_with("RANKPOOL_ISOLATE=1 " RECOVERY FINALIZE, "comm", "worker", "MPI_Finalize");
    CHECK_HAS(said.text, "an isolated task has called MPI_Finalize");
    CHECK_HAS(said.text, "task 50 crashed on worker ");
    CHECK_HAS(said.text, "599 of 600 are right, close 0");
    CHECK_INT(count("has finalized"), 3);
}

TEST_CASE(a_manager_that_finalizes_the_library_s_mpi_waits_for_no_task)
{
    run_with(ALONE, "open", "manager", "MPI_Finalize idle");
    CHECK_HAS(said.text, "600 of 600 are right, close 8"); /* RP_POOL_BROKEN */
    run_with(ALONE, "open", "manager", "MPI_Finalize busy");
    CHECK_HAS(said.text, "rankpool: MPI_Finalize, in a program that has left MPI to rp_open");
    CHECK_INT(said.code, 1);
}

/* ---- The manager ends --------------------------------------------------------------------- */

TEST_CASE(workers_end_with_their_manager_where_mpirun_lets_the_job_go_on)
{
    static const char *const later[] = {"9 idle", "9 busy", "9 queue", "exit busy", "_exit idle"};
    for (int i = 0; i < 5; i++)
        run_with(RECOVERY, "open", "manager", later[i]);
}

TEST_CASE(ranks_that_serve_are_told_of_the_death_of_their_manager)
{
    static const char *const later[] = {"9 idle", "9 queue", "_exit idle"};
    for (int i = 0; i < 3; i++) {
        run_with(RECOVERY FINALIZE, "comm", "manager", later[i]);
        CHECK_INT(count("rp_serve: the pool's manager has died: rank 0 on "), 2);
        CHECK_INT(count("has finalized"), 2);
    }
}
