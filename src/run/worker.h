/* A worker's loop: it serves pools, a claim of each in turn, and sleeps when there is nothing to do.
 *
 * Where the library runs MPI, a worker has one roster and serves every pool on it until the manager
 * quits: worker_serve. Inside programs that run MPI themselves a process has a worker object that
 * may stand on several rosters, of several managers:
 *     worker_join for each pool, worker_serve_pool ..., worker_part for each pool; then
 *     worker_leave before the roster is released.
 * It belongs to one thread at a time; a zeroed struct has joined nothing. */
#ifndef RANKPOOL_RUN_WORKER_H
#define RANKPOOL_RUN_WORKER_H

#include "board/roster.h"

struct leader;
struct worker_seat;

struct worker {
    struct worker_seat *seats; /* one for each roster */
    const struct roads *roads; /* that its process manages; or NULL */
    bool serving;              /* it is in worker_serve_pool */
    bool works;                /* it has just run something */
};

/* Serves all pools of a roster. Returns when the manager quits, after the finalizers of pools that
 * are still open. */
void worker_serve(struct roster *roster);

/* The same for a process that also leads the node: until the manager quits, or is lost. */
void worker_serve_leading(struct leader *leader);

/* The worker's process leads a node: from now on it does so whenever it serves. Its roster is leader_roster
 * in the calls below, and worker_leave is called before the leader is destroyed. RP_NO_MEMORY. */
rp_status worker_lead(struct worker *worker, struct leader *leader, struct error *error);

/* The worker will serve this pool, too. The roster must last until worker_leave. RP_NO_MEMORY. */
rp_status worker_join(struct worker *worker, struct roster *roster, uint64_t pool, struct error *error);

/* Serves the pools that it has joined until this one closes, or its manager quits. It is then away from the
 * others, and comes back to them in the next call. True: the pool has closed. */
bool worker_serve_pool(struct worker *worker, struct roster *roster, uint64_t pool);

/* For who waits for something else: turns the roads that its process manages, and takes the leader's turns of
 * nodes that it leads, so that what was said leaves. True if anything has happened. */
bool worker_tend(struct worker *worker);

/* Serves this pool no more: runs its finalizer if the worker has entered it. Waits for the manager
 * to take what does not fit on the board, or to close the pool. */
void worker_part(struct worker *worker, struct roster *roster, uint64_t pool);

/* Forgets a roster whose pools it has parted from. */
void worker_leave(struct worker *worker, const struct roster *roster);

#endif
