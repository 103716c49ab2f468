#include "sched/tree.h"

#include <assert.h>

/* A node at the right edge counts at its highest level, where it is a right half. */
static uint64_t size_of(uint64_t n, struct tree_range node)
{
    return node.end < n ? node.end - node.start : node.start & -node.start;
}

struct tree_range tree_sibling(uint64_t n, struct tree_range node)
{
    assert(node.start < node.end && node.end <= n);
    if (node.start == 0 && node.end == n)
        return (struct tree_range){n, n};
    uint64_t size = size_of(n, node);
    if (node.start & size)
        return (struct tree_range){node.start - size, node.start};
    return (struct tree_range){node.end, n - node.end < size ? n : node.end + size};
}

uint64_t tree_grain(uint64_t run)
{
    uint64_t grain = 1;
    while (grain <= run / 4)
        grain *= 2;
    return grain;
}
