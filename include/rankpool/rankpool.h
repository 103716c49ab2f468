/* rankpool: maps functions over a pool of MPI ranks.
 *
 * A pool has one manager, the process that goes on with `main`, and workers, the other ranks,
 * which run tasks. A program opens a pool, maps or submits, and closes it:
 *
 *     rp_pool *pool;
 *     if (rp_open(NULL, &pool))
 *         return fprintf(stderr, "%s\n", rp_last_error(NULL)), 1;
 *     rp_status status = rp_map(pool, area, in, sizeof *in, n, out, sizeof *out);
 *     return rp_close(&pool) != RP_OK || status != RP_OK;
 *
 * Conventions. Sizes are bytes, times are seconds, indices start at 0, workers at 1 (0 is the
 * manager). A pool belongs to one thread at a time; over several nodes all pools belong to the thread
 * that opened the first, which alone calls MPI. Who may make a call stands at the head of its
 * section, or in its comment; none is collective unless that says so. A call that can fail returns
 * an rp_status and leaves a sentence for rp_last_error; outputs are written only on success. A
 * user's mistake never aborts and never hangs. */
#ifndef RANKPOOL_RANKPOOL_H
#define RANKPOOL_RANKPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rankpool/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RP_API                 __attribute__((visibility("default")))
#define RP_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define RP_API
#define RP_PRINTF(text, first)
#endif

/* ---- Statuses ----------------------------------------------------------------------------
 *
 * Called: anywhere, by any thread. Not collective. */

#define RP_STATUSES(X)                                                                                       \
    X(RP_OK, "success")                                                                                      \
    X(RP_TIMEOUT, "not done in the time given")                                                              \
    X(RP_CANCELLED, "cancelled before it started")                                                           \
    X(RP_BUSY, "already started")                                                                            \
    X(RP_TASK_FAILED, "the task reported a failure")                                                         \
    X(RP_TASK_CRASHED, "the task ended its process by a signal or an exit")                                  \
    X(RP_TASK_TIMEOUT, "the task ran longer than it may")                                                    \
    X(RP_WORKER_LOST, "the worker that ran the task died")                                                   \
    X(RP_POOL_BROKEN, "no worker is left, or an initializer failed")                                         \
    X(RP_CLOSED, "the pool or the queue is closed")                                                          \
    X(RP_INVALID, "invalid argument or call")                                                                \
    X(RP_NO_MEMORY, "out of memory")                                                                         \
    X(RP_MISMATCH, "ranks run different programs")                                                           \
    X(RP_UNSUPPORTED, "not supported by this version or system")                                             \
    X(RP_LAUNCH, "the program could not be started under the launcher")                                      \
    X(RP_MPI, "MPI reported an error")                                                                       \
    X(RP_JOURNAL, "the journal cannot be used")

/* How a call, a task or an item ended. */
typedef enum rp_status {
#define RP_STATUS_ENUMERATOR(name, text) name,
    RP_STATUSES(RP_STATUS_ENUMERATOR)
#undef RP_STATUS_ENUMERATOR
} rp_status;

/* The status in words: constant text, never NULL, for numbers that are no status too. It allocates
 * nothing. */
RP_API const char *rp_strerror(rp_status status);

/* ---- Types ------------------------------------------------------------------------------- */

typedef struct rp_pool rp_pool;     /* a manager and its workers: rp_open */
typedef struct rp_future rp_future; /* a submitted task and its result: rp_submit */
typedef struct rp_iter rp_iter;     /* goes through futures: rp_as_completed */
typedef struct rp_queue rp_queue;   /* first in, first out: rp_queue_open */
typedef struct rp_call rp_call;     /* what a task is called with */
typedef uint64_t rp_share_id;       /* a plain value: rp_share */
typedef uint64_t rp_queue_id;       /* a plain value: rp_queue_id_of */

/* Some bytes: `size` of them at `data`; who owns them, and until when, is said where a view is
 * given. */
typedef struct rp_view {
    const void *data; /* read-only */
    size_t size;      /* bytes */
} rp_view;

/* Does a task's work. `in` holds `in_size` bytes, read-only, aligned for any type if the items'
 * size is a multiple of that alignment, valid until the task returns. It answers with `return
 * rp_return(...)`, or writes into rp_reserve(...) and returns 0, or `return rp_fail(...)`. Any
 * other non-zero return is a failure with that code. Returning 0 with neither answers zero bytes.
 * Any function of the program or of a library it has loaded will do, static ones too. */
typedef int rp_fn(rp_call *call, const void *in, size_t in_size);

/* Generates the inputs of a stream: sets *item to the next input and returns 1; the bytes are copied
 * before it is called again. 0: the end. Below 0: it failed. */
typedef int rp_source(void *state, rp_view *item);

/* Receives the results of a stream: `index` is the position in the source. The result, or the
 * sentence of a failed item, is valid until it returns; non-zero stops the stream. */
typedef int rp_sink(void *state, size_t index, rp_status status, rp_view result, const char *error);

