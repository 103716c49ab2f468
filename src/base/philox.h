/* Philox 4x64-10, a random number generator that is a function of a counter and a key: Salmon,
 * Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11. */
#ifndef RANKPOOL_BASE_PHILOX_H
#define RANKPOOL_BASE_PHILOX_H

#include <stdint.h>

void philox4x64(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4]);

#endif
