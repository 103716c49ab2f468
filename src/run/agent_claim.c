/* What a node gets next, as sched/blocks.h says; and at the end, what it is asked to give back. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/agent.h"
#include "sched/freight.h"

#define LEFT_NS    UINT64_C(2000000)   /* that the end of the work may lie there for workers of this node */
#define OVERDUE_NS UINT64_C(100000000) /* that a block may stay away while somebody has nothing to do */
#define PACES      8                   /* that are kept where no block is open */

/* ---- Paces ------------------------------------------------------------------------------- */

static struct board_function function_of(const struct post *post)
{
    bool tasks = !atomic_load_explicit(&post->map, memory_order_relaxed);
    return tasks ? (struct board_function){0} : post->function;
}

uint32_t agent_workers(const struct agent *agent)
{
    uint32_t count = 0;
    for (int i = agent->node->first; i < agent->node->first + agent->node->count && agent_is_there(agent);
         i++)
        count += manager_has(agent->pool->manager, i);
    return count;
}

/* The oldest of too many. */
static void forget_one(struct agents *pool)
{
    struct pace **found = NULL;
    int count = 0;
    for (struct pace **link = &pool->paces; *link; link = &(*link)->behind, count++)
        if (!(*link)->users)
            found = link;
    if (count < PACES || !found)
        return;
    struct pace *pace = *found;
    *found = pace->behind;
    blocks_close(&pace->blocks);
    free(pace);
}

/* Who takes what is for all on this node. Who leads other nodes and is led itself leaves it to the others. */
static uint32_t count_own(const struct manager *manager)
{
    uint32_t count = !manager->setup.outlying && manager->setup.computes;
    for (int i = manager->setup.outlying ? 2 : 1; i < manager->crew->here; i++)
        count += manager_has(manager, i);
    return count;
}

static struct pace *new_pace(struct agents *pool, struct board_function function)
{
    uint32_t own = count_own(pool->manager);
    struct pace *pace = calloc(1, sizeof *pace);
    if (!pace)
        return NULL;
    pace->function = function;
    if (blocks_open(&pace->blocks, (uint32_t)pool->road->nodes, own, 0)) {
        blocks_close(&pace->blocks);
        free(pace);
        return NULL;
    }
    for (int i = 0; i < pool->road->nodes; i++) {
        uint32_t workers = agent_workers(&pool->agent[i]);
        uint32_t number = blocks_add_node(&pace->blocks, workers ? workers : 1, 0);
        if (!workers)
            blocks_remove_node(&pace->blocks, number);
    }
    pace->behind = pool->paces;
    return pool->paces = pace;
}

struct pace *agents_find_pace(struct agents *pool, const struct post *post)
{
    struct board_function function = function_of(post);
    for (struct pace *pace = pool->paces; pace; pace = pace->behind)
        if (pace->function.module == function.module && pace->function.offset == function.offset)
            return pace;
    forget_one(pool);
    return new_pace(pool, function);
}

void agents_forget_paces(struct agents *pool)
{
    while (pool->paces) {
        struct pace *pace = pool->paces;
        pool->paces = pace->behind;
        blocks_close(&pace->blocks);
        free(pace);
    }
}

bool agent_serves(const struct agent *agent)
{
    return agent_workers(agent);
}

void agent_count_workers(struct agent *agent)
{
    uint32_t workers = agent_workers(agent), number = agent_number(agent);
    for (struct pace *pace = agent->pool->paces; pace; pace = pace->behind) {
        uint32_t before = pace->blocks.nodes[number].workers;
        if (!before || before == workers)
            continue;
        if (workers)
            blocks_set_workers(&pace->blocks, number, workers);
        else
            blocks_remove_node(&pace->blocks, number);
    }
}

void road_count_without(struct manager *manager, int worker)
{
    struct agents *pool = manager->agents;
    for (struct pace *pace = pool ? pool->paces : NULL; pace && worker < manager->crew->here;
         pace = pace->behind)
        blocks_set_own(&pace->blocks, count_own(manager));
    for (int i = 0; pool && i < pool->road->nodes; i++)
        if (road_is_of(pool->agent[i].node, (uint32_t)worker))
            agent_count_workers(&pool->agent[i]);
}

/* Of one that is gone nothing is counted. */
void agent_count_ended(struct agent *agent, struct pace *pace, uint32_t items)
{
    if (pace->blocks.nodes[agent_number(agent)].workers)
        blocks_ended(&pace->blocks, agent_number(agent), items, (double)agent->node->road->heard);
}

void agent_count_returned(struct agent *agent, struct pace *pace, uint32_t items)
{
    if (pace->blocks.nodes[agent_number(agent)].workers)
        blocks_recalled(&pace->blocks, agent_number(agent), items);
}

