/* How many items of a map a node may be sent beside those that it has, by their bytes: sched/blocks.h goes by
 * times alone. Pure.
 *
 * They lie in the node's memory until they are run, and what lies there for long has left the caches by then:
 * a few MiB are enough on a short way. On a long one it is what comes back in two round trips; so a node that
 * gives back as much as it gets is sent twice as much, until either end or the way is what bounds it. Each
 * worker has two items in any case. A branch of nodes may have as much for each of them, all of which lies
 * with the one that leads it until it has handed it on: so there each worker has the item that it runs, and
 * what it would have beside that is bounded by its bytes, too.
 *
 * What comes back makes room for an item or two at a time: that waits until it is room for a whole block, or
 * each block would be as small (Clark, "Window and acknowledgement strategy in TCP", RFC 813, 1982). */
#ifndef RANKPOOL_SCHED_FREIGHT_H
#define RANKPOOL_SCHED_FREIGHT_H

#include <stdint.h>

/* Bytes of items and their results that a node has at a time, or each of a branch; and at most, however long
 * the way is. */
#define FREIGHT_NEAR ((uint64_t)8 << 20)
#define FREIGHT_FAR  ((uint64_t)64 << 20)

struct freight {
    uint64_t each;      /* bytes of an item and its result, 1 or more */
    uint64_t block;     /* bytes of a block of several */
    uint32_t workers;   /* of the node, or of the branch ... */
    uint32_t nodes;     /* ... of so many; 1: it is none */
    uint64_t in_flight; /* items */
    double speed, trip; /* items/ns, and ns: struct blocks_node */
};

/* 0: none at present. */
uint64_t freight_room(const struct freight *freight);

#endif
