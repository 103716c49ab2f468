/* Wishes: what a task wants of a queue that stands on another board, that of the pool's manager. The process
 * that leads the node passes them on (run/relay_wish.c).
 *
 * A worker has one wish at a time, in its slot:
 *     worker: wish_make, wish_sleep until wish_is_met, wish_end
 *     leader: wish_look, wish_take ... wish_meet
 * Its word `state` says whose turn it is. The leader may end a wish that it has taken at any time; what it
 * hears of it later has another serial. A worker that dies leaves its wish as it was: what it was to get, and
 * has not seen, the leader finds there (wish_was_left).
 *
 * What a task gets is a parcel of the leader's, which the worker's slot says it holds (queue.h) once it has
 * ended the wish. */
#ifndef RANKPOOL_BOARD_WISH_H
#define RANKPOOL_BOARD_WISH_H

#include "board/board.h"

/* Worker: `item` is a filled parcel to put. The deadline is clock_ns. */
void wish_make(struct board *board, enum queue_side side, uint64_t queue, uint64_t item, uint64_t deadline);
bool wish_is_met(const struct board *board);

/* Until it is met, or time is up; may return without cause. */
void wish_sleep(struct board *board, uint64_t until);

/* Worker: the status, and the item that it now holds. RP_CLOSED for one that is not met. */
rp_status wish_end(struct board *board, uint64_t *item);

/* Leader: the workers with new wishes among those of word `word`, one bit each; clears the word. */
uint64_t wish_look(struct board *board, int word);

/* Leader: false: it was given up. */
bool wish_take(struct board *board, int member);

/* Leader: whether that wish was taken and is not met. */
bool wish_is_open(const struct board *board, int member, uint64_t serial);

/* Leader: a number of its own for each of the worker's wishes without end while that is not met; 0: it has
 * none. */
uint64_t wish_waits(const struct board *board, int member);

/* Leader: `item` is what the worker gets, ARENA_NONE: nothing. Wakes it. False: it has given the wish up. */
bool wish_meet(struct board *board, int member, rp_status status, uint64_t item);

/* Leader: whether a worker that died was to get this item; once. */
bool wish_was_left(struct board *board, int member, uint64_t *item);

#endif
