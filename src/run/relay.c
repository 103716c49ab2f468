#include "run/relay_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/recover.h"
#include "run/road.h"
#include "run/wait.h"

#define LOOK_NS UINT64_C(5000000)    /* between looks at tasks that run */
#define LEND_NS UINT64_C(1000000000) /* that other leaders are waited for at the end */

/* ---- Turns ------------------------------------------------------------------------------- */

static void tell_broken(struct relay *relay)
{
    const struct board_shared *shared = relay->manager.board.shared;
    if (relay->broken || atomic_load(&shared->broken) != 2)
        return;
    relay->broken = true;
    relay_send(relay->home, &(struct wire_message){.type = WIRE_BROKEN,
                                                   .pool = relay->pool,
                                                   .body = shared->why,
                                                   .body_size = strlen(shared->why)});
}

/* Nobody is left to begin anything. What was begun by those who are led from here, and cannot serve any more,
 * ends first: its notes, and the bytes of its results, find the posts that they are of. */
static void do_without_anybody(struct relay *relay)
{
    bool waits = road_is_laden(&relay->manager);
    if (waits && !relay->refused)
        relay_ask_back_all(relay);
    relay->refused = true;
    if (!waits)
        relay_give_up(relay);
}

/* Workers that cannot serve the pool; without any, what they had is given back. */
static void tell_refusals(struct relay *relay)
{
    struct manager *manager = &relay->manager;
    bool left = false;
    for (int i = 1; i < manager->crew->count; i++) {
        bool has = manager_has(manager, i);
        left |= has;
        const char *why =
            has || manager->crew->member[i].dead || relay->said[i] ? NULL : manager_refusal(manager, i);
        if (!why)
            continue;
        relay->said[i] = true;
        relay_say_refused(relay->home, relay->pool, i, why);
    }
    relay_look_around(relay);
    if (!left && !relay->ending)
        do_without_anybody(relay);
}

/* True now and then. */
static bool look_after(struct relay *relay)
{
    struct manager *manager = &relay->manager;
    bool looked = wait_watch(manager);
    if (looked)
        tell_refusals(relay);
    else if (manager->suspect)
        recover_lost(manager);
    tell_broken(relay);
    uint64_t now = relay->tasks ? clock_ns() : 0;
    if (now > relay->looked + LOOK_NS) {
        relay->looked = now;
        relay_tell_started(relay, false);
    }
    return looked;
}

/* What the net has to do with the board. Of other leaders' doings nobody hears if they have died. */
static bool is_awaited(struct relay *relay)
{
    if (relay->deliveries > relay->lent + relay->late)
        return true;
    if (!relay->patient)
        relay->patient = clock_ns() + LEND_NS;
    return relay->deliveries && clock_ns() < relay->patient;
}

void relay_begin_to_end(struct relay *relay)
{
    if (relay->open && !relay->ending)
        manager_begin_close(&relay->manager);
    relay->ending = true;
    if (relay->open)
        relay_end_wishes(relay);
}

/* Its last part in the pool: once nobody is in and the net is done with the board. */
static void end_pool(struct relay *relay)
{
    if (relay->open && (!manager_is_left(&relay->manager) || is_awaited(relay)))
        return;
    if (relay->open) {
        relay->manager.stays = relay->deliveries > 0;
        relay_flush(relay);
        relay->has_moved |= road_take_moved(&relay->manager, relay->moved);
        relay_send_moved(relay);
        relay->waiting = NULL;
        relay->waiting_end = &relay->waiting;
        relay_free_blocks(relay);
        relay_free_goods(relay);
        manager_close(&relay->manager);
        relay->open = false;
    }
    relay->closed = relay->closing;
    if (relay->closed)
        relay_send(relay->home, &(struct wire_message){.type = WIRE_CLOSED, .pool = relay->pool});
}

/* On a long way messages wait for the manager to read others: meanwhile notes still meet. */
static bool is_way_free(const struct relay *relay)
{
    return relay->home->lost || net_room(relay->home->net, relay->home->peer) > 0;
}

