/* A pool in one process: its workers' stations are the library's own, but move only when the test
 * says so. So an order of events that is rare among processes is written down as a test.
 *
 * While the manager waits in a map, the test acts where the manager passes a step of the board. */
#ifndef RANKPOOL_TESTS_RUN_PUPPETS_H
#define RANKPOOL_TESTS_RUN_PUPPETS_H

#include "gang.h"
#include "run/station.h"

struct puppet {
    struct roster roster;
    struct station *station;
    struct station_claim claim;
};

struct puppets {
    struct gang gang; /* of processes that do nothing: they can die */
    struct puppet worker[GANG_WORKERS + 1];
};

void puppets_open(struct puppets *puppets, int workers, const struct manager_setup *setup);
void puppets_close(struct puppets *puppets);

/* One claim, not performed yet; false: there was nothing to claim. */
bool puppet_claim(struct puppet *puppet);

/* Runs what it has claimed. */
void puppet_perform(struct puppet *puppet);

/* Claims and performs until there is nothing, or `most` times. Returns how often. */
int puppet_work(struct puppet *puppet, int most);

/* Calls `act` at the k-th time that the manager passes `place`; then never again. */
void puppets_at(const char *place, int k, void (*act)(void *state), void *state);

#endif
