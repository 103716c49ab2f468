/* Blocks from their claim to their end: the books of each, and its way to the node. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/agent.h"
#include "run/holding.h"
#include "run/posting.h"

static bool lease_both(struct agent_block *block)
{
    return lease_begin(&block->said, block->count, block->count) == 0 &&
           lease_begin(&block->ended, block->count, block->count) == 0;
}

static void free_block(struct agent_block *block)
{
    lease_free(&block->said);
    lease_free(&block->ended);
    free(block->runner);
    free(block->own);
    free(block);
}

/* Its node hears again, and nothing of it is measured any more. */
static void end_open(struct agent_block *block)
{
    if (block->leads)
        block->agent->node->leading--;
    if (block->pace)
        block->pace->users--;
    block->leads = false;
    block->pace = NULL;
}

void agent_leave_block(struct agent_block *block)
{
    struct agent *agent = block->agent;
    if (block->under_way || block->ended.open)
        return;
    end_open(block);
    agent->block[block->number % AGENT_BLOCKS] = NULL;
    agent->blocks--;
    free_block(block);
}

void agent_close_block(struct agent_block *block)
{
    end_open(block);
    if (!block->under_way)
        free_block(block);
}

void agent_drop_block(struct agent_block *block)
{
    block->under_way--;
    agent_close_block(block);
}

static bool is_for_leader(const struct agent *agent, int post)
{
    const struct post *of = &agent->pool->manager->board.post[post];
    return atomic_load_explicit(&of->owner, memory_order_relaxed) == (uint32_t)agent->node->first &&
           agent_has_others(agent);
}

static bool is_telling(const struct manager *manager, int post)
{
    return manager->postings[post].suspicious ||
           !atomic_load_explicit(&manager->board.post[post].map, memory_order_relaxed);
}

struct agent_block *agent_open_block(struct agent *agent, int post, uint32_t from, uint32_t count)
{
    struct pace *pace = agents_find_pace(agent->pool, &agent->pool->manager->board.post[post]);
    struct agent_block *block = calloc(1, sizeof *block);
    uint32_t place = 0;
    while (place < agent->room && agent->block[place])
        place++;
    if (!block || !pace || place == AGENT_BLOCKS)
        goto fail;
    block->agent = agent;
    block->post = post;
    block->from = from;
    block->count = count;
    block->number = ++agent->made * AGENT_BLOCKS + place;
    block->telling = is_telling(agent->pool->manager, post);
    block->runner = calloc(block->telling ? count : 1, sizeof *block->runner);
    if (!lease_both(block) || !block->runner)
        goto fail;
    if (place == agent->room)
        agent->room++;
    agent->block[place] = block;
    agent->blocks++;
    block->pace = pace;
    pace->users++;
    block->leads = is_for_leader(agent, post);
    agent->node->leading += block->leads;
    blocks_sent(&pace->blocks, agent_number(agent), count, (double)clock_ns());
    return block;
fail:
    if (block)
        free_block(block);
    return NULL;
}

/* ---- On its way -------------------------------------------------------------------------- */

void agent_lose_body(struct agent_block *block)
{
    holding_unpin(block->agent->pool->manager, block->holding);
    block->holding = NULL;
}

/* Inputs that lie in an array of the user's: the post may end before the net has done with them. */
static struct holding *pin_array(const struct agent_block *block, const char *inputs)
{
    struct manager *manager = block->agent->pool->manager;
    const char *memory = board_at(&manager->board, block->memory->offset);
    bool is_own = inputs >= memory && inputs < memory + block->memory->size;
    return is_own ? NULL : holding_pin(manager, inputs);
}

static void end_body(struct transit *transit, bool arrived)
{
    struct agent_block *block = (struct agent_block *)transit;
    (void)arrived;
    if (!agent_end_sending(block->agent)) {
        agent_drop_block(block);
        return;
    }
    block->under_way--;
    block->sent = true;
    agent_lose_body(block);
    posting_unpin(block->agent->pool->manager, block->memory);
    agent_leave_block(block);
}

void agent_send_block(struct agent_block *block, const void *head, size_t size,
                      const struct net_segment *segment, int segments)
{
    struct agent *agent = block->agent;
    struct road_node *node = agent->node;
    struct error error;
    block->left = node->road->eventful = clock_ns();
    block->transit.over = end_body;
    if (road_send(node, head, size, segment, segments, segments ? &block->transit : NULL, &error)) {
        road_give_up(node, "%s", error.text);
        return;
    }
    block->sent = !segments;
    if (!segments)
        return;
    agent_begin_sending(agent);
    block->under_way++;
    block->memory = posting_pin(agent->pool->manager, block->post);
    block->holding = pin_array(block, segment[segments - 1].data);
}
