/* The nodes of a comm: which ranks share one, who leads it, and which number each worker has.
 *
 * The manager's node is number 0; the others follow by their lowest rank, which leads. Workers are numbered
 * node by node and within a node by rank: 1 to L on the manager's node, whose members they are by
 * the same number, then node 1's, and so on. The leader of another node serves, too: it is member 0 of
 * its node's roster as the one who leads, and member 1, its first worker, as one who works.
 *
 * Where they are too many for one manager the nodes form a tree (nodes_plant): the manager's node is above
 * some, whose leaders are above others. What is below a node are the nodes that follow it, so the workers of
 * each branch are numbered in a row. */
#ifndef RANKPOOL_API_NODES_H
#define RANKPOOL_API_NODES_H

#include <stdint.h>

#include "base/error.h"

struct nodes_one {
    uint64_t key;
    int part;    /* of the machine, where nodes have a size */
    int leader;  /* rank */
    int first;   /* worker number of its first worker */
    int workers; /* 0: a manager alone on its node */
    int above;   /* the node that leads it; -1: none */
    int depth;   /* of the manager's node: 0 */
    int end;     /* the first node behind its branch */
};

struct nodes {
    int count, ranks, manager;
    int levels; /* of those who lead others: 0 where there is one node */
    struct nodes_one *one;
    int *node;   /* of a rank */
    int *worker; /* number of a rank; 0: the manager */
};

/* By what each rank says of its machine, the same on ranks that share memory. With a size above 0
 * every so many ranks are a node of their own. RP_NO_MEMORY. */
rp_status nodes_make(struct nodes *nodes, const uint64_t *keys, int ranks, int manager, int size,
                     struct error *error);
void nodes_free(struct nodes *nodes);

/* Makes a tree of them in which no node is above more than `fanout` others, 2 or more; 0: the manager's is
 * above all. To begin with it is. */
void nodes_plant(struct nodes *nodes, int fanout);

/* The fanout that pays for so many nodes: 0 up to NODES_FLAT besides the manager's, which one manager feeds
 * as well (tests/bench/scale); beyond, two levels of about equal width. */
#define NODES_FLAT 1000
int nodes_fanout(int count);

/* The nodes right below one, in a row: the first one, and the next; nodes->count: there is none. */
int nodes_first_below(const struct nodes *nodes, int node);
int nodes_next_beside(const struct nodes *nodes, int node);

/* The workers of a node and of all below it. */
int nodes_workers_of_branch(const struct nodes *nodes, int node);

/* Its place on its node's roster; a leader's as one who leads. */
int nodes_member(const struct nodes *nodes, int rank);

#endif
