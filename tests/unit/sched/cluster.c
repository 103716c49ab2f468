#include "cluster.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

enum event_kind { ARRIVES, ENDS, NOTED, ASKED, ANSWERED };

struct event {
    double time;
    uint64_t serial; /* equal times in the order in which they were made */
    enum event_kind kind;
    uint32_t node;
    uint64_t from, to;
};

struct range {
    uint64_t from, to;
};

/* A list of ranges that are taken from its front, or its end. */
struct ranges {
    struct range *range;
    size_t first, count, room;
};

struct place { /* a node */
    struct ranges queue;
    uint32_t idle;
    bool has_noted;
};

struct run {
    const struct cluster *cluster;
    struct cluster_run result;
    struct blocks blocks;
    struct place *places;
    struct event *events;
    size_t event_count, event_room;
    uint64_t serial;
    double now;
    struct ranges open; /* items that nobody has */
    uint64_t remaining, ended;
    unsigned char *was_run;
};

static void *more(void *memory, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return memory;
    *room = *room ? 2 * *room : 64;
    memory = realloc(memory, *room * size);
    REQUIRE(memory);
    return memory;
}

static void push(struct ranges *ranges, uint64_t from, uint64_t to)
{
    ranges->range = more(ranges->range, &ranges->room, ranges->count, sizeof *ranges->range);
    ranges->range[ranges->count++] = (struct range){from, to};
}

static struct range *front(struct ranges *ranges)
{
    while (ranges->first < ranges->count &&
           ranges->range[ranges->first].from == ranges->range[ranges->first].to)
        ranges->first++;
    return ranges->first < ranges->count ? &ranges->range[ranges->first] : NULL;
}

static bool is_sooner(const struct event *a, const struct event *b)
{
    return a->time < b->time || (a->time == b->time && a->serial < b->serial);
}

static void add_event(struct run *run, double delay, struct event event)
{
    run->events = more(run->events, &run->event_room, run->event_count, sizeof *run->events);
    event.time = run->now + delay;
    event.serial = run->serial++;
    size_t at = run->event_count++;
    for (; at && is_sooner(&event, &run->events[(at - 1) / 2]); at = (at - 1) / 2)
        run->events[at] = run->events[(at - 1) / 2];
    run->events[at] = event;
}

static struct event take_event(struct run *run)
{
    struct event first = run->events[0], last = run->events[--run->event_count];
    size_t at = 0;
    for (size_t below; (below = 2 * at + 1) < run->event_count; at = below) {
        if (below + 1 < run->event_count && is_sooner(&run->events[below + 1], &run->events[below]))
            below++;
        if (!is_sooner(&run->events[below], &last))
            break;
        run->events[at] = run->events[below];
    }
    run->events[at] = last;
    return first;
}

/* ---- A node ------------------------------------------------------------------------------ */

static double speed_of(const struct run *run, const struct cluster_node *node)
{
    return node->slows_at > 0 && run->now >= node->slows_at ? node->slows_to : node->speed;
}

static void start_workers(struct run *run, uint32_t number)
{
    const struct cluster_node *node = &run->cluster->nodes[number];
    struct place *place = &run->places[number];
    struct range *range;
    while (place->idle && (range = front(&place->queue))) {
        place->idle--;
        uint64_t item = range->from++;
        add_event(run, run->cluster->cost[item] / speed_of(run, node),
                  (struct event){.kind = ENDS, .node = number, .from = item, .to = item + 1});
    }
}

/* What nobody has begun of what came last. */
static void give_back(struct run *run, uint32_t number)
{
    struct ranges *queue = &run->places[number].queue;
    struct event answer = {.kind = ANSWERED, .node = number};
    if (front(queue)) {
        struct range last = queue->range[--queue->count];
        answer.from = last.from;
        answer.to = last.to;
    }
    add_event(run, run->cluster->nodes[number].trip_ns / 2, answer);
}

/* ---- The manager ------------------------------------------------------------------------- */

static void send(struct run *run, uint32_t number, uint64_t items)
{
    struct range *range = front(&run->open);
    struct place *place = &run->places[number];
    add_event(
        run, run->cluster->nodes[number].trip_ns / 2,
        (struct event){.kind = ARRIVES, .node = number, .from = range->from, .to = range->from + items});
    range->from += items;
    run->remaining -= items;
    run->result.blocks++;
    blocks_sent(&run->blocks, number, items, run->now);
    uint64_t each = run->blocks.nodes[number].in_flight / run->cluster->nodes[number].workers;
    if (!place->has_noted && each > run->result.most_before_notes)
        run->result.most_before_notes = each;
}

static void feed(struct run *run)
{
    struct range *range;
    while ((range = front(&run->open))) {
        uint64_t items;
        struct blocks_view view = {.schedule = run->cluster->schedule,
                                   .chunk = run->cluster->chunk,
                                   .total = run->cluster->items,
                                   .remaining = run->remaining,
                                   .available = range->to - range->from,
                                   .at = range->from,
                                   .now = run->now};
        int number = blocks_next(&run->blocks, &view, &items);
        if (number < 0)
            return;
        REQUIRE(items >= 1 && items <= view.available);
        send(run, (uint32_t)number, items);
    }
}

static void recall_for(struct run *run, uint32_t number)
{
    if (run->cluster->never_recall || run->remaining || run->blocks.nodes[number].in_flight)
        return;
    int from = blocks_recall_candidate(&run->blocks, run->blocks.nodes[number].trip);
    if (from < 0)
        return;
    blocks_recalling(&run->blocks, (uint32_t)from);
    add_event(run, run->cluster->nodes[from].trip_ns / 2,
              (struct event){.kind = ASKED, .node = (uint32_t)from});
}

