/* The manager of a pool: posts work on the board, collects completions, and computes itself where
 * it should. Here is what it is; maps (map.h) and submitted tasks (submit.h) are its work.
 *
 * Every waiting call is the same loop: collect what has finished, feed what waits for room, run
 * some of it where this process computes, else sleep until enough has finished. posting.h knows
 * whose a post is, collect.h takes completions in, wait.h sleeps, recover.h does what deaths
 * require.
 *
 * Alone (no board) all work is done here, in the waiting calls. */
#ifndef RANKPOOL_RUN_MANAGER_H
#define RANKPOOL_RUN_MANAGER_H

#include "board/parcel.h"
#include "config/schedule.h"
#include "func/func.h"
#include "run/perform.h"
#include "run/posting.h"
#include "run/retry.h"

struct above_ops;
struct agents;
struct holding;
struct map;
struct journal;
struct journal_part;
struct queueing;
struct recorder;
struct road;
struct watch;

/* A post that grows: the submitted tasks of one owner, priority and limit. */
struct open_block {
    int owner, priority;
    uint64_t limit_ns;
    int post;
    uint64_t end; /* of the room for inputs in its block */
};

#define SUBMIT_OPEN 8

struct manager_setup {
    struct roster *roster; /* NULL: alone */
    struct crew *crew;     /* held */
    struct road *road;     /* to the other nodes; NULL: there are none */
    enum memory_kind memory;
    uint64_t pool;
    bool computes;  /* it runs items of maps while it waits for them */
    bool stands_in; /* the same as long as no other node serves: else it has the road to see to */
    enum schedule schedule;
    size_t chunk;
    uint64_t seed;
    bool isolate;  /* tasks run in children */
    bool outlying; /* of a node that is not the pool's manager's: its leader looks who has died, before it */
    bool drains; /* signals that would end the job are the manager's matter; with a journal they always are */
    size_t task_memory;
    rp_fn *initializer, *finalizer;
    struct board_function named[2];     /* the same by name, where another node's manager has given it */
    const struct board_module *modules; /* that the workers are told of from the start: those of the names */
    uint32_t module_count;
    const void *initarg; /* NULL with a size: it is still to come, see manager_post */
    size_t initarg_size;
    struct recorder *recorder;
    struct journal *journal;                     /* or NULL: what follows is of no use then */
    uint64_t deadline;                           /* clock_ns */
    void (*leave)(void *owner, const char *why); /* stores everything and ends the process */
    void (*dispose)(struct task *task);          /* frees a task that nobody holds any more */
    void (*call_back)(void *owner); /* makes the callbacks that are due, in waiting calls; or NULL */
    void *owner;
    const struct above_ops *above; /* where it is led itself: see above.h; else NULL */
    void *led_by;
};

struct manager {
    struct manager_setup setup;
    struct crew *crew;
    struct board board; /* shared is NULL alone */
    struct posts posts;
    struct arena arena;
    struct posting *postings; /* BOARD_POSTS */
    uint64_t postings_made;   /* so far */
    struct parcels parcels;   /* in the arena: what it has put into queues */
    struct queueing *queues;  /* that are open */
    uint64_t queues_made;     /* alone: so far */
    uint64_t shares_made;     /* so far */
    void *queue_view;         /* alone: the item that a task got last */
    struct retries retries;   /* items that wait for another try */
    struct map *reductions;   /* under way */
    struct holding *holdings; /* memory that the user holds */
    int given_up;             /* of these, those that wait to be freed */
    size_t given_up_bytes;
    struct performer performer;
    struct box *box; /* alone: where its tasks run, if they are isolated */
    struct func_cache functions;
    uint64_t program;      /* module id of the program itself */
    struct agents *agents; /* on the road; NULL: there is none */
    size_t cancelled_away; /* tasks that were, at other nodes */
    int pinned;            /* posts that are for workers of other nodes */
    struct watch *watch;   /* the crew's */
    uint64_t looked;       /* through it: clock_ns */
    int deaths;            /* that this pool has seen to */
    uint32_t stood;        /* of the board, when it was last looked at */
    uint64_t last_wait_ns; /* how long it slept for the last completion */
    bool entered;          /* its own initializer has run */
    struct error refusal;  /* why that failed; status RP_OK: it did not */

