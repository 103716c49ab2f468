#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model_state.h"
#include "net/net.h"

void model_after(struct model *model, double delay, enum event_kind kind, uint32_t who, void *what)
{
    events_add(&model->events,
               (struct event){.time = model->now + delay, .kind = kind, .who = who, .what = what});
}

struct station *model_parent(struct model *model, const struct station *station)
{
    return &model->stations[station->parent];
}

/* Bytes leave one after the other, and arrive so. */
void model_send(struct model *model, struct station *from, struct station *to, struct message what,
                double bytes)
{
    struct message *message = events_memory(1, sizeof *message);
    double takes = bytes / model->costs->bandwidth;
    double leaves = fmax(model->now, from->out_free);
    double arrives = fmax(leaves + model->costs->latency, to->in_free) + takes;
    from->out_free = leaves + takes;
    to->in_free = arrives;
    *message = what;
    message->from = from->number;
    model_after(model, arrives - model->now, ARRIVED, to->number, message);
}

/* ---- What there is ----------------------------------------------------------------------- */

static void fail_without_memory(int failed)
{
    if (failed)
        events_memory(SIZE_MAX / 2, 2);
}

static void adopt(struct model *model, struct station *parent, uint32_t first, uint32_t count)
{
    parent->first_child = first;
    parent->children = count;
    fail_without_memory(blocks_open(&parent->blocks, count, parent->own, 0));
    for (uint32_t i = 0; i < count; i++) {
        struct station *child = &model->stations[first + i];
        child->parent = parent->number;
        child->level = parent->level + 1;
    }
}

/* Once the workers below it are known. */
static void count_children(struct model *model, struct station *parent)
{
    for (uint32_t i = 0; i < parent->children; i++) {
        struct station *child = &model->stations[parent->first_child + i];
        child->place = blocks_add_node(&parent->blocks, child->workers, 0);
        parent->workers += child->workers;
    }
}

static void make_leader(struct model *model, struct station *station, uint32_t node, bool works)
{
    const struct model_options *options = model->options;
    model->leader[node] = station->number;
    station->own = station->workers = works ? options->workers : 0;
    station->speed = node < options->slow ? 0.1 : 1;
    station->idle = events_memory(options->workers, sizeof *station->idle);
    for (uint32_t i = 0; i < station->own; i++)
        station->idle[station->idle_count++] = node * options->workers + i;
}

/* Whose nodes from `from` to before `to` are: the first is that of the station, which leads the others. */
static void make_branch(struct model *model, struct station *station, uint32_t first, uint32_t from,
                        uint32_t to)
{
    make_leader(model, station, from, !model->options->lone || to - from == 1);
    if (to - from > 1)
        adopt(model, station, first, to - from - 1);
    for (uint32_t i = from + 1; i < to; i++)
        make_leader(model, &model->stations[first + i - from - 1], i, true);
}

/* Those right below the manager, and all that these lead behind them. */
static void make_stations(struct model *model)
{
    const struct model_options *options = model->options;
    uint32_t nodes = options->nodes, branches = options->levels ? nodes : 0, first;
    if (options->levels == 2)
        branches = options->fan ? options->fan : (uint32_t)ceil(sqrt(nodes));
    branches = branches < nodes ? branches : nodes;
    model->count = (options->levels ? 1 : 0) + nodes;
    model->stations = events_memory(model->count, sizeof *model->stations);
    model->leader = events_memory(nodes, sizeof *model->leader);
    for (uint32_t i = 0; i < model->count; i++)
        model->stations[i] = (struct station){
            .number = i, .stays = INFINITY, .credits = options->credits ? options->credits : NET_BUFFERS};
    struct station *root = &model->stations[0];
    if (!options->levels) {
        make_leader(model, root, 0, true);
        return;
    }
    root->idle = events_memory(options->own + 1, sizeof *root->idle);
    root->speed = 1;
    root->own = root->workers = options->own;
    adopt(model, root, 1, branches);
    first = 1 + branches;
    for (uint32_t i = 0; i < branches; i++) {
        uint32_t from = (uint32_t)((uint64_t)nodes * i / branches),
                 to = (uint32_t)((uint64_t)nodes * (i + 1) / branches);
        make_branch(model, &model->stations[1 + i], first, from, to);
        first += to - from - 1;
    }
    for (uint32_t i = 1 + branches; i-- > 0;)
        count_children(model, &model->stations[i]);
}

