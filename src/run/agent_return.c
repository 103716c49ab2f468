/* Items that a node gives back: because it was asked to, or because it is lost. */
#include "base/clock.h"
#include "run/agent.h"
#include "run/recover.h"
#include "run/retry.h"

/* ---- Given back -------------------------------------------------------------------------- */

void agent_orphan(struct manager *manager, int post, uint32_t end)
{
    if (manager->postings[post].suspect < end)
        manager->postings[post].suspect = end;
    manager->suspect = true;
}

/* Items of a block that nobody holds any more. Nothing starts while the process is to end. */
static void return_run(struct agent_block *block, uint32_t from, uint32_t count)
{
    struct manager *manager = block->agent->pool->manager;
    struct posting *posting = &manager->postings[block->post];
    if (manager->draining || !count)
        return;
    manager->suspecting = block->agent->node->lost || posting->suspicious;
    if (!posting->ops->repost(posting->work, block->post, block->from + from, count, false))
        agent_orphan(manager, block->post, block->from + from + count);
    manager->suspecting = false;
}

/* One that has started may be what its node has died of. Of an item of a map that is known only where it was
 * at a node before that was lost: so one that ends every process costs a node more than it has tries. */
static void return_item(struct agent_block *block, uint32_t item)
{
    struct manager *manager = block->agent->pool->manager;
    uint32_t runner = block->telling && block->agent->node->lost ? block->runner[item] : 0;
    if (runner && !manager->draining)
        retry_lost(manager, block->post, block->from + item, (int)runner);
    else
        return_run(block, item, 1);
}

static void end_run(struct agent_block *block, uint32_t from, uint32_t count)
{
    lease_end_run(&block->said, from, count);
    lease_end_run(&block->ended, from, count);
}

static bool is_alike(const struct agent_block *block, uint32_t item)
{
    return !block->agent->node->lost || !block->telling || !block->runner[item];
}

uint32_t agent_take_back(struct agent_block *block, uint32_t from, uint32_t last)
{
    uint32_t count = 0;
    block->under_way++; /* so that it stays meanwhile */
    for (uint32_t item = from; item < last; item++) {
        uint32_t end = item;
        while (end < last && !lease_has_ended(&block->said, end) &&
               (end == item || (is_alike(block, end) && is_alike(block, item))))
            end++;
        if (end == item)
            continue;
        count += end - item;
        end_run(block, item, end - item);
        if (end - item > 1)
            return_run(block, item, end - item);
        else
            return_item(block, item);
        item = end - 1;
    }
    uint32_t run = block->tallied > block->ended.open ? block->tallied - block->ended.open : 0;
    block->tallied -= run;
    block->under_way--;
    agent_leave_block(block);
    return count - run;
}

void agent_return_said(struct agent_block *block, uint32_t from, uint32_t count)
{
    lease_end_run(&block->ended, from, count);
    return_run(block, from, count);
    agent_leave_block(block);
}

void agent_lose(struct agent *agent)
{
    const struct road_node *node = agent->node;
    agent_count_workers(agent);
    agent_tell_lost(agent);
    agent->asked = 0;
    agent_lose_cargo(agent);
    agent_lose_handings(agent);
    for (uint32_t i = 0; i < agent->room; i++) {
        if (!agent->block[i])
            continue;
        agent_lose_body(agent->block[i]);
        agent_take_back(agent->block[i], 0, agent->block[i]->count);
    }
    agent_lose_arrivals(agent);
    agent_lose_items(agent);
    for (int i = node->first; i < node->first + node->count; i++)
        agents_drop_wish(agent->pool, (uint32_t)i);
    recover_without(agent->pool->manager, node->first, node->count);
}

/* What was still on its way there is not run. */
void agent_end_visit(struct agent *agent)
{
    agent->vain += agent->asked;
    agent->asked = 0;
    for (uint32_t i = 0; i < agent->room; i++) {
        struct agent_block *block = agent->block[i];
        struct pace *pace = block ? block->pace : NULL;
        if (block)
            agent_count_returned(agent, pace, agent_take_back(block, 0, block->count));
    }
}

/* ---- Asked back -------------------------------------------------------------------------- */

