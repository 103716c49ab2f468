/* What waits with the tasks of other nodes that wait at queues. */
#include "base/clock.h"
#include "run/agent_wish.h"

/* Where others serve the pool, who leads the node takes what is for it alone. */
bool agent_has_others(const struct agent *agent)
{
    const struct road_node *node = agent->node;
    for (int i = node->first + 1; i < node->first + node->count; i++)
        if (manager_has(agent->pool->manager, i))
            return true;
    return false;
}

/* It leaves what is for all to others: as who leads the node does, or leads some of those behind it. */
static bool is_aloof(const struct agent *agent, int worker)
{
    const struct manager *manager = agent->pool->manager;
    if (worker == agent->node->first)
        return agent_has_others(agent);
    for (int i = 1; i <= manager->crew->member[worker].followers; i++)
        if (manager_has(manager, worker + i))
            return true;
    return false;
}

bool agent_is_blocked(const struct agent *agent)
{
    const struct road_node *node = agent->node;
    if (!agent->wishes)
        return false;
    for (int i = node->first; i < node->first + node->count; i++)
        if (manager_has(agent->pool->manager, i) && !*far_wish_place(agent->pool, (uint32_t)i) &&
            !is_aloof(agent, i))
            return false;
    return true;
}

static const struct agent *agent_of(const struct manager *manager, int worker)
{
    const struct agent *agent = manager->agents->agent;
    while (!road_is_of(agent->node, (uint32_t)worker))
        agent++;
    return agent;
}

/* One that was passed on waits here until what has become of it comes. */
static bool waits_for_ever(const struct far_wish *wish)
{
    struct manager *manager = wish ? wish->agent->pool->manager : NULL;
    return wish && wish->deadline == CLOCK_NEVER &&
           (manager->setup.above || !queue_lets_pass(&manager->board, wish->told.queue, far_wish_side(wish)));
}

bool road_waits(const struct manager *manager, int worker)
{
    return waits_for_ever(*far_wish_place(manager->agents, (uint32_t)worker));
}

/* Who leads where all others wait takes single items that nobody comes for: most_shared. */
bool road_is_free(const struct manager *manager, int worker, const struct post *post)
{
    const struct agent *agent = agent_of(manager, worker);
    if (road_waits(manager, worker))
        return false;
    return !post || atomic_load(&post->owner) || post_is_single(post) || !is_aloof(agent, worker);
}

/* A leader that runs a task may come back from it at any moment. */
static bool agent_stands(const struct agent *agent, uint64_t *sum)
{
    const struct road_node *node = agent->node;
    const struct manager *manager = agent->pool->manager;
    if (!agent->wishes || (!node_hears(node) && !road_waits(manager, node->first)))
        return false;
    for (int i = node->first; i < node->first + node->count; i++) {
        if (manager_has(manager, i) && !road_waits(manager, i) && !is_aloof(agent, i))
            return false;
        const struct far_wish *wish = *far_wish_place(agent->pool, (uint32_t)i);
        *sum += wish ? wish->told.id : 0;
    }
    return true;
}

bool road_stands(const struct manager *manager, uint64_t *sum)
{
    struct agents *pool = manager->agents;
    for (int i = 0; i < pool->road->nodes; i++) {
        const struct agent *agent = &pool->agent[i];
        bool takes_part = agent_is_there(agent) && node_is_visited(agent->node) && agent_serves(agent);
        if (takes_part && !agent_stands(agent, sum))
            return false;
    }
    return true;
}

bool road_moves_items(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    bool gives = false;
    for (int i = 0; i < pool->road->nodes; i++)
        gives = gives || pool->agent[i].partings;
    return gives || pool->coming;
}

bool agent_waits_with(const struct agent_block *block, uint32_t item)
{
    const struct agent *agent = block->agent;
    const struct agents *pool = agent->pool;
    uint32_t owner =
        atomic_load_explicit(&pool->manager->board.post[block->post].owner, memory_order_relaxed);
    if (!agent->wishes || lease_has_ended(&block->said, item))
        return false;
    for (int i = agent->node->first; i < agent->node->first + agent->node->count; i++) {
        const struct far_wish *wish = *far_wish_place(pool, (uint32_t)i);
        if (!waits_for_ever(wish))
            continue;
        bool holds = wish->told.block == block->number && item - wish->told.from < wish->told.count;
        if (holds || owner == (uint32_t)i)
            return true;
    }
    return false;
}

/* ---- Who is busy ------------------------------------------------------------------------- */

/* Items that have begun, of those of which that is told; false: others of them have not. */
static bool count_begun(const struct agent_block *block, uint32_t *begun)
{
    bool all = true;
    for (uint32_t item = 0; block->telling && item < block->count; item++) {
        bool is_open = !lease_has_ended(&block->said, item);
        *begun += is_open && block->runner[item];
        all = all && (!is_open || block->runner[item]);
    }
    return all;
}

/* A worker may be busy in any pool. */
static bool is_busy(const struct agent *agent, bool late)
{
    uint32_t begun = 0, number = agent_number(agent);
    bool all = true;
    for (struct agents *pool = agent->pool->road->pools; pool; pool = pool->behind) {
        const struct agent *each = &pool->agent[number];
        for (uint32_t i = 0; i < each->room; i++)
            all = (!each->block[i] || count_begun(each->block[i], &begun)) && all;
    }
    return all && (begun >= agent_workers(agent) || (late && !node_hears(agent->node)));
}

bool road_is_busy(const struct manager *manager, bool late)
{
    const struct agents *pool = manager->agents;
    for (int i = 0; i < pool->road->nodes; i++)
        if (agent_serves(&pool->agent[i]) && !is_busy(&pool->agent[i], late))
            return false;
    return true;
}
