/* Waiting: the manager sleeps until work has finished. */
#ifndef RANKPOOL_RUN_WAIT_H
#define RANKPOOL_RUN_WAIT_H

#include "run/manager.h"

/* Sleeps until `items` more have finished, something urgent happened or the deadline passed. It
 * returns now and then without cause, for the caller to show progress; deaths of workers are seen
 * to here. Not for a manager that is alone. */
void wait_for_items(struct manager *manager, uint64_t items, uint64_t deadline);

#endif
