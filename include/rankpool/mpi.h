/* What needs MPI_Comm: pools inside programs that run MPI themselves.
 *
 *     MPI_Init(&argc, &argv);
 *     rp_pool *pool;
 *     if (rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool))
 *         return fprintf(stderr, "%s\n", rp_last_error(NULL)), MPI_Abort(MPI_COMM_WORLD, 1);
 *     if (rp_is_manager(pool))
 *         status = rp_map(pool, area, in, sizeof *in, n, out, sizeof *out);
 *     else
 *         rp_serve(pool);
 *     rp_close(&pool);
 *     ... all ranks go on with MPI ...
 *
 * The library never initialises or finalises MPI here and sends nothing on the program's communicators.
 * On one machine it makes no call of MPI but in rp_open_comm, where a communicator is freed, and in
 * MPI_Finalize. On several the manager and the first rank of each other machine also call MPI, from inside
 * calls on the pool and rp_serve. So MPI_THREAD_SINGLE will do. With several threads, rp_open_comm is for
 * those that may call MPI; on several machines all pools belong to the one that opened the first. The manager
 * leads all of these itself, however many they are: RANKPOOL_NODE_FANOUT is for rp_open.
 *
 * Pools may be opened and closed many times, and several may be open at once, on any communicators
 * and with any managers: a rank may manage one and work for another.
 */
#ifndef RANKPOOL_MPI_H
#define RANKPOOL_MPI_H

#include <mpi.h>

#include <rankpool/rankpool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Communicators ----------------------------------------------------------------------- */

/* Opens a pool whose manager is the rank `manager` of `comm`; its workers are the other ranks,
 * numbered from 1 in the order of ranks: first those of the manager's machine, then the other machines',
 * one after the other. On one machine the manager runs items of maps too while it waits for them; on several
 * it sees to the other machines instead. With one rank alone tasks run in this process, inside the waiting
 * calls.
 *
 * Collective over `comm`, an intracommunicator: every rank gets the same status, and a sentence in
 * rp_last_error(NULL). Only the manager's `options` count: elsewhere they are not read. They may be
 * NULL and are copied; what sizes a pool (`workers`, `per`, `memory_per_worker`) changes nothing.
 *
 * `*pool` is the rank's handle. The manager's is used as one of rp_open; the others' are for
 * rp_serve and rp_close: other calls return RP_INVALID. Each rank must close its own.
 *
 * Who waits for the others here sleeps, and goes on with what its open pools need of it. It waits for as long
 * as they take to come, as with any collective call of MPI. But where a rank dies that has opened a pool on
 * `comm` before, or is in the call, and the launcher lets the others go on, these get RP_MPI within a second,
 * as they do from then on: no pool can be opened on `comm` any more. Ranks of other machines are told by
 * those of its own that are in the call: where none is there yet they wait for one. Where the last rank of a
 * machine dies, or the machine, which is noticed after RANKPOOL_SILENCE, they are told by the managers of the
 * pools that were opened on `comm` before, and of a manager's by the first ranks of all other machines. In
 * the first call on `comm` they get RP_MPI once all have come and nothing has been heard of other machines
 * for RANKPOOL_SILENCE and 5 seconds more, as where all processes there are stopped. Before the ranks know
 * each other all wait for ever: for who dies before the first call, or as it begins.
 *
 * The first call duplicates `comm`, and keeps the duplicate with it as an attribute: it is freed
 * with `comm`, at MPI_Finalize at last. A pool that is open when `comm` is freed remains usable; one that
 * is open when its manager calls MPI_Finalize is broken, and its workers leave rp_serve. A worker whose
 * task calls it says so and ends its process, as one that dies.
 *
 * Errors: RP_INVALID (MPI does not run, the communicator, ranks that name different managers or a
 * rank that does not exist, a rank without a place for its handle, the manager's options),
 * RP_MISMATCH (ranks run different builds), RP_UNSUPPORTED (as rp_open), RP_NO_MEMORY, RP_MPI. */
RP_API rp_status rp_open_comm(MPI_Comm comm, int manager, const rp_options *options, rp_pool **pool);

/* In ranks that are workers of the pool: runs tasks until the manager closes it; at once if it has
 * done so. Meanwhile tasks of other pools that this rank has opened as a worker are run, too. Not
 * collective: nobody waits for a rank that serves late, or never. Work waits for the ranks that do
 * serve, and maps are finished by the manager if nobody else comes; but submitted tasks wait until
 * somebody serves, as do a static map's shares and tasks for a chosen worker for that worker. Nothing
 * waits for ranks that have closed their handles: with all of them, tasks get RP_POOL_BROKEN.
 *
 * On several machines the first rank of each other machine hands on what the manager and the workers there
 * have for each other: while it does not serve, that machine takes no part. It returns when what was begun
 * there has ended and the results are sent; those that a manager that is busy elsewhere does not take are
 * sent in the rank's next call of rp_serve, rp_open_comm or rp_close.
 *
 * A machine that first serves when the manager has closed the pool takes what was shared there before it
 * hears of that. The manager's rp_close gives MPI some 100 KiB of it; what is more leaves in later calls
 * on pools, so a manager that waits for these ranks in MPI alone (in a barrier) may wait for ever.
 *
 * The pool's initializer runs here before its first task and its finalizer after its last, but that
 * of a pool that this rank has served only in passing where it is next served or closed.
 *
 * Returns RP_OK however tasks ended.
 * Errors: RP_INVALID: no pool, in the manager, or from inside a task. RP_POOL_BROKEN: the manager has
 * died, and the launcher lets the others go on. RP_NO_MEMORY. */
RP_API rp_status rp_serve(rp_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
