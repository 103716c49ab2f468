/* What many items read besides their inputs: what those of a map have in common, and what the program shares.
 * It is on a node once, wherever its bytes come from: from the manager, in the message that names it; or from
 * the leader of another node that the message names, whom this one asks for them (WANT) and who hands them on
 * as soon as it has them. If that node is lost or refuses the pool (LOST), or nothing comes for too long, the
 * manager is asked instead, and what it sends counts (relay_fetch.c).
 *
 * A leader that is alone on its node is deaf while it runs an item. So it lets nothing begin that has come
 * while those who are to have something from here have not asked for it or are being sent it, unless they
 * take too long: they may be deaf themselves. What it has begun before, or what another pool has, may make it
 * deaf all the same, and then those below wait for as long as they do for one that keeps silent.
 *
 * What is forgotten lasts until its last use ends: a block that names it, or a leader that it is sent to. Who
 * leads others gives it up then, as the manager does, and says so when it has left for all of these (HANDED).
 */
#include <stdlib.h>

#include "base/clock.h"
#include "run/holding.h"
#include "run/relay_state.h"
#include "run/road.h"

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

struct relay_goods *relay_add_goods(struct relay *relay, enum wire_type kind, uint64_t id, uint64_t size,
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

static const void *bytes_of(const struct relay_goods *goods, size_t *size)
{
    *size = goods->size;
    return goods->kind == WIRE_SHARE ? holding_find(&goods->relay->manager, goods->id, size)
                                     : board_at(&goods->relay->manager.board, goods->offset);
}

static void forget(struct relay_goods *goods)
{
    struct relay_goods **link = &goods->relay->goods;
    while (*link != goods)
        link = &(*link)->behind;
    *link = goods->behind;
    free(goods);
}

void relay_say_handed(const struct relay *relay, enum wire_type kind, uint64_t id)
{
    if (relay->home->road)
        relay_send(relay->home, &(struct wire_message){.type = WIRE_HANDED,
                                                       .pool = relay->pool,
                                                       .handed = {id, (uint32_t)kind, 0}});
}

static struct holding *pin(const struct relay_goods *goods)
{
    size_t size;
    return holding_pin(&goods->relay->manager, bytes_of(goods, &size));
}

/* What is given up may still have to leave for those who are led from here. */
static void give_up(struct relay_goods *goods)
{
    struct relay *relay = goods->relay;
    if (goods->kind == WIRE_SHARE && goods->placed) {
        goods->holding = pin(goods);
        holding_unshare(&relay->manager, goods->id, NULL);
    } else if (goods->kind == WIRE_COMMON && goods->ready && goods->size) {
        goods->holding = pin(goods);
        holding_end_common(&relay->manager, goods->id, goods->offset);
    }
    goods->given_up = true;
    relay->given_up++;
}

static void end_if_left(struct relay_goods *goods)
{
    struct relay *relay = goods->relay;
    if (goods->holding && holding_is_read(goods->holding))
        return;
    holding_unpin(&relay->manager, goods->holding);
    relay_say_handed(relay, goods->kind, goods->id);
    relay->given_up--;
    forget(goods);
}

void relay_free_unused(struct relay_goods *goods)
{
    if (!goods->forgotten || goods->given_up || goods->users || goods->fetch)
        return;
    give_up(goods);
    end_if_left(goods);
}

void relay_drop_goods(struct relay_goods *goods)
{
    if (!goods)
        return;
    goods->users--;
    relay_free_unused(goods);
}

void relay_sweep_goods(struct relay *relay)
{
    for (struct relay_goods *goods = relay->given_up ? relay->goods : NULL, *behind; goods; goods = behind) {
        behind = goods->behind;
        if (goods->given_up)
            end_if_left(goods);
    }
}

void relay_forget_goods(struct relay *relay, enum wire_type kind, uint64_t id)
{
    struct relay_goods *goods = relay_find_goods(relay, kind, id);
    if (!goods) {
        relay_say_handed(relay, kind, id);
        return;
    }
    goods->forgotten = true;
    relay->shares_awaited -= kind == WIRE_SHARE && !goods->ready;
    relay_free_unused(goods);
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

/* ---- Handing on --------------------------------------------------------------------------- */

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
        net_send(relay->home->net, peer, head, head_size, &(struct net_segment){.data = bytes, .size = size},
                 1, lending, NULL)) {
        free(lending);
        return;
    }
    *lending = (struct lending){{end_lending}, relay, goods};
    goods->users++;
    goods->kids -= goods->kids > 0;
    relay->lent++;
    relay->lends = clock_ns() + RELAY_MIND_NS;
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

/* ---- To those who are led from here ------------------------------------------------------- */

static void hand_on(struct relay_goods *goods)
{
    size_t size;
    const void *bytes = bytes_of(goods, &size);
    if (goods->relay->manager.agents && bytes)
        road_share(&goods->relay->manager, goods->id, bytes, size);
}

void relay_share_goods(struct relay *relay)
{
    for (struct relay_goods *goods = relay->goods; goods; goods = goods->behind)
        if (goods->kind == WIRE_SHARE && goods->ready && !goods->forgotten)
            hand_on(goods);
}

/* All of it is here. */
void relay_goods_come(struct relay_goods *goods)
{
    struct relay *relay = goods->relay;
    goods->ready = true;
    goods->minded = clock_ns() + RELAY_MIND_NS;
    if (goods->kind == WIRE_SHARE && !goods->forgotten) {
        relay->shares_awaited--;
        if (!holding_show_share(&relay->manager, goods->id))
            relay_refuse(relay, "no memory for one more share");
        hand_on(goods);
    }
    if (!goods->forgotten)
        lend_to_all(goods);
}
