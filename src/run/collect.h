/* Collecting: the workers' notes are taken in by the work that they are of. */
#ifndef RANKPOOL_RUN_COLLECT_H
#define RANKPOOL_RUN_COLLECT_H

#include "run/manager.h"

/* Takes in all notes, and combines results that have come; true if there were any notes. */
bool collect_notes(struct manager *manager);

/* Takes in those of every outbox, also of who died before it could say that it wrote. */
void collect_all_notes(struct manager *manager);

/* One note of a worker of another node, in words of this board: what it carries besides lies in a parcel
 * of the manager's. */
void collect_note(struct manager *manager, int worker, const struct note *note);

#endif
