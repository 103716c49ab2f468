/* Looking for something for a while before sleeping: what comes within some microseconds is met
 * without the kernel, and the core is offered to others meanwhile, since the process that would
 * bring it may wait for this very core. */
#ifndef RANKPOOL_BASE_SPIN_H
#define RANKPOOL_BASE_SPIN_H

#include <stdbool.h>

/* Some two microseconds, for more to come of what comes already. */
void spin_briefly(void);

/* Calls `look` until it returns true, for some 20 microseconds. */
bool spin_until(bool (*look)(void *state), void *state);

#endif
