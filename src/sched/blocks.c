#include <assert.h>
#include <stdlib.h>

#include "sched/blocks_state.h"

#define SAMPLE_NS    2e6   /* the shortest sample, but for the first one */
#define TRIP_MOST_NS 100e6 /* what takes longer was no trip alone */
#define PEAK_PART    0.125 /* of the fastest sample, which is forgotten with each later one */

/* ---- Rankings ---- */

void blocks_rank(struct blocks *blocks, uint32_t number)
{
    const struct blocks_node *node = &blocks->nodes[number];
    if (!node->is_shy)
        ranking_set(&blocks->hungry, number, -(double)node->in_flight / blocks_cover_of(blocks, node));
    if (node->recalls || node->in_flight <= node->workers)
        ranking_remove(&blocks->laden, number);
    else
        ranking_set(&blocks->laden, number,
                    (double)(node->in_flight - node->workers) / blocks_weight_of(blocks, node));
}

double blocks_patience(const struct blocks *blocks)
{
    return fmax(BLOCKS_PATIENCE_NS, blocks->alive * blocks->patience);
}

double blocks_patience_of(const struct blocks *blocks, uint32_t number)
{
    const struct blocks_node *node = &blocks->nodes[number];
    double busy = node->speed > 0 ? (double)node->in_flight / node->speed : 0;
    return fmax(blocks_patience(blocks), fmin(busy / BLOCKS_PATIENCE_PART, BLOCKS_PATIENCE_LONG_NS));
}

/* When the first speed becomes known, or the last one is lost, all weights are measured anew. */
void blocks_rank_all(struct blocks *blocks)
{
    for (uint32_t i = 0; i < blocks->count; i++)
        if (blocks->nodes[i].workers)
            blocks_rank(blocks, i);
}

/* What all nodes may have goes by the patience: it changes when it must. */
void blocks_noted(struct blocks *blocks, uint32_t notes)
{
    blocks->notes += ((double)notes - blocks->notes) / 32;
    double patience =
        fmin(BLOCKS_PATIENCE_EACH_NS + blocks->notes * BLOCKS_PATIENCE_NOTE_NS, BLOCKS_PATIENCE_MOST_NS);
    if (fabs(patience - blocks->patience) < 0.2 * blocks->patience)
        return;
    blocks->patience = patience;
    blocks_rank_all(blocks);
}

/* ---- Nodes ------------------------------------------------------------------------------- */

int blocks_open(struct blocks *blocks, uint32_t room, uint32_t own, double cost_ns)
{
    *blocks = (struct blocks){.room = room,
                              .own = own,
                              .cost = cost_ns > 0 ? cost_ns : BLOCKS_COST_NS,
                              .claim = 1,
                              .patience = BLOCKS_PATIENCE_EACH_NS};
    blocks->nodes = calloc(room ? room : 1, sizeof *blocks->nodes);
    blocks->shy = calloc(room ? room : 1, sizeof *blocks->shy);
    int failed = ranking_open(&blocks->hungry, room) | ranking_open(&blocks->laden, room);
    return blocks->nodes && blocks->shy ? failed : -1;
}

void blocks_close(struct blocks *blocks)
{
    ranking_close(&blocks->hungry);
    ranking_close(&blocks->laden);
    free(blocks->nodes);
    free(blocks->shy);
    *blocks = (struct blocks){0};
}

uint32_t blocks_add_node(struct blocks *blocks, uint32_t workers, double trip_ns)
{
    assert(blocks->count < blocks->room && workers);
    uint32_t number = blocks->count++;
    blocks->nodes[number] = (struct blocks_node){.workers = workers, .trip = trip_ns};
    blocks->other += workers;
    blocks->alive++;
    blocks_rank(blocks, number);
    return number;
}

static void set_speed(struct blocks *blocks, struct blocks_node *node, double speed)
{
    bool was_known = blocks->known != 0;
    if (node->speed > 0) {
        blocks->known -= node->workers;
        blocks->speeds -= node->speed;
        blocks->trips -= node->speed * node->trip;
    } else {
        blocks->other -= node->workers;
    }
    node->speed = speed;
    if (speed > 0) {
        blocks->known += node->workers;
        blocks->speeds += speed;
        blocks->trips += speed * node->trip;
    } else {
        blocks->other += node->workers;
    }
    if (!blocks->known)
        blocks->speeds = blocks->trips = 0; /* and not what rounding has left */
    if (was_known != (blocks->known != 0))
        blocks_rank_all(blocks);
}

void blocks_set_workers(struct blocks *blocks, uint32_t number, uint32_t workers)
{
    struct blocks_node *node = &blocks->nodes[number];
    double speed = node->speed * workers / node->workers;
    set_speed(blocks, node, 0);
    blocks->other += workers;
    blocks->other -= node->workers;
    node->workers = workers;
    set_speed(blocks, node, speed);
    node->peak = speed;
    if (workers)
        blocks_rank(blocks, number);
}

void blocks_remove_node(struct blocks *blocks, uint32_t number)
{
    struct blocks_node *node = &blocks->nodes[number];
    if (!node->workers)
        return;
    blocks_set_workers(blocks, number, 0);
    blocks->in_flight -= node->in_flight;
    node->in_flight = 0;
    blocks->alive--;
    ranking_remove(&blocks->hungry, number);
    ranking_remove(&blocks->laden, number);
}

