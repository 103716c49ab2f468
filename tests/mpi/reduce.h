/* What the tests of reductions reduce, and what comes out: in the fixed tree, which is written down
 * here once more as a recursion. */
#ifndef RANKPOOL_TESTS_MPI_REDUCE_H
#define RANKPOOL_TESTS_MPI_REDUCE_H

#include "suite/suite.h"

#define REDUCE_SCHEDULES 6
extern const char *const reduce_schedules[REDUCE_SCHEDULES];

/* A result as the serial program computes it: of item i, and of two neighbours. */
struct operation {
    const char *name;
    size_t size;
    rp_fn *fn;
    rp_combine *combine;
    void (*leaf)(size_t i, void *out);
};

extern const struct operation reduce_sum, reduce_matrix, reduce_digest;

/* The result of `n` items from `from` on: they are halved at the largest power of two below their
 * number. */
void reduce_serially(const struct operation *operation, size_t from, size_t n, void *out);

/* The items of a sum, by their number as input, or by their index without one; and how they are added. */
rp_fn reduce_sum_of_input, reduce_sum_of_index;
rp_combine reduce_add;

/* 0..n-1, to be freed. */
size_t *reduce_numbers(size_t n);

#endif
