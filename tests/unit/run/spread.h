/* Seven nodes that hand on to each other what all are to have; how often the manager sends it is counted. Of
 * the nodes 0, 1, 3 have it from the manager, 2 has it from 1, 4 and 5 have it from 3, and 6 has it from 5.
 */
#ifndef RANKPOOL_TESTS_RUN_SPREAD_H
#define RANKPOOL_TESTS_RUN_SPREAD_H

#include "realm.h"

/* Bytes: enough for the tree; and so many that nobody thinks that they are late before some seconds are over.
 */
enum { SPREAD_NODES = 7, SPREAD_SIZE = 200000, SPREAD_LARGE = 16 << 20, SPREAD_SOON_S = 8 };

extern struct realm spread_realm;

/* What the manager sends. */
extern struct spread_sent {
    const struct net_ops *ops; /* the net's own */
    int bodies[SPREAD_NODES];  /* COMMON and SHARE with all bytes, by node */
    void (*at_first)(void);    /* done before the first of them, ... */
    void (*at_block)(void);    /* ... and before a BLOCK, when all nodes have been told */
} spread_sent;

int spread_count_bodies(void);

void spread_start(int workers, int each);
void spread_end(void);

/* As the leader of a node knows that of another one. */
int spread_peer(int node, int other);

/* A map over all workers, each with its part; each item compares so many bytes. */
void spread_map(size_t size);
void spread_map_by(enum schedule schedule, size_t size);

/* Shares them; and each node has so many of them, 0: it knows no such share. */
rp_share_id spread_share(size_t size);

/* A task for a worker that is told of a share; and what it answers. */
struct task *spread_submit(rp_fn *fn, int worker, rp_share_id id);
void spread_take(struct task *task, void *answer, size_t size);

/* Such a task: how many bytes the share has, 0 if there is none. */
int spread_compare(rp_call *call, const void *in, size_t size);
uint64_t spread_ask_worker(int worker, rp_share_id id);
void spread_ask_all(rp_share_id id, uint64_t wanted);

#endif
