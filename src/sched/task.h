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
    bool kept;           /* its future is still held by somebody */
    bool with_pool;      /* for rp_next */
    int worker, attempts, code;
    double queued, ran; /* seconds */
    uint64_t submitted; /* clock_ns */
    void *result;       /* `size` bytes: `small`, or memory of its own */
    size_t size;
    char *sentence; /* of a failure, or NULL */
    _Alignas(16) unsigned char small[TASK_INLINE];
};

/* A list of tasks, first in first out, from which any may be taken. */
struct task_list {
    struct task *first, *last;
    size_t count;
};

void task_append(struct task_list *list, struct task *task);
void task_remove(struct task_list *list, struct task *task);

/* Copies a result into the task. RP_NO_MEMORY leaves it without one. */
rp_status task_keep_result(struct task *task, const void *data, size_t size);

void task_drop_input(struct task *task);

/* Frees what the task holds; the task itself is its owner's. */
void task_clear(struct task *task);

#endif
