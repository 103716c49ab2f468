#include "run/leader_state.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/bell.h"
#include "net/pulse.h"
#include "run/road.h"
#include "run/watch.h"

#define LONG_NS UINT64_C(50000) /* between turns: what becomes due before the next one is sent now */
#define EVENTS  64              /* of the net in one turn */
/* Between turns of one that works: a part of the time in which nothing has come, at least and at most. A look
 * costs what MPI takes for it, and where processes share cores MPI gives way to another one each time. */
#define GLANCE_PART 4
#define GLANCE_NS   UINT64_C(20000)
#define RARELY_NS   UINT64_C(100000)

/* ---- Life -------------------------------------------------------------------------------- */

static void tell_death(void *leader, int worker)
{
    struct relay_home *home = &((struct leader *)leader)->home;
    uint32_t number = (uint32_t)home->crew->member[worker].number;
    relay_send(home, &(struct wire_message){.type = WIRE_LOST, .lost = {number}});
}

rp_status leader_create(const struct leader_setup *setup, struct leader **made, struct error *error)
{
    struct leader *leader = calloc(1, sizeof *leader);
    struct watch *watch = leader ? watch_of(setup->crew) : NULL;
    if (!watch) {
        free(leader);
        return error_set(error, RP_NO_MEMORY, "no memory to lead a node");
    }
    uint32_t *kin = calloc((size_t)setup->kin_count + 1, sizeof *kin);
    if (!kin) {
        free(leader);
        return error_set(error, RP_NO_MEMORY, "no memory to lead a node");
    }
    for (int i = 0; i < setup->kin_count; i++)
        kin[i] = (uint32_t)setup->kin[i];
    leader->kin = kin;
    leader->home = (struct relay_home){.net = setup->net,
                                       .bell = setup->bell,
                                       .peer = setup->peer,
                                       .roster = setup->roster,
                                       .crew = crew_hold(setup->crew),
                                       .road = setup->road,
                                       .memory = setup->memory,
                                       .kin = kin,
                                       .kin_count = setup->kin_count,
                                       .visits = setup->visits,
                                       .away = setup->visits};
    leader->own = *setup->roster;
    leader->own.self = 1;
    leader->watch = watch;
    leader->pulse = setup->pulse;
    leader->active = leader->heard = leader->turned = clock_ns();
    if (setup->road)
        road_report(setup->road, tell_death, leader);
    *made = leader;
    return RP_OK;
}

/* Nobody waits for what others still say; what they have of ours is given back, if it can be. */
static void take_last(struct leader *leader)
{
    struct relay_home *home = &leader->home;
    struct net_event event;
    if (leader->cut)
        return;
    for (int i = 0; i < home->kin_count; i++)
        net_drop(home->net, relay_kin_peer(i));
    for (int i = 0; i < EVENTS && net_poll(home->net, &event); i++) {
        struct delivery *delivery = event.token;
        if (event.kind == NET_HEADED)
            relay_take_nothing(home, &event);
        else if (delivery)
            delivery->end(delivery, event.kind != NET_LOST);
    }
}

void leader_destroy(struct leader *leader)
{
    if (!leader)
        return;
    take_last(leader);
    while (leader->relays) {
        struct relay *relay = leader->relays;
        leader->relays = *relay_behind(relay);
        relay_free(relay);
    }
    early_forget(&leader->early);
    crew_drop(leader->home.crew);
    free(leader->kin);
    free(leader);
}

