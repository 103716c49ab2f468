#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "launch/launch.h"
#include "launch/list.h"
#include "launch/parent.h"
#include "launch/process.h"
#include "launch/program.h"

/* What ranks and mpirun get to end by themselves, and what the kernel gets to end them. */
static const double grace_seconds = 2, kill_seconds = 5;

/* ---- Starting the ranks ------------------------------------------------------------------ */

/* The environment that this process was started with: main may have changed it since, and will do
 * so again in the rank. */
static void first_environment(struct list *list)
{
    size_t size;
    char *block = list_read_file("/proc/self/environ", &size);
    if (block)
        list_add_block(list, block, size);
    for (char **item = environ; !block && item && *item; item++)
        list_add(list, *item);
    free(block);
}

static void rank_environment(const struct parent *parent, const struct list *first, int rank,
                             struct list *environment)
{
    const struct list *lent = &parent->mpirun.lent[rank];
    for (size_t i = 0; i < first->count; i++)
        if (!handover_owns(first->items[i]))
            list_add(environment, first->items[i]);
    for (size_t i = 0; i < lent->count; i++)
        list_add(environment, lent->items[i]);
    handover_add_variable(environment, parent->handover_file);
}

static rp_status start_rank(struct parent *parent, const struct launch_plan *plan, int rank,
                            struct process *process, struct error *error)
{
    cpu_set_t *cpus = NULL;
    rp_status status = RP_OK;
    if (plan->cpus && plan->cpus[rank] && *plan->cpus[rank])
        status = process_cpus(plan->cpus[rank], &cpus, &process->cpus_size, error);
    process->cpus = cpus;
    const int workers_streams[3] = {parent->null, -1, -1};
    if (rank > 0) {
        process->streams = workers_streams;
        process->own_group = parent->group == 0;
        process->group = parent->group;
        process->writes_in_background = true;
    }
    if (!status)
        status = process_start(process, &parent->ranks[rank], error);
    if (!status) {
        parent->alive++;
        parent->group = rank == 1 ? parent->ranks[1] : parent->group;
    }
    CPU_FREE(cpus);
    return status;
}

static rp_status start_ranks(struct parent *parent, const struct launch_plan *plan, struct error *error)
{
    char path[PATH_MAX];
    program_path(path);
    const struct program *program = program_as_called();
    struct list first = {0};
    first_environment(&first);
    rp_status status = RP_OK;
    parent->count = plan->ranks;
    parent->ranks = calloc((size_t)plan->ranks, sizeof *parent->ranks);
    for (int rank = 0; rank < plan->ranks && !status; rank++) {
        struct list environment = {0};
        rank_environment(parent, &first, rank, &environment);
        struct process process = {
            .path = path,
            .arguments = program->arguments,
            .environment = environment.items,
            .directory = program->directory,
            .keep = parent->handover_file,
            .death_signal = SIGKILL,
            .mask = &parent->mask,
            .child_action = &parent->child_action,
        };
        if (!parent->ranks || !program->arguments || first.short_of_memory || environment.short_of_memory)
            status = error_set(error, RP_NO_MEMORY, "no memory to start %d ranks", plan->ranks);
        else
            status = start_rank(parent, plan, rank, &process, error);
        list_free(&environment);
    }
    list_free(&first);
    return status;
}

/* ---- Ending ------------------------------------------------------------------------------ */

static bool mpirun_is_gone(const struct parent *parent)
{
    return !parent->mpirun_pid;
}

static bool ranks_are_gone(const struct parent *parent)
{
    return !parent->alive;
}

/* Whether it came true in time. A signal that would end a program cuts the time short. */
static bool wait_until(struct parent *parent, bool (*true_now)(const struct parent *), double seconds)
{
    uint64_t deadline = clock_deadline(seconds);
    while (!true_now(parent) && !parent->interrupted && parent_turn(parent, deadline))
        ;
    return true_now(parent);
}

