/* What all nodes are to have once. Short bytes go to each node from here; long ones to the nodes at the top
 * of a tree (road_parent), and the others are told of whom they have them. A node whose parent is lost, or is
 * not in the pool, has them from here. */
#include <stdlib.h>

#include "run/agent.h"
#include "run/holding.h"

#define LONG  ((size_t)64 << 10) /* bytes that are worth more messages */
#define NODES 3                  /* fewer are told as fast from here */

/* ---- By a tree ---------------------------------------------------------------------------- */

static bool is_worth_a_tree(const struct agents *pool, size_t size)
{
    return pool->road->kin && pool->road->nodes >= NODES && size >= LONG;
}

/* The first worker of the node that this one has it from; 0: the manager. */
static uint32_t find_source(const struct agent *agent)
{
    int parent = road_parent((int)agent_number(agent));
    const struct agent *from = parent < 0 ? NULL : &agent->pool->agent[parent];
    return from && agent_serves(from) ? road_number(from->node->road, (uint32_t)from->node->first) : 0;
}

/* Who works alone there hears nothing now. */
static bool may_compute(const struct agent *agent)
{
    return agent->blocks && !agent_has_others(agent);
}

/* The nodes that will ask this one soon. */
static uint32_t count_kids(const struct agent *agent)
{
    const struct agents *pool = agent->pool;
    int number = (int)agent_number(agent);
    uint32_t count = 0;
    for (int bit = 1; !((number + 1) & bit) && number + bit < pool->road->nodes; bit <<= 1)
        count += agent_is_there(&pool->agent[number + bit]) && !may_compute(&pool->agent[number + bit]);
    return agent_serves(agent) ? count : 0;
}

/* A COMMON or a SHARE. */
static void send_goods(struct agent *agent, struct wire_message message, bool by_tree, const void *data,
                       size_t size)
{
    uint32_t from = by_tree ? find_source(agent) : 0, kids = by_tree ? count_kids(agent) : 0;
    if (message.type == WIRE_COMMON) {
        message.common.from = from;
        message.common.kids = kids;
    } else {
        message.share.from = from;
        message.share.kids = kids;
    }
    agent_send(agent, &message, from ? NULL : data, from ? 0 : size);
}

static void tell_kids(const struct agent *agent, const struct wire_message *message)
{
    struct agents *pool = agent->pool;
    for (int i = 0; i < pool->road->nodes; i++) {
        struct wire_message copy = *message;
        if (road_parent(i) == (int)agent_number(agent) && agent_is_there(&pool->agent[i]))
            agent_send(&pool->agent[i], &copy, NULL, 0);
    }
}

void agent_tell_lost(const struct agent *agent)
{
    if (agent->pool->road->kin)
        tell_kids(agent, &(struct wire_message){
                             .type = WIRE_LOST,
                             .lost = {road_number(agent->node->road, (uint32_t)agent->node->first)}});
}

/* ---- What is given up -------------------------------------------------------------------- */

/* Who leads others keeps what was given up until it has left for these, and says so then. It is kept here for
 * as long: the memory of both is bounded by what may be given up here. */
struct handing {
    struct handing *behind;
    enum wire_type kind; /* WIRE_COMMON, WIRE_SHARE */
    uint64_t id;
    struct holding *holding;
};

/* Without memory it is not waited for. */
static void await_handed(struct agent *agent, enum wire_type kind, uint64_t id, const void *memory)
{
    struct handing *handing = agent->node->led && !agent->node->lost ? malloc(sizeof *handing) : NULL;
    if (!handing)
        return;
    *handing = (struct handing){agent->handings, kind, id, holding_pin(agent->pool->manager, memory)};
    agent->handings = handing;
}

static void end_handing(struct agent *agent, struct handing **link)
{
    struct handing *handing = *link;
    *link = handing->behind;
    holding_unpin(agent->pool->manager, handing->holding);
    free(handing);
}

void agent_take_handed(struct agent *agent, const struct wire_handed *handed)
{
    struct handing **link = &agent->handings;
    while (*link && ((*link)->id != handed->id || (uint32_t)(*link)->kind != handed->kind))
        link = &(*link)->behind;
    if (*link)
        end_handing(agent, link);
}

void agent_lose_handings(struct agent *agent)
{
    while (agent->handings)
        end_handing(agent, &agent->handings);
}

/* ---- What a map's items have in common ---------------------------------------------------- */

static bool knows_common(const struct agent *agent, uint64_t id)
{
    for (size_t i = agent->common_count; i-- > 0;)
        if (agent->commons[i] == id)
            return true;
    return false;
}

