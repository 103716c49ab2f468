/* What the tests of the journal share: a folder for its file, and runs that store and find. */
#ifndef RANKPOOL_TESTS_RECORD_JOURNALS_H
#define RANKPOOL_TESTS_RECORD_JOURNALS_H

#include "record/journal.h"

/* A new folder; its file, and what may stand beside it. */
const char *journals_begin(void);
const char *journals_path(void);
void journals_end(void);

/* A run of program `program` (NULL: the usual one) as the process's pool number 1. */
rp_status journals_open(const char *program, struct journal **journal, struct error *error);
struct journal *journals_require(void);

/* Of map 1: the function and all else is the same each time. */
struct journal_part *journals_map(struct journal *journal, struct journal_digest *known);

/* Stores items from..end-1 of it: `size` bytes each, which depend on the item. */
void journals_store(struct journal *journal, uint64_t from, uint64_t end, size_t size);

/* How many of items 0..n-1 are stored, whose results must be right; as bits in `stored` where that is
 * not NULL. */
size_t journals_count(struct journal *journal, uint64_t n, bool *stored);

/* What sqlite3 answers, without the newline at its end; valid until the next call. */
const char *journals_ask(const char *sql);

#endif
