/* What is in use of malloc's memory: programs that are linked with heap.c have a malloc that counts.
 *
 * mallinfo does not know it: what a thread keeps of freed blocks for later is in use there, and over 100
 * pools that grows by some KiB at any time. And MPI takes memory for lists of its own when it wants to. So
 * the blocks of the library and of the program are counted apart: each has a mark at its end. What the C
 * library takes for them is not among these, but for copies of strings (strdup, strndup).
 *
 * Nothing is counted in a build with sanitizers, or without glibc. */
#ifndef RANKPOOL_TESTS_MPI_HEAP_H
#define RANKPOOL_TESTS_MPI_HEAP_H

#include "suite/process.h"

/* With what is counted here: 0 where nothing is. */
struct process_usage heap_usage(void);

#endif
