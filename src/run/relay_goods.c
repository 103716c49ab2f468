/* What many items read besides their inputs: what those of a map have in common, and what the program shares.
 * It is on a node once, wherever its bytes come from: from the manager, in the message that names it; or from
 * the leader of another node that the message names, whom this one asks for them (WANT) and who hands them on
 * as soon as it has them. If that node is lost or refuses the pool (LOST), or nothing comes for too long, the
 * manager is asked instead, and what it sends counts.
 *
 * A leader that is alone on its node is deaf while it runs an item. So it lets nothing begin that has come
 * while those who are to have something from here have not asked for it or are being sent it, unless they
 * take too long: they may be deaf themselves. What it has begun before, or what another pool has, may make it
 * deaf all the same, and then those below wait for as long as they do for one that keeps silent.
 *
 * Bytes that are coming have a place of their own until they are there. What is forgotten meanwhile lasts
 * until its last use ends: a block that names it, or a leader that it is sent to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/holding.h"
#include "run/relay_state.h"

#define LATE_NS      UINT64_C(1000000000) /* that others may take to begin, and to send ... */
#define LATE_BYTE_NS 500                  /* ... each byte */
#define MIND_NS      UINT64_C(500000000)  /* in which most of them will have asked for what has come */

/* Bytes that are coming. */
struct fetch {
    struct delivery delivery;
    struct relay *relay;
    struct relay_goods *goods; /* NULL: others are waited for */
    void *share;               /* where one goes; or NULL */
    uint64_t offset, size;     /* of what is in common: on the board */
};

/* A leader that wants what is not here yet. */
struct relay_want {
    struct relay_want *behind;
    struct wire_want what;
    int peer;
};

/* Bytes that go to another leader. */
struct lending {
    struct delivery delivery;
    struct relay *relay;
    struct relay_goods *goods;
};

/* ---- Life -------------------------------------------------------------------------------- */

struct relay_goods *relay_find_goods(const struct relay *relay, enum wire_type kind, uint64_t id)
{
    struct relay_goods *goods = relay->goods;
    while (goods && (goods->kind != kind || goods->id != id || goods->forgotten))
        goods = goods->behind;
    return goods;
}

static struct relay_goods *add(struct relay *relay, enum wire_type kind, uint64_t id, uint64_t size,
                               uint32_t kids)
{
    struct relay_goods *goods = calloc(1, sizeof *goods);
    if (!goods)
        return NULL;
    *goods = (struct relay_goods){
        .relay = relay, .behind = relay->goods, .kind = kind, .id = id, .size = (size_t)size, .kids = kids};
    relay->shares_awaited += kind == WIRE_SHARE;
    return relay->goods = goods;
}

static void free_unused(struct relay_goods *goods)
{
    struct relay *relay = goods->relay;
    struct relay_goods **link = &relay->goods;
    if (!goods->forgotten || goods->users || goods->fetch)
        return;
    while (*link != goods)
        link = &(*link)->behind;
    *link = goods->behind;
    if (goods->kind == WIRE_SHARE && goods->placed)
        holding_unshare(&relay->manager, goods->id, NULL);
    else if (goods->kind == WIRE_COMMON && goods->ready && goods->size)
        arena_give(&relay->manager.arena, goods->offset, goods->size);
    free(goods);
}

void relay_drop_goods(struct relay_goods *goods)
{
    if (!goods)
        return;
    goods->users--;
    free_unused(goods);
}

void relay_forget_goods(struct relay *relay, enum wire_type kind, uint64_t id)
{
    struct relay_goods *goods = relay_find_goods(relay, kind, id);
    if (!goods)
        return;
    goods->forgotten = true;
    relay->shares_awaited -= kind == WIRE_SHARE && !goods->ready;
    free_unused(goods);
}

void relay_free_goods(struct relay *relay)
{
    while (relay->goods) {
        struct relay_goods *goods = relay->goods;
        relay->goods = goods->behind;
        free(goods);
    }
    while (relay->wants) {
        struct relay_want *want = relay->wants;
        relay->wants = want->behind;
        free(want);
    }
}

static void refuse(struct relay *relay, const struct net_event *event, enum wire_type kind, uint64_t size)
{
    char why[128];
    snprintf(why, sizeof why, "no memory for the %llu bytes that %s", (unsigned long long)size,
             kind == WIRE_SHARE ? "are shared" : "items of a map have in common");
    relay_take_nothing(relay->home, event);
    relay_refuse(relay, why);
}

/* ---- Handing on --------------------------------------------------------------------------- */

