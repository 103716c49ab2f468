/* Agents: a node's part in a pool, from the manager's end (road.h). Shared by the files road*.c and agent*.c
 * alone: agent.c is an agent's life, agent_claim.c decides what a node gets and claims it, agent_send.c makes
 * blocks of it (agent_block.c), agent_take.c takes in what comes back (notes: agent_check.c and
 * agent_note.c), agent_return.c what does not; agent_wish.c sees to what tasks there want of queues.
 *
 * A block is a run of items of one post that a node holds. An item of it is in one of three states:
 *     open   nothing has been heard of it
 *     said   its note has come, what it carries is still coming
 *     ended  it is the work's again: its note was taken in, or it was given back and runs elsewhere
 * A note is of open items, so nothing that a node says twice counts twice. A block is forgotten when all its
 * items have ended and the net has done with it. Its number is {serial, place}, and means no later block.
 *
 * Items are given back when the node says so (RECALLED), and when it is lost: those that are open. They go to
 * the work's `repost`, as those of a dead worker do; where there is no room for them at present, they are
 * nobody's, and recover.h finds them.
 *
 * The memory of a block's post is pinned while the net has to do with it. What is asked back or cancelled has
 * been sent whole, so that nothing changes under the net's hands. */
#ifndef RANKPOOL_RUN_AGENT_H
#define RANKPOOL_RUN_AGENT_H

#include "net/bell.h"
#include "net/pulse.h"
#include "run/road.h"
#include "sched/blocks.h"
#include "sched/lease.h"
#include "wire/message.h"

#define AGENT_BLOCKS 1024 /* of a node and pool, in flight: a power of two */
/* Bytes of a map's items and their results in a block of several: one is run while another is on its way. */
#define AGENT_BODY ((uint64_t)1 << 20)

/* Bytes that the net takes away or brings: what its tokens stand for. */
struct transit {
    void (*over)(struct transit *transit, bool arrived); /* not arrived: the peer was lost before */
};

struct road_node {
    struct road *road;
    int peer, first, count;
    char host[ROSTER_HOST_LENGTH];
    uint32_t led;       /* nodes that its leader leads, and so on */
    bool away;          /* its leader does not serve at present: it gets no blocks */
    uint32_t visit;     /* the leader's last */
    uint32_t closes;    /* that were sent to it ... */
    uint32_t stayed;    /* ... and behind which it has said that it serves */
    bool paused;        /* its leader may be deaf: it gets no blocks */
    uint32_t leading;   /* blocks there that are for its leader alone, though others serve: the same */
    bool lost;          /* nothing is sent to it or heard of it any more */
    bool ended;         /* since its leader has, or cannot be reached: else it was given up, and lives */
    bool told;          /* its pools know */
    struct error error; /* why */
};

struct road {
    struct roads *beside; /* or NULL */
    struct road *behind;  /* among them */
    struct net *net;
    struct pulse *pulse; /* or NULL */
    struct bell *bell;   /* or NULL */
    uint64_t felt;       /* when it was looked at: clock_ns */
    uint64_t turned;     /* when the road was: clock_ns */
    uint64_t heard;      /* when the event came that is being taken in: clock_ns */
    struct crew *crew;
    uint32_t base;                         /* what a worker's number is more than its place in the crew */
    void (*tell)(void *owner, int worker); /* see road_report; or NULL */
    void *owner;
    struct agents *pools;
    uint64_t newest;        /* of the pools that have joined */
    uint64_t eventful;      /* when anything came or was sent last: clock_ns */
    uint64_t pieces;        /* of the net's, that were seen */
    uint64_t moved;         /* when bytes beside a head had come, or had left, last */
    uint64_t wished;        /* when a task there wanted something of a queue, or got it */
    bool feeding;           /* road_feed is under way */
    bool turning;           /* road_turn is under way */
    bool quit;              /* the leaders have been told to */
    bool cut;               /* the net is gone: nothing that it has is told of any more */
    int maps;               /* under way */
    bool kin;               /* leaders hand on to each other what all have */
    bool visits;            /* see wire/message.h */
    struct transit nowhere; /* of what nobody wants */
    int *node_of;           /* peer -> node */
    int nodes;
    struct road_node node[];
};