static void begin(struct model *model)
{
    struct station *root = &model->stations[0];
    uint64_t n = model->options->tasks.n;
    uint32_t there = model->options->nodes * model->options->workers, workers = there + model->options->own;
    assert(n < UINT32_MAX);
    fail_without_memory(lease_begin(&model->lease, (uint32_t)n, (uint32_t)n));
    model->idle_since = events_memory(workers, sizeof *model->idle_since);
    model->claim = events_memory(workers, sizeof *model->claim);
    model->learnt = events_memory(workers, sizeof *model->learnt);
    for (uint32_t i = 0; i < workers; i++)
        model->idle_since[i] = -1e12; /* asleep */
    if (!n)
        return;
    if (has_children(root))
        runs_add(&root->open, (struct run){.to = n});
    else
        root->unposted = n;
    root->is_awake = true;
    model_after(model, model->costs->start / 2, WOKEN, 0, NULL);
    root->woken = model->options->own;
    for (uint32_t i = there; i < workers; i++)
        model_after(model, model->costs->start / 2 + model->costs->wake_delay, CLAIMED, i, NULL);
}

/* ---- What happens ------------------------------------------------------------------------ */

static void arrive(struct model *model, struct station *station, struct message *message)
{
    station->inbox =
        events_grow(station->inbox, &station->inbox_room, station->inbox_count, sizeof *station->inbox);
    station->inbox[station->inbox_count++] = message;
    serve_poke(model, station);
}

static void happen(struct model *model, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case SERVED:
        serve_end(model, &model->stations[event->who]);
        return;
    case WOKEN:
        serve_next(model, &model->stations[event->who]);
        return;
    case ARRIVED:
        arrive(model, &model->stations[event->who], event->what);
        return;
    case CREDITED:
        model->stations[event->who].credits++;
        serve_poke(model, &model->stations[event->who]);
        return;
    case WAITED:
    case LOOKS:
        serve_poke(model, &model->stations[event->who]);
        return;
    case CLAIMED:
        worker_station(model, event->who)->woken--;
        worker_claim(model, event->who);
        return;
    case ENDED:
        worker_end(model, event->who);
        return;
    }
}

/* ---- What comes of it -------------------------------------------------------------------- */

static void bound(struct model *model)
{
    const struct model_options *options = model->options;
    double speed = options->levels ? options->own : 0, longest = 0, sum = 0;
    for (uint32_t i = 0; i < options->nodes; i++)
        speed += (i < options->slow ? 0.1 : 1) * options->workers;
    for (uint64_t i = 0; i < options->tasks.n; i++) {
        double ns = tasks_ns(&options->tasks, i);
        sum += ns;
        longest = fmax(longest, ns);
    }
    struct model_result *result = &model->result;
    result->work = sum;
    result->bound = fmax(sum / speed, options->slow < options->nodes ? longest : 10 * longest);
    result->efficiency = result->makespan > 0 ? sum / speed / result->makespan : 1;
}

/* Parts of the workers' time. */
static void count_idle(struct model *model)
{
    struct model_result *result = &model->result;
    uint32_t workers = model->options->nodes * model->options->workers + model->options->own;
    for (uint32_t i = 0; i < workers; i++) {
        double since = model->idle_since[i];
        if (since < 0)
            result->begins += result->makespan;
        else if (since > 0)
            result->ends += result->makespan - since;
    }
    double all = result->makespan > 0 ? result->makespan * workers : 1;
    result->begins /= all;
    result->lacks /= all;
    result->ends /= all;
}

static void judge(struct model *model)
{
    struct model_result *result = &model->result;
    bound(model);
    count_idle(model);
    result->levels = model->options->levels;
    result->events = model->events.serial;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct station *station = &model->stations[i];
        double *busiest = is_root(station)        ? &result->manager
                          : has_children(station) ? &result->middle
                                                  : &result->leader;
        *busiest = fmax(*busiest, result->makespan > 0 ? station->busy / result->makespan : 0);
    }
}

static void end(struct model *model)
{
    for (uint32_t i = 0; i < model->count; i++) {
        struct station *station = &model->stations[i];
        runs_close(&station->open);
        runs_close(&station->noted);
        runs_close(&station->batch);
        blocks_close(&station->blocks);
        free(station->inbox);
        free(station->idle);
    }
    free(model->stations);
    free(model->leader);
    free(model->idle_since);
    free(model->claim);
    free(model->learnt);
    events_close(&model->events);
    lease_free(&model->lease);
}

struct model_result model_run(const struct model_options *options)
{
    struct model model = {.options = options, .costs = &options->costs};
    make_stations(&model);
    begin(&model);
    while (model.events.count) {
        struct event event = events_take(&model.events);
        model.now = event.time;
        happen(&model, &event);
    }
    if (model.ended != options->tasks.n) {
        fprintf(stderr, "bench_sim: nothing happens any more, and only %llu of %llu items have ended\n",
                (unsigned long long)model.ended, (unsigned long long)options->tasks.n);
        exit(1);
    }
    judge(&model);
    end(&model);
    return model.result;
}
