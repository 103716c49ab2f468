/* Bytes of goods on their way here: from the manager, in the message that names them, or from the leader of
 * another node that it names, who is asked for them. They have a place of their own until they are there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/holding.h"
#include "run/relay_state.h"

#define LATE_NS      UINT64_C(1000000000) /* that others may take to begin, and to send ... */
#define LATE_BYTE_NS 500                  /* ... each byte */

struct fetch {
    struct delivery delivery;
    struct relay *relay;
    struct relay_goods *goods; /* NULL: others are waited for */
    void *share;               /* where one goes; or NULL */
    uint64_t offset, size;     /* of what is in common: on the board */
};

static void refuse(struct relay *relay, const struct net_event *event, enum wire_type kind, uint64_t size)
{
    char why[128];
    snprintf(why, sizeof why, "no memory for the %llu bytes that %s", (unsigned long long)size,
             kind == WIRE_SHARE ? "are shared" : "items of a map have in common");
    relay_take_nothing(relay->home, event);
    relay_refuse(relay, why);
}

/* Where nothing comes any more that counts. */
static void give_place(const struct fetch *fetch)
{
    struct relay *relay = fetch->relay;
    if (!relay->open)
        return;
    if (fetch->share)
        holding_drop_share(&relay->manager, fetch->share);
    else if (fetch->size)
        holding_drop_common(&relay->manager, fetch->offset);
}

static void end_fetch(struct delivery *delivery, bool done)
{
    struct fetch *fetch = (struct fetch *)delivery;
    struct relay *relay = fetch->relay;
    struct relay_goods *goods = fetch->goods;
    relay->deliveries--;
    relay->late -= !goods;
    if (goods && done) {
        goods->fetch = NULL;
        goods->offset = fetch->offset;
        relay_goods_come(goods);
        relay_free_unused(goods);
        relay_feed(relay);
    } else {
        give_place(fetch);
    }
    if (goods && !done) {
        goods->fetch = NULL;
        goods->placed = false;
        if (!goods->forgotten)
            relay_chase_goods(goods);
        relay_free_unused(goods);
    }
    free(fetch);
}

/* Where they go, in memory that they alone have; NULL without memory. */
static void *take_place(struct relay_goods *goods, struct fetch *fetch)
{
    struct relay *relay = goods->relay;
    if (goods->kind == WIRE_SHARE) {
        fetch->share = holding_take_share(&relay->manager, goods->id, goods->size);
        goods->placed = fetch->share;
        return fetch->share;
    }
    fetch->size = goods->size;
    fetch->offset = goods->size ? holding_common(&relay->manager, NULL, goods->size) : 0;
    return goods->size && !fetch->offset ? NULL : board_at(&relay->manager.board, fetch->offset);
}

static bool receive(struct relay_goods *goods, const struct net_event *event, const void *bytes)
{
    struct relay *relay = goods->relay;
    struct fetch *fetch = calloc(1, sizeof *fetch);
    void *place = fetch ? take_place(goods, fetch) : NULL;
    if (!place) {
        free(fetch);
        return false;
    }
    fetch->delivery.end = end_fetch;
    fetch->relay = relay;
    fetch->goods = goods;
    relay->deliveries++;
    goods->fetch = fetch;
    if (event->segments) {
        net_receive(relay->home->net, event, &place, &fetch->delivery);
        return true;
    }
    if (goods->size)
        memcpy(place, bytes, goods->size);
    end_fetch(&fetch->delivery, true);
    return true;
}

uint64_t relay_when_late(size_t size)
{
    return clock_ns() + LATE_NS + size * LATE_BYTE_NS;
}

