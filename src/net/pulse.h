/* Whether processes of other nodes live. Between the manager and each leader there is a connection that
 * carries nothing: a kernel ends the connections of a process that dies, at once and whatever it was doing;
 * and when a node goes with its kernel, or its network, the other side's kernel notices that nobody answers
 * any more, after the silence that was agreed. A leader that computes for an hour is heard all the same,
 * which it would not be in messages: MPI moves none meanwhile. Where both run on one kernel it is asked about
 * the process instead.
 *
 *     manager: pulse_open, pulse_watch of those on its kernel, pulse_invite, for the others
 *     all:     get the invitation, in their own way
 *     leader:  pulse_answer, or pulse_watch_manager        manager: pulse_gather, at the same time
 *     all:     tell each other what came of it
 *     manager: pulse_forget of those who say that they do not hear it
 *     leader:  pulse_fd ...                                manager: pulse_lost ...
 *
 * The manager may have many addresses, of which a leader reaches some, and others by the same name on its own
 * machine: it tries them all at once, and keeps the one where the manager is that invited it.
 *
 * Strangers. The invitation goes by MPI, and its secret by no other way: on the connections both ends show
 * that they know it by keyed digests of random numbers (pulse_socket.h), so that who listens at another
 * address of the manager's, or on the network, can neither answer in a leader's place nor invite in the
 * manager's. Who can change what is on its way, or hands it on from one to the other, can end a connection,
 * as who cuts the cable can: the node is lost then, or not heard. Who reads what MPI sends knows the secret,
 * and may do the same while the manager gathers.
 *
 * Where no connection can be made, for a firewall say, a node is not heard (pulse_hears), and its loss is
 * seen only by the errors of the transport. */
#ifndef RANKPOOL_NET_PULSE_H
#define RANKPOOL_NET_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"

/* Where the manager can be found, as plain bytes; port 0: nowhere. */
struct pulse_invitation {
    uint8_t secret[16]; /* which only those who were invited know, and who invited them */
    int32_t silence_s;
    uint16_t port; /* in network order */
    uint16_t count;
    struct address address[ADDRESSES];
};

struct pulse;

/* Manager: for nodes 0..nodes-1, of which none is heard yet. */
rp_status pulse_open(int nodes, struct pulse **pulse, struct error *error);

/* Manager: a node of this kernel is heard by its leader's process. */
void pulse_watch(struct pulse *pulse, int node, long leader);

/* Manager: where the leaders of other kernels are to connect. RP_UNSUPPORTED: no socket is to be had. */
rp_status pulse_invite(struct pulse *pulse, int silence_s, struct pulse_invitation *invitation,
                       struct error *error);

/* Manager: takes in those who answer, until so many nodes are heard, those of this kernel with them, or the
 * time is up. */
void pulse_gather(struct pulse *pulse, int nodes, double seconds);
bool pulse_hears(const struct pulse *pulse, int node);
void pulse_forget(struct pulse *pulse, int node);

/* Manager: a node whose process has ended or whose kernel is gone, each once; -1: there is none. One that has
 * closed its end is not heard any more. */
int pulse_lost(struct pulse *pulse);

/* Leader: connects as `node`, within `seconds`. RP_UNSUPPORTED: that is not possible. */
rp_status pulse_answer(const struct pulse_invitation *invitation, int node, double seconds,
                       struct pulse **pulse, struct error *error);

/* Leader: the manager runs on this kernel. */
rp_status pulse_watch_manager(long manager, struct pulse **pulse, struct error *error);

/* Leader: a descriptor that polls readable once the manager is gone. */
int pulse_fd(const struct pulse *pulse);

/* Leader: of that descriptor, or a copy: the manager has not died, but closed its end. */
bool pulse_has_parted(int fd);

/* In good order: it is no loss for the others. NULL is fine. */
void pulse_close(struct pulse *pulse);

#endif
