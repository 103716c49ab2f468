/* Watching the workers of this node: the kernel says when one has died, time never does.
 *
 * A process has one watch for a crew, with a descriptor for each worker, which all its pools look
 * through: watch_of opens it for the first, the crew's last user closes it. Each pool takes note of
 * every death by itself:
 *
 *     int deaths = watch_look(watch);
 *     while (mine < deaths)
 *         ... watch_died(watch, mine++) ...
 *
 * Pools of several threads may do so at a time. */
#ifndef RANKPOOL_RUN_WATCH_H
#define RANKPOOL_RUN_WATCH_H

#include "run/crew.h"

struct watch;

#define WATCH_TICK_NS UINT64_C(100000000) /* between looks */

/* NULL without memory. Where the kernel has no pidfds, or the process no more descriptors, workers
 * are looked up by their numbers. */
struct watch *watch_of(struct crew *crew);
void watch_close(struct watch *watch);

/* How many workers have died so far; they are marked in the crew. */
int watch_look(struct watch *watch);

/* Without another look. */
int watch_known(struct watch *watch);

/* The k-th of them, from 0. */
int watch_died(const struct watch *watch, int k);

#endif
