/* A worker's place on one roster: it follows the table of pools and keeps a station at each pool
 * that it serves.
 *
 * Whoever publishes work rings one sleeper, and relies on those who search: of any pool on the
 * roster. So only who serves all of them may sleep on its bell or count as searching. Who serves
 * some is not called, and looks every now and then; who wants none takes no part. Who leads the node
 * (leader.h) is not called either: it is awake, or naps. A pool that it cannot serve it refuses
 * (roster_refuse), and tries again when the table changes. */
#ifndef RANKPOOL_RUN_SEAT_H
#define RANKPOOL_RUN_SEAT_H

#include "run/station.h"

enum seat_part { SEAT_IDLE, SEAT_CALLED, SEAT_LOOKS };

struct leader;

struct worker_seat {
    struct worker_seat *behind;
    struct roster *roster;
    struct leader *leader; /* this process leads the node, too: nobody calls it; NULL: it does not */
    struct station *stations;
    uint32_t version; /* of the roster's table that the stations follow */
    bool all;         /* every pool is served; else the chosen ones */
    bool searching;   /* it counts as such on the roster */
    bool over;        /* it has been seen that it must quit: nothing more comes of that */
    enum seat_part part;
    unsigned count;
    uint64_t chosen[ROSTER_POOLS]; /* those on the table, which are no more */
};

bool seat_must_quit(const struct worker_seat *seat);

/* The table has changed since seat_follow. */
bool seat_is_behind(const struct worker_seat *seat);

/* Closes the stations of pools that are gone, and opens those of new ones. */
void seat_follow(struct worker_seat *seat);

/* The pool is on the table: it has not been closed. */
bool seat_is_posted(const struct worker_seat *seat, uint64_t pool);

/* Serves a pool from now on, and no more. A pool that was closed meanwhile is not chosen. */
void seat_choose(struct worker_seat *seat, uint64_t pool);
void seat_unchoose(struct worker_seat *seat, uint64_t pool);

/* Whether any station, or the seat itself, would find something to do. */
bool seat_has_work(struct worker_seat *seat);

/* Nothing to do: holds no claims. */
void seat_idle(struct worker_seat *seat);

/* All stations leave for a while, and come back. */
void seat_pause(struct worker_seat *seat);
void seat_resume(struct worker_seat *seat);

/* Sends what waits for room at the pool; true: nothing is left, or nobody wants it. */
bool seat_flush(struct worker_seat *seat, uint64_t pool);

/* Closes all stations. */
void seat_close(struct worker_seat *seat);

#endif
