#include "run/agent.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/holding.h"

#define INLINE ((size_t)4 << 10) /* bytes that go in the head: longer ones are not worth a copy */

/* ---- Sending ----------------------------------------------------------------------------- */

/* Bytes on their way: not a block's. */
struct cargo {
    struct transit transit;
    struct agent *agent;
    struct cargo *behind, **link; /* among those to its node */
    struct holding *holding;      /* where they lie, or NULL */
};

static void load(struct cargo *cargo, struct agent *agent)
{
    cargo->behind = agent->cargo;
    cargo->link = &agent->cargo;
    if (cargo->behind)
        cargo->behind->link = &cargo->behind;
    agent->cargo = cargo;
}

static void unload(struct cargo *cargo)
{
    *cargo->link = cargo->behind;
    if (cargo->behind)
        cargo->behind->link = cargo->link;
}

/* No memory is held back for a lost node. */
void agent_lose_cargo(struct agent *agent)
{
    for (struct cargo *cargo = agent->cargo; cargo; cargo = cargo->behind) {
        holding_unpin(agent->pool->manager, cargo->holding);
        cargo->holding = NULL;
    }
}

static void end_cargo(struct transit *transit, bool arrived)
{
    struct cargo *cargo = (struct cargo *)transit;
    struct agent *agent = cargo->agent;
    (void)arrived;
    unload(cargo);
    if (agent_end_sending(agent))
        holding_unpin(agent->pool->manager, cargo->holding);
    free(cargo);
}

void agent_begin_sending(struct agent *agent)
{
    agent->sending++;
    agent->pool->transits++;
}

bool agent_end_sending(struct agent *agent)
{
    agent->sending--;
    return agents_end_transit(agent->pool);
}

bool agents_end_transit(struct agents *pool)
{
    pool->transits--;
    if (pool->manager)
        return true;
    if (!pool->transits)
        free(pool);
    return false;
}

bool agent_send_with(struct agent *agent, struct wire_message *message, const void *data, size_t size,
                     struct transit *transit)
{
    _Alignas(WIRE_ALIGN) unsigned char head[NET_HEAD];
    struct error error;
    if (agent->node->lost)
        return false;
    bool is_long = size > INLINE;
    message->pool = agent->pool->manager->setup.pool;
    message->body = is_long || !size ? NULL : data;
    message->body_size = is_long ? 0 : size;
    size_t head_size = wire_message_pack(message, head, sizeof head);
    agent->node->road->eventful = clock_ns();
    struct net_segment segment = {.data = data, .size = size};
    if (road_send(agent->node, head, head_size, is_long ? &segment : NULL, is_long, is_long ? transit : NULL,
                  &error)) {
        road_give_up(agent->node, "%s", error.text);
        return false;
    }
    if (is_long)
        agent_begin_sending(agent);
    return is_long;
}

void agent_send(struct agent *agent, struct wire_message *message, const void *data, size_t size)
{
    struct cargo *cargo = NULL;
    if (size > INLINE && !agent->node->lost && !(cargo = malloc(sizeof *cargo))) {
        road_give_up(agent->node, "no memory to send to it");
        return;
    }
    if (cargo) {
        *cargo = (struct cargo){
            .transit = {end_cargo}, .agent = agent, .holding = holding_pin(agent->pool->manager, data)};
        load(cargo, agent);
    }
    if (!agent_send_with(agent, message, data, size, cargo ? &cargo->transit : NULL) && cargo) {
        unload(cargo);
        holding_unpin(agent->pool->manager, cargo->holding);
        free(cargo);
    }
}

void agents_send_all(struct agents *pool, const struct wire_message *message)
{
    for (int i = 0; i < pool->road->nodes; i++) {
        struct wire_message copy = *message;
        if (agent_is_there(&pool->agent[i]))
            agent_send(&pool->agent[i], &copy, NULL, 0);
    }
}

void agent_send_modules(struct agent *agent)
{
    const struct board_shared *shared = agent->pool->manager->board.shared;
    for (uint32_t count = atomic_load(&shared->modules); agent->modules < count; agent->modules++) {
        const struct board_module *module = &shared->module[agent->modules];
        struct wire_message message = {.type = WIRE_MODULE, .module = {module->id}};
        agent_send(agent, &message, module->path, strlen(module->path));
    }
}

/* ---- A pool's part ----------------------------------------------------------------------- */

static void open_agent(struct agent *agent)
{
    const struct manager *manager = agent->pool->manager;
    const struct manager_setup *setup = &manager->setup;
    const struct board_shared *shared = manager->board.shared;
    struct wire_message message = {
        .type = WIRE_OPEN,
        .open = {.seed = setup->seed,
                 .task_memory = setup->task_memory,
                 .chunk = setup->chunk,
                 .schedule = setup->schedule,
                 .isolate = setup->isolate,
                 .drains = shared->drains,
                 .initializer = {shared->initializer.module, shared->initializer.offset},
                 .finalizer = {shared->finalizer.module, shared->finalizer.offset},
                 .size = shared->initarg_size}};
    agent_send_modules(agent);
    agent_send(agent, &message, board_at(&manager->board, shared->initarg), shared->initarg_size);
}

