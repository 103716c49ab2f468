/* Blocks: how many items of a map, a stream or the submitted tasks a node gets next. Pure: times come
 * in, as nanoseconds of any one clock.
 *
 *     blocks_open                         for one function, whatever maps run it: what is learnt stays
 *     blocks_add_node                     the other nodes, numbered from 0
 *     while there are items:
 *         node = blocks_next(view, &items)     or blocks_want of a node that is known
 *         blocks_sent(node, sent)              the items that it was sent, up to so many
 *         blocks_trip(node, ...)               when a block's first note comes
 *         blocks_ended(node, items)            with each batch of notes
 *     nothing remains, and a node (or a worker of the manager's own) runs dry:
 *         node = blocks_recall_candidate(...), blocks_recalling(node), and with the answer blocks_recalled
 *     blocks_remove_node                  it died: what it had is in flight no more
 *     blocks_close
 *
 * What is learnt of a node. Its speed, in items a nanosecond, is what came back over the time that it
 * took, from samples of at least an item a worker; so whatever bounds it counts: its workers, its
 * leader, its link. While it had too little to be busy, a sample may only raise the speed, as in
 * Cardwell, Cheng, Gunn, Yeganeh and Jacobson, "BBR: congestion-based congestion control", ACM Queue
 * 14 (2016). Where nothing is known of a node, its workers are taken to be as fast as the others' are.
 * The round trip of its link is what passes between a block's departure and its first note, less the time
 * that the items ran: in the mean of the last blocks that found the node empty, and so waited for nothing
 * there, or what another one took if that is less. The shortest ever seen would not do: on a machine that
 * has more to do, a node would get so little that it is idle most of the time, and that would pass for its
 * speed.
 *
 * When a node gets a block. Whenever what it has in flight falls below its cover: what it does in two
 * round trips (a block and its notes need one, and the manager looks elsewhere meanwhile), and while
 * notes wait for company, plus two items for each worker. Before anything has come back it has only a
 * few items a worker, so that a long one has little waiting behind it; later four times as much as it
 * has done before, at most.
 *
 * How large a block is. Factoring, FAC2: half of the node's share of what remains, so that the first
 * half of the work goes out in large blocks and the end in small ones, which even out what the first
 * have spoilt (Hummel, Schonberg and Flynn, "Factoring", Comm. ACM 35, 1992). The share goes by the
 * measured speeds: weighted factoring (Hummel, Schmidt, Uma and Wein, "Load-sharing in heterogeneous
 * systems via weighted factoring", SPAA 1996; Banicescu and Liu, "Adaptive factoring", HPC 2000). As
 * long as there is much to do, a block is no longer than a tenth of a second: longer ones save nothing,
 * and rest on old measurements. It is no shorter than lets the manager serve all nodes in a quarter of
 * its time; but no more than the node's share, unless that would be over before each node has been sent
 * one. And a node takes nothing that the others will have done before it could, as long as they do
 * something.
 *
 * Two blocks are in flight as long as much remains: one begins when what is left of the other is as
 * long as itself.
 *
 * Of streams and submitted tasks nobody knows how many there will be: a node gets what keeps its
 * cover full, and no more than its share of those that are there.
 *
 * The schedules that a program may ask for say what a node gets in the sense that they have for a
 * worker (policy.h), times its workers: static its part of all items, guided its part of what remains,
 * factoring half of that in batches, adaptive the same by speed, dynamic what keeps its cover full, in
 * whole chunks. Blocks of reductions end at multiples of the tree's grain (tree.h).
 *
 * The end game. Nothing remains, and somebody has nothing to do: the node whose items wait longest gives
 * back what nobody has claimed, if they would wait longer than the way to the other takes.
 *
 * The workers of the manager's own node claim for themselves; here they only count, as a share.
 *
 * A decision takes the logarithm of the number of nodes, everything else less. */
#ifndef RANKPOOL_SCHED_BLOCKS_H
#define RANKPOOL_SCHED_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schedule.h"
#include "sched/ranking.h"

/* What a block costs the manager, if nobody has measured it. */
#define BLOCKS_COST_NS 5000.0
/* That notes wait for company: at least; for each node, some messages cost the manager as much; the same for
 * each note of a message, some times what it takes in of it; and at most for each node. Notes of neighbours
 * that meet are one: of uneven work, the longer they wait the fewer are left. */
#define BLOCKS_PATIENCE_NS      100e3
#define BLOCKS_PATIENCE_EACH_NS 5e3
#define BLOCKS_PATIENCE_NOTE_NS 150.0
#define BLOCKS_PATIENCE_MOST_NS 20e3
/* The same where a node has some times as much in flight, and at most. */
#define BLOCKS_PATIENCE_PART    16
#define BLOCKS_PATIENCE_LONG_NS 4e6
/* Both ends doze when nothing happens. */
#define BLOCKS_DOZE_NS 200e3
/* Of work in a block. */
#define BLOCKS_LONG_NS 100e6

