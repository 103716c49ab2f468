/* What a station does next, and when. */
#include <math.h>
#include <stdlib.h>

#include "model_state.h"

#define POSTED  65536 /* items that the manager of one node keeps posted ahead */
#define POST    2048  /* items of a post of its */
#define AT_ONCE 256   /* messages that a station with children reads before it looks who wants what */

/* What the bytes of a message take at either end. */
static double bytes_cost(const struct model *model, const struct runs *runs, double each)
{
    double notes = (double)(runs->count - runs->first);
    return model->costs->message_byte * (HEAD_BYTES + NOTE_BYTES * notes + each * (double)runs->items);
}

static double begin_flush(struct model *model, struct station *station)
{
    const struct costs *costs = model->costs;
    struct service *service = &station->service;
    double packing =
        has_children(station) ? costs->leader_note : 0; /* a leader's was paid when it collected */
    service->kind = FLUSH;
    service->runs = batch_take(model, station);
    service->ended = station->fresh;
    station->fresh = 0;
    station->credits--;
    return costs->leader_message * batch_heads(&service->runs) +
           packing * (double)(service->runs.count - service->runs.first) +
           bytes_cost(model, &service->runs, costs->out_size);
}

uint64_t serve_post_end(const struct model *model, uint64_t from)
{
    double bytes = model->costs->in_size + model->costs->out_size;
    uint64_t post = bytes > 1 ? (uint64_t)fmax(1, POST_BYTES / bytes) : (uint64_t)POST_BYTES;
    return from / post * post + post;
}

/* Below 0: nobody wants any. */
static double begin_feed(struct model *model, struct station *station)
{
    struct run *front = runs_front(&station->open);
    uint64_t items;
    if (!front)
        return -1;
    if (station->open.items <= station->idle_count + station->woken) /* they are about to take it */
        return -1;
    uint64_t end = serve_post_end(model, front->from);
    struct blocks_view view = {.schedule = model->options->schedule,
                               .chunk = model->options->chunk,
                               .total = model->options->tasks.n,
                               .remaining = station->open.items + station->behind,
                               .available = (end < front->to ? end : front->to) - front->from,
                               .at = front->from,
                               .now = model->now};
    int child = blocks_next(&station->blocks, &view, &items);
    if (child < 0)
        return -1;
    struct run run = runs_take(&station->open, items);
    station->service.kind = FEED;
    station->service.child = station->first_child + (uint32_t)child;
    station->service.runs = (struct runs){0};
    runs_add(&station->service.runs, run);
    blocks_sent(&station->blocks, (uint32_t)child, items, model->now);
    return model->costs->manager_block + model->costs->manager_item / 2 * (double)items +
           bytes_cost(model, &station->service.runs, model->costs->in_size);
}

/* To see what has come, and that nothing has. */
static double turn_cost(const struct model *model, struct station *station)
{
    if (!has_children(station) || station->unread-- > 0)
        return 0;
    size_t there = station->inbox_count - station->inbox_first; /* without the one that is read now */
    station->unread = there < AT_ONCE ? there : AT_ONCE - 1;
    return model->costs->manager_node * station->children;
}

static double begin_read(struct model *model, struct station *station)
{
    const struct costs *costs = model->costs;
    struct message *message = station->inbox[station->inbox_first++];
    if (station->inbox_first == station->inbox_count)
        station->inbox_first = station->inbox_count = 0;
    station->service.kind = READ;
    station->service.message = message;
    bool tallies = message->ended != message->runs.items;
    double items = (double)message->runs.items,
           notes = (double)(message->runs.count - message->runs.first + tallies);
    double turn = turn_cost(model, station);
    switch (message->kind) {
    case BLOCK:
        return turn + costs->leader_block + costs->leader_item * items +
               bytes_cost(model, &message->runs, costs->in_size) +
               worker_wake_cost(model, station, message->runs.items);
    case NOTES:
        return turn + costs->manager_message * batch_heads(&message->runs) + costs->manager_note * notes +
               costs->manager_item / 2 * items + bytes_cost(model, &message->runs, costs->out_size);
    case RECALL:
        return turn + costs->leader_message * (1 + station->children);
    case RECALLED:
        return turn + costs->manager_message + costs->manager_note;
    }
    return 0;
}

static double begin_collect(struct model *model, struct station *station)
{
    const struct costs *costs = model->costs;
    struct service *service = &station->service;
    service->kind = COLLECT;
    service->runs = station->noted;
    station->noted = (struct runs){0};
    double notes = (double)(service->runs.count - service->runs.first);
    if (is_root(station))
        return costs->manager_note * notes + costs->manager_item / 2 * (double)service->runs.items;
    return costs->leader_note * notes;
}

