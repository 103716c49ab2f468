/* Where a pool is to be opened: the nodes and what each offers, found once and handed to the program that
 * opens it.
 *
 *     ground_survey    asks the nodes of an allocation
 *     ground_give      for a program that this process becomes by exec
 *     ground_taken     in that program: what it was given, if anything
 *     spread_make      the plan on it (spread.h)
 *     ground_free
 *
 * What is given stands in a memory file, whose descriptor and process a variable names: a program that merely
 * inherits the variable has another process id, and was given nothing. */
#ifndef RANKPOOL_LAUNCH_GROUND_H
#define RANKPOOL_LAUNCH_GROUND_H

#include "launch/allocation.h"
#include "launch/offer.h"
#include "launch/probe.h"

#define GROUND_VARIABLE "RANKPOOL_GROUND"

struct ground {
    struct allocation allocation;
    struct offer *offers;   /* one for each host */
    int workers;            /* asked for; 0: what is offered */
    char command[PATH_MAX]; /* of rankpool, on every node; "" where there is but this machine */
};

/* Asks the nodes of the allocation, which becomes the ground's, also where it fails. `request.workers` is how
 * many are wanted on all nodes. RP_LAUNCH, RP_INVALID with a sentence. */
rp_status ground_survey(struct allocation *allocation, const struct probe_setting *setting,
                        struct ground *ground, struct error *error);

/* Sets the variable. The descriptor stays open over exec. */
rp_status ground_give(const struct ground *ground, struct error *error);

/* True, and the ground is to be freed: this process was given one. The variable goes, and the descriptor. */
bool ground_taken(struct ground *ground);

/* Safe for a ground of zeros. */
void ground_free(struct ground *ground);

#endif
