/* The forker itself, and what its children do until they have work. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/growing.h"
#include "record/drain.h"
#include "run/forker_state.h"

/* A process runs one. */
static struct {
    struct forker_setup setup;
    struct desk *desk;
    pid_t pid, spare; /* spare 0: there is none */
    uint32_t spare_number;
    sigset_t signals; /* as the program has them */
    struct sigaction on_child;
} forker;

/* ---- Children ---------------------------------------------------------------------------- */

static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

/* Where memory is short, tasks go first. */
static void offer_itself(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, "1000", 4);
    (void)written; /* where it is not allowed, so be it */
    close(file);
}

static int find_work(uint32_t number)
{
    for (int i = 0; i < FORKER_PLACES; i++)
        if (atomic_load(&forker.desk->place[i].number) == number)
            return i;
    return -1;
}

static _Noreturn void be_child(uint32_t number)
{
    struct desk *desk = forker.desk;
    int place;
    setpgid(0, 0);
    die_with(forker.pid);
    sigaction(SIGCHLD, &forker.on_child, NULL);
    sigprocmask(SIG_SETMASK, &forker.signals, NULL);
    offer_itself();
    for (;;) {
        uint32_t called = atomic_load(&desk->called);
        if ((place = find_work(number)) >= 0)
            break;
        futex_wait(&desk->called, called, CLOCK_NEVER);
    }
    struct memory_handle page = desk->place[place].page;
    munmap(desk, sizeof *desk);
    forker.setup.work(&page, &forker.setup.bells->place[place].word);
    fflush(NULL);
    _exit(0);
}

/* errno, or 0. */
static int fork_spare(void)
{
    uint32_t number = atomic_fetch_add(&forker.desk->numbers, 1) + 1;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        be_child(number);
    setpgid(pid, pid);
    forker.spare = pid;
    forker.spare_number = number;
    return 0;
}

/* ---- Places ------------------------------------------------------------------------------ */

static void tell(int place, enum forker_state state, int status)
{
    forker.desk->place[place].status = status;
    atomic_store(&forker.desk->place[place].state, state);
    forker_ring(&forker.setup.bells->place[place].word);
}

static void give_work(int place)
{
    int reason = forker.spare ? 0 : fork_spare();
    if (reason) {
        tell(place, FORKER_FAILED, reason);
        return;
    }
    struct desk_place *p = &forker.desk->place[place];
    atomic_store(&p->pid, forker.spare);
    forker.spare = 0;
    atomic_store(&p->state, FORKER_RUNNING);
    atomic_store(&p->number, forker.spare_number);
    atomic_fetch_add(&forker.desk->called, 1);
    futex_wake_all(&forker.desk->called);
}

static void serve(void)
{
    for (int i = 0; i < FORKER_PLACES; i++) {
        struct desk_place *place = &forker.desk->place[i];
        if (atomic_load(&place->state) == FORKER_WANTED)
            give_work(i);
        int signal = (int)atomic_exchange(&place->signal, 0);
        if (signal && atomic_load(&place->state) == FORKER_RUNNING)
            kill(-(pid_t)atomic_load(&place->pid), signal);
    }
}

/* What a child has started ends with it: its group is there as long as it has not been waited for. */
static void bury(pid_t pid)
{
    int status;
    kill(-pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid)
        return;
    if (pid == forker.spare)
        forker.spare = 0;
    for (int i = 0; i < FORKER_PLACES; i++)
        if (atomic_load(&forker.desk->place[i].state) == FORKER_RUNNING &&
            atomic_load(&forker.desk->place[i].pid) == pid)
            tell(i, FORKER_ENDED, status);
}

static void reap(void)
{
    for (;;) {
        siginfo_t child = {0};
        if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) || !child.si_pid)
            return;
        bury(child.si_pid);
    }
}

/* ---- The forker -------------------------------------------------------------------------- */

/* The end of a child is work, too. */
static void on_child(int number)
{
    (void)number;
    atomic_fetch_add(&forker.desk->bell, 1);
}

/* Signals for the program are not for the forker: its own death says when to go. */
static void set_signals(void)
{
    sigset_t blocked;
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    sigfillset(&blocked);
    sigdelset(&blocked, SIGCHLD);
    sigaction(SIGCHLD, &action, &forker.on_child);
    sigprocmask(SIG_SETMASK, &blocked, &forker.signals);
}

/* Where MPI runs it has handlers that say more of a crash than a process in disorder can. */
static void let_die(void)
{
    static const int ends[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        signal(ends[i], SIG_DFL);
}

static bool is_launchers(const char *item)
{
    static const char *const starts[] = {"PMIX_", "OMPI_", "PMI_"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(item, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* An MPI program that a task starts must not take itself for this rank. */
static void clean_environment(void)
{
    char **to = environ;
    for (char **from = environ; from && *from; from++)
        if (!is_launchers(*from))
            *to++ = *from;
    if (to)
        *to = NULL;
}

_Noreturn void forker_run(const struct forker_setup *setup)
{
    forker.setup = *setup;
    forker.desk = setup->desk;
    forker.pid = getpid();
    die_with(setup->parent);
    set_signals();
    clean_environment();
    growing_forget_inherited(!setup->early);
    drain_forget(); /* or children that are asked to stop would only note it */
    if (!setup->early)
        let_die();
    for (;;) {
        uint32_t seen = atomic_load(&forker.desk->bell);
        reap();
        serve();
        if (!forker.spare)
            fork_spare();
        futex_wait(&forker.desk->bell, seen, CLOCK_NEVER);
    }
}
