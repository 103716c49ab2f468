/* The nodes of a comm: which ranks share one, who leads it, and which number each worker has.
 *
 * The manager's node is number 0; the others follow by their lowest rank, which leads. Workers are numbered
 * node by node and within a node by rank: 1 to L on the manager's node, whose members they are by
 * the same number, then node 1's, and so on. The leader of another node serves, too: it is member 0 of
 * its node's roster as the one who leads, and member 1, its first worker, as one who works. */
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
};

struct nodes {
    int count, ranks, manager;
    struct nodes_one *one;
    int *node;   /* of a rank */
    int *worker; /* number of a rank; 0: the manager */
};

/* By what each rank says of its machine, the same on ranks that share memory. With a size above 0
 * every so many ranks are a node of their own. RP_NO_MEMORY. */
rp_status nodes_make(struct nodes *nodes, const uint64_t *keys, int ranks, int manager, int size,
                     struct error *error);
void nodes_free(struct nodes *nodes);

/* Its place on its node's roster; a leader's as one who leads. */
int nodes_member(const struct nodes *nodes, int rank);

#endif
