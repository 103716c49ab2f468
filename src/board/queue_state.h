/* A queue under way, shared by its files: queue.c is its lock, its items and its doors, queue_manager.c
 * the manager's part. */
#ifndef RANKPOOL_BOARD_QUEUE_STATE_H
#define RANKPOOL_BOARD_QUEUE_STATE_H

#include "board/parcel.h"
#include "board/queue.h"

/* A number: the pool's, the serial, the place. */
#define QUEUE_SERIAL_BITS 24
#define QUEUE_SERIAL_MAX  ((UINT64_C(1) << QUEUE_SERIAL_BITS) - 1)

_Static_assert(BOARD_QUEUES == 256, "a place has 8 bits of a queue's number");

static inline uint64_t queue_serial(uint64_t number)
{
    return number >> 8 & QUEUE_SERIAL_MAX;
}

static inline bool queue_is_open(const struct board_queue *queue, uint64_t number)
{
    return atomic_load(&queue->state) == (queue_serial(number) << 1 | 1);
}

static inline uint64_t queue_next(const struct board *board, uint64_t item)
{
    return atomic_load(&parcel_head(board, item)->next);
}

/* The place of a queue that is open or was; NULL: the number is none of this pool. */
struct board_queue *queue_find(const struct board *board, uint64_t number);

/* The lock. Who finds that its holder died mends the queue. */
void queue_lock(struct board *board, struct board_queue *queue);
void queue_unlock(struct board_queue *queue);

/* With the lock: finds tail and count anew, since the links are the truth, and calls all who wait. */
void queue_mend(struct board *board, struct board_queue *queue);

/* With the lock: all who wait come back, to count themselves again, or for what became of the queue. */
void queue_call_all(struct board *board, struct board_queue *queue);

#endif