static double begin_post(struct model *model, struct station *station)
{
    uint64_t items = station->unposted < POST ? station->unposted : POST;
    uint64_t from = model->options->tasks.n - station->unposted;
    station->service.kind = POST_ITEMS;
    station->service.runs = (struct runs){0};
    runs_add(&station->service.runs, (struct run){.from = from, .to = from + items});
    return model->costs->leader_block + model->costs->leader_item * (double)items +
           worker_wake_cost(model, station, items);
}

/* The way to who has nothing to do; below 0: nobody. */
static double find_idle(struct station *station)
{
    int dry = ranking_first(&station->blocks.hungry);
    if (station->idle_count)
        return 0;
    return dry < 0 || station->blocks.nodes[dry].in_flight ? -1 : station->blocks.nodes[dry].trip;
}

/* Who has nothing to do may get what others have not begun. */
static bool must_ask(struct station *station)
{
    double trip = find_idle(station);
    if (station->open.items || trip < 0)
        return false;
    int child = blocks_recall_candidate(&station->blocks, trip);
    if (child < 0)
        return false;
    blocks_recalling(&station->blocks, (uint32_t)child);
    station->service = (struct service){.kind = ASK, .child = station->first_child + (uint32_t)child};
    return true;
}

/* The cost of what the station does next; below 0: nothing. */
static double begin(struct model *model, struct station *station)
{
    double cost;
    if (!is_root(station) && batch_is_due(model, station))
        return begin_flush(model, station);
    if (station->unread)
        return begin_read(model, station);
    if (has_children(station) && (cost = begin_feed(model, station)) >= 0)
        return cost;
    if (has_children(station) && must_ask(station))
        return model->costs->leader_message;
    if (station->inbox_first < station->inbox_count)
        return begin_read(model, station);
    if (station->unposted && station->open.items < POSTED)
        return begin_post(model, station);
    if (station->noted.items)
        return begin_collect(model, station);
    return -1;
}

/* ---- Awake and dozing -------------------------------------------------------------------- */

/* As run/road.c and run/leader.c do: awake, then short naps, then asleep until a letter comes (net/bell.h).
 */
#define NAP_NS  50e3
#define DOZE_NS 200e3

/* What a time without anything has taken of the processor. Only who has nodes is awake for a while. */
static double nap_cost(const struct model *model, const struct station *station, double idle)
{
    double awake = fmin(idle, model->costs->spin), naps = fmin(idle, DOZE_NS) - awake;
    return (has_children(station) ? awake : 0) +
           fmin(naps / (NAP_NS + model->costs->nap_late), 1) * model->costs->nap_cost;
}

/* A manager that has one node sleeps until it is woken. */
static double reaction(struct model *model, const struct station *station)
{
    double idle = model->now - station->idle_since;
    bool has_road = has_children(station) || !is_root(station);
    if (has_road && !is_lone(model, station))
        worker_steal(model, nap_cost(model, station, idle));
    if (idle <= model->costs->spin)
        return 0;
    if (!has_road)
        return model->costs->wake_delay;
    if (idle > DOZE_NS) /* who hears the letter wakes who is meant */
        return 2 * model->costs->wake_delay;
    return (NAP_NS + model->costs->nap_late) * tasks_random(station->number, model->events.serial);
}

void serve_poke(struct model *model, struct station *station)
{
    if (station->is_awake || (is_lone(model, station) && station->running))
        return;
    station->is_awake = true;
    model_after(model, reaction(model, station), WOKEN, station->number, NULL);
}

static void set_timer(struct model *model, struct station *station)
{
    double due = station->fresh ? station->batch_since + batch_wait(model, station) : INFINITY;
    due = fmin(due, station->stays);
    bool has_one = station->timer > model->now && station->timer <= due;
    if (is_root(station) || has_one || due == INFINITY || !station->credits)
        return;
    station->timer = fmax(due, model->now);
    model_after(model, station->timer - model->now, WAITED, station->number, NULL);
}

void serve_next(struct model *model, struct station *station)
{
    double cost = begin(model, station);
    if (cost >= 0) {
        station->busy += cost;
        if (!is_lone(model, station))
            worker_steal(model, cost);
        model_after(model, cost, SERVED, station->number, NULL);
        return;
    }
    station->is_awake = false;
    station->idle_since = model->now;
    if (is_lone(model, station) && station->idle_count && runs_front(&station->open)) {
        worker_claim(model, station->idle[--station->idle_count]);
        return;
    }
    if (has_children(station) && station->open.items && station->blocks.shy_count)
        model_after(model, fmax(station->blocks.shy_until - model->now, 1e3), LOOKS, station->number, NULL);
    set_timer(model, station);
}
