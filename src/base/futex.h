/* Sleeping on a word of memory that other threads and processes share. */
#ifndef RANKPOOL_BASE_FUTEX_H
#define RANKPOOL_BASE_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Sleeps while *word is `expected`, until woken or until `deadline` (of clock_ns, CLOCK_NEVER:
 * none). Returns false when the deadline passed; may return true without cause. With a deadline that has
 * passed it does not sleep, but others may run on this core first. */
bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline);

/* Sleeps while every one of `count` words, up to FUTEX_SEVERAL, is 1: until one of them is woken, or
 * until `deadline`; may return without cause. Where the kernel cannot wait for several words (before
 * Linux 5.16) it returns each millisecond. */
#define FUTEX_SEVERAL 128
void futex_wait_all_set(_Atomic uint32_t *const *words, unsigned count, uint64_t deadline);
bool futex_waits_for_several(void); /* whether the kernel can */

/* Wakes one sleeper on the word, or all of them. */
void futex_wake(_Atomic uint32_t *word);
void futex_wake_all(_Atomic uint32_t *word);

#endif