static const void *bytes_of(const struct relay_goods *goods, size_t *size)
{
    *size = goods->size;
    return goods->kind == WIRE_SHARE ? holding_find(&goods->relay->manager, goods->id, size)
                                     : board_at(&goods->relay->manager.board, goods->offset);
}

/* Until then the other one waits for it. */
static uint64_t when_late(size_t size)
{
    return clock_ns() + LATE_NS + size * LATE_BYTE_NS;
}

/* The pool may have been left meanwhile. */
static void end_lending(struct delivery *delivery, bool done)
{
    struct lending *lending = (struct lending *)delivery;
    struct relay *relay = lending->relay;
    (void)done;
    relay->deliveries--;
    relay->lent--;
    if (relay->open)
        relay_drop_goods(lending->goods);
    free(lending);
}

/* If it does not reach the other, that asks the manager. */
static void lend(struct relay_goods *goods, int peer)
{
    struct relay *relay = goods->relay;
    unsigned char head[256];
    size_t size;
    struct lending *lending = malloc(sizeof *lending);
    const void *bytes = bytes_of(goods, &size);
    struct wire_message message = {.type = goods->kind, .pool = relay->pool};
    if (goods->kind == WIRE_SHARE)
        message.share = (struct wire_share){.number = goods->id, .size = size};
    else
        message.common = (struct wire_common){.id = goods->id, .size = size};
    size_t head_size = wire_message_pack(&message, head, sizeof head);
    if (!lending || !bytes ||
        net_send(relay->home->net, peer, head, head_size, &(struct net_segment){bytes, size}, 1, lending,
                 NULL)) {
        free(lending);
        return;
    }
    *lending = (struct lending){{end_lending}, relay, goods};
    goods->users++;
    goods->kids -= goods->kids > 0;
    relay->lent++;
    relay->lends = when_late(size);
    relay->deliveries++;
}

/* What has come now. */
static void lend_to_all(struct relay_goods *goods)
{
    for (struct relay_want **link = &goods->relay->wants; *link;) {
        struct relay_want *want = *link;
        if (want->what.kind != (uint32_t)goods->kind || want->what.id != goods->id) {
            link = &want->behind;
            continue;
        }
        *link = want->behind;
        lend(goods, want->peer);
        free(want);
    }
}

void relay_take_want(struct relay *relay, int peer, const struct wire_want *what)
{
    struct relay_goods *goods =
        relay->open ? relay_find_goods(relay, (enum wire_type)what->kind, what->id) : NULL;
    struct relay_want *want = goods && goods->ready ? NULL : malloc(sizeof *want);
    if (want) {
        *want = (struct relay_want){relay->wants, *what, peer};
        relay->wants = want;
    } else if (goods && goods->ready) {
        lend(goods, peer);
    }
}

/* ---- Coming ------------------------------------------------------------------------------ */

static void make_ready(struct relay_goods *goods)
{
    struct relay *relay = goods->relay;
    goods->ready = true;
    goods->minded = clock_ns() + MIND_NS;
    if (goods->kind == WIRE_SHARE && !goods->forgotten) {
        relay->shares_awaited--;
        if (!holding_show_share(&relay->manager, goods->id))
            relay_refuse(relay, "no memory for one more share");
    }
    if (!goods->forgotten)
        lend_to_all(goods);
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
        arena_give(&relay->manager.arena, fetch->offset, (size_t)fetch->size);
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
        make_ready(goods);
        free_unused(goods);
        relay_feed(relay);
    } else {
        give_place(fetch);
    }
    if (goods && !done) {
        goods->fetch = NULL;
        goods->placed = false;
        if (!goods->forgotten)
            relay_chase_goods(goods);
        free_unused(goods);
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
    fetch->offset = goods->size ? arena_take(&relay->manager.arena, goods->size) : 0;
    return fetch->offset == ARENA_NONE ? NULL : board_at(&relay->manager.board, fetch->offset);
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

static void ask(struct relay_goods *goods, int peer)
{
    struct relay_home *home = goods->relay->home;
    unsigned char head[64];
    struct wire_message message = {
        .type = WIRE_WANT, .pool = goods->relay->pool, .want = {goods->id, (uint32_t)goods->kind, 0}};
    goods->asked = peer;
    goods->due = when_late(goods->size);
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
    } else if ((!goods && !(goods = add(relay, kind, id, size, kids))) ||
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

bool relay_owes_goods(const struct relay *relay)
{
    const struct relay_goods *goods = relay->goods;
    if (relay->home->crew->here > 2)
        return false;
    while (goods && !is_wanted(goods))
        goods = goods->behind;
    return goods || (relay->lent && clock_ns() < relay->lends);
}
