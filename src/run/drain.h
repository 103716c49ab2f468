/* Draining: the process is to end (record/drain.h). No task starts any more: workers end the item that they
 * run, and give back those that they have claimed and not begun (perform.h). What has finished is stored,
 * and the process leaves. */
#ifndef RANKPOOL_RUN_DRAIN_H
#define RANKPOOL_RUN_DRAIN_H

#include "run/manager.h"

/* Called again and again in every waiting call, outside of tasks: does not return when the time has
 * come. Only for pools with a journal. */
void drain_look(struct manager *manager);

/* Whether it has come, for the performer of a manager: an item that it is about to begin is not to run. */
bool drain_is_due(void *manager);

#endif
