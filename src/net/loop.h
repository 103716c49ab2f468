/* A net whose ends are in one process: a manager's end with `leaders` peers, and the ends of these, each with
 * the manager as its peer 0. For tests of what stands above it, which set how messages travel.
 *
 * Time is counted in calls of net_poll at the receiving end, so that what happens is the same in every run.
 * Ends may be used by different threads, one thread an end. */
#ifndef RANKPOOL_NET_LOOP_H
#define RANKPOOL_NET_LOOP_H

#include "net/net.h"

/* Each end is closed by itself. RP_NO_MEMORY. */
rp_status net_open_loop(int leaders, struct net **manager, struct net *leader[], struct error *error);

/* The same where each leader has the others as peers, too: from 1 on, in their order. */
rp_status net_open_loop_kin(int leaders, struct net **manager, struct net *leader[], struct error *error);

/* What comes to this end takes so many polls more, from now on: heads, and bodies from net_receive on. */
void net_loop_delay(struct net *net, unsigned heads, unsigned bodies);

/* What comes from the peer stays under way until it is held no longer. */
void net_loop_hold(struct net *net, int peer, bool held);

/* Ends the connection: both ends find the other lost. */
void net_loop_cut(struct net *net, int peer);

/* From now on what is in the middle when a peer is lost stays with the net, as it may with MPI; until it does
 * not cling to it any more: then it writes over all the places that it was given, and tells of their loss. */
void net_loop_cling(struct net *net, bool clings);

#endif
