/* A batch of finished items on their way to the journal's file: in one piece of memory, each with its
 * label and its result behind it. Pure; belongs to one thread at a time. */
#ifndef RANKPOOL_RECORD_JOURNAL_BATCH_H
#define RANKPOOL_RECORD_JOURNAL_BATCH_H

#include "record/journal.h"

struct batch_entry {
    size_t bytes; /* of the entry with what is behind it */
    uint64_t map;
    const char *kind;         /* not NULL: no item but a map that has begun, of `done.item` items */
    struct journal_done done; /* its pointers are those of whoever added it: batch_label, batch_result */
    uint64_t module, offset;  /* of a map's function */
    bool has_label, has_result;
    size_t label_size; /* with its zero byte */
};

struct batch {
    char *memory;
    size_t used, room, count;
    size_t items; /* of the entries: the others are maps */
};

/* Copies the entry, its label and its result; `bytes` is set here. False without memory. */
bool batch_add(struct batch *batch, const struct batch_entry *entry);

/* The first entry, or the one behind `entry`; NULL at the end. */
const struct batch_entry *batch_next(const struct batch *batch, const struct batch_entry *entry);

/* Of an entry in a batch; NULL where it has none. */
const char *batch_label(const struct batch_entry *entry);
const void *batch_result(const struct batch_entry *entry);

/* Empties it; much memory is given back. */
void batch_clear(struct batch *batch);
void batch_free(struct batch *batch);

#endif
