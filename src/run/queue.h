/* Queues as the manager has them, and what tasks do with them.
 *
 * On a board the queue itself stands there (board/queue.h), and tasks put and get without the
 * manager. What the manager gets is copied, so that its view outlives the pool. Where it waits it
 * does what it does in every waiting call, and it does not wait for what cannot come.
 * Alone, a queue is a list of this process, and nobody waits: the manager runs tasks instead. */
#ifndef RANKPOOL_RUN_QUEUE_H
#define RANKPOOL_RUN_QUEUE_H

#include "run/manager.h"

struct kept_item;

struct queueing {
    struct queueing *behind; /* of the manager's */
    struct manager *manager; /* NULL: it is closed */
    uint64_t number;
    void *view;                     /* the item that was got last */
    struct kept_item *first, *last; /* alone */
};

/* RP_UNSUPPORTED when too many are open. The struct stays where it is until queueing_free. */
rp_status queueing_open(struct manager *manager, size_t capacity, struct queueing *queue,
                        struct error *error);

/* Tasks that wait at it, and everybody from now on, get RP_CLOSED; what is left in it is gone. */
void queueing_close(struct queueing *queue);
void queueing_close_all(struct manager *manager);

/* Closes it, and frees the view. */
void queueing_free(struct queueing *queue);

/* RP_OK, RP_CLOSED, RP_NO_MEMORY; RP_TIMEOUT, also at once where nothing could change it any more. */
rp_status queueing_put(struct queueing *queue, const void *data, size_t size, uint64_t deadline,
                       struct error *error);

/* The view lives until the next one from the same queue, or queueing_free. */
rp_status queueing_get(struct queueing *queue, rp_view *view, uint64_t deadline, struct error *error);

/* What a worker's larder does; the owner is its station. */
rp_status queueing_task_put(void *owner, uint64_t number, const void *data, size_t size, uint64_t deadline);
rp_status queueing_task_get(void *owner, uint64_t number, rp_view *view, uint64_t deadline);

/* The same for tasks that the manager runs, which never wait: RP_TIMEOUT at once. */
rp_status queueing_own_put(void *owner, uint64_t number, const void *data, size_t size, uint64_t deadline);
rp_status queueing_own_get(void *owner, uint64_t number, rp_view *view, uint64_t deadline);

/* Frees what tasks that the manager ran looked at. */
void queueing_fini(struct manager *manager);

#endif
