/* A map: an array of items cut into posts, collected in place.
 *
 * The items that are not posted yet are ranges of positions, one for all, or one for each worker
 * where the schedule is static. The manager posts ahead from the low end of a range, as much as
 * keeps the workers busy and the board in the cache; where it computes itself, it takes from the
 * high end, straight from the caller's memory. With cost hints a position is not the item's index:
 * `order` tells which item stands where.
 *
 * A reduction is a map whose results are combined instead of collected: by those who run a run of
 * items, as far as these are siblings in the tree (sched/tree.h), and the rest by the manager
 * (map_reduce.h). */
#ifndef RANKPOOL_RUN_MAP_H
#define RANKPOOL_RUN_MAP_H

#include "run/manager.h"

struct map_work {
    rp_fn *fn;
    const void *in;
    size_t in_size;
    size_t n;
    void *out;
    size_t out_size;
    rp_combine *combine; /* of a reduction: `out` has room for one result; else NULL */
    bool range;          /* item i's input is the integer begin + i */
    uint64_t begin;
    enum schedule schedule;
    size_t chunk;
    const void *common;
    size_t common_size;
    const double *cost;
    rp_status *statuses;
    size_t *sizes;
    bool stop_at_failure;
    int retries;       /* as in struct posting_item */
    uint64_t limit_ns; /* that an item may take; 0: no limit */
    const char *label;
};

/* Runs the map to its end. Returns the status of the lowest failed item, with its sentence. */
rp_status map_run(struct manager *manager, const struct map_work *work, rp_map_report *report,
                  struct error *error);

#endif