static void take_note(struct run *run, const struct event *event)
{
    struct place *place = &run->places[event->node];
    if (!place->has_noted)
        blocks_trip(&run->blocks, event->node, run->cluster->nodes[event->node].trip_ns);
    place->has_noted = true;
    run->ended++;
    blocks_ended(&run->blocks, event->node, 1, run->now);
}

static void take_answer(struct run *run, const struct event *event)
{
    blocks_recalled(&run->blocks, event->node, event->to - event->from);
    run->result.recalled += event->to - event->from;
    run->remaining += event->to - event->from;
    push(&run->open, event->from, event->to);
}

static void take_place(struct run *run, const struct event *event)
{
    struct place *place = &run->places[event->node];
    switch (event->kind) {
    case ARRIVES:
        push(&place->queue, event->from, event->to);
        start_workers(run, event->node);
        return;
    case ENDS:
        place->idle++;
        CHECK_UINT(run->was_run[event->from]++, 0);
        add_event(run, run->cluster->nodes[event->node].trip_ns / 2,
                  (struct event){.kind = NOTED, .node = event->node});
        start_workers(run, event->node);
        return;
    case NOTED:
        take_note(run, event);
        feed(run);
        recall_for(run, event->node);
        return;
    case ASKED:
        give_back(run, event->node);
        return;
    case ANSWERED:
        take_answer(run, event);
        feed(run);
        return;
    }
}

static double bound_of(const struct cluster *cluster)
{
    double speed = 0, fastest = 0, sum = 0, longest = 0;
    for (uint32_t i = 0; i < cluster->count; i++) {
        speed += cluster->nodes[i].workers * cluster->nodes[i].speed;
        fastest = fmax(fastest, cluster->nodes[i].speed);
    }
    for (uint64_t i = 0; i < cluster->items; i++) {
        sum += cluster->cost[i];
        longest = fmax(longest, cluster->cost[i]);
    }
    return fmax(sum / speed, longest / fastest);
}

/* List scheduling, by whoever is idle first. */
static double listed_of(const struct cluster *cluster)
{
    struct ranking idle; /* by when, the soonest first */
    double end = 0;
    uint32_t workers = 0;
    for (uint32_t i = 0; i < cluster->count; i++)
        workers += cluster->nodes[i].workers;
    uint32_t *owner = malloc(workers * sizeof *owner);
    REQUIRE(owner && !ranking_open(&idle, workers));
    for (uint32_t i = 0, at = 0; i < cluster->count; i++)
        for (uint32_t k = 0; k < cluster->nodes[i].workers; k++)
            owner[at++] = i;
    for (uint32_t i = 0; i < workers; i++)
        ranking_set(&idle, i, 0);
    for (uint64_t i = 0; i < cluster->items; i++) {
        uint32_t worker = (uint32_t)ranking_first(&idle);
        double ends = -idle.key[worker] + cluster->cost[i] / cluster->nodes[owner[worker]].speed;
        end = fmax(end, ends);
        ranking_set(&idle, worker, -ends);
    }
    ranking_close(&idle);
    free(owner);
    return end;
}

struct cluster_run cluster_run(const struct cluster *cluster)
{
    struct run run = {.cluster = cluster,
                      .remaining = cluster->items,
                      .result.bound = bound_of(cluster),
                      .result.listed = listed_of(cluster)};
    run.places = calloc(cluster->count, sizeof *run.places);
    run.was_run = calloc(cluster->items + 1, 1);
    REQUIRE(run.places && run.was_run);
    REQUIRE(!blocks_open(&run.blocks, cluster->count, 0, cluster->block_ns));
    for (uint32_t i = 0; i < cluster->count; i++) {
        CHECK_UINT(blocks_add_node(&run.blocks, cluster->nodes[i].workers, 0), i);
        run.places[i].idle = cluster->nodes[i].workers;
    }
    push(&run.open, 0, cluster->items);
    feed(&run);
    while (run.event_count) {
        struct event event = take_event(&run);
        run.now = event.time;
        take_place(&run, &event);
        if (event.kind == NOTED)
            run.result.makespan = run.now;
    }
    CHECK_UINT(run.ended, cluster->items);
    CHECK_UINT(run.blocks.in_flight, 0);
    for (uint32_t i = 0; i < cluster->count; i++)
        free(run.places[i].queue.range);
    free(run.places);
    free(run.was_run);
    free(run.events);
    free(run.open.range);
    blocks_close(&run.blocks);
    return run.result;
}

/* ---- Costs ------------------------------------------------------------------------------- */

static double *costs(uint64_t n)
{
    double *cost = malloc((n + 1) * sizeof *cost);
    REQUIRE(cost);
    return cost;
}

double *cluster_equal(uint64_t n, double mean)
{
    double *cost = costs(n);
    for (uint64_t i = 0; i < n; i++)
        cost[i] = mean;
    return cost;
}

double *cluster_falling(uint64_t n, double mean)
{
    double *cost = costs(n);
    for (uint64_t i = 0; i < n; i++)
        cost[i] = 2 * mean * (double)(n - i) / (double)n;
    return cost;
}

static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(*state >> 11) + 0.5) * 0x1p-53;
}

double *cluster_lognormal(uint64_t n, double mean, double sigma)
{
    double *cost = costs(n);
    uint64_t state = 7;
    for (uint64_t i = 0; i < n; i++) {
        double radius = sqrt(-2 * log(uniform(&state))), angle = 2 * acos(-1.0) * uniform(&state);
        cost[i] = mean * exp(sigma * radius * cos(angle) - sigma * sigma / 2);
    }
    return cost;
}