/* ---- Claiming ---------------------------------------------------------------------------- */

/* Tasks of other nodes wait at queues: in lines here, or for what comes from above. */
static bool any_waits(const struct agents *pool)
{
    bool any = pool->lines;
    for (int i = 0; i < pool->road->nodes && pool->manager->setup.above; i++)
        any |= pool->agent[i].wishes > 0;
    return any;
}

static struct blocks_view view_of(const struct agents *pool, const struct post_offer *offer)
{
    struct post *post = offer->post;
    uint64_t map = atomic_load_explicit(&post->map, memory_order_relaxed);
    bool is_counted = map && !(post->flags & POST_PACKED);
    return (struct blocks_view){
        .schedule =
            map ? (enum schedule)atomic_load_explicit(&post->schedule, memory_order_relaxed) : SCHEDULE_AUTO,
        .chunk = map ? atomic_load_explicit(&post->chunk, memory_order_relaxed) : 0,
        .total = is_counted ? atomic_load_explicit(&post->total, memory_order_relaxed) : 0,
        .remaining =
            offer->available + (is_counted ? atomic_load_explicit(&post->behind, memory_order_relaxed) : 0),
        .available = offer->available,
        .at = map ? post->first + offer->next : 0,
        .reduces = map && post->flags & POST_REDUCE,
        .is_pinned = atomic_load_explicit(&post->owner, memory_order_relaxed) != 0,
        .waits = any_waits(pool) || (!map && pool->manager->lying),
        .now = (double)clock_ns()};
}

/* Where the program is about to go on by itself, what cannot leave at once would stay away for long and be
 * with nobody. */
static bool could_leave(const struct agent *agent)
{
    const struct road *road = agent->node->road;
    return !road->feeding || net_room(road->net, agent->node->peer) > 0;
}

/* Who has just given something back has enough, unless nobody else comes for it. */
static bool may_have(const struct agent *agent)
{
    bool sated = agent->sated && agent->blocks && !agent->pool->manager->lying;
    return agent_is_there(agent) && node_hears(agent->node) && agent->blocks < AGENT_BLOCKS && !sated &&
           could_leave(agent) && (!agent->rest || clock_ns() >= agent->rest);
}

/* Of long items no more than its workers need and the way holds. */
static uint64_t most_beside(const struct blocks_node *node, uint32_t nodes, const struct post *post)
{
    struct freight freight = {.each = post->in_size + post->out_size,
                              .block = AGENT_BODY,
                              .workers = node->workers,
                              .nodes = nodes,
                              .in_flight = node->in_flight,
                              .speed = node->peak,
                              .trip = node->trip};
    return freight.each && !(post->flags & POST_PACKED) ? freight_room(&freight) : UINT64_MAX;
}

/* Items that it may have at present. A leader that works alone cannot give back a submitted task while it
 * runs another one, which may last, or even wait for what the program does when it has had the other tasks:
 * so it has one at a time. */
static uint64_t most_for(const struct agent *agent, const struct pace *pace, const struct post *post)
{
    const struct blocks_node *node = &pace->blocks.nodes[agent_number(agent)];
    if (!may_have(agent))
        return 0;
    if (pace->function.module)
        return most_beside(node, 1 + agent->node->led, post);
    return node->workers > 1 ? UINT64_MAX : !node->in_flight;
}

/* What a worker of this node is about to take is not worth the way; unless it does not come, since it was
 * stopped. */
static bool is_for_here(struct agents *pool, const struct blocks_view *view)
{
    if (view->remaining > roster_count_hungry(pool->manager->setup.roster)) {
        pool->left = 0;
        return false;
    }
    if (!pool->left)
        pool->left = clock_ns();
    return clock_ns() < pool->left + LEFT_NS;
}

static void claim(struct agent *agent, struct board *view, const struct post_offer *offer, uint64_t items)
{
    uint32_t run = agent_fit(agent->pool, offer, (uint32_t)items);
    if (post_claim(view, offer, run))
        agent_send_claim(agent, offer, run);
}

/* Of what is for all. Where all others wait at queues, its leader may take one that nobody comes for. */
static uint64_t most_shared(const struct agent *agent, const struct pace *pace, const struct post *post)
{
    if (!agent_is_blocked(agent))
        return most_for(agent, pace, post);
    bool may_lead = agent_has_others(agent) && agent->pool->manager->lying && post_is_single(post);
    return may_lead && most_for(agent, pace, post) > 0;
}

static uint64_t want(const struct agent *agent, const struct pace *pace, const struct blocks_view *view,
                     uint64_t most)
{
    uint64_t items = most ? blocks_want(&pace->blocks, agent_number(agent), view) : 0;
    return items < most ? items : most;
}

