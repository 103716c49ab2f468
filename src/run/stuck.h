/* Stuck: every task that runs waits at a queue without end, for what nobody is left to do.
 *
 * The manager asks when it would wait itself, so that neither it nor the tasks wait for ever. The
 * answer is exact: true only if no task moves any more. It holds when
 *     every item that was claimed and has not ended is in the claim of a worker that waits,
 *     each of these waits at a queue that is open and lets nobody pass on its side, and
 *     what nobody has claimed could be claimed by those alone,
 * all of it between two looks at the workers' words `waits` that find them as they were: a worker
 * changes its word before it takes an item or leaves the queue, and a task that moved meanwhile is
 * still claimed and not ended, since notes are not collected in between. */
#ifndef RANKPOOL_RUN_STUCK_H
#define RANKPOOL_RUN_STUCK_H

#include "run/manager.h"

bool stuck_is(struct manager *manager);

/* If so, closes the queues, for the tasks to go on; true then. */
bool stuck_resolve(struct manager *manager);

#endif
