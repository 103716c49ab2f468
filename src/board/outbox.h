/* Outboxes: how completions reach the manager.
 *
 * Each worker has a ring of notes that it alone writes and the manager alone reads. A note in the
 * ring is the completion: it survives its writer. The bit of a worker in `ready` says that its
 * ring may hold notes: the worker sets it after writing unless it is set, the manager clears it
 * before reading.
 *
 * The manager sleeps on a word of its own: it says how many items must finish before it wants to
 * be woken (outbox_doze), looks once more, and sleeps; whoever brings the number down to nothing,
 * or has something urgent, swaps the word back and owns the wake. */
#ifndef RANKPOOL_BOARD_OUTBOX_H
#define RANKPOOL_BOARD_OUTBOX_H

#include "board/board.h"

/* Worker: writes a note; false: the ring is full, keep it and try again when rung. */
bool outbox_put(struct board *board, const struct note *note);

/* Worker: tells a sleeping manager that `items` have finished. It is woken too when there is
 * something urgent, or half of the ring has been written since. */
void outbox_notify(struct board *board, uint32_t items, bool urgent);

/* Anybody: wakes the manager if it sleeps. */
void outbox_wake_manager(struct board *board);

/* Worker: says that it keeps notes that had no room, to be rung when there is some; it must say so
 * before it announces another claim, and try once more before it sleeps. */
void outbox_say_spilled(struct board *board, bool spilled);
bool outbox_has_spilled(const struct board *board, int member);

/* Manager: the workers with notes among those of word `word`, one bit each; clears the word. */
uint64_t outbox_ready(struct board *board, int word);

/* Manager: the notes of a worker that it has not taken yet, by position; they stay valid until
 * outbox_take says that all before a position were taken. */
struct outbox_span {
    uint64_t first, end;
};
struct outbox_span outbox_look(const struct board *board, int member);
const struct note *outbox_note(const struct board *board, int member, uint64_t position);
void outbox_take(struct board *board, int member, uint64_t position);

/* Manager: goes to sleep until `items` more have finished. Between the two calls it must look
 * whether there are notes already, and call outbox_rouse instead if there are. */
void outbox_doze(struct board *board, uint64_t items);
void outbox_rouse(struct board *board);
void outbox_sleep(struct board *board, uint64_t deadline);
/* The same, no longer than another word is 1. */
void outbox_sleep_with(struct board *board, _Atomic uint32_t *other, uint64_t deadline);

#endif
