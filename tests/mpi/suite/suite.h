/* What the programs of tests/mpi share.
 *
 * Each is a program as a user writes one: linked with the shared library, with the public header
 * alone, and started alone, under mpirun and with RANKPOOL_LAUNCH=inline. The main of suite.c
 * opens and closes a pool first, since workers never return from the first rp_open, and runs the
 * cases in the manager. So a case must hold in every one of these worlds: with workers that run
 * by themselves, with a manager that takes part in maps, and alone, where tasks run inside the
 * waiting calls. Cases that need more than there is call suite_need_workers.
 *
 * The stage. Tasks run in other processes, so cases see and steer them over a file that all have
 * mapped: a task gets its path in its input (a ticket) or as the map's common argument. Cases wait
 * for what has to happen (stage_await), with a limit, and never sleep to be right. */
#ifndef RANKPOOL_TESTS_MPI_SUITE_H
#define RANKPOOL_TESTS_MPI_SUITE_H

#include <stdatomic.h>

#include "check.h"
#include "suite/process.h"

/* ---- Pools ------------------------------------------------------------------------------- */

/* Opens a pool, or leaves the case with the reason. `options` may be NULL. */
rp_pool *suite_open(const rp_options *options);

/* Closes it, which must succeed. */
void suite_close(rp_pool *pool);

/* Tasks run in this process, inside the waiting calls. */
bool suite_is_alone(const rp_pool *pool);

/* How many processes run items of a map. Where there are other nodes the manager has to see to these. */
int suite_executors(const rp_pool *pool);

/* The ranks are several nodes: of several hosts, or by RANKPOOL_NODE_SIZE. */
bool suite_is_split(void);

/* Workers run on the manager's own node. */
bool suite_has_neighbours(void);

/* Workers that one death may cost: who leads a node takes its others along. */
int suite_node_workers(void);

/* Kills the process of a worker, on whichever host it is; of 0: of all who live. A leader's workers may be
 * gone before their turn. */
void suite_kill(const rp_pool *pool, int worker);

/* Leaves the case where the pool has fewer workers that run by themselves; closes it then. */
void suite_need_workers(rp_pool *pool, int workers);

/* Leaves the case where the machine has less memory left. */
void suite_need_memory(size_t bytes);

/* ---- The stage --------------------------------------------------------------------------- */

#define STAGE_ITEMS 131072

struct stage {
    _Atomic int gate;       /* tasks that wait for it go on once it is 1 */
    _Atomic size_t started; /* tasks that have begun since the stage was reset */
    _Atomic size_t ended;
    _Atomic unsigned char runs[STAGE_ITEMS]; /* how often each has begun */
    _Atomic uint32_t place[STAGE_ITEMS];     /* 1 for the one that began first */
    _Atomic long pid[STAGE_ITEMS];           /* of the process that ran it */
};

/* An input that leads a task to the stage. */
struct ticket {
    char stage[96];
    size_t number; /* below STAGE_ITEMS */
};

/* The stage of this program; the manager's view. Emptied by stage_reset. */
struct stage *stage(void);
void stage_reset(void);
const char *stage_path(void);
struct ticket ticket_of(size_t number);

/* The same in any process, for tasks. NULL: it cannot be mapped. */
struct stage *stage_at(const char *path);

/* Waits until *count has reached `least`; false after 30 seconds. Makes no call of the library. */
bool stage_await(_Atomic size_t *count, size_t least);

/* The same of what tasks of other nodes do: it looks at the future all the while, since work moves between
 * nodes in the manager's calls alone. */
bool stage_await_with(_Atomic size_t *count, size_t least, rp_future *future);

/* ---- Tasks ------------------------------------------------------------------------------- */

/* Answer their input; twice the number in it, a uint64_t; nothing, and fail with "no". */
rp_fn task_echo, task_twice, task_refuse;

/* Takes a ticket, notes that it ran, answers its number (a size_t). */
rp_fn task_mark;

/* The same, but first waits for the gate. */
rp_fn task_gated;

/* Occupies every worker with a gated task, and returns when all of these run: what is submitted
 * then is pending until the gate opens. futures[i] for worker i of rp_workers(pool). Not alone. */
void suite_occupy(rp_pool *pool, rp_future **futures);

/* Opens the gate, and waits for and releases the tasks of suite_occupy. */
void suite_relieve(rp_pool *pool, rp_future **futures);

/* Submits task_mark number `number`. */
rp_future *suite_submit_mark(rp_pool *pool, size_t number);

/* Submits a task with a number as its input. */
rp_future *suite_submit(rp_pool *pool, rp_fn *fn, uint64_t value);

/* Releases `n` futures. */
void suite_release(rp_future **futures, size_t n);

/* Maps task_twice over `n` numbers, 1000 at most: whether all results are right. */
bool suite_maps(rp_pool *pool, size_t n);

/* ---- Data -------------------------------------------------------------------------------- */

/* Bytes that depend on the seed and on their position. */
void data_fill(void *data, size_t size, uint64_t seed);
uint64_t data_digest(const void *data, size_t size);

/* Well-spread bits of x. */
uint64_t data_mix(uint64_t x);

double suite_seconds(void); /* a clock */

#endif
