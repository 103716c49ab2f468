/* The process that was started first, once it has started the program again: it waits for its
 * children and for signals, and sleeps in between.
 *
 *     parent_open      from here on signals are passed on to the manager
 *     parent_turn      waits for one thing to happen and deals with it; called in loops whose
 *                      conditions are the fields below
 *     parent_close     puts signals and descriptors back as they were
 *
 * Who gets which signal. The manager is in the parent's process group, so what the terminal sends
 * reaches both, and the parent passes on only what another process sent to it alone. Workers are in
 * a group of their own, out of the terminal's reach; they are stopped and continued as the manager
 * is, and the parent stops itself with it, for the shell to see.
 *
 * States, by fields: no manager yet (ranks NULL), not joined, joined, manager ended. A failure is
 * possible in the first two only. */
#ifndef RANKPOOL_LAUNCH_PARENT_H
#define RANKPOOL_LAUNCH_PARENT_H

#include <signal.h>
#include <sys/types.h>

#include "launch/handover.h"
#include "launch/janitor.h"
#include "launch/mpirun.h"

struct parent {
    const char *path; /* mpirun's */
    struct mpirun mpirun;
    pid_t mpirun_pid;  /* 0 once it has ended */
    int mpirun_status; /* as of waitpid */
    struct janitor janitor;

    pid_t *ranks; /* by rank; 0 once it has ended, or while it is not started */
    int count, alive;
    pid_t group;        /* the workers' */
    int manager_status; /* as of waitpid */
    bool manager_ended, joined;

    int handover_file;
    struct handover *handover;

    rp_status failure; /* with its sentence in *error */
    struct error *error;
    int interrupted; /* a signal that came while there was no manager to get it */

    int signals, null;
    sigset_t mask;                 /* as it was */
    struct sigaction child_action; /* of SIGCHLD, as it was */
};

rp_status parent_open(struct parent *parent, struct error *error);

/* Waits until something happens and deals with it; false when the deadline (of clock_ns) came. */
bool parent_turn(struct parent *parent, uint64_t deadline);

/* Sends a signal to every rank that is alive. */
void parent_kill_ranks(const struct parent *parent, int number);

void parent_close(struct parent *parent);

#endif
