/* Workers: they claim from what is open on their node, by the real policy, until nothing is. */
#include <math.h>

#include "model_state.h"
#include "sched/policy.h"

struct station *worker_station(struct model *model, uint32_t worker)
{
    uint32_t node = worker / model->options->workers;
    return &model->stations[node < model->options->nodes ? model->leader[node] : 0];
}

void worker_steal(struct model *model, double ns)
{
    uint32_t workers = model->options->nodes * model->options->workers + model->options->own;
    double which = tasks_random(model->events.serial, workers) * workers;
    if (model->options->shares)
        worker_station(model, (uint32_t)which)->stolen += ns;
}

static double duration(const struct model *model, const struct station *station, const struct run *run)
{
    double ns = 0;
    for (uint64_t i = run->from; i < run->to; i++)
        ns += tasks_ns(&model->options->tasks, i);
    return ns / station->speed + (double)(run->to - run->from) * model->costs->worker_item;
}

/* What it has waited for this claim: its first, or a later one. */
static void count_idle(struct model *model, uint32_t worker)
{
    double since = model->idle_since[worker];
    if (since < 0)
        model->result.begins += model->now;
    else if (since > 0)
        model->result.lacks += model->now - since;
    model->idle_since[worker] = 0;
}

void worker_claim(struct model *model, uint32_t worker)
{
    struct station *station = worker_station(model, worker);
    const struct run *front = runs_front(&station->open);
    if (!front) {
        station->idle[station->idle_count++] = worker;
        model->idle_since[worker] = model->now;
        bool may_ask = is_root(station) || has_children(station);
        if (!station->running || may_ask)
            serve_poke(model, station);
        return;
    }
    struct learnt *learnt = &model->learnt[worker];
    uint64_t end = serve_post_end(model, front->from);
    uint64_t available = (end < front->to ? end : front->to) - front->from;
    uint64_t behind =
        is_root(station) ? station->open.items - available + station->unposted : station->behind;
    struct policy_view view = {
        .schedule = model->options->schedule,
        .chunk = model->options->chunk,
        .total = model->options->tasks.n,
        .remaining = available + behind,
        .workers = station->own,
        .item_ns = learnt->item_ns,
        .measured = learnt->items,
        .weight = 1,
    };
    uint64_t run = policy_run(&view);
    struct run claim = runs_take(&station->open, run < available ? run : available);
    count_idle(model, worker);
    double ns = duration(model, station, &claim);
    learnt->item_ns = policy_learn(learnt->item_ns, ns / (double)(claim.to - claim.from));
    learnt->items += claim.to - claim.from;
    claim.besides = ns;
    ns += model->costs->worker_claim + station->stolen;
    station->stolen = 0;
    station->claim_ns = ns;
    station->running++;
    model->claim[worker] = claim;
    model_after(model, ns, ENDED, worker, NULL);
    if (station->unposted)
        serve_poke(model, station);
}

/* Who leads sleeps until a part of what is there has been done: run/leader.c and run/map.c. */
static bool are_many(const struct station *station)
{
    uint64_t there = station->open.items + station->unposted + station->running, few = 4 * station->own + 4;
    return station->noted.items >= (there > few ? there / 4 : 1);
}

void worker_end(struct model *model, uint32_t worker)
{
    struct station *station = worker_station(model, worker);
    struct run done = model->claim[worker];
    done.since = model->now;
    done.besides -= model->now; /* plus the time when it is sent: what it waits for company */
    runs_add(&station->noted, done);
    station->running--;
    if (is_lone(model, station))
        station->idle[station->idle_count++] = worker;
    if (is_lone(model, station) && !station->is_awake) {
        station->is_awake = true;
        serve_next(model, station);
        return;
    }
    if (are_many(station))
        serve_poke(model, station);
    if (!is_lone(model, station))
        worker_claim(model, worker);
}

/* Who has been idle for longer than it spins. */
static bool sleeps(const struct model *model, uint32_t worker)
{
    return model->now - model->idle_since[worker] > model->costs->spin;
}

double worker_wake_cost(const struct model *model, const struct station *station, uint64_t items)
{
    double cost = 0;
    for (uint32_t i = station->idle_count; i-- > 0 && items; items--)
        cost += sleeps(model, station->idle[i]) ? model->costs->wake : 0;
    return cost;
}

void worker_wake_some(struct model *model, struct station *station)
{
    uint64_t items = station->open.items;
    while (station->idle_count && items--) {
        uint32_t worker = station->idle[--station->idle_count];
        station->woken++;
        model_after(model, sleeps(model, worker) ? model->costs->wake_delay : 0, CLAIMED, worker, NULL);
    }
}
