/* What reductions are tried out with: results whose bits tell in which shape they were combined, beside a
 * recursion that makes them serially. */
#ifndef RANKPOOL_TESTS_RUN_REDUCTION_H
#define RANKPOOL_TESTS_RUN_REDUCTION_H

#include "puppets.h"
#include "run/map.h"

/* Of results: in the note, copied by the manager, left where the worker has put them. */
enum { REDUCTION_SIZES = 4, REDUCTION_LONGEST = 20000 };
extern const size_t reduction_sizes[REDUCTION_SIZES];

uint64_t reduction_mix(uint64_t x);

rp_fn reduction_item;
rp_combine reduction_combine;

/* The result of items from..from+n-1 as a recursion has it. */
void reduction_serially(uint64_t from, uint64_t n, uint64_t *out, size_t size);

/* A reduction of `n` items to `out`, of `size` bytes; `like` says what else it has. */
struct map_work reduction_work(const struct map_work *like, size_t n, size_t size, void *out);

/* Runs it, and checks each bit. */
void reduction_check(struct gang *gang, const struct map_work *like, size_t n, size_t size);

/* No part of a reduction lies in a worker's memory any more. */
void reduction_check_nothing_left(const struct puppets *puppets);

/* For puppets_at: both claim in turn and perform in the other order, whenever the manager sleeps. */
void reduction_in_turns(void *puppets);

#endif
