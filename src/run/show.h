/* What the manager tells the recorder: how far a map, or the submitted tasks, have come. */
#ifndef RANKPOOL_RUN_SHOW_H
#define RANKPOOL_RUN_SHOW_H

#include "run/manager.h"

void show_map_begin(struct manager *manager, const char *label, size_t n);
void show_map(struct manager *manager, const char *label, size_t n, size_t ended, size_t failed);
void show_map_end(struct manager *manager, const char *label, size_t n, size_t ended, size_t failed);

/* Submitted tasks are shown from the first wait for one until all are done. */
void show_tasks(struct manager *manager);

#endif
