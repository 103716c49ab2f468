/* Queues: first in, first out, for any number of processes that put and get; the manager opens and
 * closes them, and has no other part in it.
 *
 * An item is a parcel (parcel.h) in the memory of who put it: its head links it to the next one.
 *     who puts:  parcel_take, fills it, says its size in its head, queue_put
 *     who gets:  queue_get, reads it where it lies, queue_let_go
 * A queue's number is {pool, serial, place}, so that the number of a queue that was closed never
 * means a later one at the same place.
 *
 * The lock survives its holder: it is a robust mutex, and whoever finds that its holder died mends
 * the queue. That is possible after any instruction, since a put and a get count by one store each,
 * to the link that leads to the item; the tail and the count are found anew by walking the links.
 *
 * Waiting. Who finds the queue empty (or full) looks on for a while, then counts itself among those
 * who wait at that door and sleeps on the door's bell, as long as it is what it was under the lock.
 * Who puts calls one that waits to get, and the other way round: it counts the call and changes the
 * bell under the lock, and wakes one sleeper behind it. Nobody is called twice before he is back, so
 * a call costs the kernel's help only where somebody sleeps. The one that comes back takes himself
 * and a call out of the counts; if he comes back by himself, for want of time, he may take that of
 * another one, which costs a superfluous call later but loses none.
 *   The manager does not sleep here but on its own word, where notes wake it too: it says at the
 * door that it waits (queue_attend), and whoever calls there wakes it (outbox.h).
 *
 * Deaths. One that was called may die before it takes the item, or the caller before it wakes
 * anybody: so a death makes all who wait come back and look again (queues_shake), and so does an
 * orphaned lock. What a dead process held of an item is given back to its owner; the item is gone.
 *
 * Who waits without end says so in its slot: `waits` is odd from before it sleeps to before it
 * takes an item, and grows with each change. So the manager can tell that nobody will ever move
 * (run/stuck.h): who finds that all others of its board wait, too, counts that in `stood` and wakes it. Who
 * was called and is not awake yet is still odd, and does not count as one that waits (queue_waits).
 *
 * The lock and the doors are checked in tests/model. */
#ifndef RANKPOOL_BOARD_QUEUE_H
#define RANKPOOL_BOARD_QUEUE_H

#include "board/board.h"

/* Manager: RP_UNSUPPORTED when all places are in use. Capacity 0: unbounded. */
rp_status queue_open(struct board *board, size_t capacity, uint64_t *number, struct error *error);

/* Manager: who waits, and who comes later, gets RP_CLOSED; items that are left are given back to
 * their owners. Nothing for one that is closed. */
void queue_close(struct board *board, uint64_t number);

/* RP_OK: it is open. RP_CLOSED. RP_INVALID: there never was such a queue in this pool. */
rp_status queue_check(struct board *board, uint64_t number);

/* Puts a filled parcel. RP_TIMEOUT: full until the deadline (0: it only looks); the parcel is still
 * the caller's then, as with every other failure. */
rp_status queue_put(struct board *board, uint64_t number, uint64_t item, uint64_t deadline);

/* Gets the oldest item, which this process then holds: until queue_let_go, or until it gets another
 * one. RP_TIMEOUT: empty until the deadline. */
rp_status queue_get(struct board *board, uint64_t number, uint64_t *item, uint64_t deadline);

void queue_let_go(struct board *board);

/* Manager: puts the item that it holds back to where it was, since it has no room for it. */
void queue_put_back(struct board *board, uint64_t number);

/* Manager: puts an item that somebody had got, and has not looked at, back to where it was; or for good
 * frees it, if the queue has been closed. */
void queue_return(struct board *board, uint64_t number, uint64_t item);

/* Manager: what it holds is its to free. */
void queue_keep(struct board *board);

/* Manager: it wants to be woken when it may get, or put; and no longer so. Who wants it twice takes it back
 * twice. */
void queue_attend(struct board *board, uint64_t number, enum queue_side side, bool waits);

/* Without the lock: whether one that waits there would come back. */
bool queue_lets_pass(const struct board *board, uint64_t number, enum queue_side side);

/* A number of its own for each wait without end of a member that nothing ends yet; 0: it does not wait, or
 * would come back. */
uint64_t queue_waits(const struct board *board, int member);

/* Manager: a process died. `member` holds no item any more, and all who wait look again. */
void queues_shake(struct board *board, int member);

#endif
