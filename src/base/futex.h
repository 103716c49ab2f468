/* Sleeping on a word of memory that other threads and processes share. */
#ifndef RANKPOOL_BASE_FUTEX_H
#define RANKPOOL_BASE_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Sleeps while *word is `expected`, until woken or until `deadline` (of clock_ns, CLOCK_NEVER:
 * none). Returns false when the deadline passed; may return true without cause. */
bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline);

/* Wakes one sleeper on the word. */
void futex_wake(_Atomic uint32_t *word);

#endif
