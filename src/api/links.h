/* What binds the nodes of a world: the levels of their tree at which this process stands (level.h), and its
 * part at each: the manager's road to those below, or the leader's part to who is above. Who leads others and
 * is led has both. A rank that only works, and a world of one node, has none of these. */
#ifndef RANKPOOL_API_LINKS_H
#define RANKPOOL_API_LINKS_H

#include "api/level.h"
#include "run/leader.h"
#include "run/road.h"

struct links {
    struct level above, below;
    struct roster *roster; /* of the node */
    struct road *road;     /* to those below */
    struct leader *leader; /* to who is above */
    bool bound;            /* to the thread that opened them */
};

/* Collective over those who have met; every rank gets the same status and sentence. The roster, the
 * meeting's, lives longer than the links. `visits`: leaders serve when the program wants it. */
rp_status links_open(struct links *links, struct comm *comm, const struct meeting *meeting,
                     struct roster *roster, bool visits, struct error *error);

/* Whether there are links that another thread of this process has opened: nobody else may turn their roads.
 */
bool links_are_anothers(void);

/* Of this process: those of all links. */
const struct roads *links_roads(void);

/* MPI ends, with pools open: nothing is sent any more. The manager tells the leaders to quit, unless they
 * have left already, and for its pools the other nodes are gone. */
void links_cut(struct links *links, bool left);

/* All pools have closed, or the links are cut. */
void links_close(struct links *links);

#endif