void leader_tend(struct leader *leader, const struct roads *roads)
{
    leader->roads = roads;
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

static void open_pool(struct leader *leader, const struct net_event *event,
                      const struct wire_message *message)
{
    struct board_module *modules = calloc(BOARD_MODULES, sizeof *modules);
    uint32_t count = modules ? early_list_modules(&leader->early, message->pool, modules) : 0;
    const char *why = modules ? early_refusal(&leader->early, message->pool) : "no memory for its modules";
    struct relay *relay = relay_open(&leader->home, event, message, modules, count, why);
    free(modules);
    leader->newest = message->pool;
    early_give(&leader->early, message->pool, relay);
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
        early_keep(&leader->early, event->peer, message);
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
    answer.recalled = (struct wire_recalled){.block = message->block.block, .count = message->block.items};
    relay_send(&leader->home, &answer);
}

static void quit(struct leader *leader, const struct wire_quit *told)
{
    if (told->shaken)
        atomic_store(&leader->home.roster->shared->shaken, 1);
    if (leader->home.road)
        road_quit(leader->home.road, told->shaken);
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
    bell_heard(leader->home.bell, event->peer);
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

/* What another leader says. What makes no sense is not heard: the manager has it, too. */
static void take_kin(struct leader *leader, const struct net_event *event)
{
    struct wire_message message;
    bool reads =
        !wire_message_unpack(&message, event->head, event->head_size, event->size, event->segments, NULL);
    struct relay *relay = reads ? leader_find(leader, message.pool) : NULL;
    if (relay && message.type == WIRE_WANT)
        relay_take_want(relay, event->peer, &message.want);
    else if (relay && (message.type == WIRE_COMMON || message.type == WIRE_SHARE))
        relay_take(relay, event, &message);
    else if (reads && message.type == WIRE_WANT && message.pool > leader->newest)
        early_keep(&leader->early, event->peer, &message);
    else
        relay_take_nothing(&leader->home, event);
}

/* A pool that has not been told to close. */
static bool is_needed(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (!relay_is_closing(relay))
            return true;
    return false;
}

/* A manager that has closed all its pools may close its end, too: that is no loss. */
static void take_end(struct leader *leader)
{
    leader->home.lost = true;
    if (!is_needed(leader))
        roster_quit(leader->home.roster);
}

static void lose(struct leader *leader, int peer)
{
    if (peer == leader->home.peer) {
        take_end(leader);
        return;
    }
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        relay_lose_kin(relay, peer);
}

static void end_delivery(struct leader *leader, struct delivery *delivery, bool done)
{
    leader->moved = clock_ns();
    delivery->end(delivery, done);
}

static void take_event(struct leader *leader, const struct net_event *event)
{
    struct delivery *delivery = event->token;
    if (event->kind == NET_HEADED && event->peer == leader->home.peer)
        take(leader, event);
    else if (event->kind == NET_HEADED)
        take_kin(leader, event);
    else if (delivery)
        end_delivery(leader, delivery, event->kind != NET_LOST);
    else if (event->kind == NET_LOST)
        lose(leader, event->peer);
}

/* What bytes have brought can begin before the next ones come, which takes them time. */
static bool receive(struct leader *leader)
{
    struct net_event event = {.token = NULL};
    int events = 0;
    while (events < EVENTS && !event.token && net_poll(leader->home.net, &event)) {
        take_event(leader, &event);
        events++;
    }
    return net_moves(leader->home.net, &leader->pieces) || events;
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

/* The manager hears of a death before it hears what has become of items: the pools see to it behind this. */
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
        for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay)) {
            relay_return_wishes(relay);
            relay_look(relay);
        }
        tell_death(leader, watch_died(leader->watch, leader->deaths));
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
    watch(leader, now);
    any |= leader->home.road && road_turn(leader->home.road);
    if (any)
        leader->heard = now;
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        any |= relay_turn(relay, next);
    free_closed(leader);
    leader_see_to_pause(leader);
    if (leader->home.lost && !leader->ended)
        end_all(leader);
    leader->turned = now;
    if (any)
        leader->active = now;
    return any;
}

static uint64_t next_glance(const struct leader *leader)
{
    uint64_t part = (leader->turned - leader->heard) / GLANCE_PART;
    return leader->turned + (part < GLANCE_NS ? GLANCE_NS : part > RARELY_NS ? RARELY_NS : part);
}

bool leader_glance(struct leader *leader)
{
    bool may_wait = clock_ns() < next_glance(leader) && !leader_has_bytes_under_way(leader);
    return !may_wait && leader_turn(leader);
}

void leader_cut(struct leader *leader)
{
    if (!leader->ended)
        end_all(leader);
    take_last(leader);
    leader->cut = true;
}
