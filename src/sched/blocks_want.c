#include "sched/blocks_state.h"
#include "sched/policy.h"
#include "sched/tree.h"

/* ---- Sizes ------------------------------------------------------------------------------- */

struct asking {
    const struct blocks *blocks;
    const struct blocks_node *node;
    const struct blocks_view *view;
    double share; /* of what remains */
    double cover;
};

/* A node that has less than `keep` gets `run` items. */
struct answer {
    double keep, run;
};

static struct answer no_less_than_cover(const struct asking *asking, double run)
{
    return (struct answer){fmax(asking->cover, run), run};
}

static double missing(const struct asking *asking)
{
    return asking->cover - (double)asking->node->in_flight;
}

/* No shorter than the manager can keep up with, but no more than the node's share: unless the
 * manager could not even send all nodes theirs before the first is through. */
static double within_share(const struct asking *asking, double run)
{
    double round = blocks_round_of(asking->blocks, asking->node);
    run = fmax(fmin(fmax(run, BLOCKS_BUSY * round), ceil(asking->share)), floor(round));
    return fmin(run, blocks_most_of(asking->blocks, asking->node) - (double)asking->node->in_flight);
}

/* Nobody knows how many there will be, or wants them to go out ahead. */
static struct answer dynamic_block(const struct asking *asking)
{
    return (struct answer){asking->cover, within_share(asking, missing(asking))};
}

static struct answer auto_block(const struct asking *asking)
{
    const struct blocks_node *node = asking->node;
    if (!asking->view->total)
        return dynamic_block(asking);
    double run = asking->share / 2;
    run = fmin(run, fmax(node->speed * BLOCKS_LONG_NS, asking->cover));
    double keep = fmin(fmax(run, asking->cover), blocks_most_of(asking->blocks, node) / 2);
    return (struct answer){keep, within_share(asking, fmax(run, missing(asking)))};
}

/* The part of `items` that the node has of the workers. */
static double part(const struct asking *asking, uint64_t items)
{
    return ceil((double)items * asking->node->workers / (double)blocks_count_workers(asking->blocks));
}

static struct answer static_block(const struct asking *asking)
{
    return asking->view->total ? no_less_than_cover(asking, part(asking, asking->view->total))
                               : dynamic_block(asking);
}

static struct answer guided_block(const struct asking *asking)
{
    double least = (double)asking->view->chunk * asking->node->workers;
    return asking->view->total
               ? no_less_than_cover(asking, fmax(part(asking, asking->view->remaining), least))
               : dynamic_block(asking);
}

static struct answer factoring_block(const struct asking *asking)
{
    uint64_t workers = blocks_count_workers(asking->blocks);
    struct policy_view view = {
        .schedule = SCHEDULE_FACTORING,
        .chunk = asking->view->chunk,
        .total = asking->view->total,
        .remaining = asking->view->remaining,
        .workers = workers < UINT32_MAX ? (uint32_t)workers : UINT32_MAX,
    };
    return view.total ? no_less_than_cover(asking, (double)policy_run(&view) * asking->node->workers)
                      : dynamic_block(asking);
}

static struct answer adaptive_block(const struct asking *asking)
{
    double usual = asking->node->workers * blocks_usual_speed(asking->blocks), weight = 1;
    struct answer answer = factoring_block(asking);
    if (usual > 0 && asking->node->speed > 0)
        weight = fmin(fmax(asking->node->speed / usual, 0.1), 10);
    return asking->view->total ? no_less_than_cover(asking, round(answer.run * weight)) : answer;
}

static struct answer (*const schedules[])(const struct asking *) = {
    [SCHEDULE_AUTO] = auto_block,           [SCHEDULE_STATIC] = static_block,
    [SCHEDULE_DYNAMIC] = dynamic_block,     [SCHEDULE_GUIDED] = guided_block,
    [SCHEDULE_FACTORING] = factoring_block, [SCHEDULE_ADAPTIVE] = adaptive_block,
};