/* How fast nodes are with a function; submitted tasks are one. */
struct pace {
    struct pace *behind;
    struct board_function function;
    struct blocks blocks;
    unsigned users; /* blocks that are open: all of their items may have been tallied */
};

struct agent_block {
    struct transit transit; /* of its body, to the node */
    struct agent *agent;
    uint64_t number;
    int post;
    uint32_t from, count;
    struct lease said, ended;
    struct pace *pace;
    struct block *memory;    /* of its post: pinned */
    struct holding *holding; /* the same of what its body lies in; or NULL */
    bool leads;              /* it is for who leads the node, where others work */
    bool telling;            /* what has started is told: of submitted tasks, and of what is suspicious */
    uint32_t *runner;        /* of these: the worker that has started each, 0: none */
    void *own;               /* its body where that does not lie on the board */
    unsigned under_way;      /* transits that refer to it */
    bool sent;
    bool wanted;      /* it is to be asked back */
    bool recalled;    /* it has been asked back, which is done once: what it keeps then has begun */
    uint64_t left;    /* when it was sent: clock_ns */
    bool heard;       /* a note of it has come */
    uint32_t tallied; /* open items that are known to have run */
};

/* A node in a pool. */
struct agent {
    struct agents *pool;
    struct road_node *node;
    struct board view; /* claims what is for its workers alone */
    struct slot slot;
    struct agent_block *block[AGENT_BLOCKS];
    uint32_t blocks, room; /* in flight; places that were ever used */
    uint64_t made;         /* blocks so far */
    uint32_t modules;      /* of the board's, that it knows */
    uint64_t *commons;     /* ids of those that it has */
    size_t common_count, common_room;
    unsigned sending;         /* transits to the node */
    struct cargo *cargo;      /* of these, bytes that are no block's */
    struct handing *handings; /* what is given up, and it has not handed to those that it leads */
    struct arrival *arrivals; /* what its notes carry, and is coming */
    struct parting *partings; /* items of queues that it has not said to have got */
    unsigned asked;           /* CANCELs without an answer; */
    unsigned vain;            /* those before them that nobody waits for: its leader had gone away */
    unsigned wishes;          /* of its workers, that wait */
    bool returning;           /* blocks wait to be asked back */
    bool ends;                /* its workers leave the pool now: it is waited for */
    bool closed;              /* it has said so */
    uint64_t rest;            /* it has given something back: it gets nothing until then, clock_ns ... */
    bool sated;               /* ... nor, as long as it has a block, before its next note */
    char *refusal;            /* what the last worker that cannot serve has said */
};

/* What the items of a map have in common, where nodes have it from others. */
struct spread {
    struct spread *behind;
    uint64_t id;
    const void *data;
    size_t size;
};

/* A pool on the road. */
struct agents {
    struct agents *behind;
    struct road *road;
    struct manager *manager; /* NULL: it is closed */
    struct board view;       /* claims what is for nobody in particular */
    struct slot slot;
    struct pace *paces;
    bool closing;
    unsigned transits; /* that are not over: the last one frees a closed pool */
    unsigned coming;   /* of these, what wishes bring */
    struct spread *spreads;
    uint64_t left;    /* since when what lies there is left to this node's workers: clock_ns; 0: it is not */
    uint64_t overdue; /* when it was last looked for what a node has had for too long: clock_ns */
    size_t *done;     /* items that each worker of another node has run, from crew->here on */
    uint64_t *moved;  /* the same: see road_take_moved */
    bool has_moved;
    struct far_wish **wish;  /* the one of each of them that waits, or NULL */
    struct wish_line *lines; /* in which they wait */
    uint64_t passed;         /* wishes that were passed on so far */
    struct agent agent[];
};

/* Whether its leader is known to serve: none may be known to. */
static inline bool node_is_visited(const struct road_node *node)
{
    return !node->lost && !node->away && (!node->road->visits || node->closes == node->stayed);
}

/* Whether its leader hears, as far as is known, and will: it does not while its process runs a task. */
static inline bool node_hears(const struct road_node *node)
{
    return node_is_visited(node) && !node->paused && !node->leading;
}

