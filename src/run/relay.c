#include "run/relay_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/recover.h"
#include "run/wait.h"

#define LOOK_NS UINT64_C(5000000)    /* between looks at tasks that run */
#define LEND_NS UINT64_C(1000000000) /* that other leaders are waited for at the end */

/* ---- Refusing ---------------------------------------------------------------------------- */

static void say_refused(struct relay_home *home, uint64_t pool, int member, const char *why)
{
    relay_send(home, &(struct wire_message){.type = WIRE_REFUSED,
                                            .pool = pool,
                                            .refused = {(uint32_t)home->crew->member[member].number},
                                            .body = why,
                                            .body_size = strlen(why)});
}

static void say_all_refused(struct relay_home *home, uint64_t pool, const char *why)
{
    for (int i = 1; i < home->crew->here; i++)
        say_refused(home, pool, i, why);
}

void relay_refuse(struct relay *relay, const char *why)
{
    if (relay->refused)
        return;
    relay->refused = true;
    snprintf(relay->why, sizeof relay->why, "%.*s", (int)sizeof relay->why - 1, why);
    say_all_refused(relay->home, relay->pool, relay->why);
    relay_give_back_all(relay);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static void post_pool(struct relay *relay)
{
    struct error error;
    relay->posted = !manager_post(&relay->manager, &error);
    if (!relay->posted)
        relay_refuse(relay, error.text);
}

static void end_initarg(struct delivery *delivery, bool done)
{
    struct relay *relay = (struct relay *)((char *)delivery - offsetof(struct relay, initarg));
    relay->deliveries--;
    if (done && !relay->refused)
        post_pool(relay);
}

static rp_status open_manager(struct relay *relay, const struct wire_open *told, const void *initarg,
                              const struct board_module *modules, uint32_t module_count, struct error *error)
{
    const struct relay_home *home = relay->home;
    struct manager_setup setup = {
        .roster = home->roster,
        .crew = home->crew,
        .memory = home->memory,
        .pool = relay->pool,
        .schedule = told->schedule < SCHEDULES ? (enum schedule)told->schedule : SCHEDULE_AUTO,
        .chunk = told->chunk,
        .seed = told->seed,
        .isolate = told->isolate,
        .drains = told->drains,
        .outlying = true,
        .task_memory = told->task_memory,
        .named = {{told->initializer.module, told->initializer.offset},
                  {told->finalizer.module, told->finalizer.offset}},
        .modules = modules,
        .module_count = module_count,
        .initarg = initarg,
        .initarg_size = told->size,
    };
    return manager_open(&relay->manager, &setup, error);
}

struct relay *relay_open(struct relay_home *home, const struct net_event *event,
                         const struct wire_message *message, const struct board_module *modules,
                         uint32_t module_count, const char *lacking)
{
    struct error error = {0};
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay) {
        relay_take_nonsense(home, event, message->pool, "no memory for a pool");
        return NULL;
    }
    relay->home = home;
    relay->pool = message->pool;
    relay->due = CLOCK_NEVER;
    relay->waiting_end = &relay->waiting;
    relay->initarg.end = end_initarg;
    relay->finalizes = message->open.finalizer.module;
    rp_status status =
        lacking ? error_set(&error, RP_NO_MEMORY, "%s", lacking)
                : open_manager(relay, &message->open, message->body, modules, module_count, &error);
    relay->open = !status;
    relay->posted = !status && !event->segments;
    relay->aloof = home->crew->here > 2 && !home->visits;
    if (status) {
        relay_take_nothing(home, event);
        relay_refuse(relay, error.text);
    } else if (event->segments) {
        void *place = manager_initarg(&relay->manager);
        relay->deliveries++;
        net_receive(home->net, event, &place, &relay->initarg);
    }
    return relay;
}

/* ---- What comes -------------------------------------------------------------------------- */

static void take_module(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    char path[BOARD_PATH];
    struct error error;
    (void)event;
    snprintf(path, sizeof path, "%.*s", (int)message->body_size, (const char *)message->body);
    if (message->body_size >= sizeof path)
        relay_refuse(relay, "the path of a module is too long");
    else if (board_add_module(&relay->manager.board, message->module.id, path, &error))
        relay_refuse(relay, error.text);
}

static void take_forget(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    (void)event;
    relay_forget_goods(relay, WIRE_COMMON, message->forget.id);
}

