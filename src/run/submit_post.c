#include "run/submit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/road.h"
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

/* ---- Blocks ------------------------------------------------------------------------------ */

/* A block holds records from its start up, and inputs from its end down. */
static bool has_room(const struct manager *manager, const struct open_block *open, size_t in_size)
{
    const struct posting *posting = &manager->postings[open->post];
    uint64_t records = posting->block->offset + (posting->lease.items + 1) * sizeof(struct task_record);
    size_t inside = in_size > NOTE_INLINE && in_size <= APART_SIZE ? in_size + ARENA_ALIGN : 0;
    return posting->lease.items < BLOCK_TASKS && records + inside <= open->end;
}

static struct open_block *find_open(struct manager *manager, int owner, const struct task *task)
{
    for (int i = 0; i < manager->open_count; i++)
        if (manager->open[i].owner == owner && manager->open[i].priority == task->priority &&
            manager->open[i].limit_ns == task->limit_ns)
            return &manager->open[i];
    return NULL;
}

static void close_block(struct manager *manager, struct open_block *open)
{
    int post = open->post;
    *open = manager->open[--manager->open_count];
    post_close(&manager->board, post);
    if (manager->postings[post].lease.open == 0)
        posting_retire(manager, post);
}

/* Only the ordinary one stays open without tasks: claimers look at every open post, each time. */
void submit_leave_post(struct manager *manager, int post)
{
    struct open_block *open = manager->open, *end = manager->open + manager->open_count;
    if (manager->postings[post].lease.open)
        return;
    while (open < end && open->post != post)
        open++;
    if (open == end)
        posting_retire(manager, post);
    else if (open->owner || open->priority || open->limit_ns)
        close_block(manager, open);
}

void submit_close_blocks(struct manager *manager)
{
    while (manager->open_count)
        close_block(manager, &manager->open[0]);
}

static struct open_block *open_block(struct manager *manager, int owner, const struct task *task)
{
    if (manager->open_count == SUBMIT_OPEN)
        close_block(manager, &manager->open[0]);
    struct task **tasks = malloc(BLOCK_TASKS * sizeof *tasks);
    int post =
        tasks ? posting_take(manager, &submit_posting_ops, manager, 0, BLOCK_TASKS, BLOCK_SIZE, NULL) : -1;
    if (post < 0) {
        free(tasks);
        return NULL;
    }
    struct posting *posting = &manager->postings[post];
    posting->tasks = tasks;
    struct post *p = &manager->board.post[post];
    p->in = posting->block->offset;
    atomic_store_explicit(&p->map, 0, memory_order_relaxed);
    posting_own(manager, post, owner);
    atomic_store_explicit(&p->priority, task->priority, memory_order_relaxed);
    p->limit_ns = task->limit_ns;
    struct open_block *open = &manager->open[manager->open_count++];
    *open = (struct open_block){owner, task->priority, task->limit_ns, post,
                                posting->block->offset + posting->block->size};
    post_publish(&manager->board, post, 0, true);
    return open;
}

static struct open_block *block_for(struct manager *manager, const struct task *task)
{
    int owner = manager_has(manager, task->owner) ? task->owner : 0;
    struct open_block *open = find_open(manager, owner, task);
    if (open && !has_room(manager, open, task->in_size)) {
        close_block(manager, open);
        open = NULL;
    }
    return open ? open : open_block(manager, owner, task);
}

/* ---- Posting ----------------------------------------------------------------------------- */

/* Copies an input longer than a record to where the workers see it: into the block, or apart. */
static bool place_input(struct manager *manager, struct open_block *open, struct task *task, const void *in,
                        uint64_t *offset)
{
    if (task->in_size > APART_SIZE) {
        *offset = task->apart = arena_take(&manager->arena, task->in_size);
        if (task->apart == ARENA_NONE) {
            task->apart = 0;
            return false;
        }
    } else {
        open->end = (open->end - task->in_size) / ARENA_ALIGN * ARENA_ALIGN;
        *offset = open->end;
    }
    memcpy(board_at(&manager->board, *offset), in, task->in_size);
    return true;
}

/* Puts a task on the board; false: there is no room at present. */
static bool post_task(struct manager *manager, struct task *task, const void *in,
                      struct board_function function)
{
    struct open_block *open = block_for(manager, task);
    uint64_t offset = 0;
    if (!open || (task->in_size > NOTE_INLINE && !place_input(manager, open, task, in, &offset)))
        return false;
    struct posting *posting = &manager->postings[open->post];
    task->post = (uint32_t)open->post;
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
    post_extend(&manager->board, open->post, task->item + 1);
    manager_ring(manager, open->owner);
    return true;
}

static void enlist_posted(struct manager *manager, struct task *task)
{
    task->stage = TASK_POSTED;
    task_append(&manager->posted, task);
}

/* Where nothing is under way whose end would make room, there will never be any. */
static bool can_wait(const struct manager *manager)
{
    for (int i = 0; i < BOARD_POSTS; i++)
        if (manager->postings[i].ops && manager->postings[i].lease.open)
            return true;
    return false;
}

void submit_feed(struct manager *manager)
{
    struct task *task;
    struct board_function function;
    while (!manager_is_alone(manager) && (task = manager->queued.first)) {
        struct error error;
        rp_status status = manager_name(manager, task->fn, &function, &error);
        bool posted = !status && post_task(manager, task, task->in, function);
        if (!posted && !status && can_wait(manager))
            return;
        task_remove(&manager->queued, task);
        if (posted) {
            task_drop_input(task);
            enlist_posted(manager, task);
        } else {
            submit_settle(manager, task, status ? status : RP_NO_MEMORY,
                          status ? error.text : "no shared memory for its input");
        }
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
    if (submit_find_stored(manager, task, in, in_size, function)) {
        /* it is among those that have finished */
    } else if (!manager_is_alone(manager) && !manager->queued.first &&
               post_task(manager, task, in, function)) {
        enlist_posted(manager, task);
    } else {
        task->in = malloc(in_size ? in_size : 1);
        if (!task->in)
            return error_set(error, RP_NO_MEMORY, "no memory for an input of %zu bytes", in_size);
        if (in_size)
            memcpy(task->in, in, in_size);
        task_insert(&manager->queued, task);
    }
    if (manager->agents) {
        road_feed(manager);
        submit_feed(manager); /* what a node has given back, and what came behind that */
    }
    if (++manager->submitted % COLLECT_EVERY == 0)
        collect_notes(manager); /* before the workers' outboxes are full */
    manager->for_next += task->with_pool;
    return RP_OK;
}
