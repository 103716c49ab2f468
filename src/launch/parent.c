#define _GNU_SOURCE
#include "launch/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "launch/process.h"

/* ---- Life -------------------------------------------------------------------------------- */

rp_status parent_open(struct parent *parent, struct error *error)
{
    *parent = (struct parent){.error = error, .handover_file = -1, .signals = -1, .null = -1};
    parent->mpirun = (struct mpirun){.output = -1, .complaints = -1, .hold = {-1, -1}};

    /* All of them: a signal that is not passed on would end the parent and leave the manager. */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &parent->mask);
    /* Ignored, it would hide how children end. */
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &parent->child_action);

    int made = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    parent->signals = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, 3);
    if (made >= 0)
        close(made);
    made = open("/dev/null", O_RDWR | O_CLOEXEC);
    parent->null = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, 3);
    if (made >= 0)
        close(made);
    if (parent->signals >= 0 && parent->null >= 0)
        return RP_OK;
    rp_status status = error_set(error, RP_LAUNCH, "no descriptor for signals: %s", strerror(errno));
    parent_close(parent);
    return status;
}

void parent_close(struct parent *parent)
{
    handover_free(parent->handover_file, parent->handover);
    mpirun_free(&parent->mpirun);
    free(parent->ranks);
    if (parent->signals >= 0)
        close(parent->signals);
    if (parent->null >= 0)
        close(parent->null);
    sigaction(SIGCHLD, &parent->child_action, NULL);
    pthread_sigmask(SIG_SETMASK, &parent->mask, NULL);
}

void parent_kill_ranks(const struct parent *parent, int number)
{
    for (int i = 0; i < parent->count; i++)
        if (parent->ranks[i])
            kill(parent->ranks[i], number);
}

/* ---- Children ---------------------------------------------------------------------------- */

static void note_rank_end(struct parent *parent, int rank, int status)
{
    parent->ranks[rank] = 0;
    parent->alive--;
    if (rank == 0) {
        parent->manager_ended = true;
        parent->manager_status = status;
    } else if (!parent->joined && !parent->manager_ended && !parent->failure) {
        char how[96];
        process_describe_end(status, how, sizeof how);
        parent->failure = error_set(parent->error, RP_LAUNCH,
                                    "the program was started again as %d ranks, but rank %d %s before it "
                                    "had joined: every rank must reach rp_open and MPI_Init must work there; "
                                    "RANKPOOL_LAUNCH=inline does without",
                                    parent->count, rank, how);
    }
}

/* Without mpirun MPI_Finalize would wait forever, and nobody would remove what MPI leaves. */
static void note_mpirun_end(struct parent *parent, int status)
{
    parent->mpirun_pid = 0;
    parent->mpirun_status = status;
    atomic_store(&parent->handover->stoppable, 0);
    if (parent->manager_ended || parent->failure)
        return;
    char how[96];
    process_describe_end(status, how, sizeof how);
    if (!parent->joined) {
        parent->failure = error_set(parent->error, RP_LAUNCH,
                                    "%s %s before all ranks had joined; what it said is on standard error",
                                    parent->path, how);
        return;
    }
    dprintf(2, "rankpool: mpirun %s; the program cannot go on without it\n", how);
    parent_kill_ranks(parent, SIGKILL);
}

/* The manager stopped by the terminal: its workers stop too, and the shell is to see it. */
static void stop_with_manager(const struct parent *parent, int number)
{
    if (number != SIGTSTP && number != SIGTTIN && number != SIGTTOU)
        return;
    if (parent->group)
        kill(-parent->group, SIGSTOP);
    raise(SIGSTOP);
}

static void continue_workers(const struct parent *parent)
{
    if (parent->group && parent->alive)
        kill(-parent->group, SIGCONT);
}

static void reap(struct parent *parent)
{
    int status;
    for (int i = 0; i < parent->count; i++) {
        if (!parent->ranks[i] || waitpid(parent->ranks[i], &status, WNOHANG | WUNTRACED | WCONTINUED) <= 0)
            continue;
        if (WIFEXITED(status) || WIFSIGNALED(status))
            note_rank_end(parent, i, status);
        else if (i == 0 && WIFSTOPPED(status))
            stop_with_manager(parent, WSTOPSIG(status));
        else if (i == 0 && WIFCONTINUED(status))
            continue_workers(parent);
    }
    if (parent->mpirun_pid && waitpid(parent->mpirun_pid, &status, WNOHANG) > 0)
        note_mpirun_end(parent, status);
}

/* From now on the manager alone decides how long its streams stay open, unless ranks of other nodes write
 * to them by way of mpirun and this process. */
static void notice_join(struct parent *parent)
{
    if (parent->joined || !parent->handover || !atomic_load(&parent->handover->manager_joined))
        return;
    parent->joined = true;
    dup2(parent->null, 0);
    if (!parent->mpirun.far)
        dup2(parent->null, 1);
}

/* ---- Signals ----------------------------------------------------------------------------- */

static void pass_on(struct parent *parent, const struct signalfd_siginfo *about)
{
    int number = (int)about->ssi_signo;
    pid_t manager = parent->ranks ? parent->ranks[0] : 0;
    bool ends = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
    if (!manager) {
        parent->interrupted = ends ? number : parent->interrupted;
        return;
    }
    if (about->ssi_pid == (uint32_t)manager)
        return; /* it sent it to its own group, and has it */
    if (about->ssi_code == SI_QUEUE)
        sigqueue(manager, number, (union sigval){.sival_ptr = (void *)(uintptr_t)about->ssi_ptr});
    else if (about->ssi_code == SI_USER || about->ssi_code == SI_TKILL)
        kill(manager, number);
}

static void take_signals(struct parent *parent)
{
    struct signalfd_siginfo about;
    while (read(parent->signals, &about, sizeof about) == sizeof about) {
        if (about.ssi_signo == SIGCHLD)
            continue;
        if (about.ssi_signo == SIGCONT)
            continue_workers(parent);
        pass_on(parent, &about);
    }
    notice_join(parent);
    reap(parent);
}

/* ---- The turn ---------------------------------------------------------------------------- */

static struct timespec time_until(uint64_t deadline)
{
    uint64_t now = clock_ns(), left = deadline > now ? deadline - now : 0;
    return (struct timespec){.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
}

bool parent_turn(struct parent *parent, uint64_t deadline)
{
    struct pollfd watched[] = {
        {.fd = parent->signals, .events = POLLIN},
        {.fd = parent->mpirun.output, .events = POLLIN},
        {.fd = parent->mpirun.complaints, .events = POLLIN},
    };
    struct timespec left = time_until(deadline);
    int happened = ppoll(watched, 3, deadline == CLOCK_NEVER ? NULL : &left, NULL);
    if (happened == 0)
        return false;
    if (happened < 0)
        return true;
    if (watched[2].revents)
        mpirun_relay(&parent->mpirun, !parent->joined || parent->mpirun.far);
    if (watched[1].revents) {
        bool over = parent->failure || parent->joined || parent->manager_ended;
        rp_status status = mpirun_read(&parent->mpirun, over ? NULL : parent->error);
        parent->failure = over ? parent->failure : status;
    }
    if (watched[0].revents)
        take_signals(parent);
    return true;
}
