/* Callbacks: noted when a future is done, made in the pool's waiting calls. */
#include <stdlib.h>

#include "api/pool.h"
#include "run/submit.h"

struct callback {
    struct task_watch watch; /* first */
    struct callback *behind; /* among those that are due */
    rp_future *future;
    rp_callback *call;
    void *arg;
};

static void become_due(struct task_watch *watch, struct task *task)
{
    struct callback *callback = (struct callback *)watch;
    rp_pool *pool = callback->future->pool;
    (void)task;
    callback->behind = NULL;
    *pool->due_end = callback;
    pool->due_end = &callback->behind;
}

/* A callback may submit, wait and so come back here: it is taken out first. */
void pool_call_back(void *owner)
{
    rp_pool *pool = owner;
    while (pool->due) {
        struct callback *callback = pool->due;
        rp_future *future = callback->future;
        pool->due = callback->behind;
        if (!pool->due)
            pool->due_end = &pool->due;
        pool->inside++;
        callback->call(future, callback->arg);
        pool->inside--;
        free(callback);
        future->task.calls--;
        submit_drop(&pool->manager, &future->task);
    }
}

rp_status rp_on_done(rp_future *future, rp_callback *call, void *arg)
{
    rp_status status = future_enter(future, "rp_on_done");
    if (status)
        return status;
    if (!call)
        return error_set(&future->pool->error, RP_INVALID, "rp_on_done: the callback is NULL");
    /* Those that were added before it and are due come first. */
    if (future->task.stage == TASK_DONE && !future->task.calls) {
        rp_pool *pool = future->pool;
        pool->users++; /* it may release the last future of a closed pool */
        pool->inside++;
        call(future, arg);
        pool->inside--;
        pool_drop(pool);
        return RP_OK;
    }
    struct callback *callback = malloc(sizeof *callback);
    if (!callback)
        return error_set(&future->pool->error, RP_NO_MEMORY, "no memory for a callback");
    *callback = (struct callback){.watch.tell = become_due, .future = future, .call = call, .arg = arg};
    future->task.calls++;
    if (future->task.stage == TASK_DONE)
        become_due(&callback->watch, &future->task);
    else
        task_watch(&future->task, &callback->watch);
    return RP_OK;
}
