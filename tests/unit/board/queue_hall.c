#include "queue_hall.h"

#include <string.h>

#include "check.h"

void hall_open(struct queue_hall *hall, int workers, size_t capacity)
{
    struct error error;
    memset(hall, 0, sizeof *hall);
    crowd_open_small(&hall->crowd, workers);
    struct board *board = &hall->crowd.board[0];
    REQUIRE(arena_init(&hall->arena, board->shared, board->shared->arena, board->shared->arena_size) == 0);
    parcels_init_in(&hall->parcels[0], board, &hall->arena);
    for (int i = 1; i <= workers; i++)
        REQUIRE(parcels_init(&hall->parcels[i], &hall->crowd.board[i]) == 0);
    REQUIRE_STATUS(queue_open(board, capacity, &hall->number, &error), RP_OK);
}

void hall_close(struct queue_hall *hall)
{
    for (int i = 0; i <= hall->crowd.workers; i++)
        parcels_fini(&hall->parcels[i]);
    arena_fini(&hall->arena);
    crowd_close(&hall->crowd);
}

static rp_status put(struct queue_hall *hall, int member, const void *data, size_t size, uint64_t deadline)
{
    struct board *board = &hall->crowd.board[member];
    uint64_t item = parcel_take(&hall->parcels[member], size);
    if (item == ARENA_NONE)
        return RP_NO_MEMORY;
    parcel_head(board, item)->size = size;
    if (data)
        memcpy(board_at(board, item), data, size);
    rp_status status = queue_put(board, hall->number, item, deadline);
    if (status)
        parcel_give(&hall->parcels[member], item);
    return status;
}

rp_status hall_put(struct queue_hall *hall, int member, uint64_t value, uint64_t deadline)
{
    return put(hall, member, &value, sizeof value, deadline);
}

rp_status hall_put_sized(struct queue_hall *hall, int member, size_t size, uint64_t deadline)
{
    return put(hall, member, NULL, size, deadline);
}

rp_status hall_get(struct queue_hall *hall, int member, uint64_t *value, uint64_t deadline)
{
    struct board *board = &hall->crowd.board[member];
    uint64_t item;
    rp_status status = queue_get(board, hall->number, &item, deadline);
    if (!status && value) {
        CHECK_UINT(parcel_head(board, item)->size, sizeof *value);
        memcpy(value, board_at(board, item), sizeof *value);
    }
    queue_let_go(board);
    return status;
}

struct board_queue *hall_queue(struct queue_hall *hall)
{
    return &hall->crowd.board[0].queue[hall->number % BOARD_QUEUES];
}

uint64_t hall_count(struct queue_hall *hall)
{
    struct board *board = &hall->crowd.board[0];
    struct board_queue *queue = hall_queue(hall);
    uint64_t count = 0, last = 0;
    for (uint64_t item = atomic_load(&queue->head); item;
         item = atomic_load(&parcel_head(board, item)->next)) {
        last = item;
        count++;
    }
    CHECK_UINT(queue->tail, last);
    CHECK_UINT(atomic_load(&queue->count), count);
    return count;
}

uint32_t hall_waiting(struct queue_hall *hall, enum queue_side side)
{
    struct board_queue *queue = hall_queue(hall);
    REQUIRE(pthread_mutex_lock(&queue->lock) == 0);
    uint32_t waiting = queue->door[side].waiting;
    pthread_mutex_unlock(&queue->lock);
    return waiting;
}
