/* A member of a crowd that claims what it is offered: an act for an actor. */
#ifndef RANKPOOL_TESTS_BOARD_CLAIMER_H
#define RANKPOOL_TESTS_BOARD_CLAIMER_H

#include "actor.h"
#include "board/crowd.h"

struct claimer {
    struct crowd *crowd;
    int member;
    uint32_t run;
    bool stubborn; /* claims what is offered next where the first was lost */
    bool offered, claimed;
    struct post_offer offer;
};

/* It claims runs of one item. */
struct claimer claimer_of(struct crowd *crowd, int member);

/* The state is a claimer. */
void claim_once(void *state);

#endif
