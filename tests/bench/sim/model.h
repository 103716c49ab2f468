/* A pool on many nodes, as a model in which only what is decided is real: sched/blocks.h says what each node
 * gets, sched/policy.h what a worker claims, a lease (sched/lease.h) that each item ends once. All else is
 * time: the stations (the manager, managers of a second level, the leaders of nodes) serve one thing after
 * the other, each of which costs what the table of costs.h says; links have a latency and a
 * bandwidth; workers run what they claim for as long as tasks.h says.
 *
 *     levels 0   one node: the manager posts, its workers claim
 *     levels 1   the manager sends blocks to the leaders of `nodes` nodes
 *     levels 2   the manager sends blocks to `fan` of these leaders, each of which does the same to others
 *
 * What a station does, in this order: flush its notes when they are due, read the messages that there are,
 * send blocks to whoever wants some. Notes go up when they have waited for `wait`, when there is no more room
 * for them, or nothing is left to do on the node: as many messages as they fill, and at most NET_BUFFERS
 * times what has not been read. Unless they are `separate`, notes of neighbouring items become one run when
 * they are sent, and where they wait for long a run without neighbours stays, as in run/relay_runs.c. Whoever
 * has nothing to do stays awake for a moment, then naps, longer the longer nothing happens. A block is of one
 * post.
 *
 * As in the library the leaders in the middle serve the workers of their own nodes as well; where leaders
 * work, these alone do not. What is asked back of them they have their branch give back, too.
 *
 * Not in the model: memory, faults, noise, and a network that others use. */
#ifndef RANKPOOL_BENCH_SIM_MODEL_H
#define RANKPOOL_BENCH_SIM_MODEL_H

#include "config/schedule.h"
#include "costs.h"
#include "tasks.h"

struct model_options {
    struct costs costs;
    struct tasks tasks;
    uint32_t nodes, workers; /* of each node */
    uint32_t levels, fan;    /* fan 0: the root of the number of nodes */
    uint32_t slow;           /* the first nodes are ten times slower */
    enum schedule schedule;
    uint64_t chunk;
    double wait;      /* ns that notes wait for company; 0: what the policy says */
    uint32_t credits; /* messages of notes of a station that are under way at most; 0: NET_BUFFERS */
    bool separate;    /* notes are not merged */
    bool shares;      /* manager and leaders have no cores of their own: workers lose what these use */
    bool lone;        /* leaders are the workers of their nodes, which have one each */
    uint32_t own;     /* workers of the manager's own node */
};

struct model_result {
    double makespan, bound, work;   /* ns; the bound: all of the work at once, or the longest item */
    double efficiency;              /* work over the workers' time */
    double begins, lacks, ends;     /* parts of the workers' time without work: at first, between, at last */
    double manager, middle, leader; /* part of the time in which they are busy: the busiest of each */
    uint64_t blocks, messages, notes; /* that the manager sent, and read */
    uint64_t recalled, events;
    uint32_t levels;
};

struct model_result model_run(const struct model_options *options);

#endif
