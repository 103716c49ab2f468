/* How the program was started, and starting it again under the MPI launcher.
 *
 * rp_open calls, in this order:
 *
 *     launch_detect      which of three starts this is: a RANK of a launcher, INLINE, or ALONE
 *     launch_again       where it is ALONE: does not return if it works; this process stays as the
 *                        parent and ends as the manager ends. Its children come back to main and
 *                        to launch_detect, which now says RANK
 *     MPI_Init           where it is a RANK (the caller's; this layer makes no MPI calls)
 *     launch_strangers   where MPI knows one rank and the launcher's variables say several
 *     launch_join        after MPI_Init, in every RANK: takes what the parent handed over
 *
 * How launch_again starts the ranks. A rank that mpirun starts has mpirun's streams, its process
 * group and its exit status; nothing of that is what a plain program has. So mpirun starts one
 * placeholder a rank, a sleeping shell, which lends its environment: the parent reads it and
 * starts the rank itself, as its own child, and MPI_Init finds the launcher by those variables.
 * (PMIx ties a rank to its user, not to a process: a rank may fork and its child may connect.)
 * Thus the manager has the terminal, the process group, the descriptors, the limits, the working
 * directory and the exact arguments of the program as it was called, before main changed any, and
 * the parent learns how it ended from the kernel. Only mpirun's variables differ until launch_join, which
 * puts the parent's own environment back, so that what the program or its tasks start does not take itself
 * for a rank.
 *
 * Who dies with whom. The ranks are killed by the kernel when their parent dies, mpirun is told
 * to end by it (PR_SET_PDEATHSIG). When the manager ends, the parent gives workers and mpirun two
 * seconds each, then kills them. When mpirun dies the parent kills the ranks. A dead worker is
 * the pool's matter: the parent only buries it. What a killed mpirun leaves behind, and mpirun
 * itself where the parent was killed, is the janitor's (janitor.h).
 *
 * A batch system that ends a job sends SIGTERM to all of its processes at once, to mpirun and its srun too,
 * with which all of MPI would end while the manager stores what it has (record/drain.h). So mpirun and the
 * placeholders are deaf to it there; and over several nodes the manager's handler stops mpirun for that time,
 * before it notices that the others have ended: those do so at once, this one's workers finish what they run.
 * The manager then ends without MPI_Finalize. Where the program has a handler of its own when the signal
 * comes, nothing is stopped, and mpirun ends all when the batch system has ended the other nodes' ranks.
 *
 * Over several nodes the manager and this machine's workers start like that, and so this machine leads, with
 * or without workers of its own. On the others mpirun starts, in place of a placeholder, the seat of each
 * rank (seat.h), which is the parent of one: it binds it and ends with it. What ranks there write comes by
 * mpirun. Seats die with mpirun's daemon on their node, and that with mpirun; a rank dies with its seat.
 *
 * What can go wrong: RP_INVALID (RANKPOOL_LAUNCH), RP_LAUNCH (no launcher where one was asked for,
 * it does not start, a rank ends before it has joined), each with a sentence; launch_again then
 * returns with no process left and the signal mask as it was. Once the manager has joined there
 * is no way back. */
#ifndef RANKPOOL_LAUNCH_LAUNCH_H
#define RANKPOOL_LAUNCH_LAUNCH_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

enum launch_start {
    LAUNCH_RANK,   /* a launcher started this process: call MPI_Init */
    LAUNCH_INLINE, /* tasks run in this process; `reason` says why */
    LAUNCH_ALONE,  /* call launch_again */
};

struct launch {
    enum launch_start start;
    bool ours;             /* RANK: launch_again started it */
    int rank, ranks;       /* RANK: as the launcher's variables say; -1 where they do not */
    const char *launcher;  /* RANK: the name of what was seen, "Slurm" */
    char reason[256];      /* INLINE: why, as a part of a sentence: "traced by process 12" */
    char mpirun[PATH_MAX]; /* ALONE: the launcher to use */
};

/* What launch_detect looks at; tests give their own. */
struct launch_world {
    char *const *environment; /* NULL-terminated "NAME=value" */
    const char *proc;         /* "/proc" */
};

/* Tells how this process was started. `world` may be NULL for this process's own. */
rp_status launch_detect(const struct launch_world *world, struct launch *launch, struct error *error);

/* RP_LAUNCH and the mend in words, where the MPI world has one rank but the launcher started
 * several strangers; RP_OK where `world_size` agrees with the launcher's variables. */
rp_status launch_strangers(const struct launch *launch, int world_size, struct error *error);

/* The mpirun in PATH, or where programs are looked for without one; false, and "": there is none. */
bool launch_find_mpirun(char *const *environment, char path[PATH_MAX]);

/* Ranks on another node, each started there by `rankpool seat`. */
struct launch_far {
    const char *host;
    int ranks;
    char *seats; /* a list of CPUs for each rank, "" for none, separated by ';' */
};

struct launch_plan {
    int ranks;               /* on this machine: the manager's and its workers' */
    const char *const *cpus; /* one list a rank, "0-3,8"; NULL or "": not bound. Bound before exec */
    const char *text;        /* handed to every rank of this machine as it is; may be NULL */

    const struct launch_far *far;
    int fars;
    const char *command; /* of rankpool, on all nodes */
    bool batch;          /* mpirun reaches them as it does in the batch system's job, else over ssh */
};

/* Starts the program again as the plan says. Flushes all output streams first. Does not return if it works:
 * this process ends by _exit with the manager's exit status, or 128 plus the signal that ended it. */
rp_status launch_again(const struct launch *launch, const struct launch_plan *plan, struct error *error);

/* What the parent handed over; valid until the process ends. */
struct launch_joined {
    const char *cpus;        /* what this rank was bound to; "" if it was not */
    const char *text;        /* the plan's; "" if there was none */
    struct handover *parent; /* the manager's; NULL: it has none, and mpirun is never stopped */
};

/* Takes what the parent handed over and puts its environment back, where `launch->ours`;
 * elsewhere both texts are "". Returned strings of getenv stay valid. */
rp_status launch_join(const struct launch *launch, struct launch_joined *joined, struct error *error);

/* Manager, in its handler of SIGTERM: it stores what it has and ends, for which it does not need mpirun.
 * Stops that where the batch system ends other nodes' ranks meanwhile. `parent` is a struct handover, or
 * NULL. */
void launch_hold_mpirun(void *parent);

/* Manager: it goes on after all. */
void launch_release_mpirun(struct handover *parent);

/* Manager, before MPI_Finalize: false: mpirun is stopped, and MPI_Finalize would wait for ever. Once it was
 * true mpirun goes on. */
bool launch_claim_mpirun(struct handover *parent);

#endif
