/* The road between nodes, from the manager's end: how the work of its board reaches workers of other nodes.
 *
 * There is one road for a world or team, which its pools share. It knows the other nodes, each led by a peer
 * of its net. In each pool a node has an agent (agent.h), which claims items of the manager's board as a
 * worker would, sends them as blocks, and hands the notes that come back to collect.h as if a worker of this
 * node had written them. Maps, streams and submitted tasks see posts and notes, here as there.
 *
 *     road_create                 when the nodes are known
 *     manager_setup.road          each pool's manager joins it, and parts from it when it closes
 *     road_turn                   wherever notes are collected: takes in what has come, sends blocks
 *     road_nap, road_doze         how long the manager may sleep meanwhile, and what wakes it for the net
 *     road_quit, road_is_left_whole     at the end of the world; then
 *     road_destroy                and the net may be closed
 *
 * A node is lost when the net says so, when its leader has died, or when it says what makes no sense: its
 * workers are dead in the crew from then on, road_why says why, and what it held runs elsewhere. The pools go
 * on without it.
 *
 * What the road says of tasks and items at other nodes is the manager's knowledge: it may be as old as a
 * message's way.
 *
 * One thread uses a road and its pools. */
#ifndef RANKPOOL_RUN_ROAD_H
#define RANKPOOL_RUN_ROAD_H

#include "net/net.h"
#include "run/manager.h"

/* Another node: who leads it, and its workers first..first+count-1 of the crew, with those of nodes that are
 * led from there: to this road they are one node. */
struct road_stop {
    int peer;
    int first, count;
    const char *host; /* copied */
    int led;          /* nodes that its leader leads, and so on */
};

/* The roads of a process, which may manage several worlds: whoever turns one of them, or serves elsewhere,
 * turns all, since what others send can leave only while its end of the net is looked at. The process has one
 * of these. */
struct roads {
    struct road *first;
};

/* Of all: see road_turn and road_nap. */
bool roads_turn(const struct roads *roads);
uint64_t roads_nap(const struct roads *roads);

struct road_setup {
    struct roads *beside; /* that this one joins; or NULL */
    struct net *net;      /* stays the caller's, who closes it after road_destroy */
    struct pulse *pulse;  /* of the nodes as numbered here, stays the caller's too; NULL: nobody is heard */
    struct bell *bell;    /* of the net's peers, stays the caller's too; NULL: nobody wakes the manager */
    struct crew *crew;    /* of all nodes; held */
    int nodes;
    const struct road_stop *node;
    bool kin;    /* leaders are peers of each other, as road_parent says */
    bool visits; /* leaders serve when their program wants it: until they say so they do not */
};

/* What all nodes are to have once (rp_share, and what the items of a map have in common) goes by a binomial
 * tree, if it is long: from the manager to some nodes, and from them to others. The node from which a node
 * has it; -1: the manager. */
static inline int road_parent(int node)
{
    return ((node + 1) & node) - 1;
}

/* RP_NO_MEMORY. */
rp_status road_create(const struct road_setup *setup, struct road **road, struct error *error);

/* Where the manager is one of a node that is led itself: `tell` is called with each worker that has died,
 * before anything of it runs elsewhere. */
void road_report(struct road *road, void (*tell)(void *owner, int worker), void *owner);

/* Nothing more is done: tells the leaders to quit (`shaken`: somebody has died elsewhere), and whether all of
 * them have left in time and whole: nobody has died, so that they may be waited for at the end of MPI. */
void road_quit(struct road *road, bool shaken);
bool road_is_left_whole(struct road *road, uint64_t deadline);

/* The same with pools open: their nodes are lost to them, and the net is not used any more. */
void road_cut(struct road *road, uint64_t deadline);

/* NULL is fine. */
void road_destroy(struct road *road);

/* Until all that was said has left, while the leaders listen. */
void road_settle(struct road *road);

/* Takes in what has come for any pool, then sends what nodes should have next. True if anything came. */
bool road_turn(struct road *road);

/* When the message came that is being taken in, or the last one: clock_ns. */
uint64_t road_heard(const struct road *road);

/* It has not been turned for a while, as where a program finds all done that it asks for: other nodes must
 * not starve meanwhile. False without a road. */
bool road_is_due(const struct manager *manager);

/* Work was published outside of a waiting call: sends what nodes should have. */
void road_feed(struct manager *manager);

/* When to look again, as clock_ns; CLOCK_NEVER: nothing is under way. */
uint64_t road_nap(const struct road *road);

