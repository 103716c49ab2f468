/* Who is above a manager that is led itself: its relay (relay_wish.c), for what only the pool's manager can
 * do. That is to meet wishes at queues: those of workers of the nodes that are led from here are passed on,
 * and what comes of them comes back (road_meet). */
#ifndef RANKPOOL_RUN_ABOVE_H
#define RANKPOOL_RUN_ABOVE_H

#include "board/post.h"
#include "wire/message.h"

/* A wish of a worker of the crew, one of each at a time. */
struct above_wish {
    uint32_t worker;
    uint64_t serial; /* no other one of that worker has it */
    struct wire_wish told;
    struct post_claim claim; /* that it holds; count 0: it is not known */
    uint64_t item;           /* to be put: a parcel, which is given up as soon as it has left */
};

struct above_ops {
    /* False: it cannot be met any more. */
    bool (*wish)(void *owner, const struct above_wish *wish);

    /* What has become of an item that was got: see WIRE_GOT. */
    void (*got)(void *owner, uint64_t id, bool kept);
};

#endif