/* Combines two results of rp_map_reduce, of `size` bytes each, aligned for any type. `into` is that of
 * the items before those of `from`, and becomes that of both; `from` is not needed any more. It need
 * be neither associative nor commutative. It is called in the workers and in the manager, by the
 * thread that the pool belongs to, and has no way to fail: one that crashes ends the program. Any
 * function that could be a task will do. */
typedef void rp_combine(void *into, const void *from, size_t size);

/* Called with a future that is done: see rp_on_done. */
typedef void rp_callback(rp_future *future, void *arg);

#define RP_FOREVER    (-1.0) /* as seconds: waits without a limit */
#define RP_ANY_WORKER 0      /* as rp_task_options.worker: whoever is free */

/* ---- Options -----------------------------------------------------------------------------
 *
 * Called: anywhere, by any thread that owns the options. Not collective. */

/* How a pool is made. A zero field means the default, a negative number means off. Each field but
 * the pointers to functions can be set by the environment variable RANKPOOL_<FIELD> too: the
 * environment beats the default, the code beats the environment.
 *
 * With a `journal`, results are stored in that file as they come in, and a later run of the program
 * with the same file gets them from there: of maps, streams and submitted tasks it runs only what has
 * not succeeded yet. An item is known by its pool, map and index, in the order of the program's calls,
 * and by a digest of the program's build, the function, its input, `common`, the label, the seed and
 * out_size: where one of these has changed it is computed anew, and replaced. What tasks read besides
 * (initarg, shares, queues, files) is not part of it: where that changes, use another file. A
 * reduction's items are not stored.
 *
 * While a pool with a journal is open, SIGTERM and SIGUSR1, where the program has no handler of its
 * own for them, and a deadline (RANKPOOL_DEADLINE: seconds from the opening, or @ and seconds since
 * 1970; SLURM_JOB_END_TIME, PBS_WALLTIME) end the program in good order, from inside its next or
 * present call on the pool, which does not return: no task starts any more, those that run are
 * awaited and stored, queues are closed, and the process leaves by exit(75). A SIGTERM that
 * comes a second later or more ends it at once.
 *
 * With `isolate` each worker runs its tasks in a child process, one after the other, and starts a new
 * one when that ends: a task that ends it, by a signal or an exit, fails with RP_TASK_CRASHED, one that
 * takes longer than `timeout` is sent SIGTERM, then, after as long again but no more than a second,
 * SIGKILL, and fails with RP_TASK_TIMEOUT even if it returned meanwhile; all others are unharmed. Inputs,
 * shares and rp_alloc's arrays are read-only to tasks, whose results are copied. The initializer runs in
 * each new child, *rp_local begins anew there, and the finalizer runs only in children that are there at
 * the end. Of the program's state a child has what it was when the first pool was opened that isolates,
 * so that should be the first of all: its processes are then made before MPI is initialised. The manager
 * of a program's own `mpirun` does not run tasks itself, unless it is alone. Tasks may run more than once
 * where it is not clear which one ended the child.
 *
 * `retries` is how often an item may be tried again that was running when its worker died or, isolated,
 * crashed or ran too long. Where nothing was asked for (0 here, in the variable, and in the options of the
 * map or task) that is twice after a lost worker, and never after a crash or a timeout, which mostly come
 * again. All tries of an item count together, whatever ended them; after the last one it fails as that did.
 * Before each there is a pause: 10 ms, then twice the last one, up to a second. What only stood beside such
 * an item is not charged with a try. */
typedef struct rp_options {
    size_t size;              /* set by RP_OPTIONS(...) and RP_OPTIONS_INIT */
    int workers;              /* on all nodes together; 0: one per usable core, see `per` */
    const char *per;          /* "core" (default), "thread", "l3", "numa", "package" */
    size_t memory_per_worker; /* bytes; caps the workers of a node by the memory it may use */
    const char *schedule;     /* "auto" (default), "static", "dynamic", "guided", "factoring", "adaptive" */
    size_t chunk;             /* items a claim; 0: the schedule's choice */
    size_t window;            /* most items a stream draws ahead of its sink; 0: the library's choice */
    int isolate;              /* run tasks in a supervised child process: see above */
    double timeout;           /* seconds a task may run; needs `isolate` */
    size_t task_memory;       /* bytes that tasks may take beyond what their process has; needs `isolate` */
    int retries;              /* further tries: see above; below 0: none */
    uint64_t seed;            /* of rp_random */
    const char *journal;      /* file of finished results, to resume from */
    int progress;             /* bar on standard error: 0 where it is a terminal, 1 on, -1 off */
    rp_fn *initializer;       /* runs once in each process that runs tasks, before its first task */
    const void *initarg;      /* `initarg_size` bytes, copied by rp_open: the initializer's input */
    size_t initarg_size;      /* bytes */
    rp_fn *finalizer;         /* the same as `initializer`, after the last task, without input */
} rp_options;

#ifdef __cplusplus
static inline rp_options rp_options_init()
{
    rp_options options = rp_options();
    options.size = sizeof options;
    return options;
}
#define RP_OPTIONS_INIT rp_options_init()
#else
/* What an rp_options starts with that is set field by field. */
#define RP_OPTIONS_INIT                                                                                      \
    {                                                                                                        \
        .size = sizeof(rp_options)                                                                           \
    }
