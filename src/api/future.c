/* The public tasks and futures. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "api/pool.h"
#include "base/clock.h"
#include "config/sized.h"
#include "run/submit.h"

static rp_future *future_of(struct task *task)
{
    return (rp_future *)task;
}

static rp_future *writable(const rp_future *future)
{
    return (rp_future *)(uintptr_t)future;
}

void future_dispose(struct task *task)
{
    rp_future *future = future_of(task);
    rp_pool *pool = future->pool;
    submit_let_go(&pool->manager, task);
    task_clear(task);
    future->magic = 0;
    slab_give(&pool->futures, future);
    pool_drop(pool);
}

/* A future of a closed pool is done: there is nothing to wait for. */
static struct manager *manager_of(const rp_future *future)
{
    return &future->pool->manager;
}

/* The caller's task options in ours, checked. */
static rp_status read_options(rp_pool *pool, const rp_task_options *given, rp_task_options *options)
{
    struct error *error = &pool->error;
    rp_status status =
        sized_read(given, options, sizeof *options, "rp_task_options", "RP_TASK_OPTIONS", error);
    if (status)
        return status;
    if (options->worker < 0 || options->worker >= pool->crew->count)
        return error_set(error, RP_INVALID,
                         "rp_submit_with: there is no worker %d: they are numbered 1 to %d", options->worker,
                         pool->crew->count - 1);
    return RP_OK;
}

static rp_status check_input(rp_pool *pool, const char *call, rp_fn *fn, const void *in, size_t in_size)
{
    if (!fn)
        return error_set(&pool->error, RP_INVALID, "%s: the function is NULL", call);
    if (!in && in_size)
        return error_set(&pool->error, RP_INVALID, "%s: `in` is NULL, yet it has %zu bytes", call, in_size);
    if (in_size > PTRDIFF_MAX)
        return error_set(&pool->error, RP_INVALID, "%s: no input has %zu bytes", call, in_size);
    return RP_OK;
}

static rp_status submit(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size,
                        const rp_task_options *options, rp_future **future)
{
    uint64_t limit_ns;
    rp_status status = pool_limit(pool, "rp_submit_with", options ? options->timeout : 0, &limit_ns);
    if (status)
        return status;
    rp_future *made = slab_take(&pool->futures);
    if (!made)
        return error_set(&pool->error, RP_NO_MEMORY, "no memory for a task");
    *made = (rp_future){.magic = FUTURE_MAGIC, .pool = pool};
    struct task *task = &made->task;
    task->fn = fn;
    task->limit_ns = limit_ns;
    task->kept = future != NULL;
    task->with_pool = future == NULL;
    task->retries = options && options->retries ? options->retries : pool->options.retries;
    if (options) {
        made->user = options->user;
        task->priority = options->priority;
        task->owner = options->worker;
        task->label = options->label ? strdup(options->label) : NULL;
    }
    status = submit_task(&pool->manager, task, in, in_size, &pool->error);
    if (status) {
        task_clear(task);
        slab_give(&pool->futures, made);
        return status;
    }
    pool->users++;
    if (future)
        *future = made;
    return RP_OK;
}

rp_status rp_submit(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, rp_future **future)
{
    rp_status status = pool_enter(pool, "rp_submit");
    if (!status)
        status = check_input(pool, "rp_submit", fn, in, in_size);
    return status ? status : submit(pool, fn, in, in_size, NULL, future);
}

rp_status rp_submit_with(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size,
                         const rp_task_options *given, rp_future **future)
{
    rp_task_options options;
    rp_status status = pool_enter(pool, "rp_submit_with");
    if (!status)
        status = check_input(pool, "rp_submit_with", fn, in, in_size);
    if (!status)
        status = read_options(pool, given, &options);
    return status ? status : submit(pool, fn, in, in_size, &options, future);
}

rp_future *rp_next(rp_pool *pool, double seconds)
{
    if (pool_enter(pool, "rp_next"))
        return NULL;
    struct task *task = submit_next(&pool->manager, clock_deadline(seconds));
    return task ? future_of(task) : NULL;
}

rp_status rp_wait(rp_future *future, double seconds)
{
    rp_status status = future_enter(future, "rp_wait");
    if (status)
        return status;
    status = submit_wait(manager_of(future), &future->task, clock_deadline(seconds));
    return status ? pool_say_late(future->pool, seconds) : RP_OK;
}

rp_status rp_result(rp_future *future, rp_view *view)
{
    rp_status status = rp_wait(future, RP_FOREVER);
    if (status)
        return status;
    if (future->task.status)
        return error_set(&future->pool->error, future->task.status, "%s", rp_error(future));
    if (view)
        *view = (rp_view){future->task.result, future->task.size};
    return RP_OK;
}

const char *rp_error(const rp_future *future)
{
    if (future_enter(future, "rp_error"))
        return api_error()->text;
    if (future->task.stage != TASK_DONE || !future->task.status)
        return "";
    return future->task.sentence ? future->task.sentence : rp_strerror(future->task.status);
}

rp_state rp_state_of(const rp_future *future)
{
    if (future_enter(future, "rp_state_of"))
        return RP_DONE;
    if (future->task.stage == TASK_DONE) {
        submit_glance(manager_of(future));
        return RP_DONE;
    }
    submit_look(manager_of(future));
    if (future->task.stage == TASK_DONE)
        return RP_DONE;
    return submit_is_running(manager_of(future), &future->task) ? RP_RUNNING : RP_PENDING;
}

rp_status rp_cancel(rp_future *future)
{
    rp_status status = future_enter(future, "rp_cancel");
    if (status)
        return status;
    status = submit_cancel(manager_of(future), &future->task);
    return status
               ? error_set(&future->pool->error, status, "task %zu has started already", future->task.index)
               : RP_OK;
}

void *rp_user(const rp_future *future)
{
    return future_is_one(future) ? future->user : NULL;
}

size_t rp_index(const rp_future *future)
{
    return future_is_one(future) ? future->task.index : 0;
}

rp_status rp_info(const rp_future *future, rp_task_info *info)
{
    rp_status status = future_enter(future, "rp_info");
    if (status)
        return status;
    struct error *error = &writable(future)->pool->error;
    if (!info)
        return error_set(error, RP_INVALID, "rp_info: there is no place for the answer");
    if (future->task.stage != TASK_DONE)
        return error_set(error, RP_BUSY, "task %zu is not done", future->task.index);
    const struct task *task = &future->task;
    const struct crew_member *member = &future->pool->crew->member[task->worker];
    *info = (rp_task_info){.worker = task->worker,
                           .host = task->attempts ? member->host : "",
                           .pid = task->attempts ? member->pid : 0,
                           .attempts = task->attempts,
                           .code = task->code,
                           .queued = task->queued,
                           .ran = task->ran};
    return RP_OK;
}

void rp_release(rp_future **future)
{
    if (!future || !*future || future_enter(*future, "rp_release"))
        return;
    rp_future *released = *future;
    *future = NULL;
    released->task.kept = false;
    if (released->task.stage == TASK_DONE && !released->task.calls)
        future_dispose(&released->task);
}
