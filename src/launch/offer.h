/* What a node offers, so that it can be told to another one: how many workers, where they are bound, why,
 * and the machine as a drawing shows it.
 *
 * The node itself makes its offer; who asks for it reads the words that it wrote, a line for each fact
 * between "rankpool offer 1" and "end". Whatever a login shell says around them is passed over. Offers come
 * from other machines, so reading takes nothing on trust: numbers are bounded, and an offer that is cut off
 * or of another version is none. */
#ifndef RANKPOOL_LAUNCH_OFFER_H
#define RANKPOOL_LAUNCH_OFFER_H

#include <stdio.h>

#include "node/node.h"
#include "node/tree.h"

struct offer {
    char *host;    /* as it calls itself */
    char *machine; /* the same text only from the same kernel and process space */
    struct node_plan plan;
    struct node_tree tree;
};

/* This machine's. RP_INVALID, as of node_plan_make. */
rp_status offer_make(const struct node_request *request, struct offer *offer, struct error *error);

/* Whether it is this machine that offers it. */
bool offer_is_here(const struct offer *offer);

void offer_write(const struct offer *offer, FILE *out);

/* Reads the offer in a text, which is changed. RP_INVALID: there is none; RP_MISMATCH: it is of a rankpool
 * that writes it in another way. */
rp_status offer_read(char *text, struct offer *offer, struct error *error);

/* Safe for an offer of zeros. */
void offer_free(struct offer *offer);

#endif
