/* How one end of a net wakes another that sleeps: MPI wakes nobody, so who waits for it must look again and
 * again, and the longer it naps meanwhile the later it hears. Bells ring by datagrams beside the net, which a
 * thread of each end awaits in the kernel; idle ends sleep for long, and wake within some 100 us.
 *
 * Who wants to sleep says so to its peers, and how many messages of theirs it has heard (bell_doze). A peer
 * that has said more than that, or says something later, rings once. So nothing needs to be known of how long
 * messages are on their way: who is rung before the message has come looks for it, and says again that it
 * sleeps. An end that hears that something it has said has not been heard yet is woken itself, too, since its
 * net may not have moved it.
 *
 *     manager: bell_open, bell_invite (the invitation goes to all)
 *     leader:  bell_open, bell_answer
 *     both:    bell_said, bell_heard           with each message
 *              bell_doze, look at the net once more, sleep while bell_word is 1, bell_rouse
 *
 * Datagrams may be lost, and may never come where a firewall stands between. An end that has not met all of
 * its peers is told by bell_doze not to sleep; one that has does not sleep for more than BELL_SLEEP_NS at a
 * time, so that a lost one costs that.
 *
 * The secret of the invitation goes by MPI alone: each letter has a digest by it, and counts once, so that
 * who only hears letters rings nobody. Who keeps letters back, or hands them on from elsewhere, costs what
 * lost ones do; and a bell that rings for nothing costs a look at the net.
 *
 * One thread uses a bell. */
#ifndef RANKPOOL_NET_BELL_H
#define RANKPOOL_NET_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"

#define BELL_SLEEP_NS UINT64_C(100000000)

struct bell_invitation {
    uint8_t secret[16];
    uint16_t port; /* in network order; 0: there is no bell */
    uint16_t count;
    struct address address[ADDRESSES];
};

struct bell;

/* An end with the first so many peers of the net; a leader's one is the manager. `near`: all of them are
 * on this machine. RP_UNSUPPORTED: no socket, or the kernel cannot wait for several words at once. */
rp_status bell_open(int peers, bool near, struct bell **bell, struct error *error);

/* Manager: how leaders meet it. RP_UNSUPPORTED. */
rp_status bell_invite(struct bell *bell, struct bell_invitation *invitation, struct error *error);

/* Leader: meets the manager as its peer `self`, sooner or later. */
void bell_answer(struct bell *bell, const struct bell_invitation *invitation, int self);

/* A message was sent to the peer, or has come from it. NULL is fine, here and below, and so are peers of the
 * net that the bell does not have: they are neither rung nor told anything. */
void bell_said(struct bell *bell, int peer);
void bell_heard(struct bell *bell, int peer);

/* Nothing is expected of a peer any more. */
void bell_lose(struct bell *bell, int peer);

/* Tells the peers who do not know it that this end will sleep. False: it may not. */
bool bell_doze(struct bell *bell);
void bell_rouse(struct bell *bell);
_Atomic uint32_t *bell_word(struct bell *bell); /* 1 while it may sleep */

/* When it was rung last: clock_ns. */
uint64_t bell_rung(const struct bell *bell);

void bell_close(struct bell *bell);

#endif