/* The options of a pool in place, in C: RP_OPTIONS(.workers = 4, .per = "thread"). */
#define RP_OPTIONS(...) (&(rp_options){.size = sizeof(rp_options), __VA_ARGS__})
#endif

/* Sets a field by its name to a value in text, as an environment variable would ("workers", "8";
 * sizes are bytes, and may end in K, M, G or T). The value is not copied, and must live as long as
 * the options. `initializer`, `initarg` and `finalizer` have no text.
 * Errors: RP_INVALID: no such field, or not a value of it; the sentence is in rp_last_error(NULL). */
RP_API rp_status rp_options_set(rp_options *options, const char *name, const char *value);

/* ---- Opening and closing -----------------------------------------------------------------
 *
 * Called: in the manager, by the thread that the pool belongs to. Not collective. */

/* Opens a pool in a program that leaves MPI to the library; comes early in `main`.
 *
 * Under an MPI launcher it takes the ranks given: collective over all of them, once, in the
 * first call; the call returns in rank 0 alone, the other ranks become workers and leave by
 * exit(0) when the manager ends. Started alone, it starts the program again under the launcher
 * and sizes the pool by what this machine offers, or, inside a batch job with the command `rankpool`
 * in PATH, by what all nodes of the job offer; started by `rankpool run`, as that has planned. The
 * first process stays as a parent and ends as the manager ends. With one rank, without a launcher,
 * under a debugger, or told so by RANKPOOL_LAUNCH=inline, tasks run in this process. Where ranks were
 * given or planned, `workers`, `per` and `memory_per_worker` change nothing.
 *
 * `options` may be NULL and is copied. *pool is the caller's until rp_close. Further pools may be
 * opened later, several at once.
 * Errors: RP_INVALID (options, a worker, a program that runs MPI itself), RP_LAUNCH, RP_MISMATCH
 * (ranks run different builds), RP_MPI, RP_NO_MEMORY, RP_JOURNAL (it cannot be written, is in use, is
 * another program's or no journal, and was left as it is), RP_UNSUPPORTED (a journal in a
 * build without SQLite, `isolate` where processes cannot open each other's memory files); the sentence is
 * in rp_last_error(NULL). */
RP_API rp_status rp_open(const rp_options *options, rp_pool **pool);

/* Finishes what is queued and running, frees the pool and sets *pool to NULL. Futures and views
 * outlive it until released; memory of rp_alloc and shares do not. A NULL pool is closed already. In
 * a rank that is a worker of rp_open_comm it frees that rank's handle, and the rank serves the pool
 * no more. Not collective: it waits for tasks, not for calls of other ranks; only a worker's waits until
 * the manager, in calls of its own that wait, has taken the long results of its tasks.
 * Errors: RP_POOL_BROKEN: work could not be finished for want of workers, yet the pool is closed.
 * RP_JOURNAL: the same, but not all results could be stored.
 * RP_INVALID: from inside a task, a callback, a source or a sink. */
RP_API rp_status rp_close(rp_pool **pool);

/* Cancels every task of rp_submit that has not started. Returns how many; 0 where the pool cannot
 * take calls, see rp_last_error. */
RP_API size_t rp_cancel_all(rp_pool *pool);

/* True in the process that opened the pool, or is the manager of rp_open_comm; false in that one's
 * other ranks, and for NULL. Any rank may ask; not collective. */
RP_API bool rp_is_manager(const rp_pool *pool);

/* How this pool was sized and why, as lines of text: valid until rp_close, "" without a pool. Any
 * rank may ask; not collective. */
RP_API const char *rp_describe(const rp_pool *pool);

/* The sentence of the last call on `pool` that failed, "" if none has; with NULL that of the last
 * failed open in this thread, or of a call that had no pool to leave it with. Valid until the next
 * call on the pool, or with NULL of this thread. Any rank may ask; not collective. */
RP_API const char *rp_last_error(const rp_pool *pool);

/* ---- Inside a task -----------------------------------------------------------------------
 *
 * Called: by a task, in its thread, with the `call` that it was given. Not collective. */

/* The part of a call that rp_return reads; the rest is the library's. */
struct rp_call {
    void *out;       /* where a result of up to `capacity` bytes goes */
    size_t capacity; /* bytes */
    size_t length;   /* bytes answered so far */
};

/* Answers what does not fit where rp_return would put it, which calls this. The same otherwise: the
 * bytes are copied, and it returns 0, or non-zero when there is no memory for them. */
RP_API int rp_return_large(rp_call *call, const void *data, size_t size);

/* Answers `size` bytes, which are copied; a later answer replaces an earlier one. Returns what the
 * task is to return: 0, or non-zero when there is no memory for them, or `data` is NULL, yet it has
 * bytes. */
static inline int rp_return(rp_call *call, const void *data, size_t size)
{
    if (size == 0 || size > call->capacity || !data)
        return rp_return_large(call, data, size);
    memcpy(call->out, data, size);
    call->length = size;
    return 0;
}

