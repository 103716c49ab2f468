/* From a plan over nodes to ranks.
 *
 * This machine has the manager, and its workers where the plan gives it any; each other node a leader and
 * its workers. Neither manager nor leaders are bound, nor have they a core of their own: they sleep when
 * there is nothing for them to do. */
#ifndef RANKPOOL_LAUNCH_START_H
#define RANKPOOL_LAUNCH_START_H

#include "launch/ground.h"
#include "launch/launch.h"
#include "launch/spread.h"

/* The plan in words for users, lines without a newline at the end; to be freed, NULL without memory. `leads`:
 * the other nodes have leaders. */
char *start_describe(const struct ground *ground, const struct spread *spread, bool leads);

/* The seats of a node's ranks, as of launch_far: `more` ranks that are not bound before those of its workers.
 * To be freed; NULL without memory. */
char *start_seats(const struct spread_node *node, int more);

/* Starts the program again on all of them, as launch_again does. */
rp_status start_again(const struct launch *launch, const struct ground *ground, const struct spread *spread,
                      struct error *error);

#endif
