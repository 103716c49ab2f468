/* What binds the nodes of a world: the net between the manager and those who lead the other nodes, the
 * pulse by which they hear of each other's end, the bell by which they wake each other, and the manager's
 * road or the leader's part. A rank that only works, and a world of one node, has none of these. */
#ifndef RANKPOOL_API_LINKS_H
#define RANKPOOL_API_LINKS_H

#include "api/meet.h"
#include "net/bell.h"
#include "net/pulse.h"
#include "run/leader.h"
#include "run/road.h"

struct links {
    struct net *net;
    struct pulse *pulse;
    struct bell *bell;     /* NULL: there is none */
    struct road *road;     /* the manager's */
    struct leader *leader; /* a leader's */
    bool bound;            /* to the thread that opened them */
};

/* Collective over those who have met; every rank gets the same status and sentence. The roster, the
 * meeting's, lives longer than the links. `visits`: leaders serve when
 * the program wants it. */
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
