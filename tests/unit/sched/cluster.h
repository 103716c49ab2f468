/* Nodes as far as they matter to sched/blocks.h: workers that take items from their node's queue, at
 * a speed, behind a link that takes time. The manager itself takes none. For each run the makespan
 * is told, and its lower bound. */
#ifndef RANKPOOL_TESTS_CLUSTER_H
#define RANKPOOL_TESTS_CLUSTER_H

#include "sched/blocks.h"

struct cluster_node {
    uint32_t workers;
    double speed;              /* 1: items take what they cost */
    double trip_ns;            /* there and back */
    double slows_at, slows_to; /* from a time on it has another speed; 0: it keeps its own */
};

struct cluster {
    const struct cluster_node *nodes;
    uint32_t count;
    double *cost; /* ns, of each item */
    uint64_t items;
    enum schedule schedule;
    uint64_t chunk;
    double block_ns; /* what the policy is told that a block costs the manager */
    bool never_recall;
};

struct cluster_run {
    double makespan, bound; /* ns; the bound knows no links */
    double listed;          /* ns: of the same items taken in order by whoever is idle, and no links */
    uint64_t blocks, recalled;
    uint64_t most_before_notes; /* items a worker that a node had before its first came back */
};

/* All items through all nodes, each run once, or the case fails. */
struct cluster_run cluster_run(const struct cluster *cluster);

/* n costs of mean `mean` ns; to be freed. */
double *cluster_equal(uint64_t n, double mean);
double *cluster_falling(uint64_t n, double mean);                 /* from twice the mean to nothing */
double *cluster_lognormal(uint64_t n, double mean, double sigma); /* the same in every run */

#endif
