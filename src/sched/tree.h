/* The tree by which a reduction combines: fixed by the number of items alone, so that results have
 * the same bits whoever ran what and whatever came in first.
 *
 * It is the binary tree over the items 0..n-1 whose nodes of level k cover the ranges
 * [j 2^k, min((j + 1) 2^k, n)). So a range of several items is split at the largest power of two
 * below its length. At the right edge a node may be its own parent, where it has no sibling: it is
 * one range, whatever the level.
 *
 * Whoever holds the results of two ranges asks whether they are siblings, or which range the
 * sibling of one is. Nodes that are combined as soon as both are there leave, of any run of items,
 * the fewest nodes that it can be cut into. */
#ifndef RANKPOOL_SCHED_TREE_H
#define RANKPOOL_SCHED_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* Items start..end-1. */
struct tree_range {
    uint64_t start, end;
};

/* Whether the nodes [start, middle) and [middle, end) are the two halves of one. */
static inline bool tree_are_siblings(uint64_t n, uint64_t start, uint64_t middle, uint64_t end)
{
    uint64_t size = middle - start; /* a left half is whole: a power of two, aligned to twice of it */
    if (size & (size - 1) || start & (2 * size - 1))
        return false;
    return end == (n - middle < size ? n : middle + size);
}

/* The other half of the node above; empty for the root. */
struct tree_range tree_sibling(uint64_t n, struct tree_range node);

/* The power of two at whose multiples a run of about `run` items had best be cut: then it is few
 * nodes, and so is the next one. At most half of the run, or 1. */
uint64_t tree_grain(uint64_t run);

#endif
