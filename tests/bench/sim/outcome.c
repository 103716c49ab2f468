/* What comes of what a station did, when it is through. */
#include <math.h>
#include <stdlib.h>

#include "model_state.h"

/* To be told to the parent. */
static void count_fresh(struct model *model, struct station *station, uint64_t items)
{
    if (!station->fresh)
        station->batch_since = model->now;
    station->fresh += items;
}

/* Items are done: the manager's, or to be told to the parent. */
static void take_runs(struct model *model, struct station *station, struct runs *runs)
{
    for (size_t i = runs->first; i < runs->count; i++) {
        const struct run *run = &runs->run[i];
        if (!is_root(station)) {
            runs_add(&station->batch, *run);
            continue;
        }
        uint32_t items = (uint32_t)(run->to - run->from);
        lease_end_run(&model->lease, (uint32_t)run->from, items);
        model->ended += items;
        if (model->ended == model->options->tasks.n)
            model->result.makespan = model->now + model->costs->start / 2;
    }
    if (is_root(station))
        model->result.notes += runs->count - runs->first;
    runs_close(runs);
}

static void take_notes(struct model *model, struct station *station, struct message *message)
{
    struct station *child = &model->stations[message->from];
    if (is_root(station))
        model->result.messages += (uint64_t)batch_heads(&message->runs);
    else
        count_fresh(model, station, message->ended);
    double heads = batch_heads(&message->runs), notes = (double)(message->runs.count - message->runs.first);
    for (unsigned i = 0; i < heads; i++)
        blocks_noted(&station->blocks, (uint32_t)ceil(notes / heads));
    for (size_t i = message->runs.first; i < message->runs.count; i++) {
        struct run *run = &message->runs.run[i];
        if (run->sent > 0)
            blocks_trip(&station->blocks, child->place, model->now - run->sent - run->besides);
        run->sent = 0;
    }
    take_runs(model, station, &message->runs);
    blocks_ended(&station->blocks, child->place, message->ended, model->now);
    model_after(model, model->costs->latency, CREDITED, child->number, NULL);
}

static void say_recalled(struct model *model, struct station *station, struct runs back)
{
    model_send(model, station, model_parent(model, station), (struct message){.kind = RECALLED, .runs = back},
               HEAD_BYTES);
}

/* Whoever is below it is to do so, too. */
static void give_back(struct model *model, struct station *station)
{
    struct runs back = {0};
    struct run last;
    if (runs_take_last(&station->open, &last))
        runs_add(&back, last);
    say_recalled(model, station, back);
    station->yields = true;
    for (uint32_t i = 0; i < station->children; i++) {
        const struct blocks_node *node = &station->blocks.nodes[i];
        if (node->recalls || node->in_flight <= node->workers)
            continue;
        blocks_recalling(&station->blocks, i);
        model_send(model, station, &model->stations[station->first_child + i],
                   (struct message){.kind = RECALL}, HEAD_BYTES);
    }
}

static void take_back(struct model *model, struct station *station, struct message *message)
{
    uint64_t items = message->runs.items;
    if (is_root(station))
        model->result.recalled += items;
    blocks_recalled(&station->blocks, model->stations[message->from].place, items);
    if (items && station->yields) {
        say_recalled(model, station, message->runs);
        return;
    }
    if (items)
        runs_add(&station->open, message->runs.run[message->runs.first]);
    runs_close(&message->runs);
    worker_wake_some(model, station);
}

static void take_block(struct model *model, struct station *station, struct message *message)
{
    struct run *run = &message->runs.run[message->runs.first];
    if (has_children(station)) {
        blocks_trip(&model_parent(model, station)->blocks, station->place, 2 * (model->now - run->sent));
        run->sent = 0;
    }
    station->patience = message->patience;
    station->behind = message->behind;
    station->yields = false;
    runs_add(&station->open, *run);
    runs_close(&message->runs);
    if (!is_lone(model, station))
        worker_wake_some(model, station);
}

static void end_read(struct model *model, struct station *station, struct message *message)
{
    switch (message->kind) {
    case BLOCK:
        take_block(model, station, message);
        break;
    case NOTES:
        take_notes(model, station, message);
        break;
    case RECALL:
        give_back(model, station);
        break;
    case RECALLED:
        take_back(model, station, message);
        break;
    }
    free(message);
}

static void end_feed(struct model *model, struct station *station, struct service *service)
{
    struct station *child = &model->stations[service->child];
    struct run *run = service->runs.run;
    double bytes = HEAD_BYTES + model->costs->in_size * (double)(run->to - run->from);
    uint64_t rest = serve_post_end(model, run->from) - run->to;
    uint64_t behind = (station->open.items > rest ? station->open.items - rest : 0) + station->behind;
    struct message message = {
        .kind = BLOCK,
        .runs = service->runs,
        .patience = blocks_patience_of(&station->blocks, child->place),
        .behind = behind / station->workers * child->workers,
    };
    run->sent = model->now;
    run->besides = 0;
    if (is_root(station))
        model->result.blocks++;
    model_send(model, station, child, message, bytes);
}

static void end_flush(struct model *model, struct station *station, struct service *service)
{
    struct runs *runs = &service->runs;
    double bytes = HEAD_BYTES + NOTE_BYTES * (double)(runs->count - runs->first) +
                   model->costs->out_size * (double)runs->items;
    for (size_t i = runs->first; i < runs->count; i++)
        runs->run[i].besides += model->now;
    model_send(model, station, model_parent(model, station),
               (struct message){.kind = NOTES, .runs = *runs, .ended = service->ended}, bytes);
}

void serve_end(struct model *model, struct station *station)
{
    struct service service = station->service;
    station->service = (struct service){0};
    switch (service.kind) {
    case READ:
        end_read(model, station, service.message);
        break;
    case COLLECT:
        if (!is_root(station))
            count_fresh(model, station, service.runs.items);
        take_runs(model, station, &service.runs);
        break;
    case FLUSH:
        end_flush(model, station, &service);
        break;
    case FEED:
        end_feed(model, station, &service);
        break;
    case ASK:
        model_send(model, station, &model->stations[service.child], (struct message){.kind = RECALL},
                   HEAD_BYTES);
        break;
    case POST_ITEMS:
        station->unposted -= service.runs.items;
        runs_add(&station->open, *runs_front(&service.runs));
        runs_close(&service.runs);
        worker_wake_some(model, station);
        break;
    case NOTHING:
        break;
    }
    serve_next(model, station);
}
