/* Parcels: bytes on the board whose reader says when they are no longer needed.
 *
 * A worker keeps them in its own region of the board, which it alone allocates, and the manager in
 * its arena: results that are too long for a note, and items of queues. Others read them where they
 * lie and mark them as taken, and the owner reuses the memory when it next needs some. A dead
 * process's parcels stay readable. */
#ifndef RANKPOOL_BOARD_PARCEL_H
#define RANKPOOL_BOARD_PARCEL_H

#include "board/arena.h"
#include "board/board.h"

struct parcels {
    struct board *board;
    struct arena *arena, own;
    struct parcel_entry {
        uint64_t offset;
        size_t size;
    } * sent; /* first..end-1: not known to be taken, oldest first */
    size_t first, end, room;
    uint64_t bytes, bytes_then; /* of these; and after the last look at all of them */
};

/* Worker: its region as the place for parcels. Returns 0, or -1 without memory. */
int parcels_init(struct parcels *parcels, struct board *board);

/* Manager: an arena of its own as the place. */
void parcels_init_in(struct parcels *parcels, struct board *board, struct arena *arena);
void parcels_fini(struct parcels *parcels);

/* Owner: room for `size` bytes, aligned for any type, as an offset on the board; ARENA_NONE when
 * there is none. */
uint64_t parcel_take(struct parcels *parcels, size_t size);

/* Owner: takes back one that was not sent. */
void parcel_give(struct parcels *parcels, uint64_t offset);

/* Reader: the owner may reuse the memory. */
void parcel_mark_taken(struct board *board, uint64_t offset);

/* What stands before the bytes. */
struct parcel *parcel_head(const struct board *board, uint64_t offset);

#endif