static void claim_pinned(struct agent *agent)
{
    struct post_offer offer;
    while (post_peek(&agent->view, 0, &offer)) {
        struct blocks_view view = view_of(agent->pool, &offer);
        struct pace *pace = agents_find_pace(agent->pool, offer.post);
        uint64_t items = pace ? want(agent, pace, &view, most_for(agent, pace, offer.post)) : 0;
        if (!items)
            return;
        claim(agent, &agent->view, &offer, items);
    }
}

/* The one that needs it most, of those that may have it; NULL: nobody wants any. */
static struct agent *choose(struct agents *pool, struct pace *pace, const struct post *post,
                            const struct blocks_view *view, uint64_t *items)
{
    int number = blocks_next(&pace->blocks, view, items);
    uint64_t most = number < 0 ? 0 : most_shared(&pool->agent[number], pace, post);
    if (*items > most)
        *items = most;
    if (number < 0 || most)
        return number < 0 ? NULL : &pool->agent[number];
    for (int i = 0; i < pool->road->nodes; i++)
        if ((*items = want(&pool->agent[i], pace, view, most_shared(&pool->agent[i], pace, post))))
            return &pool->agent[i];
    return NULL;
}

static void claim_shared(struct agents *pool)
{
    struct post_offer offer;
    while (post_peek(&pool->view, 0, &offer)) {
        struct pace *pace = agents_find_pace(pool, offer.post);
        struct blocks_view view = view_of(pool, &offer);
        uint64_t items = 0;
        struct agent *agent =
            pace && !is_for_here(pool, &view) ? choose(pool, pace, offer.post, &view, &items) : NULL;
        if (!agent)
            return;
        claim(agent, &pool->view, &offer, items);
    }
    pool->left = 0;
}

/* ---- The end game ------------------------------------------------------------------------ */

/* Nobody else could have it. */
static bool is_pinned(const struct agent_block *block)
{
    const struct board *board = &block->agent->pool->manager->board;
    return atomic_load_explicit(&board->post[block->post].owner, memory_order_relaxed) != 0;
}

static struct agent_block *sent_last(const struct agent *agent, const struct pace *pace)
{
    struct agent_block *last = NULL;
    for (uint32_t i = 0; i < agent->room; i++) {
        struct agent_block *block = agent->block[i];
        if (block && block->pace == pace && block->said.open && !block->wanted && !block->recalled &&
            !is_pinned(block) && (!last || block->left > last->left))
            last = block;
    }
    return last;
}

/* The way to who has nothing to do; below 0: nobody. */
static double find_idle(struct agents *pool, const struct pace *pace)
{
    if (roster_is_hungry(pool->manager->setup.roster))
        return 0;
    for (int i = 0; i < pool->road->nodes; i++)
        if (agent_is_there(&pool->agent[i]) && node_hears(pool->agent[i].node) &&
            !agent_is_blocked(&pool->agent[i]) && !pace->blocks.nodes[i].in_flight)
            return pace->blocks.nodes[i].trip;
    return -1;
}

/* However fast a node was, it may have been stopped: what it has had for so long is wanted elsewhere. */
static int find_overdue(struct agents *pool, const struct pace *pace)
{
    uint64_t now = clock_ns();
    if (now < pool->overdue + OVERDUE_NS / 2)
        return -1;
    pool->overdue = now;
    for (int i = 0; i < pool->road->nodes; i++) {
        const struct agent_block *block =
            pace->blocks.nodes[i].recalls ? NULL : sent_last(&pool->agent[i], pace);
        if (block && now > block->left + OVERDUE_NS)
            return i;
    }
    return -1;
}

static void ask_back(struct agents *pool, struct pace *pace)
{
    double trip = pace->blocks.in_flight ? find_idle(pool, pace) : -1;
    int number = trip < 0 ? -1 : blocks_recall_candidate(&pace->blocks, trip);
    if (trip >= 0 && number < 0)
        number = find_overdue(pool, pace);
    struct agent_block *block = number < 0 ? NULL : sent_last(&pool->agent[number], pace);
    if (!block)
        return;
    blocks_recalling(&pace->blocks, (uint32_t)number);
    agent_ask_back(block);
}

void agents_claim(struct agents *pool)
{
    struct post_offer offer;
    if (pool->manager->draining)
        return;
    for (int i = 0; i < pool->road->nodes && pool->manager->pinned; i++)
        claim_pinned(&pool->agent[i]);
    claim_shared(pool);
    if (post_peek(&pool->view, 0, &offer))
        return;
    for (struct pace *pace = pool->paces; pace; pace = pace->behind)
        ask_back(pool, pace);
}