/* Whether it still takes part. */
static inline bool agent_is_there(const struct agent *agent)
{
    return !agent->node->lost && !agent->closed;
}

static inline struct agent_block *agent_find(const struct agent *agent, uint64_t number)
{
    struct agent_block *block = agent->block[number % AGENT_BLOCKS];
    return block && block->number == number ? block : NULL;
}

/* A submitted task of a block as it stands on the board; whether the item is one, and open. */
static inline struct task_record *agent_record(const struct agent_block *block, uint32_t item)
{
    const struct board *board = &block->agent->pool->manager->board;
    return (struct task_record *)board_at(board, board->post[block->post].in) + block->from + item;
}

static inline bool agent_is_open_task(const struct agent_block *block, uint32_t item)
{
    const struct post *post = &block->agent->pool->manager->board.post[block->post];
    return !lease_has_ended(&block->said, item) && !atomic_load_explicit(&post->map, memory_order_relaxed);
}

/* road.c: net_send to the node. */
rp_status road_send(struct road_node *node, const void *head, size_t size, const struct net_segment *segment,
                    int segments, struct transit *transit, struct error *error);

/* road_take.c: an event of its net; a message that nobody wants. */
void road_take_event(struct road *road, const struct net_event *event);
void road_throw_away(struct road *road, const struct net_event *event);

/* road.c: a worker of another node has died. */
void road_mark_dead(struct road *road, int worker);

/* road.c: a node's leader has ended; or it says what makes no sense, or cannot be told any more. It is lost
 * at the end of the turn. */
void road_lose(struct road_node *node, const char *format, ...) RP_PRINTF(2, 3);
void road_give_up(struct road_node *node, const char *format, ...) RP_PRINTF(2, 3);

/* Messages name workers by their numbers, all else by their places in the crew. A number that nobody has is
 * nobody's place. */
static inline uint32_t road_place(const struct road *road, uint32_t number)
{
    return number - road->base;
}

static inline uint32_t road_number(const struct road *road, uint32_t place)
{
    return place ? place + road->base : 0;
}

static inline bool road_is_of(const struct road_node *node, uint32_t worker)
{
    return worker >= (uint32_t)node->first && worker < (uint32_t)(node->first + node->count);
}

/* Its number among those of the pool, and for sched/blocks.h. */
static inline uint32_t agent_number(const struct agent *agent)
{
    return (uint32_t)(agent - agent->pool->agent);
}

/* road.c: while it is so. */
void road_await(struct manager *manager, bool (*is_so)(const struct manager *manager));

/* agent.c: sends a message with a body of `size` bytes at `data`, which go as a segment if they are many;
 * they stay the caller's until agents->sending has come down. */
void agent_send(struct agent *agent, struct wire_message *message, const void *data, size_t size);

/* One without a body, to all. */
void agents_send_all(struct agents *pool, const struct wire_message *message);

/* The same as agent_send; true: its bytes go as a segment, and the transit will be over. */
bool agent_send_with(struct agent *agent, struct wire_message *message, const void *data, size_t size,
                     struct transit *transit);

/* A transit has begun. It is over: false: the pool is closed, and gone if this was the last one. */
void agent_begin_sending(struct agent *agent);
bool agent_end_sending(struct agent *agent);
bool agents_end_transit(struct agents *pool);

/* Its node is lost, and may be read for for ever: what it was to get keeps no memory that is given up. */
void agent_lose_cargo(struct agent *agent);
void agent_lose_body(struct agent_block *block); /* agent_block.c */

/* What it does not know yet: modules of the board, and what a map's items have in common. */
void agent_send_modules(struct agent *agent);

/* agent_spread.c: what a map's items have in common, if it does not know that yet; what its leader wants,
 * since no other one has it; and to those below it in the tree, that they have nothing to expect of it: its
 * node is lost, or takes no part in the pool. */
void agent_send_common(struct agent *agent, uint64_t id, const void *data, size_t size);
void agent_take_want(struct agent *agent, const struct wire_want *want);
void agent_take_handed(struct agent *agent, const struct wire_handed *handed);
void agent_lose_handings(struct agent *agent); /* its node is lost, or its pool ends */
void agent_tell_lost(const struct agent *agent);
void agents_forget_spreads(struct agents *pool);