/* Notes leave when it is time, and at once when nothing is left to wait for: the manager has what comes next.
 */
static bool is_due(const struct relay *relay, uint64_t now)
{
    bool is_half_done = relay->fresh && relay->fresh >= relay->items - relay->below;
    return relay->due != CLOCK_NEVER && (relay->due <= now || !relay->items || is_half_done) &&
           is_way_free(relay);
}

/* Once in a while, and when nothing else is going on. */
static void tell_moved(struct relay *relay, bool looked)
{
    relay->has_moved |= road_take_moved(&relay->manager, relay->moved);
    if (relay->has_moved && ((looked && !relay->run_count) || !relay->items))
        relay_send_moved(relay);
}

bool relay_turn(struct relay *relay, uint64_t now)
{
    bool any = false;
    if (relay->open) {
        any = collect_notes(&relay->manager);
        bool looked = look_after(relay);
        if (looked) {
            relay_return_wishes(relay);
            relay_chase_late(relay);
        }
        relay_answer_recalls(relay);
        any |= relay_pass_wishes(relay);
        relay_feed(relay);
        relay_sweep_goods(relay);
        if (is_due(relay, now))
            relay_flush_due(relay);
        tell_moved(relay, looked);
    }
    if (relay->parting && !relay->blocks)
        relay_begin_to_end(relay);
    if (relay->ending)
        end_pool(relay);
    return any;
}

void relay_look(struct relay *relay)
{
    relay->manager.looked = 0;
}

void relay_leave_alone(struct relay *relay)
{
    if (!relay->open || relay->refused)
        return;
    collect_notes(&relay->manager);
    relay_give_back_all(relay);
    relay_tell_started(relay, true);
}

bool relay_is_empty(const struct relay *relay)
{
    return !relay->items && !relay->deliveries && relay->due == CLOCK_NEVER;
}

void relay_part(struct relay *relay, const char *why)
{
    relay_refuse(relay, why);
    relay->parting = true;
}

void relay_free(struct relay *relay)
{
    if (relay->deliveries)
        return;
    relay_free_blocks(relay);
    relay_free_goods(relay);
    if (relay->open)
        manager_abandon(&relay->manager);
    free(relay->runs);
    free(relay->said);
    free(relay->moved);
    free(relay);
}

/* ---- Questions --------------------------------------------------------------------------- */

uint64_t relay_pool(const struct relay *relay)
{
    return relay->pool;
}

struct relay **relay_behind(struct relay *relay)
{
    return &relay->behind;
}

struct board *relay_board(struct relay *relay)
{
    return relay->open ? &relay->manager.board : NULL;
}

bool relay_is_posted(const struct relay *relay)
{
    return relay->posted;
}

const char *relay_refusal(const struct relay *relay)
{
    return relay->refused ? relay->why : NULL;
}

bool relay_has_bytes_under_way(const struct relay *relay)
{
    return relay->deliveries;
}

size_t relay_leaving(const struct relay *relay)
{
    return relay->leaving;
}

bool relay_is_settled(const struct relay *relay)
{
    bool held = relay->due != CLOCK_NEVER && !is_way_free(relay);
    return !held && !relay->asked && !relay->tasks && !relay->waiting && !relay->ending && !relay->parting &&
           !relay_minds_goods(relay);
}

uint64_t relay_count(const struct relay *relay)
{
    return relay->items - relay->held;
}

bool relay_is_running(const struct relay *relay)
{
    return relay->items;
}

uint64_t relay_due(const struct relay *relay)
{
    return relay->due == CLOCK_NEVER || is_way_free(relay) ? relay->due : CLOCK_NEVER;
}

bool relay_was_awaited(const struct relay *relay)
{
    return relay->finalizes;
}

uint64_t relay_wished(const struct relay *relay)
{
    return relay->wished;
}

bool relay_is_closing(const struct relay *relay)
{
    return relay->closing;
}

bool relay_has_closed(const struct relay *relay)
{
    return relay->closed;
}
