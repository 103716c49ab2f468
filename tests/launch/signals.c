/* Signals and the terminal reach the manager as they reach a plain program. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_signals"
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "run.h"

TEST_CASE(a_signal_to_the_first_process_ends_the_manager)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct run run;
        long pids[3];
        check_note("signal %d", numbers[i]);
        run_start(&run, NULL, ARGUMENTS("wait"));
        REQUIRE(run_pids(&run, pids, 3) == 3);
        kill(run.pid, numbers[i]);
        run_finish(&run, NULL, 0);
        CHECK_INT(run.status, 128 + numbers[i]);
        run_clean(&run, 5);
    }
    check_note("%s", "");
}

TEST_CASE(a_manager_that_takes_a_signal_goes_on_and_gets_it_once)
{
    struct run run;
    long pids[3];
    run_start(&run, NULL, ARGUMENTS("take", "2", "10", "15", "34"));
    REQUIRE(run_pids(&run, pids, 3) == 3);
    kill(run.pid, 2);
    CHECK_STR(run_line(&run), "got 02");
    kill(run.pid, 10);
    CHECK_STR(run_line(&run), "got 10");
    sigqueue(run.pid, 34, (union sigval){.sival_int = 1});
    sigqueue(run.pid, 34, (union sigval){.sival_int = 2});
    CHECK_STR(run_line(&run), "got 34");
    CHECK_STR(run_line(&run), "got 34");
    kill(run.pid, 15);
    CHECK_STR(run_line(&run), "got 15");
    run_finish(&run, NULL, 0);
    CHECK_STR(run.said, "");
    CHECK_INT(run.status, 5);
    run_clean(&run, 5);
}

static void ignore_hangup(void)
{
    signal(SIGHUP, SIG_IGN);
}

TEST_CASE(a_signal_ignored_from_the_start_stays_ignored)
{
    struct run run;
    long pids[3];
    run_start(&run, &(struct run_setting){.prepare = ignore_hangup}, ARGUMENTS("stdin"));
    REQUIRE(run_pids(&run, pids, 3) == 3);
    kill(run.pid, SIGHUP);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
}

TEST_CASE(the_manager_has_the_mask_of_the_program)
{
    struct run run = run_through(&(struct run_setting){.environment = ENVIRONMENT("PROBE_BEFORE=mask")},
                                 ARGUMENTS("file", "/proc/self/status"));
    CHECK_HAS(run.said, "SigBlk:\t0000000000000800\n");
    run_clean(&run, 5);
}

/* ---- On a terminal ----------------------------------------------------------------------- */

static void write_terminal(const struct run *run, const char *text)
{
    CHECK_INT(write(run->in, text, strlen(text)), strlen(text));
}

TEST_CASE(the_terminal_is_the_managers)
{
    struct run run;
    run_start(&run, &(struct run_setting){.terminal = true}, ARGUMENTS("streams"));
    CHECK_STR(run_line(&run), "111");
    write_terminal(&run, "one\n");
    CHECK_STR(run_line(&run), "read one");
    write_terminal(&run, "two\n\x04");
    CHECK_STR(run_line(&run), "read two");
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
}

TEST_CASE(what_the_terminal_sends_arrives_once)
{
    struct run run;
    long pids[3];
    run_start(&run, &(struct run_setting){.terminal = true}, ARGUMENTS("take", "2", "3"));
    REQUIRE(run_pids(&run, pids, 3) == 3);
    write_terminal(&run, "\x03");
    CHECK_STR(run_line(&run), "got 02");
    write_terminal(&run, "\x1c");
    CHECK_STR(run_line(&run), "got 03");
    write_terminal(&run, "\x04");
    run_finish(&run, NULL, 0);
    CHECK_STR(run.said, "");
    CHECK_INT(run.status, 5);
    run_clean(&run, 5);
}

TEST_CASE(an_interrupt_from_the_terminal_ends_all)
{
    struct run run;
    long pids[3];
    run_start(&run, &(struct run_setting){.terminal = true}, ARGUMENTS("wait"));
    REQUIRE(run_pids(&run, pids, 3) == 3);
    write_terminal(&run, "\x03");
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 128 + SIGINT);
    run_clean(&run, 5);
}

static char state_of(long pid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    const char *end = strrchr(line, ')');
    return end ? end[2] : '-';
}

/* A shell with job control runs the program, sees it stop, and continues it. */
TEST_CASE(stopped_at_the_terminal_all_stop_and_go_on)
{
    struct run run;
    long pids[3];
    run_start(&run, &(struct run_setting){.terminal = true, .program = "/bin/sh"},
              ARGUMENTS("-c", "set -m; " PROBE " stdin; echo stopped $?; read x; fg >/dev/null; exit $?"));
    REQUIRE(run_pids(&run, pids, 3) == 3);
    write_terminal(&run, "\x1a");
    CHECK_STR(run_line(&run), "stopped 147");
    for (int i = 0; i < 3; i++)
        while (state_of(pids[i]) != 'T')
            usleep(1000);
    write_terminal(&run, "\n");
    for (int i = 0; i < 3; i++)
        while (state_of(pids[i]) == 'T')
            usleep(1000);
    write_terminal(&run, "\x04");
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 0);
    run_clean(&run, 5);
}
