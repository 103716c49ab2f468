/* Waiting: the manager sleeps until work has finished. Every waiting or polling call comes by here. */
#ifndef RANKPOOL_RUN_WAIT_H
#define RANKPOOL_RUN_WAIT_H

#include "run/manager.h"

/* Now and then, else nothing (false): sees to workers that have died, and wakes those that sleep
 * although there is work, since whoever should have found it may have been stopped. */
bool wait_watch(struct manager *manager);

/* Sleeps until `items` more have finished, something urgent happened or the deadline passed. It
 * returns now and then without cause, for the caller to show progress; deaths of workers are seen
 * to here. Not for a manager that is alone. */
void wait_for_items(struct manager *manager, uint64_t items, uint64_t deadline);

/* The same for one item, or for what `look` says: whoever makes that true wakes the manager
 * (outbox_wake_manager). */
void wait_for(struct manager *manager, bool (*look)(void *state), void *state, uint64_t deadline);

#endif