/* Room for an answer of `size` bytes, aligned for any type, to be written before the task returns 0;
 * it replaces an earlier answer. It is the library's, and not to be freed. NULL when there is no
 * memory for it: a task that then returns what is not 0 fails with RP_TASK_FAILED, and a sentence that
 * says so. */
RP_API void *rp_reserve(rp_call *call, size_t size);

/* Fails the task with a sentence, as of printf, which is copied; it is cut where it is longer than
 * the library keeps. Returns the code that the task is to return, 1. */
RP_API int rp_fail(rp_call *call, const char *format, ...) RP_PRINTF(2, 3);

/* The constant argument of the map, with its bytes in *size (NULL-safe): read-only, valid until the
 * task returns. NULL and 0 if there is none. */
RP_API const void *rp_common(rp_call *call, size_t *size);

/* What was shared under that number, with its bytes in *size (NULL-safe): read-only, aligned for any
 * type, valid until the task returns. NULL and 0: nothing is shared under it. */
RP_API const void *rp_shared(rp_call *call, rp_share_id id, size_t *size);

/* The index of the item in its map or stream, of the task in its pool; from 0. */
RP_API size_t rp_call_index(const rp_call *call);

/* Which try this is: 1 for the first, more after its worker died, or after it crashed or ran too long and
 * `retries` were asked for. */
RP_API int rp_call_attempt(const rp_call *call);

/* This worker's own pointer in this pool, NULL at first and kept between tasks: for what an
 * initializer makes and the tasks use. What it points to is the program's, to be freed by its
 * finalizer. Never NULL itself. */
RP_API void **rp_local(rp_call *call);

/* Fills the caller's `words` with `n` random ones, by Philox 4x64-10 (Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC11) keyed by the pool's seed, the map and the item: the
 * same on any worker and any try. Further calls in the same task go on in the same stream. */
RP_API void rp_random(rp_call *call, uint64_t *words, size_t n);

/* Who a worker is, and how far it has come. */
typedef struct rp_worker_info {
    int worker;        /* 1..rp_workers(); 0 is the manager */
    int rank;          /* in the MPI world; 0 alone */
    const char *host;  /* valid as long as the pool */
    long pid;          /* process on that host */
    bool alive;        /* false: it has died */
    const char *cpus;  /* it may run on, as hwloc lists them, "0-3"; valid as long as the pool */
    int numa_node;     /* -1: not one alone */
    size_t tasks_done; /* tasks, and items of maps */
} rp_worker_info;

/* The worker that runs this task, in the caller's `info`; its texts are valid as long as the pool. Where
 * tasks are isolated, `pid` is that of the worker, not of its child that runs the task.
 * Errors: RP_INVALID: `info` is NULL. */
RP_API rp_status rp_here(rp_call *call, rp_worker_info *info);

/* ---- Maps --------------------------------------------------------------------------------
 *
 * Called: in the manager, by the thread that the pool belongs to; in a worker, from inside a task or
 * without a pool it does nothing, and is RP_INVALID. Not collective. */

/* How a map or a stream is run. Arrays and texts are the caller's, and read until it returns. */
typedef struct rp_map_options {
    size_t size;          /* set by RP_MAP_OPTIONS(...) and RP_MAP_OPTIONS_INIT */
    const char *schedule; /* NULL: the pool's */
    size_t chunk;         /* 0: the pool's */
    size_t window;        /* of a stream: most items drawn ahead of its sink; 0: the pool's */
    double timeout;       /* seconds an item may run; needs a pool that isolates; 0: the pool's */
    int retries;          /* 0: the pool's */
    const void *common;   /* one argument for all items, `common_size` bytes, copied once a node */
    size_t common_size;   /* bytes */
    const double *cost;   /* n hints, any unit: the longest go first */
    rp_status *statuses;  /* n statuses out, may be NULL */
    size_t *sizes;        /* n result sizes out, may be NULL */
    bool stop_at_failure; /* what has not started then, or waits for another try, is RP_CANCELLED */
    const char *label;    /* for the progress bar */
} rp_map_options;

#ifdef __cplusplus
static inline rp_map_options rp_map_options_init()
{
    rp_map_options options = rp_map_options();
    options.size = sizeof options;
    return options;
}
#define RP_MAP_OPTIONS_INIT rp_map_options_init()
#else
/* What an rp_map_options starts with that is set field by field. */
#define RP_MAP_OPTIONS_INIT                                                                                  \
    {                                                                                                        \
        .size = sizeof(rp_map_options)                                                                       \
    }
/* The options of a map in place, in C: RP_MAP_OPTIONS(.chunk = 64). */
#define RP_MAP_OPTIONS(...) (&(rp_map_options){.size = sizeof(rp_map_options), __VA_ARGS__})
#endif

