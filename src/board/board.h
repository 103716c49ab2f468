/* The board of a pool on a node, as one process sees it.
 *
 * The manager creates a board and posts its handle on the roster; workers attach it. Then
 *     manager: post_take, fill, post_publish ... outbox_look, outbox_take ... post_retire
 *     worker:  post_peek, post_claim, (runs the items), outbox_put, outbox_notify
 * and both sleep through the roster (workers) or the outboxes (the manager). */
#ifndef RANKPOOL_BOARD_BOARD_H
#define RANKPOOL_BOARD_BOARD_H

#include "board/layout.h"

struct board {
    struct board_shared *shared;
    struct post *post;
    _Atomic uint64_t *order;
    struct slot *slot;
    struct note *notes;
    struct board_queue *queue;
    struct roster *roster;
    struct memory memory;
    int self, self_end; /* claims what is for nobody, and for self..self_end-1 */
    struct slot *own;
    uint64_t noted, taken; /* notes that this worker has written, and knows to be taken */
    uint64_t seen;         /* entries of the order before this one hold nothing more for this process */
    bool reserved;         /* it claims what is for it alone */
    uint32_t shuns;        /* flags of posts that it does not claim: of the manager's process alone */
};

/* Creates the board of pool `id` for the roster's members. Its arena and regions reach as far as
 * memory_reach allows (of other kinds than MEMORY_MEMFD: a few MiB, since all of it is taken at once). */
rp_status board_create(struct board *board, struct roster *roster, uint64_t id, enum memory_kind kind,
                       struct error *error);

/* RP_CLOSED: the pool has been closed in the meantime. */
rp_status board_attach(struct board *board, struct roster *roster, uint64_t id,
                       const struct memory_handle *handle, struct error *error);

void board_release(struct board *board);

/* The board is this member's from now on; or that of one who claims for others, who are no members: for
 * first..end-1. Nobody looks at its slot. */
void board_see_as(struct board *board, int member);
void board_see_for(struct board *board, int first, int end, struct slot *own);

static inline void *board_at(const struct board *board, uint64_t offset)
{
    return (char *)board->shared + offset;
}

/* Whether that is memory of the board's. */
static inline bool board_has(const struct board *board, const void *memory)
{
    return (size_t)((const char *)memory - (const char *)board->shared) < board->memory.size;
}

static inline struct slot *board_slot(const struct board *board)
{
    return board->own;
}

/* The start of a worker's region for its results. */
uint64_t board_region(const struct board *board, int member);

/* The manager writes down where a module lies, before it posts work that needs it; a worker finds
 * it. NULL: not known. RP_UNSUPPORTED: the table is full. */
rp_status board_add_module(struct board *board, uint64_t id, const char *path, struct error *error);
const char *board_find_module(const struct board *board, uint64_t id);

/* A worker cannot serve: the first sentence counts. The caller wakes the manager. */
void board_break(struct board *board, const char *why);

/* Somebody died, perhaps before its sentence was whole. */
void board_mend_break(struct board *board);

#endif