/* What is under way to the node is still read where it lies. */
static bool may_be_asked(const struct agent_block *block)
{
    return block->sent && !block->agent->sending;
}

static void ask(struct agent_block *block)
{
    struct wire_message message = {.type = WIRE_RECALL, .recall = {block->number}};
    block->wanted = false;
    block->recalled = true;
    agent_send(block->agent, &message, NULL, 0);
}

void agent_ask_back(struct agent_block *block)
{
    if (block->recalled || block->wanted || !block->said.open)
        return;
    if (may_be_asked(block)) {
        ask(block);
    } else {
        block->wanted = true;
        block->agent->returning = true;
    }
}

void agent_return(struct agent *agent)
{
    bool more = false;
    for (uint32_t i = 0; i < agent->room; i++) {
        struct agent_block *block = agent->block[i];
        if (block && block->wanted && may_be_asked(block))
            ask(block);
        more |= block && block->wanted;
    }
    agent->returning = more;
}

void road_recall(struct manager *manager, const void *work)
{
    struct agents *pool = manager->agents;
    for (int k = 0; k < pool->road->nodes; k++) {
        struct agent *agent = &pool->agent[k];
        for (uint32_t i = 0; i < agent->room && !agent->node->lost; i++)
            if (agent->block[i] && (!work || manager->postings[agent->block[i]->post].work == work))
                agent_ask_back(agent->block[i]);
    }
}

int road_count_map(const struct manager *manager, int more)
{
    return manager->agents ? manager->agents->road->maps += more : 0;
}

void road_let_go(struct manager *manager, const void *array, size_t size)
{
    struct road *road = manager->agents->road;
    if (!road->cut)
        net_let_go(road->net, array, size);
}

/* ---- Cancelled --------------------------------------------------------------------------- */

static struct agent_block *find_holder(const struct manager *manager, int post, uint32_t item)
{
    const struct agents *pool = manager->agents;
    for (int k = 0; pool && k < pool->road->nodes; k++) {
        const struct agent *agent = &pool->agent[k];
        for (uint32_t i = 0; i < agent->room; i++) {
            struct agent_block *block = agent->block[i];
            if (block && block->post == post && item - block->from < block->count &&
                !lease_has_ended(&block->ended, item - block->from))
                return block;
        }
    }
    return NULL;
}

bool road_holds(const struct manager *manager, int post, uint32_t item)
{
    return find_holder(manager, post, item);
}

bool road_holds_waiting(const struct manager *manager, int post, uint32_t item)
{
    const struct agent_block *block = find_holder(manager, post, item);
    return block && agent_waits_with(block, item - block->from);
}

bool road_is_laden(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    for (int k = 0; pool && k < pool->road->nodes; k++)
        for (uint32_t i = 0; i < pool->agent[k].room; i++)
            if (pool->agent[k].block[i] && pool->agent[k].block[i]->ended.open)
                return true;
    return false;
}

bool road_cancel(struct manager *manager, int post, uint32_t item)
{
    struct agent_block *block = find_holder(manager, post, item);
    if (!block || block->agent->node->lost)
        return false;
    struct wire_message message = {.type = WIRE_CANCEL, .cancel = {block->number, item - block->from}};
    block->agent->asked++;
    agent_send(block->agent, &message, NULL, 0);
    return true;
}

/* It has a task that has not begun, as far as is known. */
static bool has_idle_task(const struct agent *agent)
{
    for (uint32_t i = 0; i < agent->room; i++)
        for (uint32_t item = 0; agent->block[i] && item < agent->block[i]->count; item++)
            if (agent_is_open_task(agent->block[i], item) &&
                atomic_load(&agent_record(agent->block[i], item)->state) == RECORD_AWAY)
                return true;
    return false;
}

/* A leader that works alone answers when its task has ended; but before that it says that it begins it. */
static bool awaits_answers(const struct manager *manager)
{
    const struct agents *pool = manager->agents;
    for (int k = 0; k < pool->road->nodes; k++) {
        const struct agent *agent = &pool->agent[k];
        if (agent->asked && !agent->node->lost && has_idle_task(agent))
            return true;
    }
    return false;
}

void road_await_answers(struct manager *manager)
{
    road_await(manager, awaits_answers);
}