/* agent_claim.c: claims for whoever should have more, and asks back what somebody else could begin. */
void agents_claim(struct agents *pool);

/* What is known of the nodes with the function of a post; NULL without memory. */
struct pace *agents_find_pace(struct agents *pool, const struct post *post);
void agents_forget_paces(struct agents *pool);

/* Items of its node have ended, or were given back. */
void agent_count_ended(struct agent *agent, struct pace *pace, uint32_t items);
void agent_count_returned(struct agent *agent, struct pace *pace, uint32_t items);

/* Some of its workers have died, or will not serve; how many do; and whether any does. Of all nodes but a
 * lost one road_count_without sees to that. */
void agent_count_workers(struct agent *agent);
uint32_t agent_workers(const struct agent *agent);
bool agent_serves(const struct agent *agent);

/* agent_send.c: the claimed items as blocks. */
void agent_send_claim(struct agent *agent, const struct post_offer *offer, uint32_t run);
/* How many items of an offer one block can hold: 1..most. */
uint32_t agent_fit(const struct agents *pool, const struct post_offer *offer, uint32_t most);

/* agent_block.c: items from..from+count-1 of a post as a block, which its node is taken to have; NULL without
 * memory. Then its message goes there, with the body in the head, or as segments, which are pinned. */
struct agent_block *agent_open_block(struct agent *agent, int post, uint32_t from, uint32_t count);
void agent_send_block(struct agent_block *block, const void *head, size_t size,
                      const struct net_segment *segment, int segments);

/* Forgets the block once nothing refers to it; with its pool, which transits may outlive. */
void agent_leave_block(struct agent_block *block);
void agent_close_block(struct agent_block *block);

/* One transit less of a block whose pool is closed. */
void agent_drop_block(struct agent_block *block);

/* Claimed items before `end` of a post that nobody holds are found as what a dead worker held. */
void agent_orphan(struct manager *manager, int post, uint32_t end);

/* agent_take.c: a message of the node's. True: it has said where the segments go. */
bool agent_take(struct agent *agent, const struct net_event *event, const struct wire_message *message);

/* agent_note.c: the same of notes. */
bool agent_take_notes(struct agent *agent, const struct net_event *event, const struct wire_message *message);
void agent_lose_arrivals(struct agent *agent); /* its node is lost: what was coming runs elsewhere */

/* agent_return.c */
uint32_t agent_take_back(struct agent_block *block, uint32_t from, uint32_t end); /* those open: how many */
void agent_return_said(struct agent_block *block, uint32_t from,
                       uint32_t count);         /* what was to come does not */
void agent_ask_back(struct agent_block *block); /* as soon as it has been sent */
void agent_return(struct agent *agent);         /* what waits for that */
void agent_lose(struct agent *agent);           /* its node is lost */
void agent_end_visit(struct agent *agent);      /* its leader serves no more: nothing is left there */

/* agent_wish.c: as agent_take. */
bool agent_take_wish(struct agent *agent, const struct net_event *event, const struct wire_message *message);

/* Meets what can be met, and ends what has waited for too long; when that will be next, as clock_ns. */
void agents_meet_wishes(struct agents *pool);
uint64_t agents_wish_due(const struct agents *pool);
void agents_drop_wish(struct agents *pool, uint32_t worker); /* it has died */
void agents_forget_wishes(struct agents *pool);

/* agent_met.c: the node has said what became of an item; it is lost: what it has not got goes back. */
void agent_take_got(struct agent *agent, const struct wire_got *got);
void agent_lose_items(struct agent *agent);
void agent_forget_items(struct agent *agent);

/* agent_waits.c: all of its node who take what is for all wait at queues: it gets nothing meanwhile. */
bool agent_is_blocked(const struct agent *agent);

/* Others than its leader serve the pool, and take what is for all. */
bool agent_has_others(const struct agent *agent);

/* An open item: whether one holds it that waits without end, or it is for that one alone. */
bool agent_waits_with(const struct agent_block *block, uint32_t item);

#endif
