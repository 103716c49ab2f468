/* Digests of the journal: XXH3 of 128 bits (xxHash), which is fast, the same everywhere, and made
 * for noticing changes, not for keeping out those who forge them. */
#ifndef RANKPOOL_RECORD_JOURNAL_DIGEST_H
#define RANKPOOL_RECORD_JOURNAL_DIGEST_H

#include "record/journal.h"

/* All that results depend on besides their inputs. */
struct journal_digest digest_work(const struct journal_work *work, uint64_t build, uint64_t seed);

/* The same with the input. */
struct journal_digest digest_item(struct journal_digest work, const void *in, size_t size);

/* Of a row as it is stored: damage of the file shows. */
uint64_t digest_row(uint64_t map, uint64_t item, struct journal_digest digest, const void *result,
                    size_t size);

#endif