/* How a map went. */
typedef struct rp_map_report {
    size_t done;         /* items that succeeded */
    size_t failed;       /* items that ran and failed */
    size_t cancelled;    /* items not run, or not again; together n */
    size_t first_failed; /* lowest failed item; n if none */
    size_t chunks;       /* claims that workers made */
    double seconds;      /* that the map took */
    char message[256];   /* of the lowest failed item, else "" */
} rp_map_report;

/* Maps `fn` over an array of `n` items of `in_size` bytes. Arrays are as qsort takes them, and in
 * order: out + i * out_size answers in + i * in_size. Every item runs. A failed item's slot is left
 * untouched, but for one whose node was lost while its long result came, and that does not succeed
 * elsewhere. A result longer than `out_size` fails its item, a shorter one leaves the rest of the
 * slot; `out` NULL with `out_size` 0 drops results. Both arrays are the caller's, and used until it
 * returns.
 * Errors: the status of the lowest failed item: RP_TASK_FAILED (it reported a failure, or answered
 * too much), RP_WORKER_LOST (the workers that ran it died, one after the other), RP_TASK_CRASHED and
 * RP_TASK_TIMEOUT (with `isolate`), RP_NO_MEMORY,
 * RP_MISMATCH (a worker cannot find `fn`), RP_POOL_BROKEN (no worker was left to run it). Or for the whole
 * map RP_NO_MEMORY; RP_INVALID: an array is NULL or too large to be one, or `fn` is no function of the
 * program and its libraries. */
RP_API rp_status rp_map(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, size_t n, void *out,
                        size_t out_size);

/* Maps as rp_map does, with options and a report; both may be NULL and are the caller's. The report
 * is written when items have failed, too.
 * Errors: those of rp_map; RP_INVALID also for options that make no sense. RP_CANCELLED is in
 * `statuses` for what `stop_at_failure` left. */
RP_API rp_status rp_map_with(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, size_t n, void *out,
                             size_t out_size, const rp_map_options *options, rp_map_report *report);

/* Maps `fn` over the integers begin..end-1. Item i's input is the uint64_t i, and none is sent;
 * out + (i - begin) * out_size answers it. `out` is the caller's, and written until it returns.
 * Errors: those of rp_map; RP_INVALID also where end < begin. */
RP_API rp_status rp_map_range(rp_pool *pool, rp_fn *fn, uint64_t begin, uint64_t end, void *out,
                              size_t out_size);

/* Maps `fn` over `n` items of `in_size` bytes as rp_map does, and combines their results, of exactly
 * `out_size` bytes each, to one at `out`. Workers combine what they have run, and the manager the rest,
 * in a tree that `n` alone determines: a range of items is split at the largest power of two below its
 * length, and so on. So a sum of floating-point numbers has the same bits for any number of workers,
 * schedule and chunk. Every item runs; `out` is written only where all have succeeded, and left
 * untouched with no items. Options and report may be NULL; all arrays are the caller's, and used until
 * it returns. `sizes` are out_size each.
 * Memory: a long claim has a result for each doubling of its length, and the manager those whose
 * neighbours have not come yet. Schedule "auto" makes claims so long that the manager is not kept busy
 * by combining. With `cost` items are combined one by one, and up to half of all results wait.
 * Errors: those of rp_map_with; a result that is shorter than `out_size` fails its item, too.
 * RP_INVALID also where `combine` or `out` is NULL, or `out_size` 0. Calls on a pool from inside of
 * `combine` get RP_INVALID, as from a task. */
RP_API rp_status rp_map_reduce(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, size_t n,
                               rp_combine *combine, void *out, size_t out_size, const rp_map_options *options,
                               rp_map_report *report);

/* Maps `fn` over a generator. Inputs are drawn from `source` as there is room, results are given
 * to `sink` in completion order, both called in this thread with `state`. Items drawn minus items
 * given never exceed the window, and memory does not grow with the number of items. Failed items
 * go to the sink too, and the stream goes on until the source ends. `state` is the caller's, who
 * may use the pool in source and sink. `options` may be NULL and are the caller's.
 * Errors: RP_TASK_FAILED: the source failed; what was under way has been given. RP_CANCELLED: the
 * sink stopped the stream. RP_POOL_BROKEN, RP_NO_MEMORY. RP_INVALID: a function is NULL, or the
 * options have `cost`, `statuses`, `sizes` or `stop_at_failure`, which mean nothing here. */
RP_API rp_status rp_stream(rp_pool *pool, rp_fn *fn, rp_source *source, rp_sink *sink, void *state,
                           const rp_map_options *options);

/* ---- Tasks and futures -------------------------------------------------------------------
 *
 * Called: in the manager, by the thread that the pool belongs to; in a worker, from inside a task or
 * without a pool it does nothing, and is RP_INVALID. Not collective. */

/* How a task is run. */
typedef struct rp_task_options {
    size_t size;       /* set by RP_TASK_OPTIONS(...) and RP_TASK_OPTIONS_INIT */
    double timeout;    /* seconds it may run; needs a pool that isolates; 0: the pool's */
    int retries;       /* 0: the pool's */
    int priority;      /* higher first, 0 by default */
    int worker;        /* RP_ANY_WORKER (0) or a worker's number from 1 */
    void *user;        /* the caller's, for rp_user */
    const char *label; /* copied */
} rp_task_options;

