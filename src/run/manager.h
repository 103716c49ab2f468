/* The manager of a pool: posts work on the board, collects completions, and computes itself where
 * it should. map.c and submit.c build maps and tasks on it, recover.c what deaths require.
 *
 * Every waiting call is the same loop: collect what has finished, feed what waits for room, run
 * some of it where this process computes, else sleep until enough has finished:
 *
 *     manager_collect(); manager_feed(); manager_wait();
 *
 * Alone (no board) all work is done here, in the waiting calls. */
#ifndef RANKPOOL_RUN_MANAGER_H
#define RANKPOOL_RUN_MANAGER_H

#include "board/arena.h"
#include "board/post.h"
#include "config/schedule.h"
#include "func/func.h"
#include "run/perform.h"
#include "sched/lease.h"
#include "sched/task.h"

struct map;
struct share;
struct recorder;
struct watch;

/* A range of the arena that posts share. */
struct block {
    uint64_t offset;
    size_t size;
    int users;
};

/* What the manager knows of a post. */
struct posting {
    struct lease lease;
    struct block *block;
    struct map *map;     /* of a map */
    struct share *share; /* of the map that its items are from */
    uint64_t first;      /* position of item 0 in the map */
    struct task **tasks; /* of submitted tasks: one an item, NULL once it is done */
    bool live;
};

struct manager_setup {
    struct roster *roster; /* NULL: alone */
    struct crew *crew;     /* held */
    enum memory_kind memory;
    uint64_t pool;
    bool computes; /* it runs items of maps while it waits for them */
    enum schedule schedule;
    size_t chunk;
    uint64_t seed;
    rp_fn *initializer, *finalizer;
    const void *initarg;
    size_t initarg_size;
    struct recorder *recorder;
    void (*dispose)(struct task *task); /* frees a task that nobody holds any more */
};

struct manager {
    struct manager_setup setup;
    struct crew *crew;
    struct board board; /* shared is NULL alone */
    struct posts posts;
    struct arena arena;
    struct posting *postings; /* BOARD_POSTS */
    struct performer performer;
    struct func_cache functions;
    uint64_t program; /* module id of the program itself */
    struct watch *watch;
    bool entered; /* its own initializer has run */

    uint64_t maps; /* numbers given out */
    size_t submitted;
    int open_post; /* submitted tasks are added to it; -1: none */
    uint64_t open_end;
    struct task_list queued, posted, finished; /* the last one: done, waiting for rp_next */
    size_t for_next;                           /* tasks left with the pool that rp_next has not given */
    size_t failed;
    bool suspect;       /* somebody died, and not all that it held is accounted for */
    bool showing;       /* progress of submitted tasks */
    size_t shown_from;  /* tasks submitted before those that are shown */
    size_t failed_from; /* the same of tasks that failed */
};

rp_status manager_open(struct manager *manager, const struct manager_setup *setup, struct error *error);

/* Ends the workers' part in the pool (their finalizers have run on return) and frees everything.
 * All work must have been finished. */
void manager_close(struct manager *manager);

static inline bool manager_is_alone(const struct manager *manager)
{
    return !manager->board.shared;
}

/* Why no more work can be done: RP_OK, or RP_POOL_BROKEN with a sentence. */
rp_status manager_check(struct manager *manager, struct error *error);

/* Runs the initializer in this process, once, before its first task. */
rp_status manager_enter(struct manager *manager, struct error *error);

/* Names a function for the workers. */
rp_status manager_name(struct manager *manager, rp_fn *fn, struct board_function *function,
                       struct error *error);

/* Takes in all notes; true if there were any. */
bool manager_collect(struct manager *manager);

/* The same from every outbox, also of those who died before they could say that they wrote. */
void manager_collect_all(struct manager *manager);

/* Sleeps until `items` more have finished, something urgent happened or the deadline passed, but
 * wakes now and then to watch the workers and to show progress. */
void manager_wait(struct manager *manager, uint64_t items, uint64_t deadline);

/* Items that a worker, or the manager itself, has run in this pool. */
size_t manager_count_done(const struct manager *manager, int worker);

/* The posting of a new post of `items` items that may grow to `room`, on a block of `size` bytes
 * or, with `shared`, on that one. -1: no descriptor or memory is left at present. */
int manager_take_post(struct manager *manager, uint32_t items, uint32_t room, size_t size,
                      struct block *shared);

/* All items of a post are done: its memory may be used again. */
void manager_retire(struct manager *manager, int post);

/* Nothing more will be added to the open post of submitted tasks. */
void manager_close_open_post(struct manager *manager);

/* The sentence that a user reads of a failed item or task. */
void manager_describe(struct manager *manager, char *text, size_t room, const char *what, size_t index,
                      const struct note *note, int worker, int attempt, const char *sentence);

/* The result or sentence that a worker's note carries: note->size bytes, valid until the note has
 * been taken in. */
const void *manager_payload(struct manager *manager, const struct note *note);

#endif
