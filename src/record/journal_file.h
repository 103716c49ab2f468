/* The journal's file: an SQLite database that `sqlite3 FILE` reads between runs.
 *
 *     journal  program               whose it is: its name
 *     run      run, build, host, pid, started, ended, how
 *                                    one row each time that a pool was opened on it: the build of the
 *                                    program, by whom, and seconds since 1970; `how` is "closed" or
 *                                    "interrupted", NULL while it goes on or where it was killed
 *     worker   run, worker, rank, host, pid
 *                                    who could run items: worker 0 is the manager
 *     map      pool, map, kind, label, items, module, "offset", run
 *                                    the maps, streams and reductions of a pool, numbered from 1 by
 *                                    their order; map 0 are the submitted tasks. `items` is NULL where
 *                                    it is not known beforehand; the function is named by its
 *                                    module's build and its offset in it; `run` began it last
 *     item     map, item, pool, digest, run, worker, attempt, ended, ran, size, label, result, sum
 *                                    a finished item: what it depends on, as a digest; the run, the
 *                                    worker and the try that computed it; when it ended, and how many
 *                                    seconds it ran (items that were claimed together have their
 *                                    mean); its result of `size` bytes, NULL where the program dropped
 *                                    it; `sum` is a check of the row
 *
 * Only items that succeeded are here. The pool is the how manieth of the process.
 *
 * How it is safe. The database is in write-ahead mode, without shared memory (which file systems over
 * a network do not have): the process holds it alone, by a lock of the kernel's that ends with it. A
 * process that is killed leaves FILE and FILE-wal, which together have every transaction that was
 * made; the next to open it takes over from there. synchronous=NORMAL: after a loss of power the
 * file is whole, but the last seconds may be missing.
 *
 * A file that is no journal is refused before that (journal_look.h). All calls by one thread at a time. */
#ifndef RANKPOOL_RECORD_JOURNAL_FILE_H
#define RANKPOOL_RECORD_JOURNAL_FILE_H

#include <sqlite3.h>

#include "record/journal_batch.h"

struct journal_file {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *add_item, *add_map, *read_items;
    int64_t run;
    uint64_t pool;
    uint64_t last_map;  /* of which items are stored */
    bool any;           /* items are stored */
    double wall_offset; /* seconds since 1970 when clock_ns was 0 */
};

/* Opens or makes it, and notes the run. */
rp_status file_open(struct journal_file *file, const struct journal_setup *setup, struct error *error);

/* Notes how the run ended (NULL: nothing), and closes it. A zeroed one is closed. */
void file_close(struct journal_file *file, const char *how);

/* The longest result that a row can have. */
size_t file_longest(const struct journal_file *file);

/* Writes a batch, all of it or nothing. */
rp_status file_write(struct journal_file *file, const struct batch *batch, struct error *error);

/* Where reading goes on: behind this item, of this pool. */
struct file_place {
    bool begun;
    uint64_t item, pool;
};

/* Reads stored items of a map, from `place` on, into an empty batch: some, until it has `bytes`. At
 * the end it adds none. Rows that make no sense are left out; *damaged is their number then. */
rp_status file_read(struct journal_file *file, uint64_t map, struct file_place *place, size_t bytes,
                    struct batch *batch, size_t *damaged, struct error *error);

/* RP_JOURNAL: what SQLite says, with what was tried. */
rp_status file_failed(const struct journal_file *file, const char *tried, struct error *error);

#endif
