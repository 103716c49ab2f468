/* A team: the ranks of a comm with one of them as the manager. It is made by the first pool that is
 * opened so, kept with the comm, and used by all later pools; pools that are open hold on to it
 * when the communicator goes. */
#ifndef RANKPOOL_API_TEAM_H
#define RANKPOOL_API_TEAM_H

#include "api/comm.h"
#include "api/world.h"
#include "run/vigil.h"
#include "run/worker.h"

struct team {
    struct team *behind; /* of the same comm */
    int users;           /* the comm and each open pool */
    int manager;         /* rank */
    bool met;            /* it is kept with its comm */
    struct world world;
    struct vigil *vigil; /* in workers */
};

/* The comm's team under this manager, or a new one that has not met yet; held once by the caller.
 * NULL without memory. */
struct team *team_of(struct comm *comm, int manager);

/* Brings its ranks together and keeps it with the comm. Collective, as meet_ranks is. */
rp_status team_meet(struct team *team, struct comm *comm, struct error *error);

/* The last one frees it. */
void team_drop(struct team *team);

/* This process as a worker of all its teams, and where it stands on the roster of one. */
struct worker *team_worker(void);
struct roster *team_roster(struct team *team);

/* For who waits in a call of the library that serves nobody: does what open pools need of this process. True
 * if anything has happened. */
bool team_tend(void);

#endif
