/* A worker's loop: it serves every pool on the roster, a claim of each in turn, until told to
 * quit, and sleeps when there is nothing to do. */
#ifndef RANKPOOL_RUN_WORKER_H
#define RANKPOOL_RUN_WORKER_H

#include "board/roster.h"

/* Returns when the manager quits, after the finalizers of pools that are still open. */
void worker_serve(struct roster *roster);

#endif
