/* A queue of numbers among the members of a crowd. */
#ifndef RANKPOOL_TESTS_BOARD_QUEUE_HALL_H
#define RANKPOOL_TESTS_BOARD_QUEUE_HALL_H

#include "board/parcel.h"
#include "board/queue.h"
#include "crowd.h"

struct queue_hall {
    struct crowd crowd;
    struct arena arena; /* the manager's */
    struct parcels parcels[CROWD_MAX + 1];
    uint64_t number;
};

void hall_open(struct queue_hall *hall, int workers, size_t capacity);
void hall_close(struct queue_hall *hall);

/* A member puts a number, or an item of some size; gets one. *value may be NULL. */
rp_status hall_put(struct queue_hall *hall, int member, uint64_t value, uint64_t deadline);
rp_status hall_put_sized(struct queue_hall *hall, int member, size_t size, uint64_t deadline);
rp_status hall_get(struct queue_hall *hall, int member, uint64_t *value, uint64_t deadline);

/* The number of items, as counted; the links must agree. */
uint64_t hall_count(struct queue_hall *hall);

/* The queue itself, and how many sleep, or are about to, at one of its doors. */
struct board_queue *hall_queue(struct queue_hall *hall);
uint32_t hall_waiting(struct queue_hall *hall, enum queue_side side);

#endif
