/* The plan over nodes: how many workers each node gets, and where these are bound.
 *
 *     allocation_find, probe_nodes      which nodes there are, and what each offers
 *     spread_make                       the plan
 *     spread_seat                       where a worker is bound
 *     spread_free                       before the offers go
 *
 * Without a number of workers each node gets what it offers, but no more than its slots. With one, workers
 * are dealt so that every node is as full as the others, measured by what it offers: nodes may differ. More
 * of them than all nodes offer are dealt in the same way, and are not bound where a node has more than it
 * offers; memory is a bound that nobody goes beyond. */
#ifndef RANKPOOL_LAUNCH_SPREAD_H
#define RANKPOOL_LAUNCH_SPREAD_H

#include "launch/allocation.h"
#include "launch/offer.h"

struct spread_node {
    const char *host; /* as it was named */
    const struct offer *offer;
    int slots;   /* the most workers it may have unless more are asked for; 0: no such bound */
    int offered; /* the smaller of both */
    int workers;
    bool here; /* it is this machine */
    bool bind;
};

struct spread {
    struct spread_node *node;
    int count;
    int workers; /* of all nodes */
};

/* `workers` 0: all that is offered. The allocation and its offers live longer than the plan. RP_INVALID with
 * a sentence: no worker, more than memory has room for, two names of one machine. */
rp_status spread_make(const struct allocation *allocation, const struct offer *offers, int workers,
                      struct spread *spread, struct error *error);

/* The CPUs of worker 1 to node->workers, "0-3"; "": it is not bound. */
const char *spread_seat(const struct spread_node *node, int worker);

/* Safe for a plan of zeros. */
void spread_free(struct spread *spread);

#endif
