/* One end of a net with what tests send through it: letters, whose sizes and bytes follow from who sends them
 * and their number, so that the receiver knows what must come. An office checks all that arrives: the order
 * of heads, every byte, and that each token comes back once. */
#ifndef RANKPOOL_TESTS_UNIT_NET_OFFICE_H
#define RANKPOOL_TESTS_UNIT_NET_OFFICE_H

#include "net/net.h"

#define OFFICE_PEERS 320

/* What letters are like. */
struct office_style {
    size_t head;    /* bytes of the longest head, from 16 on */
    size_t segment; /* of the longest segment; 0: none */
    bool exact;     /* each is as long as that, else of a random length */
    int segments;   /* at most */
    bool thrown;    /* the receiver throws the segments away */
};

struct office {
    struct net *net;
    int self;       /* the manager 0, leaders from 1 */
    int base;       /* the peer that is leader 1, in the manager's */
    int first, end; /* the peers that it deals with; at first all */
    struct office_style style;
    int sent[OFFICE_PEERS], headed[OFFICE_PEERS], lost[OFFICE_PEERS];
    int sending[OFFICE_PEERS], receiving[OFFICE_PEERS]; /* tokens that have not come back */
    int returned, bodied, lost_sending, lost_receiving; /* that have */
};

void office_open(struct office *office, struct net *net, int self, const struct office_style *style);

/* Sends the next letter to a peer. */
void office_send(struct office *office, int peer);

/* Takes in one event; false: there was none. */
bool office_turn(struct office *office);

/* Until `letters` of each peer that it deals with have come with all that belongs to them, and all that was
 * sent has left. */
void office_finish(struct office *office, int letters);

/* Until the peer is lost, or for ever: a case has its own end. */
void office_await_loss(struct office *office, int peer);

#endif
