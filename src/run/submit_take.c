#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/parcel.h"
#include "run/describe.h"
#include "run/submit_state.h"

#define HELD_LEAST ((size_t)16 << 10) /* bytes of a result that is not copied */

static void free_apart(struct manager *manager, struct task *task)
{
    if (task->apart)
        arena_give(&manager->arena, task->apart, task->in_size);
    task->apart = 0;
}

void submit_drop(struct manager *manager, struct task *task)
{
    if (task->stage == TASK_DONE && !task->kept && !task->with_pool && !task->calls)
        manager->setup.dispose(task);
}

void submit_settle(struct manager *manager, struct task *task, rp_status status, const char *sentence)
{
    if (sentence)
        task->sentence = strdup(sentence);
    task->stage = TASK_DONE;
    task->status = status;
    manager->failed += status != RP_OK;
    task_drop_input(task);
    free_apart(manager, task);
    task->ended = ++manager->settled;
    task_tell(task);
    if (task->with_pool)
        task_append(&manager->finished, task);
    else
        submit_drop(manager, task);
}

/* A long result stays where its worker put it, unless what is held there would leave the workers
 * little room. */
static bool is_to_stay(const struct manager *manager, const struct note *note)
{
    return !manager_is_alone(manager) && note_has_parcel(note) && note->size >= HELD_LEAST &&
           manager->held_bytes + note->size <= manager->board.shared->region_size / 4;
}

static void hold_result(struct manager *manager, struct task *task, const struct note *note)
{
    task->held = note->result.offset;
    task->result = board_at(&manager->board, task->held);
    task->size = note->size;
    manager->held++;
    manager->held_bytes += note->size;
}

void submit_let_go(struct manager *manager, struct task *task)
{
    if (!task->held)
        return;
    parcel_mark_taken(&manager->board, task->held);
    manager->held_bytes -= manager->closed ? 0 : task->size;
    task->held = 0;
    task->result = NULL;
    if (--manager->held == 0 && manager->closed && !manager->stays)
        board_release(&manager->board);
}

bool submit_take_result(struct manager *manager, struct task *task, const struct note *note, int worker,
                        const void *payload)
{
    rp_status status = (rp_status)note->status;
    task->worker = worker;
    task->attempts++;
    task->code = note->code;
    task->ran = note->ran;
    task->queued = (double)(note->ended - task->submitted) * 1e-9 - task->ran;
    if (task->queued < 0)
        task->queued = 0;
    if (status) {
        char text[FAILURE_LENGTH];
        const char *what = task->label ? task->label : "task";
        describe_failure(&(struct failure){what, task->index, note, payload, worker, task->attempts},
                         manager->crew, text);
        submit_settle(manager, task, status, text);
        return false;
    }
    submit_store(manager, task, note, payload);
    bool wanted = task->kept || task->with_pool || task->calls, held = wanted && is_to_stay(manager, note);
    if (held)
        hold_result(manager, task, note);
    else if (wanted && task_keep_result(task, payload, note->size))
        status = RP_NO_MEMORY;
    submit_settle(manager, task, status, status ? "no memory for its result" : NULL);
    return held;
}

static bool take_note(void *work, int post, const struct note *note, const void *payload, int member)
{
    struct manager *manager = work;
    struct posting *posting = &manager->postings[post];
    if (note->from >= posting->lease.items || lease_has_ended(&posting->lease, note->from) ||
        retry_note(manager, post, note))
        return false;
    lease_end(&posting->lease, note->from);
    struct task *task = posting->tasks[note->from];
    posting->tasks[note->from] = NULL;
    bool held = false;
    if (task && note->flags & NOTE_SKIPPED) { /* it was cancelled at another node */
        task_remove(&manager->posted, task);
        manager->cancelled_away++;
        submit_settle(manager, task, RP_CANCELLED, NULL);
    } else if (task) { /* else it was cancelled here */
        task_remove(&manager->posted, task);
        held = submit_take_result(manager, task, note, member, payload);
    }
    submit_leave_post(manager, post);
    return held;
}

/* ---- Deaths, and further tries ----------------------------------------------------------- */

/* Back to the queue. */
static void requeue(struct manager *manager, struct task *task, bool charged)
{
    const struct task_record *record = submit_record(manager, task);
    const void *in =
        task->in_size <= NOTE_INLINE ? record->input.bytes : board_at(&manager->board, record->input.offset);
    task_remove(&manager->posted, task);
    task->attempts += charged;
    task->in = malloc(task->in_size ? task->in_size : 1);
    if (!task->in) {
        submit_settle(manager, task, RP_NO_MEMORY, "no memory to run it again");
        return;
    }
    memcpy(task->in, in, task->in_size);
    free_apart(manager, task);
    task->stage = TASK_QUEUED;
    task_insert(&manager->queued, task);
}

static bool repost(void *work, int post, uint32_t from, uint32_t count, bool charged)
{
    struct manager *manager = work;
    struct posting *posting = &manager->postings[post];
    for (uint32_t item = from; item < from + count; item++) {
        struct task *task = posting->tasks[item];
        posting->tasks[item] = NULL;
        lease_end(&posting->lease, item);
        if (task) /* else it was cancelled */
            requeue(manager, task, charged);
    }
    submit_leave_post(manager, post);
    return true;
}

static struct posting_item tell(void *work, int post, uint32_t item)
{
    const struct manager *manager = work;
    const struct task *task = manager->postings[post].tasks[item];
    if (!task)
        return (struct posting_item){.index = UINT64_MAX}; /* it was cancelled */
    return (struct posting_item){
        .index = task->index, .attempt = task->attempts + 1, .retries = task->retries};
}

const struct posting_ops submit_posting_ops = {
    .take_note = take_note,
    .repost = repost,
    .tell = tell,
};
