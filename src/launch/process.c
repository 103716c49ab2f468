#define _GNU_SOURCE
#include "launch/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void process_describe_end(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

/* ---- CPUs -------------------------------------------------------------------------------- */

/* The next "a" or "a-b" of the list; false where there is none. */
static bool next_range(const char **text, unsigned long *first, unsigned long *last)
{
    const unsigned long most = 1UL << 20;
    char *end = NULL;
    if (**text < '0' || **text > '9')
        return false;
    *first = *last = strtoul(*text, &end, 10);
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        *last = strtoul(end + 1, &end, 10);
    if (*last < *first || *last >= most || (*end && (*end != ',' || !end[1])))
        return false;
    *text = *end ? end + 1 : end;
    return true;
}

rp_status process_cpus(const char *text, cpu_set_t **set, size_t *size, struct error *error)
{
    unsigned long first, last, highest = 0;
    const char *rest = text;
    while (next_range(&rest, &first, &last))
        highest = last > highest ? last : highest;
    if (*rest || rest == text)
        return error_set(error, RP_INVALID, "\"%s\" is not a list of CPUs such as \"0-3,8\"", text);

    cpu_set_t *made = CPU_ALLOC(highest + 1);
    if (!made)
        return error_set(error, RP_NO_MEMORY, "no memory for a set of %lu CPUs", highest + 1);
    *size = CPU_ALLOC_SIZE(highest + 1);
    CPU_ZERO_S(*size, made);
    for (rest = text; next_range(&rest, &first, &last);)
        for (unsigned long cpu = first; cpu <= last; cpu++)
            CPU_SET_S(cpu, *size, made);
    *set = made;
    return RP_OK;
}

/* ---- Starting ---------------------------------------------------------------------------- */

/* What follows runs in the child, which shares the parent's memory until it executes: it may make
 * system calls and nothing else. */

static void set_streams(const int *streams)
{
    for (int i = 0; streams && i < 3; i++)
        if (streams[i] >= 0)
            dup2(streams[i], i);
}

/* Handlers must not run in memory that is not ours, and are undone by exec; what is ignored stays
 * so, as it would in a plain program. */
static void set_signals(const struct process *process)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
    for (int number = 1; number < NSIG; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN && now.sa_handler != SIG_DFL)
            sigaction(number, &plain, NULL);
    }
    bool ignored = process->child_action && process->child_action->sa_handler == SIG_IGN;
    sigaction(SIGCHLD, ignored ? &ignore : &plain, NULL);
    if (process->writes_in_background)
        sigaction(SIGTTOU, &ignore, NULL);
    sigprocmask(SIG_SETMASK, process->mask, NULL);
}

/* Returns only where something failed, with errno. */
static void become(const struct process *process, pid_t parent)
{
    if (process->death_signal) {
        prctl(PR_SET_PDEATHSIG, process->death_signal);
        if (getppid() != parent)
            _exit(127);
    }
    if ((process->own_group || process->group) && setpgid(0, process->group))
        return;
    if (process->cpus && sched_setaffinity(0, process->cpus_size, process->cpus))
        return;
    if (process->directory && chdir(process->directory))
        errno = 0;
    set_streams(process->streams);
    if (process->keep)
        fcntl(process->keep, F_SETFD, 0);
    set_signals(process);
    execve(process->path, process->arguments, process->environment);
}

/* Not inlined, so that nothing of the caller's lives in registers across the vfork. */
__attribute__((noinline)) static pid_t start_shared(const struct process *process, volatile int *why)
{
    pid_t parent = getpid();
    pid_t child = vfork();
    if (child == 0) {
        become(process, parent);
        *why = errno;
        _exit(127);
    }
    if (child < 0)
        *why = errno;
    return child;
}

rp_status process_start(const struct process *process, pid_t *pid, struct error *error)
{
    sigset_t all, before;
    volatile int why = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = start_shared(process, &why);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!why) {
        *pid = child;
        return RP_OK;
    }
    if (child > 0)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    return error_set(error, RP_LAUNCH, "%s could not be started: %s", process->path, strerror(why));
}
