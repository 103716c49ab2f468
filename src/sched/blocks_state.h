/* What src/sched/blocks*.c share: how fast a node is taken to be, and what it may have. */
#ifndef RANKPOOL_SCHED_BLOCKS_STATE_H
#define RANKPOOL_SCHED_BLOCKS_STATE_H

#include <math.h>

#include "sched/blocks.h"

#define BLOCKS_PROBE 2 /* claims a worker, until something is known */
#define BLOCKS_BUSY  4 /* blocks may take a quarter of the manager's time */

/* ---- Speeds ------------------------------------------------------------------------------ */

/* Of a worker of whom nothing is known. */
static inline double blocks_usual_speed(const struct blocks *blocks)
{
    return blocks->known ? blocks->speeds / (double)blocks->known : 0;
}

/* By which shares go: speeds, or as long as none is known, workers. */
static inline double blocks_weight_of(const struct blocks *blocks, const struct blocks_node *node)
{
    if (node->speed > 0)
        return node->speed;
    return node->workers * (blocks->known ? blocks_usual_speed(blocks) : 1);
}

static inline double blocks_weight_of_all(const struct blocks *blocks)
{
    double others = (double)(blocks->other + blocks->own);
    return blocks->speeds + others * (blocks->known ? blocks_usual_speed(blocks) : 1);
}

static inline uint64_t blocks_count_workers(const struct blocks *blocks)
{
    return blocks->known + blocks->other + blocks->own;
}

/* ---- How much a node may have ------------------------------------------------------------ */

/* Items with which each of its workers has something to do. */
static inline double blocks_claims_of(const struct blocks *blocks, const struct blocks_node *node)
{
    return (double)node->workers * (double)blocks->claim;
}

/* Some times what it has shown that it can do. */
static inline double blocks_most_of(const struct blocks *blocks, const struct blocks_node *node)
{
    return 4.0 * (double)node->done + 2.0 * BLOCKS_PROBE * blocks_claims_of(blocks, node);
}

static inline double blocks_cover_of(const struct blocks *blocks, const struct blocks_node *node)
{
    double time = 2 * node->trip + 2 * blocks_patience(blocks) + BLOCKS_DOZE_NS;
    return fmin(node->peak * time + 2.0 * blocks_claims_of(blocks, node), blocks_most_of(blocks, node) / 2);
}

/* Items that the node does while the manager sends a block to each node once. */
static inline double blocks_round_of(const struct blocks *blocks, const struct blocks_node *node)
{
    return node->speed * blocks->alive * blocks->cost;
}

/* Its place in the rankings, after any change. */
void blocks_rank(struct blocks *blocks, uint32_t number);
void blocks_rank_all(struct blocks *blocks);

#endif
