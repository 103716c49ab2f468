#include "run/leader_state.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/bell.h"
#include "net/pulse.h"
#include "run/watch.h"

#define LONG_NS UINT64_C(50000) /* between turns: what becomes due before the next one is sent now */
#define EVENTS  64              /* of the net in one turn */

/* ---- Life -------------------------------------------------------------------------------- */

rp_status leader_create(const struct leader_setup *setup, struct leader **made, struct error *error)
{
    struct leader *leader = calloc(1, sizeof *leader);
    struct watch *watch = leader ? watch_of(setup->crew) : NULL;
    if (!watch) {
        free(leader);
        return error_set(error, RP_NO_MEMORY, "no memory to lead a node");
    }
    leader->home = (struct relay_home){.net = setup->net,
                                       .bell = setup->bell,
                                       .peer = setup->peer,
                                       .roster = setup->roster,
                                       .crew = crew_hold(setup->crew),
                                       .memory = setup->memory,
                                       .visits = setup->visits,
                                       .away = setup->visits};
    leader->own = *setup->roster;
    leader->own.self = 1;
    leader->watch = watch;
    leader->pulse = setup->pulse;
    leader->active = leader->turned = clock_ns();
    *made = leader;
    return RP_OK;
}

static void forget_early(struct leader *leader, uint64_t pool)
{
    for (struct early_module **link = &leader->early; *link;) {
        struct early_module *early = *link;
        if (pool && early->pool != pool) {
            link = &early->behind;
            continue;
        }
        *link = early->behind;
        free(early);
    }
}

void leader_destroy(struct leader *leader)
{
    if (!leader)
        return;
    while (leader->relays) {
        struct relay *relay = leader->relays;
        leader->relays = *relay_behind(relay);
        relay_free(relay);
    }
    forget_early(leader, 0);
    crew_drop(leader->home.crew);
    free(leader);
}

struct roster *leader_roster(struct leader *leader)
{
    return &leader->own;
}

/* ---- What comes -------------------------------------------------------------------------- */

struct relay *leader_find(const struct leader *leader, uint64_t pool)
{
    struct relay *relay = leader->relays;
    while (relay && relay_pool(relay) != pool)
        relay = *relay_behind(relay);
    return relay;
}

static void keep_early(struct leader *leader, const struct wire_message *message)
{
    struct early_module *early = calloc(1, sizeof *early);
    if (!early || message->body_size >= sizeof early->module.path) {
        free(early); /* whoever needs it will say that it is not known */
        return;
    }
    early->pool = message->pool;
    early->module.id = message->module.id;
    snprintf(early->module.path, sizeof early->module.path, "%.*s", (int)message->body_size,
             (const char *)message->body);
    early->behind = leader->early;
    leader->early = early;
}

static void open_pool(struct leader *leader, const struct net_event *event,
                      const struct wire_message *message)
{
    uint32_t count = 0;
    struct board_module *modules = calloc(BOARD_MODULES, sizeof *modules);
    for (struct early_module *early = leader->early; modules && early; early = early->behind)
        if (early->pool == message->pool && count < BOARD_MODULES)
            modules[count++] = early->module;
    struct relay *relay = relay_open(&leader->home, event, message, modules, count);
    free(modules);
    forget_early(leader, message->pool);
    if (!relay)
        return;
    *relay_behind(relay) = leader->relays;
    leader->relays = relay;
}

/* Of a pool that is not open here. A block goes back, and a close is answered: nobody is to wait for either.
 */
static void take_unknown(struct leader *leader, const struct net_event *event,
                         const struct wire_message *message)
{
    char why[128];
    struct wire_message answer = {.type = WIRE_CLOSED, .pool = message->pool};
    if (message->type == WIRE_MODULE) {
        keep_early(leader, message);
        return;
    }
    if (message->type == WIRE_CLOSE) {
        relay_send(&leader->home, &answer);
        return;
    }
    snprintf(why, sizeof why, "pool %" PRIu64 " is not open on this node", message->pool);
    relay_take_nonsense(&leader->home, event, message->pool, why);
    if (message->type != WIRE_BLOCK)
        return;
    answer.type = WIRE_RECALLED;
    answer.recalled = (struct wire_recalled){.block = message->block.block};
    relay_send(&leader->home, &answer);
}

static void quit(struct leader *leader, const struct wire_quit *told)
{
    if (told->shaken)
        atomic_store(&leader->home.roster->shared->shaken, 1);
    roster_quit(leader->home.roster);
}

