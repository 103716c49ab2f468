/* Members 0..room-1 ranked by a key: who has the greatest is known at once, and a key changes in the
 * logarithm of their number: a binary heap that knows where each member stands. Of equals the lowest
 * member comes first, so that what follows from a ranking is the same in every run. */
#ifndef RANKPOOL_SCHED_RANKING_H
#define RANKPOOL_SCHED_RANKING_H

#include <stdint.h>

struct ranking {
    double *key;
    uint32_t *order; /* the heap: members */
    uint32_t *place; /* of a member in the heap; UINT32_MAX: it is not ranked */
    uint32_t count;
};

/* Nobody is ranked at first. Returns 0, or -1 without memory; close is safe then too. */
int ranking_open(struct ranking *ranking, uint32_t room);
void ranking_close(struct ranking *ranking);

/* Ranks a member, or moves it. */
void ranking_set(struct ranking *ranking, uint32_t member, double key);

/* Takes it out, if it is ranked. */
void ranking_remove(struct ranking *ranking, uint32_t member);

/* Who has the greatest key; -1: nobody is ranked. */
int ranking_first(const struct ranking *ranking);

#endif
