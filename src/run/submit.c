#define _GNU_SOURCE
#include "run/submit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/show.h"

#define BLOCK_SIZE    ((size_t)64 << 10)
#define BLOCK_TASKS   (BLOCK_SIZE / sizeof(struct task_record))
#define COLLECT_EVERY 256                /* submitted tasks */
#define APART_SIZE    ((size_t)16 << 10) /* longer inputs do not go into the block */

/* ---- Posting ----------------------------------------------------------------------------- */

static struct task_record *record_of(const struct manager *manager, const struct task *task)
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

static bool open_post(struct manager *manager)
{
    manager_close_open_post(manager);
    struct task **tasks = malloc(BLOCK_TASKS * sizeof *tasks);
    int post = tasks ? manager_take_post(manager, 0, BLOCK_TASKS, BLOCK_SIZE, NULL) : -1;
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
    struct task_record *record = record_of(manager, task);
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
        manager_collect(manager); /* before the workers' outboxes are full */
    manager->for_next += task->with_pool;
    return RP_OK;
}

/* ---- Completion -------------------------------------------------------------------------- */

static void free_apart(struct manager *manager, struct task *task)
{
    if (task->apart)
        arena_give(&manager->arena, task->apart, task->in_size);
    task->apart = 0;
}

/* The task has left the list of its stage. */
static void settle(struct manager *manager, struct task *task, rp_status status)
{
    task->stage = TASK_DONE;
    task->status = status;
    manager->failed += status != RP_OK;
    task_drop_input(task);
    free_apart(manager, task);
    if (task->with_pool)
        task_append(&manager->finished, task);
    else if (!task->kept)
        manager->setup.dispose(task);
}

static void settle_with_sentence(struct manager *manager, struct task *task, rp_status status,
                                 const char *sentence)
{
    task->sentence = strdup(sentence);
    settle(manager, task, status);
}

static void take_result(struct manager *manager, struct task *task, const struct note *note, int worker,
                        const void *payload)
{
    task->worker = worker;
    task->attempts++;
    task->code = note->code;
    task->ran = note->ran;
    task->queued = (double)(note->ended - task->submitted) * 1e-9 - task->ran;
    if (task->queued < 0)
        task->queued = 0;
    rp_status status = (rp_status)note->status;
    if (status == RP_OK && (task->kept || task->with_pool) && task_keep_result(task, payload, note->size)) {
        settle_with_sentence(manager, task, RP_NO_MEMORY, "no memory for its result");
        return;
    }
    if (status == RP_OK) {
        settle(manager, task, status);
        return;
    }
    char said[SENTENCE_LENGTH], text[SENTENCE_LENGTH + 256];
    snprintf(said, sizeof said, "%.*s", (int)(note->size < sizeof said ? note->size : sizeof said - 1),
             note->size ? (const char *)payload : "");
    manager_describe(manager, text, sizeof text, "task", task->index, note, worker, task->attempts, said);
    settle_with_sentence(manager, task, status, text);
}

void submit_take_note(struct manager *manager, const struct note *note, int member)
{
    struct posting *posting = &manager->postings[note->post];
    if (note->from >= posting->lease.items || !lease_end(&posting->lease, note->from))
        return;
    struct task *task = posting->tasks[note->from];
    posting->tasks[note->from] = NULL;
    if (task) { /* else it was cancelled */
        task_remove(&manager->posted, task);
        take_result(manager, task, note, member, manager_payload(manager, note));
    }
    if (posting->lease.open == 0 && note->post != manager->open_post)
        manager_retire(manager, note->post);
}

void submit_repost(struct manager *manager, uint32_t post, uint32_t item)
{
    struct posting *posting = &manager->postings[post];
    struct task *task = posting->tasks[item];
    lease_end(&posting->lease, item);
    if (task) {
        const struct task_record *record = record_of(manager, task);
        const void *in = task->in_size <= NOTE_INLINE ? record->input.bytes
                                                      : board_at(&manager->board, record->input.offset);
        task->in = malloc(task->in_size ? task->in_size : 1);
        posting->tasks[item] = NULL;
        task_remove(&manager->posted, task);
        task->attempts += atomic_load(&record->state) == RECORD_RUNNING;
        if (task->in) {
            memcpy(task->in, in, task->in_size);
            free_apart(manager, task);
            task->stage = TASK_QUEUED;
            task_append(&manager->queued, task);
        } else {
            settle_with_sentence(manager, task, RP_NO_MEMORY,
                                 "no memory to run it again after its worker died");
        }
    }
    if (posting->lease.open == 0 && (int)post != manager->open_post)
        manager_retire(manager, (int)post);
}

/* ---- Alone ------------------------------------------------------------------------------- */

struct alone {
    struct manager *manager;
    struct task *task;
};

