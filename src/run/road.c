#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "run/agent.h"
#include "run/recover.h"

#define IN_VAIN   16                /* looks at the net in a row that find nothing: nothing more comes */
#define AT_ONCE   256               /* events of a turn: workers of this node have notes, too */
#define PULSE_NS  UINT64_C(1000000) /* between looks at it */
#define FEED_NS   UINT64_C(20000)   /* between looks at the net where nobody waits */
#define BRISK_NAP UINT64_C(50000)

/* ---- Making ------------------------------------------------------------------------------ */

static void ignore(struct transit *transit, bool arrived)
{
    (void)transit, (void)arrived;
}

rp_status road_create(const struct road_setup *setup, struct road **made, struct error *error)
{
    struct road *road = calloc(1, sizeof *road + (size_t)setup->nodes * sizeof *road->node);
    int *node_of = calloc((size_t)setup->net->peers + 1, sizeof *node_of);
    if (!road || !node_of) {
        free(road);
        free(node_of);
        return error_set(error, RP_NO_MEMORY, "no memory for the road to %d nodes", setup->nodes);
    }
    *road = (struct road){.net = setup->net,
                          .pulse = setup->pulse,
                          .bell = setup->bell,
                          .crew = crew_hold(setup->crew),
                          .base = (uint32_t)setup->crew->member[1].number - 1,
                          .nowhere = {ignore},
                          .node_of = node_of,
                          .nodes = setup->nodes,
                          .kin = setup->kin,
                          .visits = setup->visits,
                          .beside = setup->beside};
    for (int i = 0; i < setup->net->peers; i++)
        node_of[i] = -1;
    for (int i = 0; i < setup->nodes; i++) {
        const struct road_stop *stop = &setup->node[i];
        struct road_node *node = &road->node[i];
        *node =
            (struct road_node){.road = road, .peer = stop->peer, .first = stop->first, .count = stop->count};
        node->away = setup->visits;
        node->led = (uint32_t)stop->led;
        snprintf(node->host, sizeof node->host, "%s", stop->host);
        node_of[stop->peer] = i;
    }
    if (road->beside) {
        road->behind = road->beside->first;
        road->beside->first = road;
    }
    *made = road;
    return RP_OK;
}

rp_status road_send(struct road_node *node, const void *head, size_t size, const struct net_segment *segment,
                    int segments, struct transit *transit, struct error *error)
{
    rp_status status = net_send(node->road->net, node->peer, head, size, segment, segments, transit, error);
    if (!status)
        bell_said(node->road->bell, node->peer);
    return status;
}

/* ---- Losses ------------------------------------------------------------------------------ */

static struct road_node *node_of(const struct road *road, int worker)
{
    for (int i = 0; i < road->nodes; i++)
        if (worker >= road->node[i].first && worker < road->node[i].first + road->node[i].count)
            return (struct road_node *)&road->node[i];
    return NULL;
}

static void lose(struct road_node *node, bool ended, const char *format, va_list arguments)
{
    if (node->lost)
        return;
    int length = snprintf(node->error.text, sizeof node->error.text, "the node %s is lost: ", node->host);
    vsnprintf(node->error.text + length, sizeof node->error.text - (size_t)length, format, arguments);
    node->error.status = RP_WORKER_LOST;
    node->lost = true;
    node->ended = ended;
    net_drop(node->road->net, node->peer);
    bell_lose(node->road->bell, node->peer);
}

void road_lose(struct road_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lose(node, true, format, arguments);
    va_end(arguments);
}

void road_give_up(struct road_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lose(node, false, format, arguments);
    va_end(arguments);
}

void road_report(struct road *road, void (*tell)(void *owner, int worker), void *owner)
{
    road->tell = tell;
    road->owner = owner;
}

void road_mark_dead(struct road *road, int worker)
{
    if (!atomic_exchange(&road->crew->member[worker].dead, true) && road->tell)
        road->tell(road->owner, worker);
}

/* All its workers are dead before anything of it runs elsewhere. */
static void tell_pools(struct road *road, struct road_node *node)
{
    node->told = true;
    for (int i = node->first; i < node->first + node->count; i++)
        road_mark_dead(road, i);
    for (struct agents *pool = road->pools; pool; pool = pool->behind)
        agent_lose(&pool->agent[node - road->node]);
}

void road_bury(struct road *road, int worker)
{
    struct road_node *node = node_of(road, worker);
    if (node && worker == node->first)
        road_lose(node, "process %ld, which led it, has died", road->crew->member[worker].pid);
}

const char *road_why(const struct road *road, int worker)
{
    const struct road_node *node = node_of(road, worker);
    return node && node->lost ? node->error.text : NULL;
}

const char *road_gave_up(const struct road *road, int worker)
{
    const struct road_node *node = node_of(road, worker);
    return node && node->lost && !node->ended ? node->error.text : NULL;
}

/* ---- Turns ------------------------------------------------------------------------------- */

/* Not in the middle of itself: what is taken in there may repost items, or change queues. */
static bool may_turn(const struct road *road)
{
    return !road->cut && !road->quit && !road->turning;
}

/* What a leader said before its end is on its way: above all which task it had started. */
static void hear_out(struct road *road)
{
    struct net_event event;
    int events = 0;
    for (int vain = 0; vain < IN_VAIN && events < AT_ONCE; vain++)
        if (net_poll(road->net, &event)) {
            road_take_event(road, &event);
            events++;
            vain = 0;
        }
}

