/* What calls check before they do anything, and what they say where it does not hold. */
#include "api/pool.h"
#include "base/clock.h"
#include "run/drain.h"

rp_status pool_enter(rp_pool *pool, const char *call)
{
    if (world_is_worker())
        return error_set(api_error(), RP_INVALID, "%s in a worker: only the manager may use the pool", call);
    if (!pool)
        return error_set(api_error(), RP_INVALID, "%s: the pool is NULL: it was not opened, or was closed",
                         call);
    if (!pool_is_one(pool))
        return error_set(api_error(), RP_INVALID, "%s: its first argument is no pool", call);
    if (pool->serves)
        return error_set(&pool->error, RP_INVALID,
                         "%s in a worker of the pool: only its manager may use it, the others rp_serve",
                         call);
    if (pool->closed)
        return error_set(&pool->error, RP_CLOSED, "%s: the pool is closed", call);
    if (pool->manager.performer.busy)
        return error_set(&pool->error, RP_INVALID, "%s from inside a task of the same pool", call);
    rp_status status = world_check_thread(call, api_error());
    if (status)
        return status; /* the pool is another thread's at this moment, and so is its sentence */
    drain_look(&pool->manager);
    return RP_OK;
}

rp_status future_enter(const rp_future *future, const char *call)
{
    if (world_is_worker())
        return error_set(api_error(), RP_INVALID, "%s in a worker: only the manager may use futures", call);
    if (!future)
        return error_set(api_error(), RP_INVALID, "%s: the future is NULL", call);
    if (!future_is_one(future))
        return error_set(api_error(), RP_INVALID, "%s: its argument is no future", call);
    if (!future->pool->closed && future->pool->manager.performer.busy)
        return error_set(&future->pool->error, RP_INVALID, "%s from inside a task of the same pool", call);
    return future->pool->closed ? RP_OK : world_check_thread(call, api_error());
}

rp_status pool_say_late(rp_pool *pool, double seconds)
{
    if (clock_deadline(seconds) == CLOCK_NEVER)
        return error_set(&pool->error, RP_TIMEOUT,
                         "not done: all tasks that run wait at queues, which only the manager could change");
    return error_set(&pool->error, RP_TIMEOUT, "not done after %g seconds", seconds);
}

rp_status pool_limit(rp_pool *pool, const char *call, double given, uint64_t *limit_ns)
{
    double seconds = given > 0 || given < 0 ? given : pool->options.timeout;
    if (given != given)
        return error_set(&pool->error, RP_INVALID, "%s: the timeout is no number", call);
    if (given > 0 && !pool->options.isolate)
        return error_set(
            &pool->error, RP_INVALID,
            "%s: a timeout of %g s, yet the pool was opened without isolate: only tasks that run "
            "in a process of their own can be stopped",
            call, given);
    *limit_ns = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9) + 1 : 0;
    return RP_OK;
}

const char *rp_last_error(const rp_pool *pool)
{
    return pool_is_one(pool) ? pool->error.text : api_error()->text;
}
