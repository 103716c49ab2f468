/* A pool over several nodes in one process: the manager with a road in the test, its own workers and those of
 * the other nodes processes (gang.h), the leaders threads at the other ends of a loop (net/loop.h).
 *
 *     struct realm realm;
 *     realm_start(&realm, 1, 2, 3);      a worker here; two nodes of three, of which one leads
 *     realm_open(&realm, NULL);
 *     ... map_run(&realm.gang.manager, ...) ...
 *     realm_end(&realm);
 *
 * In realm_start_deep the nodes form a tree, as api/nodes.h has it: node 0's leader is above some of those
 * that follow it, and so on. Where REALM_FANOUT=k says so they do in realm_start, too: what holds without a
 * tree holds with one.
 *
 * Or the test speaks for the nodes itself: realm_start_mute, and the ends are realm.end[]. */
#ifndef RANKPOOL_TESTS_RUN_REALM_H
#define RANKPOOL_TESTS_RUN_REALM_H

#include <pthread.h>

#include "gang.h"
#include "net/loop.h"
#include "run/leader.h"
#include "run/road.h"

#define REALM_NODES 8

struct realm_node {
    struct gang gang;
    int above, end;    /* the node that leads it, -1: the manager's; the first one behind its branch */
    struct crew *crew; /* of its branch */
    struct net *net;   /* to the nodes that it leads; or NULL */
    struct road *road;
    struct leader *leader;
    pthread_t thread;
};

struct realm {
    struct gang gang; /* here */
    struct crew *crew;
    struct road *road;
    struct net *net;
    struct net *end[REALM_NODES]; /* the leaders' */
    int led;       /* nodes that have a leader, the first ones; the test speaks for the others */
    int fanout;    /* none leads more others than that; 0: the manager leads all */
    bool may_lose; /* else it is a failure to have lost a node */
    int nodes;
    struct realm_node node[REALM_NODES];
};

void realm_start(struct realm *realm, int workers, int nodes, int workers_each);
void realm_start_deep(struct realm *realm, int workers, int nodes, int workers_each, int fanout);
/* No worker here, one node, whose workers but the leader meet their fates (gang.h). */
void realm_start_fated(struct realm *realm, int workers, const struct gang_fate *fates);
void realm_start_mute(struct realm *realm, int workers, int nodes, int workers_each);
/* Two nodes of one worker, of which the first leads the other, which is mute. */
void realm_start_mute_below(struct realm *realm);

/* Done with the ends of the net before any leader uses its own, until realm_end; NULL: nothing. */
extern void (*realm_at_ends)(struct realm *realm);

/* As gang_open; the manager has the road. */
void realm_open(struct realm *realm, const struct manager_setup *setup);
void realm_end(struct realm *realm);

/* The number of a node's first worker. */
int realm_first(const struct realm *realm, int node);

#endif
