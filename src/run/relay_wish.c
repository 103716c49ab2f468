/* What tasks of this node want of the manager's queues (board/wish.h): passed on as WISH, and met when MET
 * comes. What came for a task whose worker has died meanwhile goes back to its queue. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "board/wish.h"
#include "run/above.h"
#include "run/collect.h"
#include "run/relay_state.h"
#include "run/road.h"

#define MEMBERS (1u << 24) /* a wish's id is {serial, place in the crew} */

/* ---- Passed on --------------------------------------------------------------------------- */

/* Bytes on their way to the manager. */
struct wish_bytes {
    struct delivery delivery;
    struct relay *relay;
    size_t size;
    uint64_t parcel; /* that is of no use afterwards; ARENA_NONE: its owner sees to that */
};

static void end_bytes(struct delivery *delivery, bool done)
{
    struct wish_bytes *bytes = (struct wish_bytes *)delivery;
    (void)done;
    bytes->relay->deliveries--;
    bytes->relay->leaving -= bytes->size;
    if (bytes->parcel != ARENA_NONE)
        parcel_mark_taken(&bytes->relay->manager.board, bytes->parcel);
    free(bytes);
}

/* False: no memory. `parcel` is given up when the bytes have left. */
static bool send_wish(struct relay *relay, const struct wire_wish *told, const void *data, uint64_t parcel)
{
    struct wire_message message = {.type = WIRE_WISH, .pool = relay->pool, .wish = *told};
    struct wish_bytes *bytes = malloc(sizeof *bytes);
    if (!bytes)
        return false;
    *bytes = (struct wish_bytes){{end_bytes}, relay, told->size, parcel};
    relay->deliveries++;
    relay->leaving += bytes->size;
    if (!relay_send_bytes(relay->home, &message, data, told->size, &bytes->delivery))
        end_bytes(&bytes->delivery, true);
    return true;
}

/* The claim that the worker holds, so that the manager knows which items wait with it. */
static void tell_claim(const struct relay *relay, const struct post_claim *claim, struct wire_wish *told)
{
    const struct posting *posting = &relay->manager.postings[claim->post];
    const struct relay_block *block = posting->ops ? posting->work : NULL;
    if (!block)
        return;
    told->block = block->told.block;
    told->from = (uint32_t)posting->first + claim->from;
    told->count = claim->count;
}

static void pass_on(struct relay *relay, int member)
{
    struct board *board = &relay->manager.board;
    const struct wish *wish = &board->slot[member].wish;
    if (!wish_take(board, member))
        return;
    if (relay->ending) {
        wish_meet(board, member, RP_CLOSED, ARENA_NONE);
        return;
    }
    bool puts = wish->side == QUEUE_PUT;
    uint64_t now = clock_ns();
    struct wire_wish told = {.id = wish->serial * MEMBERS + (uint64_t)member,
                             .queue = wish->queue,
                             .patience_ns = wish->deadline == CLOCK_NEVER ? UINT64_MAX
                                            : wish->deadline > now        ? wish->deadline - now
                                                                          : 0,
                             .size = puts ? parcel_head(board, wish->item)->size : 0,
                             .worker = (uint32_t)relay->home->crew->member[member].number,
                             .kind = puts ? WIRE_PUT : WIRE_GET};
    struct post_claim claim;
    if (post_announcement_read(board, post_announcement(board, member), &claim))
        tell_claim(relay, &claim, &told);
    if (!send_wish(relay, &told, puts ? board_at(board, wish->item) : NULL, ARENA_NONE))
        wish_meet(board, member, RP_NO_MEMORY, ARENA_NONE);
}

/* Of a worker of a node that is led from here. */
static bool pass_far(void *owner, const struct above_wish *wish)
{
    struct relay *relay = owner;
    bool gets = wish->told.kind == WIRE_GET;
    struct wire_wish told = {.id = wish->serial * MEMBERS + wish->worker,
                             .queue = wish->told.queue,
                             .patience_ns = wish->told.patience_ns,
                             .size = wish->told.size,
                             .worker = (uint32_t)relay->home->crew->member[wish->worker].number,
                             .kind = wish->told.kind};
    if (relay->ending)
        return false;
    relay_flush(relay);
    relay->wished = clock_ns();
    if (wish->claim.count)
        tell_claim(relay, &wish->claim, &told);
    return send_wish(relay, &told, gets ? NULL : board_at(&relay->manager.board, wish->item),
                     gets ? ARENA_NONE : wish->item);
}

/* What a task has done before it waits, the manager is to know before. */
bool relay_pass_wishes(struct relay *relay)
{
    bool any = false;
    for (int word = 0; word <= (relay->home->crew->here - 1) / 64; word++) {
        uint64_t members = wish_look(&relay->manager.board, word);
        if (members && !any) {
            collect_notes(&relay->manager);
            relay_flush(relay);
        }
        any |= members != 0;
        relay->wished = members ? clock_ns() : relay->wished;
        for (; members; members &= members - 1)
            pass_on(relay, word * 64 + __builtin_ctzll(members));
    }
    return any;
}

void relay_end_wishes(struct relay *relay)
{
    struct board *board = &relay->manager.board;
    for (int i = 1; i < relay->home->crew->here; i++) {
        wish_take(board, i);
        if (wish_is_open(board, i, board->slot[i].wish.serial))
            wish_meet(board, i, RP_CLOSED, ARENA_NONE);
    }
}

/* ---- Met --------------------------------------------------------------------------------- */

