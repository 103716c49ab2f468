/* Draining: the process is to end (record/drain.h). No task starts any more, what the workers have
 * claimed is awaited and stored, and the process leaves. */
#ifndef RANKPOOL_RUN_DRAIN_H
#define RANKPOOL_RUN_DRAIN_H

#include "run/manager.h"

/* Called again and again in every waiting call, outside of tasks: does not return when the time has
 * come. Only for pools with a journal. */
void drain_look(struct manager *manager);

#endif