static void end_ranks(struct parent *parent)
{
    /* With mpirun stopped they would not come through MPI_Finalize. */
    bool held = handover_holds_mpirun(parent->handover);
    double grace = parent->joined && parent->manager_ended && !held ? grace_seconds : 0;
    if (grace > 0 && wait_until(parent, ranks_are_gone, grace))
        return;
    parent->interrupted = 0;
    parent_kill_ranks(parent, SIGKILL);
    wait_until(parent, ranks_are_gone, kill_seconds);
}

static void end_mpirun(struct parent *parent)
{
    const int stronger[] = {mpirun_signal(parent->mpirun.batch), SIGKILL};
    mpirun_release(&parent->mpirun);
    if (handover_holds_mpirun(parent->handover) && parent->mpirun_pid)
        kill(-parent->mpirun_pid, SIGCONT);
    bool gone = wait_until(parent, mpirun_is_gone, mpirun_ready(&parent->mpirun) ? grace_seconds : 0);
    for (int i = 0; i < 2 && !gone; i++) {
        parent->interrupted = 0;
        kill(-parent->mpirun_pid, stronger[i]); /* its group, for mpirun may be a script around mpirun */
        gone = wait_until(parent, mpirun_is_gone, i ? kill_seconds : grace_seconds);
    }
    (WIFSIGNALED(parent->mpirun_status) ? janitor_work : janitor_dismiss)(&parent->janitor);
    /* Why it failed, if it did; a process that it started and that outlives it may keep this open. */
    while (gone && parent->mpirun.complaints >= 0 && !parent->joined &&
           parent_turn(parent, clock_deadline(0.1)))
        ;
}

/* ---- The whole --------------------------------------------------------------------------- */

static void start(struct parent *parent, const struct launch *launch, const struct launch_plan *plan,
                  struct error *error)
{
    static char *const none[] = {NULL};
    char *const *environment = environ ? environ : none;
    parent->path = launch->mpirun;
    parent->failure = handover_make(plan, environment, &parent->handover_file, &parent->handover, error);
    if (!parent->failure)
        parent->failure = mpirun_start(&parent->mpirun, launch->mpirun, plan, environment, error);
    parent->mpirun_pid = parent->mpirun.pid;
    if (!parent->failure && parent->mpirun.batch && parent->mpirun.far)
        atomic_store(&parent->handover->stoppable, parent->mpirun_pid);
    if (!parent->failure)
        parent->failure = janitor_start(&parent->janitor, &parent->mpirun, parent->null, error);
    while (!parent->failure && !parent->interrupted && !mpirun_ready(&parent->mpirun))
        parent_turn(parent, CLOCK_NEVER);
    if (!parent->failure && !parent->interrupted)
        janitor_tell(&parent->janitor, &parent->mpirun);
    if (!parent->failure && !parent->interrupted)
        parent->failure = start_ranks(parent, plan, error);
}

static void watch(struct parent *parent)
{
    while (!parent->failure && !parent->interrupted && !parent->manager_ended)
        parent_turn(parent, CLOCK_NEVER);
}

rp_status launch_again(const struct launch *launch, const struct launch_plan *plan, struct error *error)
{
    struct parent parent;
    fflush(NULL);
    rp_status status = parent_open(&parent, error);
    if (status)
        return status;
    start(&parent, launch, plan, error);
    watch(&parent);

    int interrupted = parent.interrupted;
    end_ranks(&parent);
    end_mpirun(&parent);
    if (parent.manager_ended && !parent.failure && !interrupted)
        _exit(WIFEXITED(parent.manager_status) ? WEXITSTATUS(parent.manager_status)
                                               : 128 + WTERMSIG(parent.manager_status));
    status = parent.failure;
    parent_close(&parent);
    if (interrupted)
        raise(interrupted);
    return status ? status
                  : error_set(error, RP_LAUNCH, "the start was interrupted by signal %d", interrupted);
}
