/* The manager's part in queues: it opens and closes them, and cleans up behind those who died. */
#define _GNU_SOURCE
#include "board/queue_state.h"

/* A robust mutex among processes. */
static int make_lock(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int rc = pthread_mutexattr_init(&attributes);
    if (rc)
        return rc;
    rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (!rc)
        rc = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (!rc)
        rc = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return rc;
}

/* A place that is free, or NULL. */
static struct board_queue *find_place(struct board *board, struct error *error)
{
    uint32_t made = atomic_load(&board->shared->queues_made);
    for (uint32_t i = 0; i < made; i++) {
        uint64_t state = atomic_load(&board->queue[i].state);
        if (!(state & 1) && state >> 1 < QUEUE_SERIAL_MAX)
            return &board->queue[i];
    }
    if (made == BOARD_QUEUES) {
        error_set(error, RP_UNSUPPORTED,
                  "%d queues are open in this pool: close one before another is opened", BOARD_QUEUES);
        return NULL;
    }
    if (make_lock(&board->queue[made].lock)) {
        error_set(error, RP_UNSUPPORTED,
                  "this system has no locks that survive a process, which queues need");
        return NULL;
    }
    atomic_store(&board->shared->queues_made, made + 1);
    return &board->queue[made];
}

rp_status queue_open(struct board *board, size_t capacity, uint64_t *number, struct error *error)
{
    struct board_queue *queue = find_place(board, error);
    if (!queue)
        return RP_UNSUPPORTED;
    queue_lock(board, queue);
    uint64_t serial = (atomic_load(&queue->state) >> 1) + 1;
    atomic_store(&queue->capacity, capacity);
    queue->door[QUEUE_GET].manager = queue->door[QUEUE_PUT].manager = 0;
    atomic_store(&queue->state, serial << 1 | 1);
    queue_unlock(queue);
    *number = board->shared->id << 32 | serial << 8 | (uint64_t)(queue - board->queue);
    return RP_OK;
}

void queue_close(struct board *board, uint64_t number)
{
    struct board_queue *queue = queue_find(board, number);
    if (!queue)
        return;
    queue_lock(board, queue);
    uint64_t item = 0;
    if (queue_is_open(queue, number)) {
        item = atomic_exchange(&queue->head, 0);
        queue->tail = 0;
        atomic_store(&queue->count, 0);
        atomic_store(&queue->state, queue_serial(number) << 1);
        queue_call_all(board, queue);
    }
    queue_unlock(queue);
    for (uint64_t next; item; item = next) {
        next = queue_next(board, item);
        parcel_mark_taken(board, item);
    }
}

void queue_attend(struct board *board, uint64_t number, enum queue_side side, bool waits)
{
    struct board_queue *queue = queue_find(board, number);
    if (!queue)
        return;
    queue_lock(board, queue);
    if (queue_is_open(queue, number))
        queue->door[side].manager += waits ? 1 : UINT32_MAX;
    queue_unlock(queue);
}

void queue_return(struct board *board, uint64_t number, uint64_t item)
{
    struct board_queue *queue = queue_find(board, number);
    queue_lock(board, queue);
    bool open = queue_is_open(queue, number);
    if (open) {
        atomic_store(&parcel_head(board, item)->next, atomic_load(&queue->head));
        atomic_store(&queue->head, item);
        queue_mend(board, queue);
    }
    queue_unlock(queue);
    if (!open)
        parcel_mark_taken(board, item);
}

void queue_keep(struct board *board)
{
    atomic_store(&board_slot(board)->held, 0);
}

void queue_put_back(struct board *board, uint64_t number)
{
    uint64_t item = atomic_load(&board_slot(board)->held);
    queue_keep(board);
    queue_return(board, number, item);
}

void queues_shake(struct board *board, int member)
{
    uint64_t held = atomic_exchange(&board->slot[member].held, 0);
    if (held)
        parcel_mark_taken(board, held);
    for (uint32_t i = 0; i < atomic_load(&board->shared->queues_made); i++) {
        queue_lock(board, &board->queue[i]);
        queue_call_all(board, &board->queue[i]);
        queue_unlock(&board->queue[i]);
    }
}