/* What a get has brought. */
struct brought {
    struct delivery delivery;
    struct relay *relay;
    int member;
    uint64_t id, serial, size;
    uint64_t parcel; /* where it lies; ARENA_NONE: there was no room, and the manager keeps it */
};

static bool meet(struct relay *relay, int member, uint64_t serial, rp_status status, uint64_t parcel)
{
    struct board *board = &relay->manager.board;
    if (member >= relay->home->crew->here)
        return road_meet(&relay->manager, (uint32_t)member, serial, &(struct road_met){status, 0, parcel});
    return wish_is_open(board, member, serial) && wish_meet(board, member, status, parcel);
}

/* Without memory it is lost with who had got it. */
static void put_back(struct relay *relay, int member, uint64_t parcel)
{
    const struct board *board = &relay->manager.board;
    struct wire_wish told = {.queue = board->slot[member].wish.queue,
                             .size = parcel_head(board, parcel)->size,
                             .worker = (uint32_t)relay->home->crew->member[member].number,
                             .kind = WIRE_PUT_BACK};
    send_wish(relay, &told, board_at(board, parcel), parcel);
}

void relay_return_wishes(struct relay *relay)
{
    const struct crew *crew = relay->home->crew;
    uint64_t parcel;
    for (int i = 1; i < crew->here && relay->open; i++)
        if (crew->member[i].dead && wish_was_left(&relay->manager.board, i, &parcel))
            put_back(relay, i, parcel);
}

/* Once the task has it the manager forgets it; else it is the manager's to give to another one. */
static void say_got(struct relay *relay, uint64_t id, bool kept)
{
    relay_send(relay->home, &(struct wire_message){
                                .type = WIRE_GOT, .pool = relay->pool, .got = {.id = id, .kept = kept}});
}

static void say_far_got(void *owner, uint64_t id, bool kept)
{
    say_got(owner, id, kept);
}

const struct above_ops relay_above = {.wish = pass_far, .got = say_far_got};

/* Of a worker of a node that is led from here: false: it is for nobody any more. */
static bool meet_far(struct brought *brought, rp_status status)
{
    struct road_met met = {status, brought->id, status ? ARENA_NONE : brought->parcel};
    return road_meet(&brought->relay->manager, (uint32_t)brought->member, brought->serial, &met) && !status;
}

static void hand_over_far(struct brought *brought)
{
    struct relay *relay = brought->relay;
    bool has_room = brought->parcel != ARENA_NONE;
    if (has_room)
        parcel_head(&relay->manager.board, brought->parcel)->size = brought->size;
    if (meet_far(brought, relay->ending ? RP_CLOSED : has_room ? RP_OK : RP_NO_MEMORY))
        return;
    if (has_room)
        parcel_mark_taken(&relay->manager.board, brought->parcel);
    say_got(relay, brought->id, false);
}

static void hand_over(struct brought *brought)
{
    if (brought->member >= brought->relay->home->crew->here) {
        hand_over_far(brought);
        return;
    }
    struct relay *relay = brought->relay;
    struct board *board = &relay->manager.board;
    bool has_room = brought->parcel != ARENA_NONE;
    if (has_room)
        parcel_head(board, brought->parcel)->size = brought->size;
    bool kept = has_room && !relay->ending && !relay->home->crew->member[brought->member].dead &&
                meet(relay, brought->member, brought->serial, RP_OK, brought->parcel);
    if (has_room && !kept)
        parcel_mark_taken(board, brought->parcel);
    if (!kept)
        meet(relay, brought->member, brought->serial, relay->ending ? RP_CLOSED : RP_NO_MEMORY, ARENA_NONE);
    say_got(relay, brought->id, kept);
}

static void end_brought(struct delivery *delivery, bool done)
{
    struct brought *brought = (struct brought *)delivery;
    brought->relay->deliveries--;
    if (done)
        hand_over(brought);
    else
        meet(brought->relay, brought->member, brought->serial, RP_CLOSED, ARENA_NONE);
    free(brought);
}

static void receive(struct brought *brought, const struct net_event *event,
                    const struct wire_message *message)
{
    struct relay *relay = brought->relay;
    brought->parcel = parcel_take(&relay->manager.parcels, brought->size);
    void *place = brought->parcel != ARENA_NONE ? board_at(&relay->manager.board, brought->parcel) : NULL;
    relay->deliveries++;
    if (event->segments) {
        net_receive(relay->home->net, event, &place, &brought->delivery);
        return;
    }
    if (place && brought->size)
        memcpy(place, message->body, brought->size);
    end_brought(&brought->delivery, true);
}

void relay_take_met(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    const struct wire_met *met = &message->met;
    int member = (int)(met->id % MEMBERS);
    uint64_t serial = met->id / MEMBERS;
    relay->wished = clock_ns();
    if (!member || member >= relay->home->crew->count) {
        relay_take_nothing(relay->home, event);
        relay_refuse(relay, "a wish was met that nobody had");
        return;
    }
    struct brought *brought = NULL;
    if (met->kind == WIRE_GET && !met->status && (brought = calloc(1, sizeof *brought))) {
        *brought = (struct brought){{end_brought}, relay, member, met->id, serial, met->size, ARENA_NONE};
        receive(brought, event, message);
        return;
    }
    relay_take_nothing(relay->home, event);
    bool gives_back = met->kind == WIRE_GET && !met->status;
    meet(relay, member, serial, gives_back ? RP_NO_MEMORY : (rp_status)met->status, ARENA_NONE);
    if (gives_back)
        say_got(relay, met->id, false);
}
