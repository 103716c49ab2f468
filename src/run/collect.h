/* Collecting: the workers' notes are taken in by the work that they are of. */
#ifndef RANKPOOL_RUN_COLLECT_H
#define RANKPOOL_RUN_COLLECT_H

#include "run/manager.h"

/* Takes in all notes; true if there were any. */
bool collect_notes(struct manager *manager);

/* The same from every outbox, also of those who died before they could say that they wrote. */
void collect_all_notes(struct manager *manager);

/* One note of a worker of another node, in words of this board: what it carries besides lies in a parcel
 * of the manager's. */
void collect_note(struct manager *manager, int worker, const struct note *note);

#endif
