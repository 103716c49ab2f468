/* Queues: shared by the files queue*.c alone. */
#ifndef RANKPOOL_RUN_QUEUE_STATE_H
#define RANKPOOL_RUN_QUEUE_STATE_H

#include "run/queue.h"
#include "run/station.h"

/* queue_task.c: on the board, without waiting; for the manager and for tasks that it runs. */
rp_status board_put(struct manager *manager, uint64_t number, const void *data, size_t size);
rp_status board_get(struct manager *manager, uint64_t number, rp_view *view);

/* queue_far.c: the same for a task of an outlying node, which waits; a copy of *item is put. */
rp_status far_pass(struct station *station, enum queue_side side, uint64_t number, uint64_t *item,
                   uint64_t deadline);

/* queue_alone.c: the same in a list of this process. A view is the caller's to free by `memory`. */
void alone_open(struct queueing *queue);
void alone_close(struct queueing *queue);
rp_status alone_put(struct manager *manager, uint64_t number, const void *data, size_t size);
rp_status alone_get(struct manager *manager, uint64_t number, rp_view *view, void **memory);

#endif
