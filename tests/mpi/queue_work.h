/* What the files queue*.c share: queues of numbers, and the tasks that fill and empty them. */
#ifndef RANKPOOL_TESTS_MPI_QUEUE_WORK_H
#define RANKPOOL_TESTS_MPI_QUEUE_WORK_H

#include "suite/suite.h"

/* What tasks get: queues, and how many items. */
struct job {
    rp_queue_id from, to;
    uint64_t first, count;
    struct ticket ticket;
};

rp_queue *open_queue(rp_pool *pool, size_t capacity);
void close_queue(rp_queue *queue);
rp_future *submit(rp_pool *pool, rp_fn *fn, struct job job);

/* The task must have succeeded. */
void finish(rp_future *future);

void put_number(rp_queue *queue, uint64_t number);
uint64_t get_number(rp_queue *queue);
uint64_t number_in(rp_view view);

/* Puts the numbers first .. first + count - 1, and notes each in `started`. */
rp_fn produce;

/* Gets numbers, which it marks as run, until an item is empty. Answers how many. */
rp_fn consume;

/* Squares numbers from one queue to another, and passes the end on. */
rp_fn square_on;

/* Puts its numbers, and an empty item behind them. */
rp_fn produce_to_the_end;

/* Answers the status of a get without end. */
rp_fn get_one;

/* The same of a put. */
rp_fn put_one;

/* That the task answered a status. */
void check_answered(rp_future *future, rp_status wanted);

#endif
