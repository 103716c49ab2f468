#include "record/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/journal_digest.h"
#include "record/journal_writer.h"

#define READ_BYTES ((size_t)1 << 20) /* of stored results that are in memory at a time */

struct book {
    struct journal journal; /* first */
    struct journal_file file;
    struct writer writer;
    uint64_t build, seed;
    bool said_long, said_damaged;
};

/* A part with what was read of it ahead. */
struct chapter {
    struct journal_part part; /* first */
    struct file_place place;
    struct batch rows;
    const struct batch_entry *next; /* of them; NULL: all have been passed */
};

static struct book *book_of(const struct journal *journal)
{
    return (struct book *)(uintptr_t)journal;
}

static struct chapter *chapter_of(struct journal_part *part)
{
    return (struct chapter *)part;
}

/* ---- Finding ----------------------------------------------------------------------------- */

static void say_damaged(struct book *book, uint64_t map, size_t damaged)
{
    if (damaged && !book->said_damaged)
        fprintf(stderr, "rankpool: journal %s: %zu items of map %llu are damaged, and run again\n",
                book->file.path, damaged, (unsigned long long)map);
    book->said_damaged = book->said_damaged || damaged;
}

/* Where nothing can be read, nothing is stored either: the file is not to be harmed further. */
static void read_on(struct chapter *chapter)
{
    struct book *book = book_of(chapter->part.journal);
    struct error error;
    size_t damaged = 0;
    batch_clear(&chapter->rows);
    writer_hold_file(&book->writer);
    rp_status status = file_read(&book->file, chapter->part.map, &chapter->place, READ_BYTES, &chapter->rows,
                                 &damaged, &error);
    writer_drop_file(&book->writer);
    if (status)
        writer_fail(&book->writer, &error);
    say_damaged(book, chapter->part.map, damaged);
    chapter->next = status ? NULL : batch_next(&chapter->rows, NULL);
    chapter->part.may_find = chapter->next != NULL;
}

static void pass(struct chapter *chapter)
{
    chapter->next = batch_next(&chapter->rows, chapter->next);
    if (!chapter->next)
        read_on(chapter);
}

static bool same(struct journal_digest a, struct journal_digest b)
{
    return a.low == b.low && a.high == b.high;
}

static bool find(struct journal_part *part, uint64_t item, struct journal_digest digest, rp_view *result)
{
    struct chapter *chapter = chapter_of(part);
    while (part->may_find && chapter->next->done.item < item)
        pass(chapter);
    for (; part->may_find && chapter->next->done.item == item; pass(chapter)) {
        const struct batch_entry *row = chapter->next;
        if (!same(row->done.digest, digest))
            continue;
        *result = (rp_view){batch_result(row), row->done.size};
        return true;
    }
    return false;
}

/* ---- Storing ----------------------------------------------------------------------------- */

static struct journal_part *begin(struct journal *journal, const struct journal_work *work)
{
    struct book *book = book_of(journal);
    struct chapter *chapter = calloc(1, sizeof *chapter);
    if (!chapter) {
        writer_fail(&book->writer, &(struct error){RP_NO_MEMORY, "no memory for the journal"});
        return NULL;
    }
    writer_add(&book->writer, &(struct batch_entry){.map = work->map,
                                                    .kind = work->kind,
                                                    .module = work->module,
                                                    .offset = work->offset,
                                                    .done = {.item = work->items, .label = work->label}});
    chapter->part = (struct journal_part){.journal = journal, .map = work->map};
    if (book->file.any && work->map <= book->file.last_map)
        read_on(chapter);
    return &chapter->part;
}

static void end(struct journal_part *part)
{
    batch_free(&chapter_of(part)->rows);
    free(part);
}

static void say_long(struct book *book, size_t size)
{
    if (!book->said_long)
        fprintf(stderr,
                "rankpool: journal %s: a result of %zu bytes is longer than a row can be (%zu): such items "
                "are not stored, and run again\n",
                book->file.path, size, file_longest(&book->file));
    book->said_long = true;
}

static void store(struct journal_part *part, const struct journal_done *done)
{
    struct book *book = book_of(part->journal);
    if (done->result && done->size > file_longest(&book->file))
        say_long(book, done->size);
    else
        writer_add(&book->writer, &(struct batch_entry){.map = part->map, .done = *done});
}

static struct journal_digest of_work(const struct journal *journal, const struct journal_work *work)
{
    const struct book *book = book_of(journal);
    return digest_work(work, book->build, book->seed);
}

/* ---- Opening and closing ----------------------------------------------------------------- */

static size_t flush(struct journal *journal)
{
    return writer_flush(&book_of(journal)->writer);
}

static rp_status close_book(struct journal *journal, bool complete, struct error *error)
{
    struct book *book = book_of(journal);
    rp_status status = writer_stop(&book->writer, error);
    file_close(&book->file, complete ? "closed" : "interrupted");
    free(book);
    return status;
}

static const struct journal_ops ops = {
    .begin = begin,
    .digest_work = of_work,
    .digest_item = digest_item,
    .find = find,
    .store = store,
    .end = end,
    .flush = flush,
    .close = close_book,
};

rp_status journal_open(const struct journal_setup *setup, struct journal **journal, struct error *error)
{
    struct book *book = calloc(1, sizeof *book);
    if (!book)
        return error_set(error, RP_NO_MEMORY, "no memory for a journal");
    *book = (struct book){.journal.ops = &ops, .build = setup->build, .seed = setup->seed};
    rp_status status = file_open(&book->file, setup, error);
    if (!status && (status = writer_start(&book->writer, &book->file, error)))
        file_close(&book->file, NULL);
    if (status)
        free(book);
    else
        *journal = &book->journal;
    return status;
}
