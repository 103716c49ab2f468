#include <stdlib.h>

#include "base/clock.h"
#include "run/submit_state.h"

struct alone {
    struct manager *manager;
    struct task *task;
};

static void take_own_note(void *state, struct note *note, const void *payload)
{
    struct alone *alone = state;
    struct task *task = alone->task;
    if (retry_may((rp_status)note->status, task->attempts + 1, task->retries)) {
        task->due = retry_time(++task->attempts);
        task->stage = TASK_QUEUED;
        task_insert(&alone->manager->queued, task);
        return;
    }
    const void *kept = payload || note->size == 0 ? NULL : (const void *)(uintptr_t)note->result.offset;
    submit_take_result(alone->manager, task, note, alone->manager->performer.self, payload ? payload : kept);
    free((void *)(uintptr_t)kept);
}

/* Those that wait for another try let others pass. */
static struct task *find_due(const struct manager *manager)
{
    struct task *task = manager->queued.first;
    uint64_t now = task && task->due ? clock_ns() : 0;
    while (task && task->due > now)
        task = task->behind;
    return task;
}

void submit_rest(struct manager *manager, uint64_t deadline)
{
    for (const struct task *task = manager->queued.first; task; task = task->behind)
        deadline = task->due < deadline ? task->due : deadline;
    if (manager->queued.first)
        retry_rest(deadline);
}

bool submit_run_one(struct manager *manager)
{
    struct task *task = find_due(manager);
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
                            .attempt = task->attempts + 1,
                            .limit_ns = task->limit_ns};
    perform_errand(&manager->performer, &errand, &note, take_own_note, &alone);
    return true;
}
