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

bool agent_is_blocked(const struct agent *agent)
{
    const struct road_node *node = agent->node;
    if (!agent->wishes)
        return false;
    for (int i = agent_has_others(agent) ? node->first + 1 : node->first; i < node->first + node->count; i++)
        if (manager_has(agent->pool->manager, i) && !*far_wish_place(agent->pool, (uint32_t)i))
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

static bool waits_for_ever(const struct far_wish *wish)
{
    return wish && wish->deadline == CLOCK_NEVER &&
           !queue_lets_pass(&wish->agent->pool->manager->board, wish->told.queue, far_wish_side(wish));
}

bool road_waits(const struct manager *manager, int worker)
{
    return waits_for_ever(*far_wish_place(manager->agents, (uint32_t)worker));
}

/* Who leads a node where all others wait takes single items that nobody comes for: most_shared. */
bool road_is_free(const struct manager *manager, int worker, const struct post *post)
{
    const struct agent *agent = agent_of(manager, worker);
    if (road_waits(manager, worker))
        return false;
    return worker != agent->node->first || !post || atomic_load(&post->owner) || post_is_single(post) ||
           !agent_has_others(agent);
}

/* A leader that runs a task may come back from it at any moment. */
static bool agent_stands(const struct agent *agent, uint64_t *sum)
{
    const struct road_node *node = agent->node;
    const struct manager *manager = agent->pool->manager;
    bool leads = agent_has_others(agent);
    if (!agent->wishes || (!node_hears(node) && !road_waits(manager, node->first)))
        return false;
    for (int i = node->first; i < node->first + node->count; i++) {
        if ((i > node->first || !leads) && manager_has(manager, i) && !road_waits(manager, i))
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
