/* Nodes that are known to be so fast, for the tests of sched/blocks.h. */
#ifndef RANKPOOL_TESTS_SCHED_BLOCKS_KNOWN_H
#define RANKPOOL_TESTS_SCHED_BLOCKS_KNOWN_H

#include "check.h"
#include "sched/blocks.h"

#define MS 1e6

static inline struct blocks open_blocks(uint32_t nodes, uint32_t workers, uint32_t own)
{
    struct blocks blocks;
    REQUIRE(!blocks_open(&blocks, nodes, own, 0));
    for (uint32_t i = 0; i < nodes; i++)
        CHECK_UINT(blocks_add_node(&blocks, workers, 0), i);
    return blocks;
}

static inline struct blocks_view view_of(uint64_t total, uint64_t remaining, double now)
{
    return (struct blocks_view){.total = total, .remaining = remaining, .available = remaining, .now = now};
}

/* The node has done `items` in `ns`, and has nothing any more. */
static inline void make_known(struct blocks *blocks, uint32_t node, uint64_t items, double *now, double ns)
{
    blocks_sent(blocks, node, items, *now);
    *now += ns;
    blocks_ended(blocks, node, items, *now);
    CHECK_NEAR(blocks->nodes[node].speed, (double)items / ns, 1e-9);
}

static inline uint64_t want(const struct blocks *blocks, uint32_t node, struct blocks_view view)
{
    return blocks_want(blocks, node, &view);
}

#endif