void leader_tell_visit(struct leader *leader)
{
    const struct relay_home *home = &leader->home;
    struct wire_message message = {.type = WIRE_VISIT, .visit = {home->visit, !home->away, home->closes, 0}};
    relay_send(&leader->home, &message);
}

/* The manager sends nothing more until it hears that the leader stays. */
static void count_close(struct leader *leader, uint64_t pool)
{
    leader->home.closes++;
    if (leader->home.visits && !leader->home.away && pool != leader->until)
        leader_tell_visit(leader);
}

static void take(struct leader *leader, const struct net_event *event)
{
    struct wire_message message;
    struct error error;
    if (wire_message_unpack(&message, event->head, event->head_size, event->size, event->segments, &error)) {
        relay_take_nonsense(&leader->home, event, 0, error.text);
        return;
    }
    struct relay *relay = leader_find(leader, message.pool);
    if (message.type == WIRE_CLOSE)
        count_close(leader, message.pool);
    if (message.type == WIRE_QUIT)
        quit(leader, &message.quit);
    else if (message.type == WIRE_PAUSED && !message.pool)
        leader_take_pause(leader, &message.paused);
    else if (message.type == WIRE_OPEN && !relay)
        open_pool(leader, event, &message);
    else if (relay)
        relay_take(relay, event, &message);
    else
        take_unknown(leader, event, &message);
}

static void take_event(struct leader *leader, const struct net_event *event)
{
    struct delivery *delivery = event->token;
    if (event->kind == NET_HEADED)
        bell_heard(leader->home.bell, event->peer);
    if (event->kind == NET_HEADED)
        take(leader, event);
    else if (delivery)
        delivery->end(delivery, event->kind != NET_LOST);
    else if (event->kind == NET_LOST)
        leader->home.lost = true;
}

static bool receive(struct leader *leader)
{
    struct net_event event;
    int events = 0;
    while (events < EVENTS && net_poll(leader->home.net, &event)) {
        take_event(leader, &event);
        events++;
    }
    return events;
}

/* ---- Deaths ------------------------------------------------------------------------------ */

/* The workers of the node know of no other manager than the one that this process was to them. One that has
 * quit closes its end, which is no loss. */
static void end_all(struct leader *leader)
{
    leader->ended = true;
    leader->home.lost = true;
    net_drop(leader->home.net, leader->home.peer);
    if (!atomic_load(&leader->home.roster->shared->quit))
        roster_bury(leader->home.roster, 0);
}

static void watch(struct leader *leader, uint64_t now)
{
    struct relay_home *home = &leader->home;
    struct pollfd manager = {.fd = leader->pulse ? pulse_fd(leader->pulse) : -1, .events = POLLIN};
    if (now < leader->looked + WATCH_TICK_NS)
        return;
    leader->looked = now;
    if (poll(&manager, 1, 0) > 0) {
        home->lost = true;
        if (pulse_has_parted(manager.fd))
            roster_quit(home->roster);
    }
    int deaths = watch_look(leader->watch);
    for (; leader->deaths < deaths; leader->deaths++) {
        int number = home->crew->member[watch_died(leader->watch, leader->deaths)].number;
        for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
            relay_return_wishes(relay);
        relay_send(home, &(struct wire_message){.type = WIRE_LOST, .lost = {(uint32_t)number}});
    }
}

/* ---- Turns ------------------------------------------------------------------------------- */

static void free_closed(struct leader *leader)
{
    for (struct relay **link = &leader->relays; *link;) {
        struct relay *relay = *link;
        if (!relay_has_closed(relay)) {
            link = relay_behind(relay);
            continue;
        }
        leader->awaited |= relay_was_awaited(relay);
        *link = *relay_behind(relay);
        relay_free(relay);
    }
}

bool leader_turn(struct leader *leader)
{
    uint64_t now = clock_ns(), since = now - leader->turned;
    uint64_t next = since > LONG_NS ? now + since : now;
    if (leader->cut)
        return false;
    bool any = receive(leader);
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        any |= relay_turn(relay, next);
    free_closed(leader);
    leader_see_to_pause(leader);
    watch(leader, now);
    if (leader->home.lost && !leader->ended)
        end_all(leader);
    leader->turned = now;
    if (any)
        leader->active = now;
    return any;
}

void leader_cut(struct leader *leader)
{
    if (!leader->ended)
        end_all(leader);
    leader->cut = true;
}