/* Where nothing has come for a while, and leaders will wake it: the word that stays 1 until one does, and a
 * later end of the nap. NULL: it has to look when the nap ends. */
_Atomic uint32_t *road_doze(struct road *road, uint64_t *nap);
void road_rouse(struct road *road);

/* A worker of another node has died, as the kernel says: if it leads one, the node is lost. */
void road_bury(struct road *road, int worker);

/* Any worker that works no more does not count when it is decided what nodes get. */
void road_count_without(struct manager *manager, int worker);

/* Why a worker's node is lost; the same where nobody there is known to have died; and why a worker cannot
 * serve the pool. NULL: it is not, it has not said so. */
const char *road_why(const struct road *road, int worker);
const char *road_gave_up(const struct road *road, int worker);
const char *road_refusal(const struct manager *manager, int worker);

/* ---- A pool's part ------------------------------------------------------------------------ */

/* Tells the nodes of the pool, once its board is filled. */
rp_status road_join(struct manager *manager, struct error *error);

/* Tells them that it closes, and whether all who served have left, and have taken what they were sent. */
void road_begin_close(struct manager *manager);
bool road_is_left(const struct manager *manager);

/* No other node takes part at present. */
bool road_is_deserted(const struct manager *manager);

/* Each worker of other nodes that serves has begun something, and nothing waits there: who leads them would
 * not be missed for as long as they are busy. `late`: of who hears nothing that is supposed. */
bool road_is_busy(const struct manager *manager, bool late);

/* Forgets the pool; without a road it is nothing. True: the net may still read or write the board, for ever
 * where a node is lost, or is never served. */
bool road_part(struct manager *manager);

/* Whether a node has an item and has not sent its note; anything at all. */
bool road_holds(const struct manager *manager, int post, uint32_t item);
bool road_is_laden(const struct manager *manager);

/* Whether one that waits at a queue without end holds it there; whether a worker of another node is such a
 * one, and whether one could claim items of the post (NULL: tasks that have none yet). */
bool road_holds_waiting(const struct manager *manager, int post, uint32_t item);
bool road_waits(const struct manager *manager, int worker);
bool road_is_free(const struct manager *manager, int worker, const struct post *post);

/* All of other nodes who take part wait at queues; `sum` grows by a number that changes when one of them has
 * moved. */
bool road_stands(const struct manager *manager, uint64_t *sum);

/* Items of queues are on their way to a node, or back. */
bool road_moves_items(const struct manager *manager);

/* A wish that was passed on (above.h) is met: with the item, and its id there. False: there is no such. */
struct road_met {
    rp_status status;
    uint64_t id, item; /* ARENA_NONE: none */
};
bool road_meet(struct manager *manager, uint32_t worker, uint64_t serial, const struct road_met *met);

/* The manager has changed a queue: sees to those of other nodes who wait there. */
void road_attend(struct manager *manager);

/* What nodes hold of a work (NULL: of all) and have not begun is asked back. */
void road_recall(struct manager *manager, const void *work);

/* No more blocks of a map will be sent, nor what they had in common, which is about to be given up as a share
 * is: it lies at `common`, in a holding. */
void road_forget(struct manager *manager, uint64_t map, const void *common);

/* So many maps more begin: how many are under way. */
int road_count_map(const struct manager *manager, int more);

/* An array of a map's that has ended is the user's again. */
void road_let_go(struct manager *manager, const void *array, size_t size);

/* A submitted task that a node has (its record says RECORD_AWAY) is asked for, to be cancelled. If it has
 * not begun it is settled as cancelled when the answer comes. False: no node has it. */
bool road_cancel(struct manager *manager, int post, uint32_t item);

/* Until the nodes have answered all of that, or are lost. */
void road_await_answers(struct manager *manager);

/* `size` bytes at `data` on the board under a number, and no longer so. They lie in a holding, which is
 * pinned while they are sent; once they are given up also while a node that leads others sends them on, so
 * that none of these has more that is given up than there is here. */
void road_share(struct manager *manager, uint64_t number, const void *data, size_t size);
void road_unshare(struct manager *manager, uint64_t number);

/* Until all that was sent has left, here and at those who lead others; but for nodes that nobody serves at
 * present: they may take it late, or never. */
void road_await_taken(struct manager *manager);

/* What was said wrongly of who ran items of other nodes: a number to be added for each worker of the crew, 1
 * first; true if there is any. It is forgotten here. */
bool road_take_moved(const struct manager *manager, uint64_t *moved);

/* Items that a worker of another node has run. */
size_t road_count_done(const struct manager *manager, int worker);

#endif
