/* Notes that wait for company, and when they leave: run/relay_runs.c and run/relay_tally.c. */
#include <math.h>

#include "model_state.h"

#define TABLE_RUNS       512 /* that wait to be sent, of a node that has no more workers; and of results */
#define TABLE_BYTES      131072.0
#define LONG_PATIENCE_NS 1.5e6 /* of patience, from which on runs without neighbours stay ... */
#define STAY_TIMES       8     /* so many times as long ... */
#define MANY_RUNS        128   /* that came from children: they stay, too */
#define STAY_ITEMS       32    /* unless they are so many items */
#define LONG_NS          50e3  /* of a claim of a lone leader: what is due before its end is sent before it */

/* How long its notes wait for company. */
double batch_wait(struct model *model, struct station *station)
{
    return model->options->wait > 0 ? model->options->wait : station->patience;
}

static bool is_dry(const struct station *station)
{
    return !station->open.items && !station->running && !station->noted.items &&
           (!has_children(station) || !station->blocks.in_flight);
}

/* Half of what there was is said then before its time. */
static bool waits_for_long(struct model *model, struct station *station)
{
    return !model->options->separate && batch_wait(model, station) >= LONG_PATIENCE_NS;
}

/* Short runs wait for their neighbours. */
static bool may_stay(struct model *model, struct station *station)
{
    return waits_for_long(model, station) || (station->crowded && has_children(station));
}

/* As many runs as there are workers lie between items that run. */
static size_t room_of(const struct station *station)
{
    return station->workers > TABLE_RUNS ? station->workers : TABLE_RUNS;
}

static bool is_too_much(const struct model *model, size_t runs, uint64_t items, size_t room)
{
    return runs > room || model->costs->out_size * (double)items > TABLE_BYTES * (double)room / TABLE_RUNS;
}

/* Whoever has no room left joins what there is. */
static bool is_full(struct model *model, struct station *station)
{
    struct runs *batch = &station->batch;
    size_t room = room_of(station);
    if (!is_too_much(model, batch->count - batch->first, batch->items, room - 1))
        return false;
    if (!model->options->separate)
        runs_merge(batch);
    return is_too_much(model, batch->count - batch->first, batch->items, room / 2);
}

static double stays_until(struct model *model, struct station *station, const struct run *run, unsigned times)
{
    bool may = may_stay(model, station) && run->to - run->from < STAY_ITEMS && !is_dry(station);
    return may ? run->since + times * batch_wait(model, station) * 0.999 : 0;
}

static bool is_half_done(struct model *model, struct station *station)
{
    uint64_t left = station->open.items + station->running;
    left += has_children(station) ? station->blocks.in_flight : 0; /* without what its children keep */
    return waits_for_long(model, station) && station->fresh && station->fresh >= left;
}

bool batch_is_due(struct model *model, struct station *station)
{
    if (!station->credits)
        return false;
    if (model->now >= station->stays || (station->batch.items && is_dry(station)))
        return true;
    if (!station->fresh)
        return false;
    double ahead = is_lone(model, station) && station->claim_ns > LONG_NS ? station->claim_ns : 0;
    return model->now + ahead - station->batch_since >= batch_wait(model, station) * 0.999 ||
           is_dry(station) || is_full(model, station) || is_half_done(model, station);
}

/* How many times its patience a run may stay so that half of the room is left. */
static unsigned choose_times(struct model *model, struct station *station, const struct runs *all)
{
    unsigned times = STAY_TIMES;
    for (; times; times /= 2) {
        uint64_t runs = 0, items = 0;
        for (size_t i = all->first; i < all->count; i++)
            if (stays_until(model, station, &all->run[i], times) > model->now) {
                runs++;
                items += all->run[i].to - all->run[i].from;
            }
        if (!is_too_much(model, runs, items, room_of(station) / 2))
            break;
    }
    return times;
}

/* Where notes do not wait for long, what has stayed leaves with others. */
static double leave_next(struct model *model, struct station *station)
{
    return waits_for_long(model, station) ? 0 : model->now + batch_wait(model, station);
}

/* What leaves of all that has gathered. */
struct runs batch_take(struct model *model, struct station *station)
{
    struct runs leaving = {0}, all = station->batch;
    station->batch = (struct runs){0};
    station->stays = INFINITY;
    if (!model->options->separate)
        runs_merge(&all);
    station->crowded = !model->options->separate && all.count - all.first >= MANY_RUNS;
    unsigned times = choose_times(model, station, &all);
    for (size_t i = all.first; i < all.count; i++) {
        double until = stays_until(model, station, &all.run[i], times);
        bool leaves = until <= model->now;
        runs_add(leaves ? &leaving : &station->batch, all.run[i]);
        if (!leaves)
            station->stays = fmin(station->stays, fmax(until, leave_next(model, station)));
    }
    runs_close(&all);
    return leaving;
}

double batch_heads(const struct runs *runs)
{
    return fmax(1, ceil(NOTE_BYTES * (double)(runs->count - runs->first) / FULL_BYTES));
}