/* Whole chunks, and few nodes of a reduction's tree. */
static uint64_t cut(const struct blocks_view *view, double wanted)
{
    uint64_t run = wanted >= 1 ? wanted < 0x1p62 ? (uint64_t)ceil(wanted) : UINT64_C(1) << 62 : 1;
    if (view->chunk && run % view->chunk)
        run += view->chunk - run % view->chunk;
    if (run >= view->available)
        return view->available;
    if (view->reduces && !view->chunk)
        run -= (view->at + run) & (tree_grain(run) - 1);
    return run;
}

/* How long until all others have done what they have and what remains; negative: there are none. Who is
 * as near and as fast as they are in the mean could do an item in less: so not all decline. */
static double time_without(const struct blocks *blocks, const struct blocks_node *node, uint64_t remaining)
{
    double speed = blocks_weight_of_all(blocks) - node->speed;
    uint64_t workers = blocks_count_workers(blocks) - node->workers;
    if (!workers || !(speed > 0))
        return -1;
    double items = (double)(blocks->in_flight - node->in_flight + remaining);
    double trips = fmax(blocks->trips - node->speed * node->trip, 0);
    return (items + trips + (double)workers) / speed;
}

/* Whether the others will have done it all before this node could do one item. Where nothing has
 * moved for that time and longer, they will not. */
static bool declines(const struct blocks *blocks, const struct blocks_node *node,
                     const struct blocks_view *view, double *without)
{
    if (!(node->speed > 0) || view->is_pinned || view->waits || view->schedule == SCHEDULE_STATIC)
        return false;
    *without = time_without(blocks, node, view->remaining);
    double alone = node->workers / node->speed + node->trip;
    return *without >= 0 && alone > *without && view->now - blocks->moved <= 2 * *without;
}

uint64_t blocks_want(const struct blocks *blocks, uint32_t number, const struct blocks_view *view)
{
    const struct blocks_node *node = &blocks->nodes[number];
    double without;
    if (!node->workers || declines(blocks, node, view, &without))
        return 0;
    struct asking asking = {
        .blocks = blocks,
        .node = node,
        .view = view,
        .share = (double)view->remaining *
                 (view->is_pinned ? 1 : blocks_weight_of(blocks, node) / blocks_weight_of_all(blocks)),
        .cover = blocks_cover_of(blocks, node),
    };
    struct answer answer = schedules[view->schedule](&asking);
    return (double)node->in_flight < answer.keep ? cut(view, answer.run) : 0;
}

/* ---- Whose turn it is -------------------------------------------------------------------- */

static uint64_t count_open(const struct blocks *blocks, const struct blocks_view *view)
{
    return blocks->in_flight + view->remaining;
}

static void set_aside(struct blocks *blocks, uint32_t number, const struct blocks_view *view, double without)
{
    double until = view->now + without;
    uint64_t open = count_open(blocks, view);
    if (!blocks->shy_count || until < blocks->shy_until)
        blocks->shy_until = until;
    if (!blocks->shy_count || open < blocks->shy_items)
        blocks->shy_items = open;
    blocks->shy[blocks->shy_count++] = number;
    blocks->nodes[number].is_shy = true;
    ranking_remove(&blocks->hungry, number);
}

static void call_back(struct blocks *blocks)
{
    while (blocks->shy_count) {
        uint32_t number = blocks->shy[--blocks->shy_count];
        blocks->nodes[number].is_shy = false;
        if (blocks->nodes[number].workers)
            blocks_rank(blocks, number);
    }
}

/* Who declined may have counted on those who are gone. */
void blocks_set_own(struct blocks *blocks, uint32_t own)
{
    blocks->own = own;
    call_back(blocks);
}

int blocks_next(struct blocks *blocks, const struct blocks_view *view, uint64_t *items)
{
    double without;
    int number;
    uint64_t claim = view->chunk ? view->chunk : 1;
    if (blocks->claim != claim) {
        blocks->claim = claim;
        blocks_rank_all(blocks);
    }
    if (blocks->shy_count &&
        (view->waits || view->now >= blocks->shy_until || count_open(blocks, view) > blocks->shy_items))
        call_back(blocks);
    while ((number = ranking_first(&blocks->hungry)) >= 0 &&
           declines(blocks, &blocks->nodes[number], view, &without))
        set_aside(blocks, (uint32_t)number, view, without);
    *items = number < 0 ? 0 : blocks_want(blocks, (uint32_t)number, view);
    return *items ? number : -1;
}