/* ---- What is learnt ---------------------------------------------------------------------- */

/* Too little in flight to be busy. What is on its way is not counted: that would go by the speed, and one
 * that was overestimated would excuse itself for ever. */
static bool is_short(const struct blocks *blocks, const struct blocks_node *node)
{
    return (double)node->in_flight < blocks_claims_of(blocks, node);
}

static void begin_sample(struct blocks_node *node, double now, bool is_first)
{
    node->since = now;
    node->got = 0;
    node->is_first = is_first;
    node->was_short = false;
}

/* A sample that is too short to show anything goes on, or only trips that take longer would. */
static void resume(struct blocks_node *node, double now)
{
    node->is_alone = true;
    if (!node->got || now >= node->since + SAMPLE_NS)
        begin_sample(node, now, true);
    node->is_first = !node->got;
    node->was_short = node->got;
}

void blocks_sent(struct blocks *blocks, uint32_t number, uint64_t items, double now)
{
    struct blocks_node *node = &blocks->nodes[number];
    if (!node->in_flight)
        resume(node, now);
    node->in_flight += items;
    blocks->in_flight += items;
    node->was_short = node->was_short || is_short(blocks, node);
    node->recalls = false;
    blocks->moved = now;
    blocks_rank(blocks, number);
}

/* Without the trip to a node that had nothing. */
static double time_of(const struct blocks_node *node, double now)
{
    double elapsed = now - node->since;
    return node->is_first ? fmax(elapsed - node->trip, elapsed / 8) : elapsed;
}

/* The speed that the sample shows; 0: it is too small to show one. A node that has never had items
 * for all of its workers shows what the others would have done. */
static double speed_shown(const struct blocks_node *node, double now)
{
    double elapsed = time_of(node, now);
    if (!(elapsed > 0))
        return 0;
    if (node->got >= node->workers && (!(node->speed > 0) || elapsed >= SAMPLE_NS))
        return (double)node->got / elapsed;
    return node->speed > 0 || node->in_flight ? 0 : node->workers / elapsed;
}

/* What was on its way for nearly all of its time shows no speed, but that the node could do more. */
static double peak_shown(const struct blocks_node *node, double now)
{
    bool is_long = node->speed > 0 && node->got >= node->workers && now >= node->since + SAMPLE_NS;
    return is_long ? (double)node->got / time_of(node, now) : 0;
}

static void learn(struct blocks *blocks, struct blocks_node *node, double now)
{
    double shown = speed_shown(node, now), speed = node->speed;
    if (!(shown > 0)) {
        node->peak = fmax(node->peak, peak_shown(node, now));
        return;
    }
    if (!(speed > 0))
        speed = shown;
    else if (!node->was_short)
        speed += (shown - speed) / 4;
    else if (shown > speed)
        speed += (shown - speed) / 2;
    set_speed(blocks, node, speed);
    node->peak = fmax(fmax(shown, speed), node->peak * (1 - PEAK_PART));
    begin_sample(node, now, false);
}

static void land(struct blocks *blocks, struct blocks_node *node, uint64_t items)
{
    assert(items <= node->in_flight);
    node->in_flight -= items;
    blocks->in_flight -= items;
}

void blocks_ended(struct blocks *blocks, uint32_t number, uint64_t items, double now)
{
    struct blocks_node *node = &blocks->nodes[number];
    land(blocks, node, items);
    node->done += items;
    node->got += items;
    learn(blocks, node, now);
    node->is_alone = false;
    node->was_short = node->was_short || is_short(blocks, node);
    blocks->moved = now;
    blocks_rank(blocks, number);
}

void blocks_trip(struct blocks *blocks, uint32_t number, double ns)
{
    struct blocks_node *node = &blocks->nodes[number];
    bool alone = node->is_alone && node->trip > 0;
    if (!(ns > 0) || (!alone && node->trip > 0 && ns >= node->trip))
        return;
    double trip = alone ? node->trip + (fmin(ns, fmax(node->trip, TRIP_MOST_NS)) - node->trip) / 8 : ns;
    blocks->trips += node->speed * (trip - node->trip);
    node->trip = trip;
}

/* ---- The end game ------------------------------------------------------------------------ */

/* What the node has in flight has been done in part, of which notes are on their way. */
int blocks_recall_candidate(const struct blocks *blocks, double trip_ns)
{
    int number = ranking_first(&blocks->laden);
    if (number < 0 || !blocks->known)
        return number;
    double way = 2 * blocks->nodes[number].trip + trip_ns + blocks_patience(blocks) + BLOCKS_DOZE_NS;
    return blocks->laden.key[number] > way ? number : -1;
}

void blocks_recalling(struct blocks *blocks, uint32_t number)
{
    blocks->nodes[number].recalls = true;
    ranking_remove(&blocks->laden, number);
}

void blocks_recalled(struct blocks *blocks, uint32_t number, uint64_t items)
{
    struct blocks_node *node = &blocks->nodes[number];
    if (!items)
        return;
    land(blocks, node, items);
    node->recalls = false;
    node->was_short = true;
    blocks_rank(blocks, number);
}
