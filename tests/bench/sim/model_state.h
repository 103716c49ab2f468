/* What the files of the model share. */
#ifndef RANKPOOL_BENCH_SIM_MODEL_STATE_H
#define RANKPOOL_BENCH_SIM_MODEL_STATE_H

#include "events.h"
#include "model.h"
#include "sched/blocks.h"
#include "sched/lease.h"

#define FULL_BYTES 16384.0 /* of notes in a message */
#define NOTE_BYTES 64.0
#define HEAD_BYTES 256.0
#define POST_BYTES 524288.0 /* of the items of a post, inputs and results */

/* Items, and what the parent learns its link's round trip from: when their block was sent, and how long of
 * the time since was no trip. Only the first run of a block has that. */
struct run {
    uint64_t from, to;
    double sent, besides;
    double since; /* the first of them has ended */
};

struct runs {
    struct run *run;
    size_t first, count, room; /* those from `first` on are there */
    uint64_t items;
};

enum message_kind { BLOCK, NOTES, RECALL, RECALLED };

struct message {
    enum message_kind kind;
    uint32_t from; /* station */
    struct runs runs;
    uint64_t ended;  /* of notes: items that are told of for the first time, with those of a tally */
    double patience; /* of a block: that its notes have ... */
    uint64_t behind; /* ... and how many items will follow it */
};

/* What a station does at the moment, until an event says that it is through. */
struct service {
    enum { NOTHING, READ, COLLECT, FLUSH, FEED, ASK, POST_ITEMS } kind;
    struct message *message;
    struct runs runs;
    uint64_t ended;
    uint32_t child;
};

struct station {
    uint32_t number, parent, place; /* its place in the parent's blocks */
    uint32_t level;                 /* 0: the manager */
    uint32_t first_child, children; /* stations */
    uint32_t workers;               /* its own and all below it */
    uint32_t own;                   /* that claim from it */
    double speed;
    struct service service;
    bool is_awake;
    double idle_since, busy;
    size_t unread; /* of this turn */
    struct message **inbox;
    size_t inbox_first, inbox_count, inbox_room;
    struct runs open;   /* to be sent on, or claimed */
    struct runs noted;  /* of its workers, to be collected */
    struct runs batch;  /* to be sent up */
    uint64_t fresh;     /* items of these that the parent does not know to have ended */
    double batch_since; /* when the oldest of them came */
    double stays;       /* until then the others wait for company */
    bool crowded;       /* when some left last, there were many */
    double timer;       /* when it looks at the clock next; not after `now`: it does not */
    uint32_t credits;
    struct blocks blocks;
    uint64_t unposted;
    double patience; /* that its parent told it last ... */
    uint64_t behind; /* ... and how many items will come */
    bool yields;     /* what is given back to it goes back to its parent */
    /* of a leader */
    uint32_t *idle, idle_count, running;
    uint32_t woken; /* that have not claimed yet */
    double stolen, claim_ns;
    double out_free, in_free; /* when its link is free again */
};

/* What a worker has learnt. */
struct learnt {
    double item_ns;
    uint64_t items; /* that this rests on */
};

struct model {
    const struct model_options *options;
    const struct costs *costs;
    struct model_result result;
    struct station *stations;
    uint32_t count;
    uint32_t *leader;   /* of each node: the station that its workers claim from */
    double *idle_since; /* of each worker */
    struct run *claim;  /* the same */
    struct learnt *learnt;
    struct events events;
    struct lease lease;
    uint64_t ended;
    double now;
};

enum event_kind { SERVED, WOKEN, ARRIVED, CREDITED, WAITED, LOOKS, CLAIMED, ENDED };

static inline bool has_children(const struct station *station)
{
    return station->children != 0;
}

static inline bool is_root(const struct station *station)
{
    return station->level == 0;
}

/* Its leader works, and sees to all else between two claims. */
static inline bool is_lone(const struct model *model, const struct station *station)
{
    return model->options->lone && !has_children(station);
}

/* runs.c */
void runs_add(struct runs *runs, struct run run);
struct run *runs_front(struct runs *runs);               /* NULL: there is none */
struct run runs_take(struct runs *runs, uint64_t items); /* of the front one, at most so many */
bool runs_take_last(struct runs *runs, struct run *run);
void runs_merge(struct runs *runs);
void runs_close(struct runs *runs);

/* model.c */
void model_after(struct model *model, double delay, enum event_kind kind, uint32_t who, void *what);
void model_send(struct model *model, struct station *from, struct station *to, struct message what,
                double bytes);
struct station *model_parent(struct model *model, const struct station *station);

/* serve.c: a station that may have got something to do; one that looks for what to do next. */
void serve_poke(struct model *model, struct station *station);
void serve_next(struct model *model, struct station *station);

/* batch.c: how long its notes wait for company; whether some should leave, and which; in how many messages.
 */
double batch_wait(struct model *model, struct station *station);
bool batch_is_due(struct model *model, struct station *station);
struct runs batch_take(struct model *model, struct station *station);
double batch_heads(const struct runs *runs);

/* Where the post of an item ends. */
uint64_t serve_post_end(const struct model *model, uint64_t from);

/* outcome.c: it is through with its service. */
void serve_end(struct model *model, struct station *station);

/* worker.c */
void worker_claim(struct model *model, uint32_t worker);
void worker_end(struct model *model, uint32_t worker);
void worker_wake_some(struct model *model, struct station *station);
double worker_wake_cost(const struct model *model, const struct station *station, uint64_t items);
struct station *worker_station(struct model *model, uint32_t worker);
void worker_steal(struct model *model, double ns); /* of some worker's processor */

#endif
