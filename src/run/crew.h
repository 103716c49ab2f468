/* The crew: who works for a pool, as text and numbers that outlive it. Futures hold on to it. */
#ifndef RANKPOOL_RUN_CREW_H
#define RANKPOOL_RUN_CREW_H

#include "board/roster.h"

struct watch;

struct crew_member {
    int number; /* by which tasks and sentences know it: not its place in the crew of another node */
    int rank, numa_node;
    int followers; /* who leads others besides its own node's: the workers behind it that it does */
    long pid;
    bool visible; /* on this kernel: its pid means something here */
    _Atomic bool dead;
    char host[ROSTER_HOST_LENGTH];
    char cpus[ROSTER_CPUS_LENGTH];
};

struct crew {
    _Atomic int users;
    int count; /* with the manager, 0 */
    int here;  /* of these, on the manager's node: members 0..here-1 of its roster */
    _Atomic(struct watch *) watch;
    struct crew_member member[];
};

/* Of so many with the manager, to be filled in; NULL without memory. Held once by the caller. */
struct crew *crew_new(int count);

/* Everybody on the roster; NULL without memory. Held once by the caller. */
struct crew *crew_of_roster(const struct roster *roster);

/* This process alone, as manager 0 and as worker 1. */
struct crew *crew_alone(const char *host, const char *cpus, int numa_node);

/* For a process that works as one of them, and knows of nobody else. */
struct crew *crew_for(int self, const struct crew_member *member);

struct crew *crew_hold(struct crew *crew);
void crew_drop(struct crew *crew);

rp_worker_info crew_info(const struct crew *crew, int worker, size_t tasks_done);

#endif