/* A system call, and not for every look. */
static void feel_pulse(struct road *road)
{
    if (!road->pulse || road->turned < road->felt + PULSE_NS)
        return;
    road->felt = road->turned;
    for (int i; (i = pulse_lost(road->pulse)) >= 0;) {
        hear_out(road);
        road_lose(&road->node[i], "its leader, or its machine, has ended");
    }
}

/* Bytes take their time to come: what they make room for is to leave before the next ones do. */
static bool take_events(struct road *road)
{
    struct net_event event = {.token = NULL};
    bool any = false;
    for (int i = 0; i < AT_ONCE && !event.token && net_poll(road->net, &event); i++) {
        road_take_event(road, &event);
        any = true;
    }
    any |= net_moves(road->net, &road->pieces);
    road->turned = clock_ns();
    feel_pulse(road);
    for (int i = 0; i < road->nodes; i++)
        if (road->node[i].lost && !road->node[i].told) {
            tell_pools(road, &road->node[i]);
            any = true;
        }
    return any;
}

static bool turn(struct road *road)
{
    if (!may_turn(road))
        return false;
    road->turning = true;
    bool any = take_events(road);
    for (struct agents *pool = road->pools; pool; pool = pool->behind) {
        for (int i = 0; i < road->nodes; i++)
            if (pool->agent[i].returning)
                agent_return(&pool->agent[i]);
        agents_meet_wishes(pool);
        agents_claim(pool);
    }
    if (any)
        road->eventful = clock_ns();
    road->turning = false;
    return any;
}

bool roads_turn(const struct roads *roads)
{
    bool any = false;
    for (struct road *road = roads->first; road; road = road->behind)
        any |= turn(road);
    return any;
}

bool road_turn(struct road *road)
{
    return road->beside ? roads_turn(road->beside) : turn(road);
}

uint64_t road_heard(const struct road *road)
{
    return road->heard;
}

bool road_is_due(const struct manager *manager)
{
    return manager->agents && clock_ns() > manager->setup.road->turned + FEED_NS;
}

void road_feed(struct manager *manager)
{
    struct road *road = manager->setup.road;
    if (!may_turn(road))
        return;
    road->feeding = true;
    if (road_is_due(manager)) { /* or nothing that waits for room would ever leave */
        road_turn(road);
    } else {
        road->turning = true;
        agents_claim(manager->agents);
        road->turning = false;
    }
    road->feeding = false;
}

void road_attend(struct manager *manager)
{
    struct agents *pool = manager->agents;
    if (!pool || !pool->lines || !may_turn(pool->road))
        return;
    pool->road->turning = true;
    agents_meet_wishes(pool);
    pool->road->turning = false;
}

void road_await(struct manager *manager, bool (*is_so)(const struct manager *manager))
{
    struct road *road = manager->setup.road;
    _Atomic uint32_t never = 0;
    while (is_so(manager) && may_turn(road))
        if (!road_turn(road) && is_so(manager))
            futex_wait(&never, 0, road_nap(road));
}

void road_settle(struct road *road)
{
    _Atomic uint32_t never = 0;
    while (may_turn(road) && !net_is_quiet(road->net))
        if (!road_turn(road) &&
            !net_is_quiet(road->net)) /* that a send has ended is no event, and ends naps */
            futex_wait(&never, 0, road_nap(road));
}

/* ---- The end ----------------------------------------------------------------------------- */

static bool has_lost_anybody(const struct road *road)
{
    for (int i = 0; i < road->crew->count; i++)
        if (road->crew->member[i].dead)
            return true;
    return false;
}

void road_quit(struct road *road, bool shaken)
{
    unsigned char head[2 * WIRE_FRAME];
    struct wire_message message = {.type = WIRE_QUIT, .quit = {shaken || has_lost_anybody(road)}};
    size_t size = wire_message_pack(&message, head, sizeof head);
    road->quit = true; /* who leaves from now on is no loss */
    for (int i = 0; i < road->nodes; i++)
        if (!road->node[i].lost)
            road_send(&road->node[i], head, size, NULL, 0, NULL, &(struct error){0});
}

/* A leader that leaves closes its end of the net. */
bool road_is_left_whole(struct road *road, uint64_t deadline)
{
    bool whole = !has_lost_anybody(road);
    int left = 0;
    _Atomic uint32_t never = 0;
    struct net_event event;
    while (whole && left < road->nodes && !clock_has_passed(deadline)) {
        bool any = net_poll(road->net, &event);
        if (any && event.kind == NET_HEADED)
            road_throw_away(road, &event);
        else if (any && event.kind == NET_LOST && !event.token)
            left++;
        else if (!any)
            futex_wait(&never, 0, clock_ns() + BRISK_NAP);
        whole = left == road->nodes || !road->pulse || pulse_lost(road->pulse) < 0;
    }
    return whole && left == road->nodes;
}

void road_cut(struct road *road, uint64_t deadline)
{
    road_is_left_whole(road, deadline);
    for (int i = 0; i < road->nodes; i++)
        road_give_up(&road->node[i], "MPI has ended");
    road->cut = true;
    for (int i = 0; i < road->nodes; i++)
        if (!road->node[i].told)
            tell_pools(road, &road->node[i]);
}

void road_destroy(struct road *road)
{
    if (!road)
        return;
    for (struct road **link = road->beside ? &road->beside->first : NULL; link && *link;
         link = &(*link)->behind)
        if (*link == road) {
            *link = road->behind;
            break;
        }
    crew_drop(road->crew);
    free(road->node_of);
    free(road);
}
