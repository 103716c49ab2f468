/* Collecting: the workers' notes are taken in by the work that they are of. */
#ifndef RANKPOOL_RUN_COLLECT_H
#define RANKPOOL_RUN_COLLECT_H

#include "run/manager.h"

/* Takes in all notes; true if there were any. */
bool collect_notes(struct manager *manager);

/* The same from every outbox, also of those who died before they could say that they wrote. */
void collect_all_notes(struct manager *manager);

#endif
