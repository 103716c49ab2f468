/* The roster: who works on this node, who sleeps, and which pools are open.
 *
 * One segment per node and set of ranks, made once by the process that leads the node and
 * attached by its workers. It holds what a worker needs while it serves no pool in particular:
 * its bell, and the table of the pools that are open.
 *
 * Sleeping and waking. A process is in one of three moods:
 *   working    it runs tasks;
 *   searching  it is awake and looks for work; `searching` counts these;
 *   asleep     its bell is 1 and its bit is set in `asleep`.
 * Whoever publishes work rings one sleeper, unless somebody searches already. A ringer takes a bit
 * out of `asleep`: whoever takes a bit owns that wake. Then it raises `searching` on behalf of the one
 * it wakes, and then clears the bell. Were the count raised first, a ringer that finds no bit left
 * would have to lower it again, and whoever published meanwhile would have relied on nobody; were it
 * raised last, the woken one could lower it before. The last searcher that finds work rings one more if
 * more is left, so that a wake spreads as far as there is work and no further; two ringers at once may
 * wake two where one would do.
 *   A searcher that gives up lowers the count, sets bell and bit, and only then looks once more
 * (roster_doze, look, roster_sleep or roster_rouse): work published before that look is found,
 * work published after it finds the bit.
 *   The death of a process may leave its bit set, so that a ring is lost on it, or `searching` too
 * high, so that nobody rings: roster_bury makes publishers ignore `searching` from then on and ring
 * everybody, and wakes all once. roster_quit wakes all in the same way, since nobody learns of deaths
 * after it.
 *
 * All words are sequentially consistent; the protocol is checked in tests/model. */
#ifndef RANKPOOL_BOARD_ROSTER_H
#define RANKPOOL_BOARD_ROSTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/memory.h"

#define BOARD_LINE         128 /* bytes that two processes may write apart without disturbing each other */
#define BOARD_WORKERS_MAX  1023
#define BOARD_WORDS        16 /* of 64 bits: a bit for each process of a node */
#define ROSTER_POOLS       64
#define ROSTER_HOST_LENGTH 64
#define ROSTER_CPUS_LENGTH 128
#define ROSTER_WHY_LENGTH  256

struct roster_member {
    _Alignas(BOARD_LINE) _Atomic uint32_t bell; /* 1: asleep */
    _Atomic uint32_t dead;                      /* the kernel says so */
    int64_t pid;
    int32_t rank;
    int32_t numa_node;
    char host[ROSTER_HOST_LENGTH];
    char cpus[ROSTER_CPUS_LENGTH];
    _Atomic uint64_t refused[ROSTER_POOLS]; /* pools that it cannot serve, by their place in the table */
    char why[ROSTER_WHY_LENGTH];            /* of the last of these */
};

#define ROSTER_TAKEN UINT64_MAX /* a place that is being filled */

struct roster_pool {
    _Atomic uint64_t id; /* 0: no pool */
    struct memory_handle board;
};

struct roster_shared {
    uint64_t magic;
    uint32_t members; /* the manager, 0, and the workers */
    uint32_t first; /* the number by which tasks know member 1; the others follow: 1 on the manager's node */
    _Alignas(BOARD_LINE) _Atomic uint32_t quit;
    _Atomic uint32_t version; /* of the table of pools */
    _Atomic uint32_t left;    /* workers that have quit: a word to wait on */
    _Atomic uint32_t refusals;
    struct roster_pool pools[ROSTER_POOLS];
    _Alignas(BOARD_LINE) _Atomic uint64_t asleep[BOARD_WORDS];
    _Alignas(BOARD_LINE) _Atomic uint32_t searching;
    _Atomic uint32_t shaken; /* somebody died: `searching` is not to be trusted */
    struct roster_member member[];
};

struct roster {
    struct roster_shared *shared;
    struct memory memory;
    int self; /* 0: the manager */
};

/* Makes the roster of the manager and `workers` others. RP_INVALID beyond BOARD_WORKERS_MAX. */
rp_status roster_create(struct roster *roster, int workers, enum memory_kind kind, struct error *error);
rp_status roster_attach(struct roster *roster, const struct memory_handle *handle, int self,
                        struct error *error);
void roster_release(struct roster *roster);

/* Writes what others see of this process. */
void roster_enter(struct roster *roster, int rank, const char *host, const char *cpus, int numa_node);

/* The manager's side of the table of pools, from any of its threads. RP_UNSUPPORTED when ROSTER_POOLS are
 * open. */
rp_status roster_post_pool(struct roster *roster, uint64_t id, const struct memory_handle *board,
                           struct error *error);
void roster_drop_pool(struct roster *roster, uint64_t id);

/* A member says that it cannot serve a pool, and why, if that is still open; and what a member has said,
 * or NULL. shared->refusals tells whether there is anything new. */
void roster_refuse(struct roster *roster, uint64_t pool, const char *why);
const char *roster_refusal(const struct roster *roster, uint64_t pool, int member);

/* Tells the workers to leave. */
void roster_quit(struct roster *roster);

/* Whether anybody sleeps, or looks for work (after a death: sleeps). */
bool roster_is_hungry(struct roster *roster);

/* How many do. */
uint32_t roster_count_hungry(struct roster *roster);

/* For whoever published work: wakes one sleeper unless somebody searches. */
void roster_ring(struct roster *roster);
/* Wakes each that sleeps, once. */
void roster_ring_all(struct roster *roster);

/* Wakes this member if it sleeps. */
void roster_ring_member(struct roster *roster, int member);

/* A worker that has no work counts as searching from here ... */
void roster_search(struct roster *roster);
/* ... until it found some; true when it should ring another one for what is left. */
bool roster_found(struct roster *roster);

/* The searcher gives up; it must look once more before it calls one of the next two. */
void roster_doze(struct roster *roster);
/* It found something after all, and counts as searching again. */
void roster_rouse(struct roster *roster);
/* Sleeps until rung or until `deadline`; it counts as searching again on return. */
void roster_sleep(struct roster *roster, uint64_t deadline);

/* The word that is 1 while this process sleeps: whoever gave up on several rosters sleeps while all
 * of theirs are, and then calls roster_rouse for each. */
_Atomic uint32_t *roster_bell(struct roster *roster);

/* The kernel said that a member died. With the manager, 0, all pools have ended, and the workers leave. */
void roster_bury(struct roster *roster, int member);
bool roster_is_orphaned(const struct roster *roster);

#endif
