/* A process that listens on a node, when those it listens for are gone. */
#define _GNU_SOURCE
#include "cli/listen.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Serves with its standard output in the pipe, until it is to end. */
static pid_t start_server(struct listener *listener, const int ends[2])
{
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    listen_serve(listener);
    _exit(0);
}

TEST_CASE(what_listens_ends_when_nobody_reads_what_it_says_though_nobody_connects)
{
    int ends[2], status;
    struct listener listener;
    struct list facts = {0};
    REQUIRE(pipe(ends) == 0);
    REQUIRE_STATUS(listen_open(&listener, &facts, NULL), RP_OK);
    pid_t pid = start_server(&listener, ends);
    close(ends[1]);
    close(ends[0]);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK_INT(status, 0);
    close(listener.server);
    list_free(&facts);
}
