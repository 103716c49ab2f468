/* What comes of what a station did, when it is through. */
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
        model->result.messages++;
    else
        count_fresh(model, station, message->ended);
    blocks_noted(&station->blocks, (uint32_t)(message->runs.count - message->runs.first));
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

static void give_back(struct model *model, struct station *station)
{
    struct runs back = {0};
    struct run last;
    if (runs_take_last(&station->open, &last))
        runs_add(&back, last);
    model_send(model, station, model_parent(model, station), RECALLED, back, HEAD_BYTES, 0);
}

static void take_back(struct model *model, struct station *station, struct message *message)
{
    uint64_t items = message->runs.items;
    if (is_root(station))
        model->result.recalled += items;
    blocks_recalled(&station->blocks, model->stations[message->from].place, items);
    if (items)
        runs_add(&station->open, message->runs.run[message->runs.first]);
    runs_close(&message->runs);
    if (is_root(station))
        worker_wake_some(model, station);
}

static void take_block(struct model *model, struct station *station, struct message *message)
{
    struct run *run = &message->runs.run[message->runs.first];
    if (has_children(station)) {
        blocks_trip(&model_parent(model, station)->blocks, station->place,
                    2 * (model->now - run->sent) + serve_wait(model, station));
        run->sent = 0;
    }
    runs_add(&station->open, *run);
    runs_close(&message->runs);
    if (!has_children(station) && !is_lone(model, station))
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
    run->sent = model->now;
    run->besides = 0;
    if (is_root(station))
        model->result.blocks++;
    model_send(model, station, child, BLOCK, service->runs, bytes, 0);
}

static void end_flush(struct model *model, struct station *station, struct service *service)
{
    struct runs *runs = &service->runs;
    double bytes = HEAD_BYTES + NOTE_BYTES * (double)(runs->count - runs->first) +
                   model->costs->out_size * (double)runs->items;
    for (size_t i = runs->first; i < runs->count; i++)
        runs->run[i].besides += model->now;
    model_send(model, station, model_parent(model, station), NOTES, *runs, bytes, service->ended);
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
        model_send(model, station, &model->stations[service.child], RECALL, (struct runs){0}, HEAD_BYTES, 0);
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