#ifdef __cplusplus
static inline rp_task_options rp_task_options_init()
{
    rp_task_options options = rp_task_options();
    options.size = sizeof options;
    return options;
}
#define RP_TASK_OPTIONS_INIT rp_task_options_init()
#else
/* What an rp_task_options starts with that is set field by field. */
#define RP_TASK_OPTIONS_INIT                                                                                 \
    {                                                                                                        \
        .size = sizeof(rp_task_options)                                                                      \
    }
/* The options of a task in place, in C: RP_TASK_OPTIONS(.priority = 1). */
#define RP_TASK_OPTIONS(...) (&(rp_task_options){.size = sizeof(rp_task_options), __VA_ARGS__})
#endif

/* How far a task has come. */
typedef enum rp_state {
    RP_PENDING, /* it can be cancelled */
    RP_RUNNING, /* it has started */
    RP_DONE,    /* it has ended, or was cancelled */
} rp_state;

/* Where, how often and how long a task ran. */
typedef struct rp_task_info {
    int worker;       /* that ran it last; 0: the manager */
    const char *host; /* of that worker, valid until rp_release; "" if it never ran */
    long pid;         /* of that worker, on its host; 0 if it never ran */
    int attempts;     /* how often it was started; what a dead worker only held does not count */
    int code;      /* what the task returned; of one that crashed the exit status, or the negative signal */
    double queued; /* seconds between rp_submit and its start */
    double ran;    /* seconds it ran */
} rp_task_info;

/* Queues one task; copies the input of `in_size` bytes, never blocks. The future is the caller's, to
 * be released; with `future` NULL it stays with the pool, for rp_next. How the task ends is for
 * rp_result to say.
 *
 * On the manager's node workers take tasks by themselves, whatever the manager does. Work moves between
 * nodes in the manager's calls alone: rp_submit hands other nodes what they can begin soon, and any call
 * that waits, or asks for a task's state, goes on with that, whether it finds done what it asks for or not.
 * A program that computes for long between its calls finds done what nodes held when it left; what was on
 * its way then waits for the next call. A node whose only rank is a worker hears nothing while that runs a
 * task: it holds one submitted task at a time.
 * Errors: RP_INVALID: `fn` is no function of the program and its libraries, or `in` is NULL, yet it
 * has bytes. RP_POOL_BROKEN: no worker is left. RP_NO_MEMORY. */
RP_API rp_status rp_submit(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, rp_future **future);

/* Queues one task as rp_submit does, with options, which may be NULL and are copied, as is the
 * input; so is the future the caller's, or the pool's. A task for a worker that dies goes to the
 * others.
 * Errors: those of rp_submit; RP_INVALID also where there is no such worker, or for a `timeout` where
 * the pool does not isolate its tasks. */
RP_API rp_status rp_submit_with(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size,
                                const rp_task_options *options, rp_future **future);

/* The next completed one of the futures left with the pool, each once, in completion order; it is
 * the caller's from then on, to be released. Waits up to `seconds`: 0 polls, RP_FOREVER waits. NULL:
 * none is left, or none was done in time. */
RP_API rp_future *rp_next(rp_pool *pool, double seconds);

/* Waits up to `seconds` for the task to be done: 0 polls, RP_FOREVER waits. RP_OK once it is,
 * however it ended.
 * Errors: RP_TIMEOUT: it is not done yet. RP_INVALID: no future. */
RP_API rp_status rp_wait(rp_future *future, double seconds);

/* Waits without a limit, then gives the task's own status and, if that is RP_OK, its result. The
 * view may be NULL; its bytes are the future's, aligned for any type, and live until rp_release.
 * Errors: the task's: RP_TASK_FAILED, RP_WORKER_LOST, RP_TASK_CRASHED, RP_TASK_TIMEOUT, RP_CANCELLED,
 * RP_NO_MEMORY, RP_MISMATCH (a worker cannot find the function), RP_POOL_BROKEN (no worker was left to run
 * it); rp_error has its sentence. RP_TIMEOUT: it waits at a queue for this thread. RP_INVALID: no future. */
RP_API rp_status rp_result(rp_future *future, rp_view *view);

/* The failure as a sentence with code, worker, host and attempt; "" if there is none. Lives
 * until rp_release. */
RP_API const char *rp_error(const rp_future *future);

/* How far the task has come, without waiting. A cancelled task is done, and its result is
 * RP_CANCELLED. */
RP_API rp_state rp_state_of(const rp_future *future);

/* Cancels a task that has not started: it is done then, and rp_result gives RP_CANCELLED. RP_OK
 * again if it was cancelled before. The future is still to be released.
 * Errors: RP_BUSY: it has started, or has ended. RP_INVALID: no future. */
RP_API rp_status rp_cancel(rp_future *future);

/* The task's place in the order of rp_submit in its pool, from 0. */
RP_API size_t rp_index(const rp_future *future);

