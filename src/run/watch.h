/* Watching the workers of this node: the kernel says when one has died, time never does. */
#ifndef RANKPOOL_RUN_WATCH_H
#define RANKPOOL_RUN_WATCH_H

#include <stdint.h>

#include "run/crew.h"

struct watch;

#define WATCH_TICK_NS UINT64_C(100000000) /* between looks */

/* NULL without memory. Where the kernel has no pidfds the processes are looked up by their
 * numbers. */
struct watch *watch_open(const struct crew *crew);
void watch_close(struct watch *watch);

/* When the next look is due: as clock_ns. */
uint64_t watch_due(const struct watch *watch);

/* A worker that has died since it was last asked, each once; 0: none. */
int watch_dead(struct watch *watch);

#endif
