/* The journal: finished results in a file, so that the next run of the same program computes only
 * what is missing. The file is SQLite's; its tables stand in journal_file.h.
 *
 * Order of calls, all by the manager's thread:
 *
 *     journal_open          the file is this process's own from here on
 *     journal_begin         for each map, stream or reduction, and once for the submitted tasks
 *       journal_digest_work   what the results depend on besides their inputs: once for a map
 *       journal_digest_item   with the input: what an item is known by
 *       journal_find          by rising item: whether its result is stored, and that
 *       journal_store         an item that has succeeded
 *     journal_end
 *     journal_close         everything is stored
 *
 * An item is known by its pool, its map and its index, which are the same in every run of a program
 * that makes the same calls in the same order; and by a digest, of 128 bits, of all that its result
 * depends on: the builds of the program and of the function's module, the function, `common`, the
 * seed, the label, the room for the result, and the input. With another digest the stored result is
 * not given, and what is computed replaces it.
 *
 * Storing copies the result and goes on. A thread of the journal's own, which blocks all signals and
 * makes no calls of MPI, writes what has gathered, in one transaction each 10 ms or MiB
 * (journal_writer.h). What waits to be written is bounded: a manager that is faster than the file
 * waits for it.
 *
 * What can go wrong. RP_JOURNAL from journal_open, with a sentence, and the file as it was: it cannot
 * be opened or written, is no journal, is another program's or another version's, is damaged, or
 * another process uses it. Later (the disk is full, say) nothing more is stored and the computation
 * goes on: that is said once on standard error, and by journal_close. RP_UNSUPPORTED: the library
 * was built without SQLite.
 *
 * Those who include this do not see SQLite: they call through a table of operations. */
#ifndef RANKPOOL_RECORD_JOURNAL_H
#define RANKPOOL_RECORD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct journal_digest {
    uint64_t low, high;
};

struct journal_worker {
    int worker, rank;
    const char *host;
    long pid;
};

struct journal_setup {
    const char *path;
    const char *program; /* its name: a journal belongs to one */
    uint64_t build;      /* of the program */
    uint64_t pool;       /* the how manieth of the process */
    uint64_t seed;
    const struct journal_worker *workers; /* those who run tasks, and the manager, 0 */
    int worker_count;
};

/* What the results of some work depend on besides their inputs; and what is noted of it. */
struct journal_work {
    uint64_t map;            /* its number in the pool; 0: the submitted tasks */
    const char *kind;        /* "map", "stream", "reduce", "tasks" */
    const char *label;       /* or NULL */
    uint64_t items;          /* JOURNAL_UNKNOWN */
    uint64_t module, offset; /* of the function */
    uint64_t out_size;
    bool drops; /* results are dropped */
    const void *common;
    size_t common_size;
};

#define JOURNAL_UNKNOWN UINT64_MAX

/* An item that has succeeded. */
struct journal_done {
    uint64_t item;
    struct journal_digest digest;
    const void *result; /* `size` bytes; NULL: dropped, only its size is kept */
    size_t size;
    const char *label; /* of a task, or NULL */
    int worker, attempt;
    double ran;     /* seconds */
    uint64_t ended; /* clock_ns */
};

struct journal;

/* Some work's part of the journal. */
struct journal_part {
    struct journal *journal;
    uint64_t map;
    bool may_find; /* false: nothing is stored of this item and of those behind it */
};

struct journal_ops {
    struct journal_part *(*begin)(struct journal *journal, const struct journal_work *work);
    struct journal_digest (*digest_work)(const struct journal *journal, const struct journal_work *work);
    struct journal_digest (*digest_item)(struct journal_digest work, const void *in, size_t size);
    bool (*find)(struct journal_part *part, uint64_t item, struct journal_digest digest, rp_view *result);
    void (*store)(struct journal_part *part, const struct journal_done *done);
    void (*end)(struct journal_part *part);
    size_t (*flush)(struct journal *journal);
    rp_status (*close)(struct journal *journal, bool complete, struct error *error);
};

struct journal {
    const struct journal_ops *ops;
};

/* Opens the file, which is made where there is none. */
rp_status journal_open(const struct journal_setup *setup, struct journal **journal, struct error *error);

/* NULL: nothing can be stored or found. To be ended. */
static inline struct journal_part *journal_begin(struct journal *journal, const struct journal_work *work)
{
    return journal->ops->begin(journal, work);
}

static inline struct journal_digest journal_digest_work(const struct journal *journal,
                                                        const struct journal_work *work)
{
    return journal->ops->digest_work(journal, work);
}

static inline struct journal_digest
journal_digest_item(const struct journal *journal, struct journal_digest work, const void *in, size_t size)
{
    return journal->ops->digest_item(work, in, size);
}

/* Items are asked for by rising index. The result is valid until the next call with this part; its
 * data are NULL where it was dropped. */
static inline bool journal_find(struct journal_part *part, uint64_t item, struct journal_digest digest,
                                rp_view *result)
{
    return part->may_find && part->journal->ops->find(part, item, digest, result);
}

static inline void journal_store(struct journal_part *part, const struct journal_done *done)
{
    part->journal->ops->store(part, done);
}

static inline void journal_end(struct journal_part *part)
{
    if (part)
        part->journal->ops->end(part);
}

/* All that was stored is in the file on return. How many items this process has stored. */
static inline size_t journal_flush(struct journal *journal)
{
    return journal->ops->flush(journal);
}

/* The same, and frees the journal; `complete`: the pool was closed, else the run was interrupted.
 * RP_JOURNAL where something could not be stored. */
static inline rp_status journal_close(struct journal *journal, bool complete, struct error *error)
{
    return journal->ops->close(journal, complete, error);
}

#endif
