/* How what was begun has ended: events that wait for net_poll, without memory of their own, so that none is
 * ever lost for want of it. */
#ifndef RANKPOOL_NET_ENDING_H
#define RANKPOOL_NET_ENDING_H

#include "net/net.h"

/* Part of what it is the ending of. */
struct ending {
    struct ending *next;
    enum net_kind kind;
    int peer;
    void *token;
    void *owner; /* to be released with it; NULL: nothing */
};

/* First in, first out; zeroed, it is empty. */
struct endings {
    struct ending *first, *last;
};

static inline void endings_add(struct endings *endings, struct ending *ending)
{
    ending->next = NULL;
    if (endings->first)
        endings->last->next = ending;
    else
        endings->first = ending;
    endings->last = ending;
}

/* The first one, as an event too; NULL: there is none. */
static inline struct ending *endings_take(struct endings *endings, struct net_event *event)
{
    struct ending *ending = endings->first;
    if (ending) {
        endings->first = ending->next;
        *event = (struct net_event){.kind = ending->kind, .peer = ending->peer, .token = ending->token};
    }
    return ending;
}

#endif
