#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "run/box_state.h"

static const struct {
    int number;
    const char *name, *meaning;
} signals[] = {
    {SIGSEGV, "SIGSEGV", "segmentation fault"},
    {SIGBUS, "SIGBUS", "bus error"},
    {SIGFPE, "SIGFPE", "arithmetic error"},
    {SIGILL, "SIGILL", "illegal instruction"},
    {SIGABRT, "SIGABRT", "aborted"},
    {SIGKILL, "SIGKILL", "perhaps for want of memory"},
    {SIGTERM, "SIGTERM", "terminated"},
    {SIGINT, "SIGINT", "interrupted"},
    {SIGHUP, "SIGHUP", "hung up"},
    {SIGPIPE, "SIGPIPE", "broken pipe"},
    {SIGALRM, "SIGALRM", "alarm clock"},
    {SIGTRAP, "SIGTRAP", "trap"},
    {SIGSYS, "SIGSYS", "bad system call"},
    {SIGXCPU, "SIGXCPU", "processor time limit"},
    {SIGXFSZ, "SIGXFSZ", "file size limit"},
    {SIGUSR1, "SIGUSR1", "user signal 1"},
    {SIGUSR2, "SIGUSR2", "user signal 2"},
    {SIGQUIT, "SIGQUIT", "quit"},
};

int box_say_end(char *text, size_t room, int status)
{
    if (!WIFSIGNALED(status)) {
        snprintf(text, room, "exited with status %d", WEXITSTATUS(status));
        return WEXITSTATUS(status);
    }
    int number = WTERMSIG(status);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i].number == number) {
            snprintf(text, room, "was killed by %s (%s)", signals[i].name, signals[i].meaning);
            return -number;
        }
    snprintf(text, room, "was killed by signal %d", number);
    return -number;
}