static void take_own_note(void *state, struct note *note, const void *payload)
{
    struct alone *alone = state;
    const void *kept = payload || note->size == 0 ? NULL : (const void *)(uintptr_t)note->result.offset;
    take_result(alone->manager, alone->task, note, alone->manager->performer.self, payload ? payload : kept);
    free((void *)(uintptr_t)kept);
}

static bool run_one(struct manager *manager)
{
    struct task *task = manager->queued.first;
    struct error error;
    if (!task)
        return false;
    rp_status status = manager_enter(manager, &error);
    task_remove(&manager->queued, task);
    if (status) {
        settle_with_sentence(manager, task, status, error.text);
        return true;
    }
    struct alone alone = {manager, task};
    struct note note = {0};
    task->stage = TASK_POSTED;
    performer_rest(&manager->performer);
    perform_task(&manager->performer, task->fn, task->in, task->in_size, task->index, 1, &note, take_own_note,
                 &alone);
    return true;
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* Takes a task that has not started out of reach of the workers. */
static bool withdraw(struct manager *manager, struct task *task)
{
    if (task->stage == TASK_QUEUED) {
        task_remove(&manager->queued, task);
        return true;
    }
    uint32_t pending = RECORD_PENDING;
    if (task->stage != TASK_POSTED || manager_is_alone(manager) ||
        !atomic_compare_exchange_strong(&record_of(manager, task)->state, &pending, RECORD_CANCELLED))
        return false;
    manager->postings[task->post].tasks[task->item] = NULL;
    task_remove(&manager->posted, task);
    return true;
}

/* Ends all tasks that have not started, with a sentence where they failed. Returns how many. */
static size_t withdraw_all(struct manager *manager, rp_status status, const char *sentence)
{
    size_t withdrawn = 0;
    struct task *firsts[] = {manager->posted.first, manager->queued.first};
    for (int i = 0; i < 2; i++)
        for (struct task *task = firsts[i], *behind; task; task = behind) {
            behind = task->behind;
            if (!withdraw(manager, task))
                continue;
            if (sentence)
                settle_with_sentence(manager, task, status, sentence);
            else
                settle(manager, task, status);
            withdrawn++;
        }
    return withdrawn;
}

/* One round of what every waiting call does; false: nothing happened. */
static bool advance(struct manager *manager)
{
    show_tasks(manager);
    if (manager_is_alone(manager))
        return run_one(manager);
    bool any = manager_collect(manager);
    submit_feed(manager);
    struct error error;
    if (manager_check(manager, &error))
        withdraw_all(manager, RP_POOL_BROKEN, error.text);
    return any;
}

void submit_look(struct manager *manager)
{
    if (!manager_is_alone(manager))
        advance(manager);
}

static struct task *give_finished(struct manager *manager)
{
    struct task *task = manager->finished.first;
    task_remove(&manager->finished, task);
    manager->for_next--;
    task->with_pool = false;
    task->kept = true;
    return task;
}

static bool has_passed(uint64_t deadline)
{
    return deadline != CLOCK_NEVER && clock_ns() >= deadline;
}

struct task *submit_next(struct manager *manager, uint64_t deadline)
{
    if (manager->queued.first && !manager_is_alone(manager))
        advance(manager); /* somebody slow to take results must not starve the workers */
    while (manager->for_next) {
        if (manager->finished.first)
            return give_finished(manager);
        bool any = advance(manager);
        if (manager->finished.first)
            continue;
        if (has_passed(deadline))
            return NULL;
        if (!any && !manager_is_alone(manager))
            manager_wait(manager, 1, deadline);
    }
    return NULL;
}

rp_status submit_wait(struct manager *manager, struct task *task, uint64_t deadline)
{
    while (task->stage != TASK_DONE) {
        bool any = advance(manager);
        if (task->stage == TASK_DONE)
            break;
        if (has_passed(deadline))
            return RP_TIMEOUT;
        if (!any && !manager_is_alone(manager))
            manager_wait(manager, 1, deadline);
    }
    return RP_OK;
}

void submit_finish(struct manager *manager)
{
    while (manager->queued.first || manager->posted.first)
        if (!advance(manager) && !manager_is_alone(manager))
            manager_wait(manager, manager->queued.first ? 1 : manager->posted.count, CLOCK_NEVER);
}

/* ---- Cancelling -------------------------------------------------------------------------- */

bool submit_is_running(const struct manager *manager, const struct task *task)
{
    if (task->stage != TASK_POSTED)
        return false;
    return manager_is_alone(manager) || atomic_load(&record_of(manager, task)->state) == RECORD_RUNNING;
}

rp_status submit_cancel(struct manager *manager, struct task *task)
{
    if (task->stage == TASK_DONE)
        return task->status == RP_CANCELLED ? RP_OK : RP_BUSY;
    if (!withdraw(manager, task))
        return RP_BUSY;
    settle(manager, task, RP_CANCELLED);
    return RP_OK;
}

size_t submit_cancel_all(struct manager *manager)
{
    return withdraw_all(manager, RP_CANCELLED, NULL);
}
