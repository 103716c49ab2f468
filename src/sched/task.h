/* Submitted tasks: what is known of each, and the lists that they stand in. Pure bookkeeping. */
#ifndef RANKPOOL_SCHED_TASK_H
#define RANKPOOL_SCHED_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rankpool/rankpool.h>

#define TASK_INLINE 32 /* bytes of a result that need no memory of their own */

enum task_stage {
    TASK_QUEUED, /* with the manager: may be cancelled */
    TASK_POSTED, /* on the board: its record there knows whether it runs */
    TASK_DONE,
};

struct task_watch;

struct task {
    struct task *before, *behind; /* in the list of its stage */
    enum task_stage stage;
    rp_status status; /* once done */
    size_t index;
    rp_fn *fn;
    void *in; /* own copy while queued */
    size_t in_size;
    uint32_t post, item; /* where it was posted */
    uint64_t apart;      /* offset of an input too long for its post's block; 0: none */
    uint64_t held;       /* offset of a result that stays on the board; 0: it is in `result`'s own memory */
    bool kept;           /* its future is still held by somebody */
    bool with_pool;      /* for rp_next */
    unsigned calls;      /* of its callbacks that have not been made: they keep it */
    int priority;        /* higher first */
    int owner;           /* the worker that it is for; 0: any */
    int retries;         /* further tries: 0 what is usual, below 0 none */
    uint64_t due;        /* queued: not to be run before, as clock_ns */
    uint64_t limit_ns;   /* that it may take; 0: no limit */
    uint64_t ended;      /* the how manieth to be done, from 1 */
    struct task_watch *watches;
    char *label;        /* or NULL */
    uint64_t digest[2]; /* what the journal knows it by */
    int worker, attempts, code;
    double queued, ran; /* seconds */
    uint64_t submitted; /* clock_ns */
    void *result;       /* `size` bytes: `small`, on the board, or memory of its own */
    size_t size;
    char *sentence; /* of a failure, or NULL */
    _Alignas(16) unsigned char small[TASK_INLINE];
};

/* Who wants to know that a task is done: told once, in the order of watching, when it is. */
struct task_watch {
    struct task_watch *behind;
    void (*tell)(struct task_watch *watch, struct task *task);
};

/* A list of tasks, first in first out, from which any may be taken. */
struct task_list {
    struct task *first, *last;
    size_t count;
};

void task_append(struct task_list *list, struct task *task);

/* Behind those of the same or a higher priority. */
void task_insert(struct task_list *list, struct task *task);
void task_remove(struct task_list *list, struct task *task);

void task_watch(struct task *task, struct task_watch *watch);
void task_unwatch(struct task *task, struct task_watch *watch);

/* Tells those who watch, and forgets them. */
void task_tell(struct task *task);

/* Copies a result into the task. RP_NO_MEMORY leaves it without one. */
rp_status task_keep_result(struct task *task, const void *data, size_t size);

void task_drop_input(struct task *task);

/* Frees what the task holds; the task itself is its owner's. */
void task_clear(struct task *task);

#endif
