/* Wishes of tasks of other nodes at this board's queues. Shared by agent_wish.c, in which they come and wait,
 * agent_met.c, which answers them, and agent_waits.c, which knows what waits with them. */
#ifndef RANKPOOL_RUN_AGENT_WISH_H
#define RANKPOOL_RUN_AGENT_WISH_H

#include "board/queue.h"
#include "run/agent.h"

struct far_wish {
    struct transit transit; /* of what is put, from the node */
    struct far_wish *behind;
    struct agent *agent;
    struct wire_wish told;
    uint64_t item;     /* to be put; got */
    uint64_t deadline; /* clock_ns */
    uint64_t serial;   /* of one that was passed on ... */
    uint64_t above;    /* ... and its id there */
};

struct wish_line {
    struct wish_line *behind;
    uint64_t queue;
    enum queue_side side;
    struct far_wish *first, **end;
    uint64_t soonest; /* no deadline in it is before */
};

static inline enum queue_side far_wish_side(const struct far_wish *wish)
{
    return wish->told.kind == WIRE_GET ? QUEUE_GET : QUEUE_PUT;
}

static inline struct far_wish **far_wish_place(const struct agents *pool, uint32_t worker)
{
    return &pool->wish[worker - (uint32_t)pool->manager->crew->here];
}

/* agent_pass.c: where this manager is led itself: the wish is passed on, and waits; the same of what is put
 * back, which does not. At the end they are forgotten. */
void far_wish_pass(struct far_wish *wish);
void far_wish_pass_back(struct far_wish *wish);
void far_wishes_forget(struct agents *pool);

/* agent_wish.c: what lies behind tasks that all wait may run elsewhere, perhaps what they wait for. */
void far_wishes_free_what_is_behind(struct agent *agent);

/* Of one that stands in no line: it is answered, and forgotten. */
void far_wish_end(struct far_wish *wish, rp_status status);

#endif
