/* What the manager does with queues. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/queue.h"
#include "run/queue_state.h"
#include "run/road.h"
#include "run/stuck.h"
#include "run/submit.h"
#include "run/wait.h"

/* ---- Opening and closing ----------------------------------------------------------------- */

rp_status queueing_open(struct manager *manager, size_t capacity, struct queueing *queue, struct error *error)
{
    *queue = (struct queueing){.manager = manager};
    if (manager_is_alone(manager)) {
        alone_open(queue);
    } else {
        rp_status status = queue_open(&manager->board, capacity, &queue->number, error);
        if (status)
            return status;
    }
    queue->behind = manager->queues;
    manager->queues = queue;
    return RP_OK;
}

void queueing_close(struct queueing *queue)
{
    if (!queue->manager)
        return;
    struct queueing **link = &queue->manager->queues;
    while (*link != queue)
        link = &(*link)->behind;
    *link = queue->behind;
    if (manager_is_alone(queue->manager))
        alone_close(queue);
    else
        queue_close(&queue->manager->board, queue->number);
    road_attend(queue->manager);
    queue->manager = NULL;
}

void queueing_close_all(struct manager *manager)
{
    while (manager->queues)
        queueing_close(manager->queues);
}

void queueing_free(struct queueing *queue)
{
    queueing_close(queue);
    free(queue->view);
    queue->view = NULL;
}

void queueing_fini(struct manager *manager)
{
    free(manager->queue_view);
    manager->queue_view = NULL;
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* A put or a get, until it could be done. */
struct attempt {
    struct queueing *queue;
    enum queue_side side;
    const void *data; /* to put */
    size_t size;
    rp_view *view; /* got */
};

static rp_status copy_item(struct queueing *queue, rp_view item, rp_view *view)
{
    void *copy = realloc(queue->view, item.size ? item.size : 1);
    if (!copy)
        return RP_NO_MEMORY;
    queue->view = copy;
    if (item.size)
        memcpy(copy, item.data, item.size);
    *view = (rp_view){copy, item.size};
    return RP_OK;
}

static rp_status get_one(struct queueing *queue, rp_view *view)
{
    struct manager *manager = queue->manager;
    if (manager_is_alone(manager))
        return alone_get(manager, queue->number, view, &queue->view);
    rp_view item;
    rp_status status = board_get(manager, queue->number, &item);
    if (status)
        return status;
    status = copy_item(queue, item, view);
    if (status)
        queue_put_back(&manager->board, queue->number);
    else
        queue_let_go(&manager->board);
    return status;
}

static rp_status try_once(const struct attempt *attempt)
{
    struct queueing *queue = attempt->queue;
    if (!queue->manager)
        return RP_CLOSED; /* a callback did it */
    rp_status status = attempt->side == QUEUE_GET
                           ? get_one(queue, attempt->view)
                           : queueing_own_put(queue->manager, queue->number, attempt->data, attempt->size, 0);
    if (!status)
        road_attend(queue->manager);
    return status;
}

/* Some task may still change the queue. */
static bool may_change(struct manager *manager)
{
    if (manager_is_alone(manager))
        return manager->queued.first;
    bool any = manager->queued.first || manager->posted.first;
    for (int i = 0; !any && i < BOARD_POSTS; i++) { /* maps, of whose callbacks this is one */
        const struct posting *posting = &manager->postings[i];
        any = posting->ops && !posting->tasks && posting->lease.open;
    }
    return any && !manager_check(manager, NULL) && !stuck_is(manager);
}

static bool may_pass(void *state)
{
    const struct attempt *attempt = state;
    struct queueing *queue = attempt->queue;
    return queue_lets_pass(&queue->manager->board, queue->number, attempt->side);
}

static void wait_there(struct attempt *attempt, uint64_t deadline)
{
    struct manager *manager = attempt->queue->manager;
    if (manager_is_alone(manager)) {
        submit_rest(manager, deadline);
        return;
    }
    queue_attend(&manager->board, attempt->queue->number, attempt->side, true);
    wait_for(manager, may_pass, attempt, deadline);
    queue_attend(&manager->board, attempt->queue->number, attempt->side, false);
}

static rp_status say(const struct attempt *attempt, rp_status status, bool hopeless, struct error *error)
{
    const char *call = attempt->side == QUEUE_GET ? "rp_get" : "rp_put";
    switch (status) {
    case RP_OK:
        return RP_OK;
    case RP_CLOSED:
        return error_set(error, status, "%s: the queue is closed", call);
    case RP_NO_MEMORY:
        return error_set(error, status, "%s: no memory for an item of the queue", call);
    default:
        return error_set(error, status, "%s: the queue is %s%s", call,
                         attempt->side == QUEUE_GET ? "empty" : "full",
                         hopeless ? ", and no task is queued or running that could change it" : "");
    }
}

/* Between two tries everything that has happened is taken in; the last try comes after what made it
 * the last one. Other nodes do not starve where the first one always succeeds. */
static rp_status persist(struct attempt *attempt, uint64_t deadline, struct error *error)
{
    bool hopeless = false;
    if (attempt->queue->manager)
        submit_glance(attempt->queue->manager);
    for (bool last = false;;) {
        rp_status status = try_once(attempt);
        if (status != RP_TIMEOUT || last)
            return say(attempt, status, hopeless, error);
        struct manager *manager = attempt->queue->manager;
        bool any = submit_turn(manager);
        if (!attempt->queue->manager)
            continue;
        hopeless = !any && !may_change(manager);
        last = hopeless || clock_has_passed(deadline);
        if (!any && !last)
            wait_there(attempt, deadline);
    }
}

rp_status queueing_put(struct queueing *queue, const void *data, size_t size, uint64_t deadline,
                       struct error *error)
{
    struct attempt attempt = {.queue = queue, .side = QUEUE_PUT, .data = data, .size = size};
    return persist(&attempt, deadline, error);
}

rp_status queueing_get(struct queueing *queue, rp_view *view, uint64_t deadline, struct error *error)
{
    struct attempt attempt = {.queue = queue, .side = QUEUE_GET, .view = view};
    return persist(&attempt, deadline, error);
}
