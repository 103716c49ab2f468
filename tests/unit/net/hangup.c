/* Writing for nobody: what ends a process, and what does not. */
#define _GNU_SOURCE
#include "net/hangup.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void write_for_nobody(void)
{
    int ends[2];
    if (pipe(ends))
        _exit(9);
    close(ends[0]);
    if (write(ends[1], "", 1) != -1 || errno != EPIPE)
        _exit(8);
    close(ends[1]);
}

/* The wait status of a process that does this. */
static int end_of(void (*act)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        act();
        _exit(0);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return status;
}

static void write_in_a_call(void)
{
    hangup_guard();
    bool outer = hangup_enter(), inner = hangup_enter();
    write_for_nobody();
    hangup_leave(inner);
    write_for_nobody();
    hangup_leave(outer);
}

TEST_CASE(who_writes_for_nobody_in_a_call_of_a_net_goes_on)
{
    CHECK_INT(end_of(write_in_a_call), 0);
}

static void write_behind_a_call(void)
{
    write_in_a_call();
    write_for_nobody();
}

static void write_behind_a_net(void)
{
    hangup_guard();
    hangup_guard();
    hangup_unguard();
    hangup_unguard();
    hangup_enter();
    write_for_nobody();
}

TEST_CASE(the_program_ends_of_what_it_writes_for_nobody_as_ever)
{
    int status = end_of(write_behind_a_call);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    status = end_of(write_behind_a_net);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static volatile sig_atomic_t heard;

static void hear(int number)
{
    heard += number == SIGPIPE;
}

static void write_with_a_handler(void)
{
    signal(SIGPIPE, hear);
    hangup_guard();
    write_for_nobody();
    hangup_unguard();
    write_for_nobody();
    _exit(heard == 2 ? 0 : 7);
}

TEST_CASE(a_disposition_of_the_program_s_own_stays)
{
    CHECK_INT(end_of(write_with_a_handler), 0);
}
