/* A level of the tree of nodes: what binds those who lead others at one depth of it to the ones that they
 * lead. It is the net between them, the pulse by which they hear of each other's end, and the bell by which
 * they wake each other. At each level a rank is at most one of the two: who leads others, and is led itself,
 * stands at two levels (links.h).
 *
 * To those at a level who leads the others is the manager. */
#ifndef RANKPOOL_API_LEVEL_H
#define RANKPOOL_API_LEVEL_H

#include "api/meet.h"
#include "net/bell.h"
#include "net/pulse.h"

struct level {
    struct net *net; /* NULL: the rank has no part */
    struct pulse *pulse;
    struct bell *bell; /* NULL: there is none */
};

/* Whether this rank leads others, or is led, at a level: those who lead there are of nodes of that depth. */
bool level_manages(const struct comm *comm, const struct nodes *nodes, int depth);
bool level_leads(const struct comm *comm, const struct nodes *nodes, int depth);

/* The node of this rank, and its place among those that the same one leads. */
int level_node(const struct comm *comm, const struct nodes *nodes);
int level_stop(const struct nodes *nodes, int node);

/* Whether those right below a node have kin: they are many, and hand on to each other what all are to have.
 */
bool level_has_kin(const struct nodes *nodes, int above);

/* The nodes whose leaders are peers of this one's, from 1 on: how many; 0: they have no kin. */
int level_list_kin(const struct nodes *nodes, int node, int *kin);

/* Collective over those who have met; every rank gets the same status and sentence. With `kin` those who are
 * led have each other as peers, as road_parent says, if they are many. */
rp_status level_open(struct level *level, struct comm *comm, const struct meeting *meeting, int depth,
                     bool kin, struct error *error);
void level_close(struct level *level);

#endif
