/* The leader of a node: the process there that talks to the manager, who runs on another one.
 *
 * For each pool it has an ordinary manager (manager.h) over the roster of its own node, whose work are the
 * blocks that come over the net (relay.h). The node's other workers know nothing of this: to them it is the
 * manager of their board.
 *
 * It also is one of the node's workers: its process is member 0 of the roster, which leads, and member 1,
 * which works, and it stands there as both. As long as others work on the node it claims only what is for
 * member 1 alone, so that it stays prompt, and single tasks that lie there although nobody comes for them,
 * since the others may wait for these; else it claims everything, and sees to the net between two claims.
 *
 * So it is driven by a worker's loop (worker.h), of which each round takes a turn here:
 *     leader_create
 *     leader_serve                                              where the library runs MPI; or
 *     worker_lead, then leader_await, worker_join, worker_serve_pool, worker_part for each pool with
 *         leader_roster, and worker_leave
 *     leader_destroy                                            before the roster and the net go
 * A turn receives what has come, takes in the workers' notes, sees to their deaths and sends what is due.
 * Without anything to do it naps, since MPI cannot wake a sleeper, and after a while sleeps until it is rung
 * (net/bell.h). Where there is no bell naps grow with the time in which nothing has happened, up to 10 ms.
 *
 * Where there are many nodes a leader leads others besides its own: then the managers of its relays have a
 * road (road.h) to these, as the manager of the pool has one to it, and to that one all of them are one node.
 * It leaves what is for all to the others, as long as any of them serves, but for a task that waits for as
 * long as all of them are busy with one. While it runs that, or one that is for it alone, it is deaf: those
 * below go on with what they have, their notes wait, and nothing new comes to them.
 *
 * The end. The manager closes pools, and quits at last: the workers leave. If it is lost instead, all pools
 * of the node end as they do when a manager dies (roster_bury). */
#ifndef RANKPOOL_RUN_LEADER_H
#define RANKPOOL_RUN_LEADER_H

#include "run/manager.h"

struct leader;
struct roads;
struct net;
struct pulse;
struct bell;

struct leader_setup {
    struct net *net; /* only the leader polls it; its owner closes it behind leader_destroy */
    int peer;        /* the manager's */
    /* Of the node: this process is its member 0, and has entered it as member 1 too. Its `first` is the
     * number of member 1 in the manager's crew. */
    struct roster *roster;
    enum memory_kind memory;
    struct crew *crew;   /* of the roster, and of the nodes that are led from here; held */
    struct road *road;   /* to those; or NULL. Its crew is this one */
    struct pulse *pulse; /* by which it hears of the manager's end; or NULL */
    struct bell *bell;   /* by which the manager wakes it; or NULL */
    const int *kin;      /* other leaders that are peers from 1 on: the first worker of the node of each */
    int kin_count;
    bool visits; /* it leads between leader_arrive and leader_depart, else always */
};

/* RP_NO_MEMORY. */
rp_status leader_create(const struct leader_setup *setup, struct leader **leader, struct error *error);

/* Pools that are still open are given up: the workers are told to quit, or have been. NULL is fine. */
void leader_destroy(struct leader *leader);

/* The roads that its process manages: it turns them where it waits. */
void leader_tend(struct leader *leader, const struct roads *roads);

/* The roster with this process as member 1. It lives as long as the leader. */
struct roster *leader_roster(struct leader *leader);

/* Leads and works until the manager quits or is lost (roster_is_orphaned). */
void leader_serve(struct leader *leader);

/* Leads until the pool stands on the roster, as it must before workers join it. RP_POOL_BROKEN: the manager
 * is lost. Else why the node cannot serve the pool, which the manager has been told, too. */
rp_status leader_await(struct leader *leader, uint64_t pool, struct error *error);

/* ---- For the worker's loop --------------------------------------------------------------- */

/* A turn: true if anything happened. */
bool leader_turn(struct leader *leader);

/* The same between two claims of a process that works: not after each of the shortest. */
bool leader_glance(struct leader *leader);

/* Before its process runs a claim: what the manager has to know first. Of a submitted task that is that it
 * has started. */
void leader_begin(struct leader *leader, uint64_t pool, const struct post_offer *offer);

/* It has run. */
void leader_end(struct leader *leader, uint64_t pool);

/* Whether member 1 leaves what is for all to the others. */
bool leader_is_aloof(const struct leader *leader, uint64_t pool);

/* Its process has nothing to run. If it then wants to sleep, it dozes, takes one more turn, sleeps while all
 * of the words are 1 (there are no more than `room`), no longer than until the nap ends, and rouses. */
void leader_doze(struct leader *leader);
unsigned leader_words(struct leader *leader, _Atomic uint32_t **words, unsigned room);
uint64_t leader_nap(const struct leader *leader); /* clock_ns */
void leader_rouse(struct leader *leader);

/* All of that at once, for a task of this process that waits. */
void leader_rest(struct leader *leader);

/* The process begins to serve, until this pool closes (0: another one, elsewhere); and stops for a while, or
 * for good: what nobody has begun goes back to the manager, what workers of the node have begun is waited
 * for, and then what was said about it, but not for long where the manager does not listen (200 ms, and 100
 * ns for each byte under way): it then leaves when this process is in a call of the library again. A process
 * that leads several nodes takes each step for all. */
void leader_arrive(struct leader *leader, uint64_t until);
void leader_begin_depart(struct leader *leader);
void leader_depart(struct leader *leader);
void leader_settle(struct leader *leader);

/* This node takes no part in the pool any more. Waits until what its workers have begun has been sent,
 * however long the manager does not listen: this may have been the node's last call of the library, which
 * gives up nothing that a task has come to. */
void leader_part(struct leader *leader, uint64_t pool);

/* The net is not used any more, since MPI ends: to the node the manager is gone. */
void leader_cut(struct leader *leader);

#endif