static void tell_common(struct agent *agent, uint64_t id, bool by_tree, const void *data, size_t size)
{
    if (agent->common_count == agent->common_room) {
        size_t room = agent->common_room ? 2 * agent->common_room : 4;
        uint64_t *more = realloc(agent->commons, room * sizeof *more);
        if (!more) {
            road_give_up(agent->node, "no memory to send to it");
            return;
        }
        agent->commons = more;
        agent->common_room = room;
    }
    agent->commons[agent->common_count++] = id;
    send_goods(agent, (struct wire_message){.type = WIRE_COMMON, .common = {id, size, 0, 0}}, by_tree, data,
               size);
}

/* Who is to hand it on has to have it, whether it gets items or not: all are told at once. */
static void spread(struct agents *pool, struct spread *spread)
{
    spread->behind = pool->spreads;
    pool->spreads = spread;
    for (int i = 0; i < pool->road->nodes; i++) {
        struct agent *agent = &pool->agent[i];
        if (agent_is_there(agent) && !knows_common(agent, spread->id))
            tell_common(agent, spread->id, true, spread->data, spread->size);
    }
}

void agent_send_common(struct agent *agent, uint64_t id, const void *data, size_t size)
{
    struct spread *made = NULL;
    if (knows_common(agent, id))
        return;
    if (is_worth_a_tree(agent->pool, size))
        made = malloc(sizeof *made);
    if (!made) {
        tell_common(agent, id, false, data, size);
        return;
    }
    *made = (struct spread){.id = id, .data = data, .size = size};
    spread(agent->pool, made);
}

static void forget_spread(struct agents *pool, uint64_t id)
{
    for (struct spread **link = &pool->spreads; *link;) {
        struct spread *spread = *link;
        if (id && spread->id != id) {
            link = &spread->behind;
            continue;
        }
        *link = spread->behind;
        free(spread);
    }
}

void agents_forget_spreads(struct agents *pool)
{
    forget_spread(pool, 0);
}

void road_forget(struct manager *manager, uint64_t map, const void *common)
{
    struct agents *pool = manager->agents;
    forget_spread(pool, map);
    for (int i = 0; i < pool->road->nodes; i++) {
        struct agent *agent = &pool->agent[i];
        for (size_t k = 0; k < agent->common_count; k++) {
            if (agent->commons[k] != map)
                continue;
            struct wire_message message = {.type = WIRE_FORGET, .forget = {map}};
            agent->commons[k] = agent->commons[--agent->common_count];
            agent_send(agent, &message, NULL, 0);
            await_handed(agent, WIRE_COMMON, map, common);
            break;
        }
    }
}

/* ---- Shares ------------------------------------------------------------------------------- */

void road_share(struct manager *manager, uint64_t number, const void *data, size_t size)
{
    struct agents *pool = manager->agents;
    bool by_tree = is_worth_a_tree(pool, size);
    for (int i = 0; i < pool->road->nodes; i++) {
        struct agent *agent = &pool->agent[i];
        if (agent_is_there(agent))
            send_goods(agent, (struct wire_message){.type = WIRE_SHARE, .share = {number, size, 0, 0}},
                       by_tree, data, size);
    }
}

void road_unshare(struct manager *manager, uint64_t number)
{
    struct agents *pool = manager->agents;
    size_t size;
    const void *data = holding_find(manager, number, &size);
    agents_send_all(pool, &(struct wire_message){.type = WIRE_UNSHARE, .unshare = {number}});
    for (int i = 0; i < pool->road->nodes; i++)
        if (agent_is_there(&pool->agent[i]))
            await_handed(&pool->agent[i], WIRE_SHARE, number, data);
}

/* ---- What is wanted ----------------------------------------------------------------------- */

/* What there is no more is not needed there: FORGET or UNSHARE is on its way. */
void agent_take_want(struct agent *agent, const struct wire_want *want)
{
    const struct spread *spread = agent->pool->spreads;
    size_t size = 0;
    const void *data = want->kind == WIRE_SHARE ? holding_find(agent->pool->manager, want->id, &size) : NULL;
    while (spread && spread->id != want->id)
        spread = spread->behind;
    if (data)
        send_goods(agent, (struct wire_message){.type = WIRE_SHARE, .share = {want->id, size, 0, 0}}, false,
                   data, size);
    else if (want->kind == WIRE_COMMON && spread)
        send_goods(agent,
                   (struct wire_message){.type = WIRE_COMMON, .common = {want->id, spread->size, 0, 0}},
                   false, spread->data, spread->size);
}