/* Where, how often and how long the task ran, in the caller's `info`; its text lives until
 * rp_release.
 * Errors: RP_BUSY: it is not done yet. RP_INVALID: no future, or no `info`. */
RP_API rp_status rp_info(const rp_future *future, rp_task_info *info);

/* Frees the future and its result, and sets *future to NULL; NULL-safe. The result of a task
 * that is not done is dropped, the task still runs. */
RP_API void rp_release(rp_future **future);

/* The pointer that was given in rp_task_options.user, the caller's own; NULL if there was none. */
RP_API void *rp_user(const rp_future *future);

/* What rp_wait_many waits for. */
typedef enum rp_wait_for {
    RP_FIRST_COMPLETED, /* one is done */
    RP_FIRST_FAILED,    /* one has failed, or all are done */
    RP_ALL,             /* all are done */
} rp_wait_for;

/* Waits up to `seconds` until one of `n` futures of one pool is done, one has failed (or all are
 * done), or all are done. Done ones are moved to the front of the array in completion order, *done
 * (NULL-safe) of them; the rest keep theirs, on RP_TIMEOUT too. Array and futures stay the caller's.
 * Errors: RP_TIMEOUT. RP_INVALID: one is no future, or of another pool. RP_NO_MEMORY. */
RP_API rp_status rp_wait_many(rp_future **futures, size_t n, rp_wait_for what, double seconds, size_t *done);

/* Goes through `n` futures of the pool, which stay the caller's, as they complete: done ones first,
 * doubles once. The array is copied; the futures must not be released before they were given, or
 * the iterator freed. NULL: invalid arguments or no memory, see rp_last_error. */
RP_API rp_iter *rp_as_completed(rp_pool *pool, rp_future *const *futures, size_t n);

/* The next completed future of the iterator, still the caller's; waits up to `seconds`: 0 polls,
 * RP_FOREVER waits. NULL: all were given, or none was done in time, which rp_iter_status tells
 * apart. */
RP_API rp_future *rp_iter_next(rp_iter *iter, double seconds);

/* Why the last rp_iter_next gave what it gave: RP_OK where that was a future, or NULL since all were
 * given.
 * Errors: RP_TIMEOUT: none was done in time. RP_INVALID: no iterator, or a wrong call. RP_CLOSED:
 * the pool was closed. */
RP_API rp_status rp_iter_status(const rp_iter *iter);

/* Frees the iterator, not the futures, and sets *iter to NULL; NULL-safe. */
RP_API void rp_iter_free(rp_iter **iter);

/* Has `callback` called with the future and `arg` once it is done, in the order of adding, in this
 * thread inside of a waiting call on the pool; at once if it is done. It may use the pool. A
 * future that was released lives until its callbacks have been made; `arg` stays the caller's.
 * Errors: RP_INVALID: no future, or no callback. RP_NO_MEMORY. */
RP_API rp_status rp_on_done(rp_future *future, rp_callback *callback, void *arg);

/* ---- Workers -----------------------------------------------------------------------------
 *
 * Called: in the manager, by the thread that the pool belongs to. Not collective. */

/* How many ranks serve: all but the manager, or 1 when alone; leaders of other nodes and dead ones
 * count. 0 without a pool. Any rank may ask, tasks too; not collective. */
RP_API int rp_workers(const rp_pool *pool);

/* What is known of a worker, 1..rp_workers(), or of the manager, 0, in the caller's `info`; its
 * texts are valid as long as the pool.
 * Errors: RP_INVALID: no such worker, no `info`, no pool, or in a rank that serves it. */
RP_API rp_status rp_worker(const rp_pool *pool, int worker, rp_worker_info *info);

/* ---- Memory that tasks share -------------------------------------------------------------
 *
 * Called: in the manager, by the thread that the pool belongs to; in a worker, from inside a task or
 * without a pool it does nothing, and is RP_INVALID. Not collective. */

/* Copies `size` bytes, once a node, to where every task can read them with rp_shared. The number is
 * a plain value, to be put into inputs, and not used again in this pool. `data` stays the caller's.
 * Errors: RP_INVALID: `data` is NULL, yet it has bytes, or `id` is. RP_NO_MEMORY. */
RP_API rp_status rp_share(rp_pool *pool, const void *data, size_t size, rp_share_id *id);

/* Gives a share up: tasks that start from now on do not find it, its memory is freed when those
 * under way have ended. rp_close gives up all.
 * Errors: RP_INVALID: there is none of that number. */
RP_API rp_status rp_unshare(rp_pool *pool, rp_share_id id);

/* `size` bytes, aligned for any type, contents undefined, that the workers of the manager's node read
 * and write in place: maps from and into such arrays copy nothing there (a failing item may then have
 * written to its slot); isolated tasks read them in place, and their results are copied. Tasks on other
 * nodes get their items, and answer, in messages. With cost hints, and over nodes where results are
 * written over inputs, items are copied all the same. The caller's until rp_free or rp_close. NULL: no
 * memory. */
RP_API void *rp_alloc(rp_pool *pool, size_t size);

/* Frees what rp_alloc gave; NULL-safe. Tasks under way may still use it. Memory that is not
 * rp_alloc's is left alone, with a sentence in rp_last_error. */
