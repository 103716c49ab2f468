/* A call of MPI that never returns, and calls that do. */
#define _GNU_SOURCE
#include "net/lockup.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static pid_t start(void (*act)(void), int *words)
{
    int ends[2];
    struct error error;
    CHECK_INT(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        setenv("RANKPOOL_SILENCE", "2", 1);
        if (lockup_guard(&error))
            _exit(9);
        act();
        _exit(8);
    }
    close(ends[1]);
    *words = ends[0];
    return pid;
}

static void call_without_end(void)
{
    lockup_enter();
    lockup_enter();
    lockup_leave();
    for (;;)
        pause();
}

static void call_again_and_again(void)
{
    for (;;) {
        lockup_enter();
        lockup_enter();
        lockup_leave();
        lockup_leave();
    }
}

TEST_CASE(a_call_that_never_returns_ends_its_process_with_a_sentence)
{
    int words, others, status;
    char text[512] = "";
    pid_t calls = start(call_again_and_again, &others), stands = start(call_without_end, &words);
    CHECK_INT(waitpid(stands, &status, 0), stands);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == LOCKUP_STATUS);
    CHECK(read(words, text, sizeof text - 1) > 0);
    CHECK(strstr(text, "MPI has not returned from a call for 2 s (RANKPOOL_SILENCE)"));
    CHECK_INT(waitpid(calls, &status, WNOHANG), 0);
    kill(calls, SIGKILL);
    waitpid(calls, &status, 0);
    close(words);
    close(others);
}

static void end_before(void)
{
    lockup_unguard();
    _exit(7);
}

TEST_CASE(the_last_net_ends_the_looks)
{
    int words, status;
    pid_t pid = start(end_before, &words);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    close(words);
}
