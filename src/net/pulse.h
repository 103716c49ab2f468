/* Whether processes of other nodes live. Between the manager and each leader there is a connection that
 * carries nothing: a kernel ends the connections of a process that dies, at once and whatever it was doing;
 * and when a node goes with its kernel, the other side's kernel notices that nobody answers any more, within
 * PULSE_SILENCE_S. A leader that computes for an hour is heard all the same, which it would not be in
 * messages: MPI moves none meanwhile. Where both run on one kernel it is asked about the process instead.
 *
 *     manager: pulse_open, pulse_watch of those on its kernel, pulse_invite of the others (the invitation
 * goes to all, and all answer), pulse_gather ... pulse_lost leader:  pulse_answer, or pulse_watch_manager ...
 * pulse_fd
 *
 * Where no connection can be made, for a firewall say, a node is not heard (pulse_hears), and its loss is
 * seen only by the errors of the transport. */
#ifndef RANKPOOL_NET_PULSE_H
#define RANKPOOL_NET_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"

#define PULSE_SILENCE_S 20 /* after which a kernel that does not answer is taken for gone */

/* Where the manager can be found, as plain bytes; port 0: nowhere. */
struct pulse_invitation {
    uint8_t secret[16]; /* which only those who were invited know */
    uint16_t port;      /* in network order */
    uint16_t count;
    struct address address[ADDRESSES];
};

struct pulse;

/* Manager: for nodes 0..nodes-1, of which none is heard yet. */
rp_status pulse_open(int nodes, struct pulse **pulse, struct error *error);

/* Manager: a node of this kernel is heard by its leader's process. */
void pulse_watch(struct pulse *pulse, int node, long leader);

/* Manager: where the leaders of other kernels are to connect. RP_UNSUPPORTED: no socket is to be had. */
rp_status pulse_invite(struct pulse *pulse, struct pulse_invitation *invitation, struct error *error);

/* Manager: takes in all who have answered. */
void pulse_gather(struct pulse *pulse);
bool pulse_hears(const struct pulse *pulse, int node);

/* Manager: a node whose process has ended or whose kernel is gone, each once; -1: there is none. */
int pulse_lost(struct pulse *pulse);

/* Leader: connects as `node`, within `seconds`. RP_UNSUPPORTED: that is not possible. */
rp_status pulse_answer(const struct pulse_invitation *invitation, int node, double seconds,
                       struct pulse **pulse, struct error *error);

/* Leader: the manager runs on this kernel. */
rp_status pulse_watch_manager(long manager, struct pulse **pulse, struct error *error);

/* Leader: a descriptor that polls readable once the manager is gone. */
int pulse_fd(const struct pulse *pulse);

/* NULL is fine. */
void pulse_close(struct pulse *pulse);

#endif