struct blocks_node {
    uint32_t workers;         /* 0: it is gone */
    double speed;             /* items/ns; 0: not known */
    double peak;              /* the fastest of the last samples, or `speed` */
    double trip;              /* ns */
    uint64_t in_flight, done; /* items */
    /* the present sample */
    double since;
    uint64_t got;
    bool is_first; /* it was begun with nothing in flight: the trip is part of it */
    bool is_alone; /* nothing was in flight when the block left of which notes come next */
    bool was_short;
    bool recalls; /* a recall is under way, or the last one gave nothing */
    bool is_shy;
};

struct blocks {
    struct blocks_node *nodes;
    uint32_t count, room, alive;
    uint32_t own;          /* workers of the manager's own node */
    double cost;           /* ns of the manager a block */
    double speeds;         /* the sum of those that are known */
    double trips;          /* of each of these, times its trip: items on their way */
    uint64_t known, other; /* workers whose speed is known, and whose is not */
    uint64_t in_flight;
    uint64_t claim;        /* items that a worker claims at once, at least: the chunk of the last view */
    struct ranking hungry; /* by how little of its cover a node has */
    struct ranking laden;  /* by how long its items wait */
    uint32_t *shy;         /* nodes that declined: out of `hungry` until `shy_until`, or until more than */
    uint32_t shy_count;    /* `shy_items` are to be done */
    double shy_until;
    uint64_t shy_items;
    double moved;    /* when items were last sent or done */
    double notes;    /* of a message, in the mean of the last ones */
    double patience; /* for each node */
};

/* What is to be shared. */
struct blocks_view {
    enum schedule schedule;
    uint64_t chunk;     /* items; 0: none asked for */
    uint64_t total;     /* items of the map; 0: nobody knows (streams, tasks) */
    uint64_t remaining; /* items that nobody has claimed, 1 or more */
    uint64_t available; /* of these, what one block can have: those of a post */
    uint64_t at;        /* the position of the first of them in its map */
    bool reduces;       /* blocks end at multiples of the tree's grain */
    bool is_pinned;     /* only this node may run them */
    bool waits;         /* tasks wait for others: how fast nodes were says not who gets through first */
    double now;
};

/* Room for so many nodes. `own`: workers of the manager's own node. `cost_ns`: of the manager for a
 * block; 0: what is usual. Returns 0, or -1 without memory; close is safe then too. */
int blocks_open(struct blocks *blocks, uint32_t room, uint32_t own, double cost_ns);
void blocks_close(struct blocks *blocks);

/* A node of so many workers, 1 or more; `trip_ns` if it is known of another function, else 0.
 * Its number: 0 for the first, and so on, never used again. */
uint32_t blocks_add_node(struct blocks *blocks, uint32_t workers, double trip_ns);

/* One that is gone. */
void blocks_remove_node(struct blocks *blocks, uint32_t node);

/* Some of its workers have died: so many are left, 1 or more. */
void blocks_set_workers(struct blocks *blocks, uint32_t node, uint32_t workers);

/* The same of the manager's own node. */
void blocks_set_own(struct blocks *blocks, uint32_t own);

/* How long notes should wait on their node for company, so that the manager can read the messages of all
 * nodes beside its other work. */
double blocks_patience(const struct blocks *blocks);

/* The same where nobody watches for single results: longer on a node that has enough to do meanwhile. */
double blocks_patience_of(const struct blocks *blocks, uint32_t node);

/* A message of so many notes has come. */
void blocks_noted(struct blocks *blocks, uint32_t notes);

/* Items that the node should be sent now, 0..available: 0: it has enough, or should not have these. */
uint64_t blocks_want(const struct blocks *blocks, uint32_t node, const struct blocks_view *view);

/* The node that needs a block most, and its items, 1..available; -1: none wants any. */
int blocks_next(struct blocks *blocks, const struct blocks_view *view, uint64_t *items);

void blocks_sent(struct blocks *blocks, uint32_t node, uint64_t items, double now);

/* Items of the node are done, failed ones too. */
void blocks_ended(struct blocks *blocks, uint32_t node, uint64_t items, double now);

/* The time from a block's departure to its first note, less the time that the items of that note ran
 * and that the note waited on the node. Before blocks_ended of the note. */
void blocks_trip(struct blocks *blocks, uint32_t node, double ns);

/* Who should give back what it has not begun, for somebody at the end of a link of `trip_ns` (0: the
 * manager's own workers) who has nothing to do; -1: nobody. It should be asked for the block that it was sent
 * last. */
int blocks_recall_candidate(const struct blocks *blocks, double trip_ns);

/* It has been asked: it is no candidate until it answers. */
void blocks_recalling(struct blocks *blocks, uint32_t node);

/* Its answer. Where it had nothing to give, it is no candidate until it is sent more. */
void blocks_recalled(struct blocks *blocks, uint32_t node, uint64_t items);

#endif