static void take_unshare(struct relay *relay, const struct net_event *event,
                         const struct wire_message *message)
{
    (void)event;
    relay_forget_goods(relay, WIRE_SHARE, message->unshare.number);
}

static void take_recall(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    (void)event;
    relay_take_recall(relay, message->recall.block);
}

static void take_cancel(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    (void)event;
    relay_take_cancel(relay, message->cancel.block, message->cancel.item);
}

static void begin_to_end(struct relay *relay)
{
    if (relay->open && !relay->ending)
        manager_begin_close(&relay->manager);
    relay->ending = true;
    if (relay->open)
        relay_end_wishes(relay);
}

static void take_close(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    (void)event, (void)message;
    begin_to_end(relay);
    relay->closing = true;
}

/* What a pool is told that cannot be served: its blocks go back. So does what is for a visit that is over. */
static bool take_refused(struct relay *relay, const struct net_event *event,
                         const struct wire_message *message)
{
    bool ends = message->type == WIRE_CLOSE ||
                ((message->type == WIRE_CANCEL || message->type == WIRE_MET) && relay->open);
    bool stale =
        message->type == WIRE_BLOCK && (relay->home->away || message->block.visit != relay->home->visit);
    if ((!relay->refused || ends) && !stale)
        return false;
    relay_take_nothing(relay->home, event);
    if (message->type == WIRE_BLOCK)
        relay_send(relay->home, &(struct wire_message){.type = WIRE_RECALLED,
                                                       .pool = relay->pool,
                                                       .recalled = {.block = message->block.block}});
    return true;
}

void relay_take(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    static void (*const takers[])(struct relay *, const struct net_event *, const struct wire_message *) = {
        [WIRE_MODULE] = take_module,     [WIRE_COMMON] = relay_take_goods, [WIRE_FORGET] = take_forget,
        [WIRE_BLOCK] = relay_take_block, [WIRE_RECALL] = take_recall,      [WIRE_CANCEL] = take_cancel,
        [WIRE_SHARE] = relay_take_goods, [WIRE_UNSHARE] = take_unshare,    [WIRE_CLOSE] = take_close,
        [WIRE_MET] = relay_take_met,     [WIRE_LOST] = relay_take_lost,
    };
    if (take_refused(relay, event, message))
        return;
    if (message->type < sizeof takers / sizeof *takers && takers[message->type]) {
        takers[message->type](relay, event, message);
        return;
    }
    relay_take_nothing(relay->home, event);
    relay_refuse(relay, "a message came that is not for a leader, or not for a pool that is open");
}

void relay_take_nonsense(struct relay_home *home, const struct net_event *event, uint64_t pool,
                         const char *why)
{
    relay_take_nothing(home, event);
    say_all_refused(home, pool, why);
}

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

/* Workers that cannot serve the pool; without any, what they had is given back. */
static void tell_refusals(struct relay *relay)
{
    struct manager *manager = &relay->manager;
    bool left = false;
    for (int i = 1; i < manager->crew->here; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        bool has = manager_has(manager, i);
        left |= has;
        const char *why = has || manager->crew->member[i].dead || relay->said[i / 64] & bit
                              ? NULL
                              : roster_refusal(manager->setup.roster, relay->pool, i);
        if (!why)
            continue;
        relay->said[i / 64] |= bit;
        say_refused(relay->home, relay->pool, i, why);
    }
    relay_look_around(relay);
    if (left || relay->ending)
        return;
    relay->refused = true;
    relay_give_up(relay);
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

/* Its last part in the pool: once nobody is in and the net is done with the board. */
static void end_pool(struct relay *relay)
{
    if (relay->open && (!manager_is_left(&relay->manager) || is_awaited(relay)))
        return;
    if (relay->open) {
        relay->manager.stays = relay->deliveries > 0;
        relay_flush(relay);
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
    return relay->due != CLOCK_NEVER && (relay->due <= now || !relay->items) && is_way_free(relay);
}

/* Once in a while, and when nothing else is going on. */
static void tell_moved(struct relay *relay, bool looked)
{
    if (relay->has_moved && (looked || !relay->items))
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
        if (is_due(relay, now))
            relay_flush(relay);
        tell_moved(relay, looked);
    }
    if (relay->parting && !relay->blocks)
        begin_to_end(relay);
    if (relay->ending)
        end_pool(relay);
    return any;
}

void relay_look(struct relay *relay)
{
    relay->manager.looked = 0;
}

void relay_return(struct relay *relay)
{
    relay_give_back_all(relay);
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
