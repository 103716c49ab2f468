/* A box from inside: shared by the files of the child's side. box_child.c is its life, box_obey.c runs what
 * an order says, box_larder.c holds what tasks take memory from and ask the rank for. They trust the page,
 * which the child's own tasks alone can spoil. */
#ifndef RANKPOOL_RUN_BOX_CHILD_H
#define RANKPOOL_RUN_BOX_CHILD_H

#include "board/board.h"
#include "run/box_page.h"

struct child {
    struct box_page *page;
    struct memory_handle handle;
    struct memory memory;
    size_t reached; /* of the page, at least */
    _Atomic uint32_t *bell;
    struct board board; /* read-only; shared is NULL where there is none */
    struct performer performer;
    struct func_cache functions;
    uint64_t serial; /* of the order under way */
    uint64_t head;
    uint64_t top;               /* what lies below in the area is in use */
    uint64_t woken;             /* when the rank was rung last */
    struct known_share *shares; /* box_larder.c */
};

static inline void *box_area_at(const struct child *child, uint64_t offset)
{
    return (char *)child->memory.base + offset;
}

/* box_larder.c */
struct larder box_larder(struct child *child);

/* box_obey.c */
void box_obey(struct child *child, const struct box_order *order);
void *box_place_at(const struct child *child, struct box_place place);
rp_status box_find(struct child *child, const struct box_function *function, rp_fn **fn, struct error *error);

#endif