rp_status road_join(struct manager *manager, struct error *error)
{
    struct road *road = manager->setup.road;
    struct agents *pool = calloc(1, sizeof *pool + (size_t)road->nodes * sizeof *pool->agent);
    size_t others = (size_t)(manager->crew->count - manager->crew->here);
    size_t *done = calloc(others + 1, sizeof *done);
    uint64_t *moved = calloc(others + 1, sizeof *moved);
    struct far_wish **wish = calloc(others + 1, sizeof *wish);
    if (!pool || !done || !moved || !wish) {
        free(pool);
        free(done);
        free(moved);
        free(wish);
        return error_set(error, RP_NO_MEMORY, "no memory for a pool on %d nodes", road->nodes + 1);
    }
    pool->road = road;
    pool->manager = manager;
    pool->done = done;
    pool->moved = moved;
    pool->wish = wish;
    pool->view = manager->board;
    board_see_for(&pool->view, manager->crew->here, manager->crew->here, &pool->slot);
    pool->view.shuns = POST_PARTS;
    pool->behind = road->pools;
    road->pools = pool;
    if (manager->setup.pool > road->newest)
        road->newest = manager->setup.pool;
    manager->agents = pool;
    for (int i = 0; i < road->nodes; i++) {
        struct agent *agent = &pool->agent[i];
        agent->pool = pool;
        agent->node = &road->node[i];
        agent->view = manager->board;
        agent->view.reserved = true;
        board_see_for(&agent->view, agent->node->first, agent->node->first + agent->node->count,
                      &agent->slot);
        agent->view.shuns = POST_PARTS;
        open_agent(agent);
    }
    return RP_OK;
}

void road_begin_close(struct manager *manager)
{
    struct agents *pool = manager->agents;
    if (pool->closing)
        return;
    pool->closing = true;
    for (int i = 0; i < pool->road->nodes; i++) {
        struct agent *agent = &pool->agent[i];
        agent->ends = node_is_visited(agent->node);
        agent->node->closes += agent_is_there(agent);
    }
    agents_send_all(pool, &(struct wire_message){.type = WIRE_CLOSE});
}

static bool takes(const struct agent *agent)
{
    return !agent->node->lost && !agent->node->away;
}

static bool is_being_taken(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    for (int i = 0; pool && i < pool->road->nodes; i++)
        if (pool->agent[i].sending && takes(&pool->agent[i]))
            return true;
    return false;
}

static bool is_being_handed(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    for (int i = 0; pool && i < pool->road->nodes; i++)
        if (pool->agent[i].handings && takes(&pool->agent[i]) && agent_serves(&pool->agent[i]))
            return true;
    return is_being_taken(manager);
}

void road_await_taken(struct manager *manager)
{
    road_await(manager, is_being_handed);
}

bool road_is_left(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    bool finalizes = manager->board.shared->finalizer.module;
    for (int i = 0; pool && i < pool->road->nodes && finalizes; i++)
        if (takes(&pool->agent[i]) && pool->agent[i].ends && !pool->agent[i].closed)
            return false;
    return !is_being_taken(manager);
}

static void free_agent(struct agent *agent)
{
    for (uint32_t i = 0; i < agent->room; i++)
        if (agent->block[i])
            agent_close_block(agent->block[i]);
    agent_forget_items(agent);
    agent_lose_handings(agent);
    free(agent->commons);
    free(agent->refusal);
}

/* The program may wait for ranks that come to serve the pool later, and call us no more. */
static void hasten(const struct road *road)
{
    for (int i = 0; i < road->nodes && road->visits && !road->cut; i++)
        if (road->node[i].away && !road->node[i].lost)
            net_hasten(road->net, road->node[i].peer);
}

bool road_part(struct manager *manager)
{
    struct agents *pool = manager->agents;
    if (!pool)
        return false;
    for (struct agents **link = &pool->road->pools; *link; link = &(*link)->behind)
        if (*link == pool) {
            *link = pool->behind;
            break;
        }
    for (int i = 0; i < pool->road->nodes; i++)
        free_agent(&pool->agent[i]);
    hasten(pool->road);
    agents_forget_paces(pool);
    agents_forget_wishes(pool);
    agents_forget_spreads(pool);
    free(pool->done);
    free(pool->moved);
    free(pool->wish);
    manager->agents = NULL;
    pool->manager = NULL;
    if (pool->transits)
        return true; /* the last of these frees it */
    free(pool);
    return false;
}

bool road_is_deserted(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    for (int i = 0; i < pool->road->nodes; i++)
        if (agent_serves(&pool->agent[i]) && node_is_visited(pool->agent[i].node))
            return false;
    return true;
}

/* ---- What is known of workers there ------------------------------------------------------ */

size_t road_count_done(const struct manager *manager, int worker)
{
    size_t done = manager->agents->done[worker - manager->crew->here];
    return done > SIZE_MAX / 2 ? 0 : done; /* it was put right before what it was put right for */
}

bool road_take_moved(const struct manager *manager, uint64_t *moved)
{
    struct agents *pool = manager->agents;
    int here = manager->crew->here;
    if (!pool || !pool->has_moved)
        return false;
    for (int i = here; i < manager->crew->count; i++) {
        moved[i - 1] += pool->moved[i - here];
        pool->moved[i - here] = 0;
    }
    pool->has_moved = false;
    return true;
}

const char *road_refusal(const struct manager *manager, int worker)
{
    const struct agents *pool = manager->agents;
    for (int i = 0; i < pool->road->nodes; i++) {
        const struct road_node *node = pool->agent[i].node;
        if (worker >= node->first && worker < node->first + node->count)
            return pool->agent[i].refusal;
    }
    return NULL;
}
