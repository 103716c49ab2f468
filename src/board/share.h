/* Shares: bytes on the board that every task may read. A share's number is {serial, offset of its
 * head}, so that a task finds it without a table, and that the number of a share that was given up
 * never means a later one at the same place.
 *
 * On the other nodes shares have the numbers of the manager's board, and a table in the arena says where
 * they lie there. Tasks read it while it is written: an entry's number comes last, and a table that was
 * replaced by a larger one stays. */
#ifndef RANKPOOL_BOARD_SHARE_H
#define RANKPOOL_BOARD_SHARE_H

#include "board/arena.h"
#include "board/board.h"

#define SHARE_MAGIC      UINT64_C(0x7368617265303031)
#define SHARE_PLACE_BITS 40 /* of a number: an offset in units of a head; above it the serial */

struct share_head {
    _Alignas(64) _Atomic uint64_t magic; /* SHARE_MAGIC ^ its number until it is given up */
    uint64_t size;                       /* bytes that follow */
};

static inline uint64_t share_number(uint64_t serial, uint64_t offset)
{
    return serial << SHARE_PLACE_BITS | offset / sizeof(struct share_head);
}

struct share_table {
    uint64_t room, count; /* the room is a power of two */
    struct share_entry {
        _Atomic uint64_t number; /* 0: free */
        uint64_t offset;         /* of its head */
    } entry[];
};

/* Whoever leads a node: from now on the share of that number lies there. False: no memory. */
bool share_list(struct board *board, struct arena *arena, uint64_t number, uint64_t offset);

/* NULL: there is no share of that number. */
const void *share_find(const struct board *board, uint64_t number, size_t *size);

#endif