    uint64_t maps; /* numbers given out */
    size_t submitted;
    struct open_block open[SUBMIT_OPEN]; /* that submitted tasks are added to */
    int open_count;
    struct task_list queued, posted, finished; /* the last one: done, waiting for rp_next */
    struct journal_part *tasks_part; /* of the journal; NULL: no task was submitted, or there is none */
    size_t for_next;                 /* tasks left with the pool that rp_next has not given */
    size_t failed;
    size_t held, held_bytes;     /* results that stay on the board until they are released */
    uint64_t settled;            /* tasks done so far */
    struct post_offer unclaimed; /* what lay there first at the last look at the workers ... */
    uint64_t unclaimed_since;    /* ... and when it was seen there first: clock_ns */
    uint64_t still, still_since; /* standstill.h, and since when it is so; 0: it is not one */
    bool draining;               /* nothing starts any more */
    bool stays;                  /* a net may still read or write the board, for ever */
    bool closed;                 /* there is nothing left but results that are held */
    uint32_t refusals;           /* on the roster, when it was last looked at */
    uint64_t *refused;           /* a bit each: workers that cannot serve the pool, or could not at first */
    bool unfinished;             /* tasks have failed for want of workers */
    bool lying;                  /* that has lain there for so long that nobody may come for it */
    bool lies_still;             /* the same, but for a standstill alone */
    bool suspecting;             /* what is posted now was at a node that was lost, see posting.h */
    bool suspect;                /* somebody died, and not all that it may have held is accounted for */
    bool showing;                /* progress of submitted tasks */
    size_t shown_from;           /* tasks submitted before those that are shown */
    size_t failed_from;          /* the same of tasks that failed */
};

rp_status manager_open(struct manager *manager, const struct manager_setup *setup, struct error *error);

/* Where an initarg goes that was still to come; and lets the workers have the pool, once it is there. */
void *manager_initarg(const struct manager *manager);
rp_status manager_post(struct manager *manager, struct error *error);

/* Ends the workers' part in the pool (their finalizers have run on return) and frees everything.
 * All work must have been finished. */
void manager_close(struct manager *manager);

/* The same in steps, for a process that has its own part in the pool to end meanwhile: whether all workers
 * are out is asked until it is so, with their notes taken in and deaths seen to; then comes manager_close. */
void manager_begin_close(struct manager *manager);
bool manager_is_left(const struct manager *manager);

/* Frees everything without a word to the workers, who are told to quit. */
void manager_abandon(struct manager *manager);

static inline bool manager_is_alone(const struct manager *manager)
{
    return !manager->board.shared;
}

/* Whether work may be left to a worker alone, or to anybody (0): it lives, and can serve the pool. Who
 * refused and came after all, does; who left and refused has closed its handle. */
static inline bool manager_has(const struct manager *manager, int worker)
{
    if (manager->crew->member[worker].dead)
        return false;
    if (!(manager->refused[worker / 64] >> (worker % 64) & 1))
        return true;
    if (worker >= manager->crew->here)
        return false;
    uint32_t state = atomic_load(&manager->board.slot[worker].state);
    return state != SLOT_EMPTY && state != SLOT_LEFT;
}

/* Work was published for a worker alone, or for anybody (0): a sleeper that it is not for is of no use.
 * Those of other nodes are called as the manager comes by. */
static inline void manager_ring(const struct manager *manager, int owner)
{
    if (owner && owner < manager->crew->here)
        roster_ring_member(manager->setup.roster, owner);
    else if (!owner)
        roster_ring(manager->setup.roster);
}

static inline void manager_call_back(struct manager *manager)
{
    if (manager->setup.call_back)
        manager->setup.call_back(manager->setup.owner);
}

/* Whether it runs items of maps itself. Not while queues are open: an item that waited at one would
 * keep the manager from its duties, on which those may depend that would end the wait. */
static inline bool manager_computes(const struct manager *manager)
{
    return manager_is_alone(manager) || (manager->setup.computes && !manager->queues);
}

/* Why a worker cannot serve the pool, if it has said so; or NULL. */
const char *manager_refusal(const struct manager *manager, int worker);

/* Why no more work can be done: RP_OK, or RP_POOL_BROKEN with a sentence. */
rp_status manager_check(struct manager *manager, struct error *error);

/* The same of what the manager can do itself, if it computes: it needs nobody else. */
rp_status manager_check_own(struct manager *manager, struct error *error);

/* Runs the initializer in this process, once, before its first task. */
rp_status manager_enter(struct manager *manager, struct error *error);

/* Names a function for the workers. */
rp_status manager_name(struct manager *manager, rp_fn *fn, struct board_function *function,
                       struct error *error);

/* Items that a worker, or the manager itself, has run in this pool. */
size_t manager_count_done(const struct manager *manager, int worker);

#endif
