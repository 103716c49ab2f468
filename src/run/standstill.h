/* Standstill: all who could claim what lies on the board wait at queues, so nobody comes for it before
 * somebody else changes a queue. What lies there meanwhile is the leaders' to run, who else leave it to
 * others (relay_aloof.c, agent_claim.c): perhaps it is what the others wait for. A task that goes to a queue
 * and comes back from it looks the same for a moment, so what counts is that nobody has moved for a while. */
#ifndef RANKPOOL_RUN_STANDSTILL_H
#define RANKPOOL_RUN_STANDSTILL_H

#include "run/manager.h"

/* A number that changes when one of those who wait has moved; 0: somebody does not wait. Of an outlying node
 * it is about those whom its leader leads. */
uint64_t standstill_of(const struct manager *manager);

#endif
