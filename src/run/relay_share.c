#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/holding.h"
#include "run/relay_state.h"

/* A share whose bytes are coming. */
struct relay_share {
    struct delivery delivery;
    struct relay *relay;
    struct relay_share *behind;
    uint64_t number;
    bool given_up; /* before it was there */
};

static void show(struct relay *relay, uint64_t number)
{
    if (!holding_show_share(&relay->manager, number))
        relay_refuse(relay, "no memory for one more share");
}

static void end_coming(struct delivery *delivery, bool done)
{
    struct relay_share *share = (struct relay_share *)delivery, **link = &share->relay->shares;
    struct relay *relay = share->relay;
    while (*link != share)
        link = &(*link)->behind;
    *link = share->behind;
    relay->deliveries--;
    if (share->given_up)
        holding_unshare(&relay->manager, share->number, NULL);
    else if (done)
        show(relay, share->number);
    free(share);
    if (done)
        relay_feed(relay); /* what waited for it */
}

static bool receive(struct relay *relay, const struct net_event *event, uint64_t number, void *place)
{
    struct relay_share *share = malloc(sizeof *share);
    if (!share)
        return false;
    *share = (struct relay_share){{end_coming}, relay, relay->shares, number, false};
    relay->shares = share;
    relay->deliveries++;
    net_receive(relay->home->net, event, &place, &share->delivery);
    return true;
}

void relay_take_share(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    char why[128];
    uint64_t number = message->share.number;
    size_t size = message->share.size;
    void *place = number ? holding_take_share(&relay->manager, number, size) : NULL;
    if (place && !event->segments) {
        if (size)
            memcpy(place, message->body, size);
        show(relay, number);
    } else if (!place || !receive(relay, event, number, place)) {
        snprintf(why, sizeof why, "no memory for %zu bytes that are shared", size);
        relay_receive_nowhere(relay->home, event);
        relay_refuse(relay, why);
    }
}

void relay_take_unshare(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    struct relay_share *share = relay->shares;
    (void)event;
    while (share && share->number != message->unshare.number)
        share = share->behind;
    if (share)
        share->given_up = true;
    else
        holding_unshare(&relay->manager, message->unshare.number, NULL);
}
