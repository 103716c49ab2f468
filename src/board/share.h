/* Shares: bytes on the board that every task may read. A share's number is the offset of its
 * head, so that a task finds it without a table. */
#ifndef RANKPOOL_BOARD_SHARE_H
#define RANKPOOL_BOARD_SHARE_H

#include "board/board.h"

#define SHARE_MAGIC UINT64_C(0x7368617265303031)

struct share_head {
    _Alignas(64) _Atomic uint64_t magic; /* SHARE_MAGIC until it is given up */
    uint64_t size;                       /* bytes that follow */
};

/* NULL: there is no share of that number. */
const void *share_find(const struct board *board, uint64_t number, size_t *size);

#endif
