/* The journal's writer: a thread that takes what has gathered and writes it to the file.
 *
 * The manager adds to one batch while the thread writes another; they meet at a lock that neither
 * holds for long. The thread is woken by the first entry of a batch, and writes once that is 10 ms
 * old, the batch has a MiB, or somebody waits for it. The manager waits only where the file is slower
 * than the program and 32 MiB have gathered.
 *
 * Whoever reads from the file meanwhile holds it: writer_hold_file, writer_drop_file.
 *
 * Once something could not be written, nothing is any more: said on standard error when it happens,
 * and by writer_stop. */
#ifndef RANKPOOL_RECORD_JOURNAL_WRITER_H
#define RANKPOOL_RECORD_JOURNAL_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "record/journal_file.h"

struct writer {
    struct journal_file *file;
    pthread_t thread;
    pthread_mutex_t file_lock;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work, room;
    struct batch batch;
    uint64_t since; /* clock_ns of its first entry */
    bool urgent, busy, stopping;
    size_t stored;       /* items written */
    _Atomic bool failed; /* `error` says why */
    struct error error;
};

rp_status writer_start(struct writer *writer, struct journal_file *file, struct error *error);

void writer_add(struct writer *writer, const struct batch_entry *entry);

/* Everything that was added is in the file on return, unless it failed. Items written so far. */
size_t writer_flush(struct writer *writer);

void writer_hold_file(struct writer *writer);
void writer_drop_file(struct writer *writer);

/* It cannot go on: says so once, of failures of others too. */
void writer_fail(struct writer *writer, const struct error *error);

/* Writes what is left and ends the thread. RP_OK, or why something was not stored. */
rp_status writer_stop(struct writer *writer, struct error *error);

#endif
