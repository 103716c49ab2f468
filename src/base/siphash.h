/* SipHash-2-4 of Aumasson and Bernstein (2012): a short digest that only who knows the key can make. For
 * messages beside MPI, so that what somebody else sends there is not taken for ours. */
#ifndef RANKPOOL_BASE_SIPHASH_H
#define RANKPOOL_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16 /* bytes, random */

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t size);

#endif