static void ask(struct relay_goods *goods, int peer)
{
    struct relay_home *home = goods->relay->home;
    unsigned char head[64];
    struct wire_message message = {
        .type = WIRE_WANT, .pool = goods->relay->pool, .want = {goods->id, (uint32_t)goods->kind, 0}};
    goods->asked = peer;
    goods->due = relay_when_late(goods->size);
    if (peer == home->peer)
        relay_send(home, &message);
    else if (net_send(home->net, peer, head, wire_message_pack(&message, head, sizeof head), NULL, 0, NULL,
                      NULL))
        relay_chase_goods(goods);
}

void relay_chase_goods(struct relay_goods *goods)
{
    if (goods->fetch) {
        goods->fetch->goods = NULL;
        goods->placed = false; /* the place is the fetch's: bytes may still come to it */
        goods->relay->late++;
    }
    goods->fetch = NULL;
    ask(goods, goods->relay->home->peer);
}

/* The peer who leads the node with this first worker; the manager's, if it is none that can be asked. */
static int find_peer(const struct relay_home *home, uint32_t first)
{
    for (int i = 0; i < home->kin_count; i++)
        if (home->kin[i] == first)
            return relay_kin_peer(i);
    return home->peer;
}

void relay_take_goods(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    enum wire_type kind = message->type;
    bool shared = kind == WIRE_SHARE;
    uint64_t id = shared ? message->share.number : message->common.id;
    uint64_t size = shared ? message->share.size : message->common.size;
    uint32_t from = shared ? message->share.from : message->common.from;
    uint32_t kids = shared ? message->share.kids : message->common.kids;
    struct relay_goods *goods = relay_find_goods(relay, kind, id);
    bool asked = goods && goods->due;
    if (event->peer != relay->home->peer && (!asked || goods->asked != event->peer)) {
        relay_take_nothing(relay->home, event); /* it is too late */
    } else if (asked && (goods->ready || goods->fetch)) {
        relay_take_nothing(relay->home, event);
    } else if (!id || (goods && (!asked || from || goods->size != size))) {
        relay_take_nothing(relay->home, event);
        relay_refuse(relay, "two things that tasks read came under one number");
    } else if ((!goods && !(goods = relay_add_goods(relay, kind, id, size, kids))) ||
               (!from && !receive(goods, event, message->body))) {
        refuse(relay, event, kind, size);
    } else if (from) {
        ask(goods, find_peer(relay->home, from));
    }
}

/* ---- Late -------------------------------------------------------------------------------- */

static bool is_asked(const struct relay_goods *goods)
{
    return goods->due && !goods->ready && !goods->forgotten && goods->asked != goods->relay->home->peer;
}

void relay_lose_kin(struct relay *relay, int peer)
{
    for (struct relay_goods *goods = relay->goods; goods; goods = goods->behind)
        if (is_asked(goods) && goods->asked == peer)
            relay_chase_goods(goods);
}

void relay_take_lost(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    (void)event;
    int peer = find_peer(relay->home, message->lost.worker);
    if (peer != relay->home->peer)
        relay_lose_kin(relay, peer);
}

void relay_chase_late(struct relay *relay)
{
    for (struct relay_goods *goods = relay->goods; goods; goods = goods->behind)
        if (is_asked(goods) && clock_ns() > goods->due)
            relay_chase_goods(goods);
}

/* By others, who have not asked yet. */
static bool is_wanted(const struct relay_goods *goods)
{
    return goods->kids && goods->ready && !goods->forgotten && clock_ns() < goods->minded;
}

bool relay_minds_goods(const struct relay *relay)
{
    const struct relay_goods *goods = relay->goods;
    while (goods && !is_asked(goods) && !is_wanted(goods))
        goods = goods->behind;
    return goods;
}

bool relay_owes_goods(struct relay *relay)
{
    const struct relay_goods *goods = relay->goods;
    if (relay->home->crew->count > 2)
        return false;
    if (net_moves(relay->home->net, &relay->pieces))
        relay->lends = clock_ns() + RELAY_MIND_NS;
    while (goods && !is_wanted(goods))
        goods = goods->behind;
    return goods || (relay->lent && clock_ns() < relay->lends);
}
