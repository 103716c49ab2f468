/* The public queues: the manager's side. What tasks call stands in call.c. */
#include <stddef.h>
#include <stdlib.h>

#include "api/pool.h"
#include "base/clock.h"
#include "run/queue.h"

#define QUEUE_MAGIC UINT32_C(0x72707175)

struct rp_queue {
    struct queueing queueing;
    uint32_t magic;
    rp_pool *pool;   /* one user of it */
    unsigned inside; /* calls under way, whose callbacks may close it */
    bool dropped;
};

static bool is_one(const rp_queue *queue)
{
    return api_is_one(queue, offsetof(rp_queue, magic), QUEUE_MAGIC);
}

static rp_status enter(const rp_queue *queue, const char *call)
{
    if (world_is_worker())
        return error_set(api_error(), RP_INVALID, "%s in a worker: tasks use rp_call_put and rp_call_get",
                         call);
    if (!is_one(queue))
        return error_set(api_error(), RP_INVALID, "%s: %s", call,
                         queue ? "its argument is no queue" : "the queue is NULL");
    return pool_enter(queue->pool, call);
}

static void leave(rp_queue *queue)
{
    if (--queue->inside || !queue->dropped)
        return;
    rp_pool *pool = queue->pool;
    queueing_free(&queue->queueing);
    queue->magic = 0;
    free(queue);
    pool_drop(pool);
}

rp_status rp_queue_open(rp_pool *pool, size_t capacity, rp_queue **queue)
{
    rp_status status = pool_enter(pool, "rp_queue_open");
    if (status)
        return status;
    if (!queue)
        return error_set(&pool->error, RP_INVALID,
                         "rp_queue_open: there is no place for the queue: its last argument is NULL");
    rp_queue *made = calloc(1, sizeof *made);
    if (!made)
        return error_set(&pool->error, RP_NO_MEMORY, "no memory for a queue");
    status = queueing_open(&pool->manager, capacity, &made->queueing, &pool->error);
    if (status) {
        free(made);
        return status;
    }
    made->magic = QUEUE_MAGIC;
    made->pool = pool;
    pool->users++;
    *queue = made;
    return RP_OK;
}

rp_status rp_put(rp_queue *queue, const void *data, size_t size, double seconds)
{
    rp_status status = enter(queue, "rp_put");
    if (status)
        return status;
    struct error *error = &queue->pool->error;
    if (!data && size)
        return error_set(error, RP_INVALID, "rp_put: `data` is NULL, yet it has %zu bytes", size);
    if (size > PTRDIFF_MAX / 2)
        return error_set(error, RP_INVALID, "rp_put: no item has %zu bytes", size);
    queue->inside++;
    status = queueing_put(&queue->queueing, data, size, clock_deadline(seconds), error);
    leave(queue);
    return status;
}

rp_status rp_get(rp_queue *queue, rp_view *view, double seconds)
{
    rp_view ignored;
    rp_status status = enter(queue, "rp_get");
    if (status)
        return status;
    queue->inside++;
    status =
        queueing_get(&queue->queueing, view ? view : &ignored, clock_deadline(seconds), &queue->pool->error);
    leave(queue);
    return status;
}

rp_status rp_queue_close(rp_queue **queue)
{
    if (!queue || !*queue)
        return RP_OK;
    rp_queue *closed = *queue;
    rp_status status = enter(closed, "rp_queue_close");
    if (status && status != RP_CLOSED) /* one that outlived its pool is fine */
        return status;
    *queue = NULL;
    closed->inside++;
    closed->dropped = true;
    queueing_close(&closed->queueing);
    leave(closed);
    return RP_OK;
}

rp_queue_id rp_queue_id_of(const rp_queue *queue)
{
    return is_one(queue) ? queue->queueing.number : 0;
}
