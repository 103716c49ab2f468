/* What the death of a worker requires: its claims run elsewhere, and whoever slept through a wake
 * that died with it is woken. The order of looks that makes it safe stands in board/post.h. A worker
 * that cannot serve the pool, for want of memory say, is done without in the same way. */
#ifndef RANKPOOL_RUN_RECOVER_H
#define RANKPOOL_RUN_RECOVER_H

#include "run/manager.h"

/* A worker died, and is marked so in the crew. */
void recover_from_death(struct manager *manager, int worker);

/* The same of workers worker..worker+count-1 that live on, or were on another node, and are for no more work
 * of this pool. */
void recover_without(struct manager *manager, int worker, int count);

/* Workers that have said, since the last call, that they cannot serve the pool. */
void recover_from_refusals(struct manager *manager);

/* Looks for what dead workers held. An announcement of a living one that lost its race, or notes
 * that it could not send yet, may hide some of it for a while: so this is called again and again while
 * manager->suspect, until all that was claimed when somebody died has ended or runs elsewhere. */
void recover_lost(struct manager *manager);

#endif
