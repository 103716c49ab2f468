#include <stdlib.h>

#include "run/submit_state.h"

struct alone {
    struct manager *manager;
    struct task *task;
};

static void take_own_note(void *state, struct note *note, const void *payload)
{
    struct alone *alone = state;
    const void *kept = payload || note->size == 0 ? NULL : (const void *)(uintptr_t)note->result.offset;
    submit_take_result(alone->manager, alone->task, note, alone->manager->performer.self,
                       payload ? payload : kept);
    free((void *)(uintptr_t)kept);
}

bool submit_run_one(struct manager *manager)
{
    struct task *task = manager->queued.first;
    struct error error;
    if (!task)
        return false;
    rp_status status = manager_enter(manager, &error);
    task_remove(&manager->queued, task);
    if (status) {
        submit_settle(manager, task, status, error.text);
        return true;
    }
    struct alone alone = {manager, task};
    struct note note = {0};
    task->stage = TASK_POSTED;
    performer_rest(&manager->performer);
    struct errand errand = {.fn = task->fn,
                            .in = task->in,
                            .in_size = task->in_size,
                            .index = task->index,
                            .attempt = 1,
                            .limit_ns = task->limit_ns};
    perform_errand(&manager->performer, &errand, &note, take_own_note, &alone);
    return true;
}
