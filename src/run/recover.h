/* What the death of a worker requires: its claims run elsewhere, and whoever slept through a wake
 * that died with it is woken. The order of looks that makes it safe stands in board/post.h. */
#ifndef RANKPOOL_RUN_RECOVER_H
#define RANKPOOL_RUN_RECOVER_H

#include "run/manager.h"

/* The kernel said that a worker died. */
void recover_from_death(struct manager *manager, int worker);

/* Looks for what dead workers held. An announcement of a living one that lost its race, or notes
 * that it could not send yet, may hide some of it for a while: so this is called again and again while
 * manager->suspect, until all that was claimed when somebody died has ended or runs elsewhere. */
void recover_lost(struct manager *manager);

#endif
