#include "run/submit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/submit_state.h"

#define BLOCK_SIZE    ((size_t)64 << 10)
#define BLOCK_TASKS   (BLOCK_SIZE / sizeof(struct task_record))
#define COLLECT_EVERY 256                /* submitted tasks */
#define APART_SIZE    ((size_t)16 << 10) /* longer inputs do not go into the block */

struct task_record *submit_record(const struct manager *manager, const struct task *task)
{
    uint64_t offset = manager->board.post[task->post].in;
    return (struct task_record *)board_at(&manager->board, offset) + task->item;
}

/* A block holds records from its start up, and inputs from its end down. */
static bool has_room(const struct manager *manager, size_t in_size)
{
    if (manager->open_post < 0)
        return false;
    const struct posting *posting = &manager->postings[manager->open_post];
    uint64_t records = posting->block->offset + (posting->lease.items + 1) * sizeof(struct task_record);
    size_t inside = in_size > NOTE_INLINE && in_size <= APART_SIZE ? in_size + ARENA_ALIGN : 0;
    return posting->lease.items < BLOCK_TASKS && records + inside <= manager->open_end;
}

void submit_close_block(struct manager *manager)
{
    int post = manager->open_post;
    if (post < 0)
        return;
    manager->open_post = -1;
    post_close(&manager->board, post);
    if (manager->postings[post].lease.open == 0)
        posting_retire(manager, post);
}

static bool open_post(struct manager *manager)
{
    submit_close_block(manager);
    struct task **tasks = malloc(BLOCK_TASKS * sizeof *tasks);
    int post =
        tasks ? posting_take(manager, &submit_posting_ops, manager, 0, BLOCK_TASKS, BLOCK_SIZE, NULL) : -1;
    if (post < 0) {
        free(tasks);
        return false;
    }
    struct posting *posting = &manager->postings[post];
    posting->tasks = tasks;
    struct post *p = &manager->board.post[post];
    p->in = posting->block->offset;
    atomic_store_explicit(&p->map, 0, memory_order_relaxed);
    atomic_store_explicit(&p->owner, 0, memory_order_relaxed);
    manager->open_post = post;
    manager->open_end = posting->block->offset + posting->block->size;
    post_publish(&manager->board, post, 0, true);
    return true;
}

/* Copies an input longer than a record to where the workers see it: into the block, or apart. */
static bool place_input(struct manager *manager, struct task *task, const void *in, uint64_t *offset)
{
    if (task->in_size > APART_SIZE) {
        *offset = task->apart = arena_take(&manager->arena, task->in_size);
        if (task->apart == ARENA_NONE) {
            task->apart = 0;
            return false;
        }
    } else {
        manager->open_end = (manager->open_end - task->in_size) / ARENA_ALIGN * ARENA_ALIGN;
        *offset = manager->open_end;
    }
    memcpy(board_at(&manager->board, *offset), in, task->in_size);
    return true;
}

/* Puts a task on the board; false: there is no room at present. */
static bool post_task(struct manager *manager, struct task *task, const void *in,
                      struct board_function function)
{
    if (!has_room(manager, task->in_size) && !open_post(manager))
        return false;
    uint64_t offset = 0;
    if (task->in_size > NOTE_INLINE && !place_input(manager, task, in, &offset))
        return false;
    struct posting *posting = &manager->postings[manager->open_post];
    task->post = (uint32_t)manager->open_post;
    task->item = posting->lease.items;
    struct task_record *record = submit_record(manager, task);
    record->in_size = task->in_size;
    record->index = task->index;
    record->function = function;
    record->attempt = (uint32_t)task->attempts + 1;
    if (task->in_size > NOTE_INLINE)
        record->input.offset = offset;
    else if (task->in_size)
        memcpy(record->input.bytes, in, task->in_size);
    atomic_store_explicit(&record->state, RECORD_PENDING, memory_order_relaxed);
    posting->tasks[task->item] = task;
    lease_grow(&posting->lease, task->item + 1);
    post_extend(&manager->board, manager->open_post, task->item + 1);
    roster_ring(manager->setup.roster);
    return true;
}

static void enlist_posted(struct manager *manager, struct task *task)
{
    task->stage = TASK_POSTED;
    task_append(&manager->posted, task);
}

void submit_feed(struct manager *manager)
{
    struct task *task;
    struct board_function function;
    while (!manager_is_alone(manager) && (task = manager->queued.first)) {
        if (manager_name(manager, task->fn, &function, NULL) || !post_task(manager, task, task->in, function))
            return;
        task_remove(&manager->queued, task);
        task_drop_input(task);
        enlist_posted(manager, task);
    }
}

rp_status submit_task(struct manager *manager, struct task *task, const void *in, size_t in_size,
                      struct error *error)
{
    struct board_function function;
    rp_status status = manager_check(manager, error);
    if (!status)
        status = manager_name(manager, task->fn, &function, error);
    if (status)
        return status;
    task->in_size = in_size;
    task->submitted = clock_ns();
    task->index = manager->submitted;
    task->stage = TASK_QUEUED;
    if (!manager_is_alone(manager) && !manager->queued.first && post_task(manager, task, in, function)) {
        enlist_posted(manager, task);
    } else {
        task->in = malloc(in_size ? in_size : 1);
        if (!task->in)
            return error_set(error, RP_NO_MEMORY, "no memory for an input of %zu bytes", in_size);
        if (in_size)
            memcpy(task->in, in, in_size);
        task_append(&manager->queued, task);
    }
    if (++manager->submitted % COLLECT_EVERY == 0)
        collect_notes(manager); /* before the workers' outboxes are full */
    manager->for_next += task->with_pool;
    return RP_OK;
}