RP_API void rp_free(rp_pool *pool, void *memory);

/* ---- Queues ------------------------------------------------------------------------------
 *
 * A queue passes items, bytes of any size, 0 too, from who puts to who gets: the manager and tasks,
 * any number of each. The first item in is the first out, and each is got once. Tasks use a queue by
 * its number, a plain value to be put into their inputs; on a node items pass through shared memory,
 * without the manager, which may compute meanwhile.
 *
 * `seconds` is how long to wait while the queue is empty (or full): 0 looks once, RP_FOREVER waits.
 * A task that waits runs: its worker does nothing else, not even the other items of its claim. So
 * let tasks that wait for each other be submitted ones, or a map's with `chunk` 1, and let there be
 * a worker for each of them.
 *
 * Nobody waits for what cannot come. The manager gets RP_TIMEOUT at once, and a sentence, where no
 * task is queued or running that could change the queue. Where all tasks that run wait at queues, so
 * that only the manager could help, its waiting calls without limit end as if by time (RP_TIMEOUT,
 * NULL); maps, streams and rp_close, which have to end their tasks first, close the queues.
 *
 * Alone, `capacity` does not bind: rp_get runs queued tasks until there is an item, and a task that
 * would have to wait gets RP_TIMEOUT at once, since nobody else can run. While a queue is open, a
 * manager that works along in maps leaves their items to the workers.
 *
 * Tasks on other nodes than the manager's reach a queue through the manager: what they put and get there
 * is done in its calls, in the order in which it reaches it, and copied on the way.
 *
 * Deaths. Items whose producer died stay. An item that a task had got when its worker died is gone,
 * and a task that is run again puts again what it had put. Where another node is lost, items that its tasks
 * had not got yet are first in their queues again; one that had just been handed over may be got twice.
 *
 * Called: in the manager, by the thread that the pool belongs to; in a worker, from inside a task, or
 * for what is no queue it does nothing, and is RP_INVALID. Not collective. */

/* Opens a queue of at most `capacity` items, 0: of as many as there is memory for. It is the
 * caller's until rp_queue_close, also if the pool is closed before.
 * Errors: RP_INVALID, RP_CLOSED (the pool), RP_NO_MEMORY, RP_UNSUPPORTED (256 are open in the pool). */
RP_API rp_status rp_queue_open(rp_pool *pool, size_t capacity, rp_queue **queue);

/* Copies `size` bytes to the end of the queue. Waits up to `seconds` while it is full: 0 looks once,
 * RP_FOREVER waits. Like every waiting call it takes in results and makes callbacks meanwhile.
 * Errors: RP_TIMEOUT (it is full), RP_CLOSED, RP_INVALID, RP_NO_MEMORY. */
RP_API rp_status rp_put(rp_queue *queue, const void *data, size_t size, double seconds);

/* Takes the first item out. Waits up to `seconds` while there is none, as rp_put does. The view is
 * aligned for any type and lives until the next rp_get from this queue, or rp_queue_close; with
 * `view` NULL the item is dropped.
 * Errors: RP_TIMEOUT (it is empty), RP_CLOSED, RP_INVALID, RP_NO_MEMORY (the item stays). */
RP_API rp_status rp_get(rp_queue *queue, rp_view *view, double seconds);

/* Closes the queue, frees it and its view, and sets *queue to NULL; NULL-safe. Items that are left
 * are gone; tasks that wait at it, and those that use its number later, get RP_CLOSED. rp_close
 * closes all queues of a pool, after its tasks have ended.
 * Errors: RP_INVALID: a wrong call, or no queue. */
RP_API rp_status rp_queue_close(rp_queue **queue);

/* The number by which tasks use the queue, never 0 and never used again; 0: that is no queue. */
RP_API rp_queue_id rp_queue_id_of(const rp_queue *queue);

/* Copies `size` bytes to the end of the queue of that number, from inside a task. Waits up to
 * `seconds` while it is full: 0 looks once, RP_FOREVER waits. Called by a task with its own `call`;
 * not collective.
 * Errors: RP_TIMEOUT (it is full), RP_CLOSED, RP_NO_MEMORY. RP_INVALID: no queue of this pool ever
 * had that number, or `data` is NULL yet has bytes. */
RP_API rp_status rp_call_put(rp_call *call, rp_queue_id queue, const void *data, size_t size, double seconds);

/* Takes the first item out of the queue of that number, from inside a task. Waits up to `seconds`
 * while there is none, as rp_call_put does. The view is read-only, aligned for any type, and lives
 * until the next rp_call_get of the task, or its end; with `view` NULL the item is dropped. Called by
 * a task with its own `call`; not collective.
 * Errors: RP_TIMEOUT (it is empty), RP_CLOSED, RP_NO_MEMORY (the item stays). RP_INVALID: no queue of
 * this pool ever had that number. */
RP_API rp_status rp_call_get(rp_call *call, rp_queue_id queue, rp_view *view, double seconds);

#ifdef __cplusplus
}
#endif

#endif
