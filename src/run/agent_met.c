/* Answers to wishes: a status, and to a get its item. */
#include <stdlib.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "run/above.h"
#include "run/agent_wish.h"

/* An item on its way to who got it. It stays here until the node has said what became of it: with a node that
 * is lost before, it is first in its queue again. Who was about to use it there may have begun to, so an item
 * may be got twice where a node is lost, and never is it lost itself. */
struct parting {
    struct transit transit;
    struct parting *behind;
    struct agent *agent;
    uint64_t id, queue, item;
    uint64_t above;  /* its id there, where it has come from above */
    bool is_sent;    /* the net has done with it */
    bool is_settled; /* ... and so has its node; or the node, or the pool, is gone */
};

static void leave(struct parting *parting)
{
    if (parting->is_sent && parting->is_settled)
        free(parting);
}

static void end_parting(struct transit *transit, bool arrived)
{
    struct parting *parting = (struct parting *)transit;
    (void)arrived;
    parting->is_sent = true;
    agent_end_sending(parting->agent);
    leave(parting);
}

/* Whose item it is has been decided. */
static void settle(struct parting **link)
{
    struct parting *parting = *link;
    *link = parting->behind;
    parting->is_settled = true;
    leave(parting);
}

/* Its task has it; or it is first in its queue again, wherever that stands. */
static void keep(const struct agents *pool, uint64_t above, uint64_t item)
{
    const struct manager_setup *setup = &pool->manager->setup;
    parcel_mark_taken(&pool->manager->board, item);
    if (setup->above)
        setup->above->got(setup->led_by, above, true);
}

static void give_back(const struct agents *pool, uint64_t queue, uint64_t above, uint64_t item)
{
    const struct manager_setup *setup = &pool->manager->setup;
    if (!setup->above) {
        queue_return(&pool->manager->board, queue, item);
        return;
    }
    parcel_mark_taken(&pool->manager->board, item);
    setup->above->got(setup->led_by, above, false);
}

void agent_take_got(struct agent *agent, const struct wire_got *got)
{
    struct parting **link = &agent->partings;
    while (*link && (*link)->id != got->id)
        link = &(*link)->behind;
    if (!*link) {
        road_give_up(agent->node, "it got an item that it was not given");
        return;
    }
    if (got->kept)
        keep(agent->pool, (*link)->above, (*link)->item);
    else
        give_back(agent->pool, (*link)->queue, (*link)->above, (*link)->item);
    settle(link);
}

/* The last that was given was the last in its queue: the first one ends as the first again. */
void agent_lose_items(struct agent *agent)
{
    while (agent->partings) {
        const struct parting *parting = agent->partings;
        give_back(agent->pool, parting->queue, parting->above, parting->item);
        settle(&agent->partings);
    }
}

void agent_forget_items(struct agent *agent)
{
    while (agent->partings)
        settle(&agent->partings);
}

static void send_item(const struct far_wish *wish, struct wire_message *message)
{
    struct agent *agent = wish->agent;
    struct board *board = &agent->pool->manager->board;
    struct parting *parting = malloc(sizeof *parting);
    size_t size = parcel_head(board, wish->item)->size;
    if (!parting) {
        give_back(agent->pool, wish->told.queue, wish->above, wish->item);
        message->met.status = RP_NO_MEMORY;
        agent_send(agent, message, NULL, 0);
        return;
    }
    *parting = (struct parting){.transit = {end_parting},
                                .behind = agent->partings,
                                .agent = agent,
                                .id = wish->told.id,
                                .queue = wish->told.queue,
                                .above = wish->above,
                                .item = wish->item};
    agent->partings = parting;
    message->met.size = size;
    parting->is_sent = !agent_send_with(agent, message, board_at(board, wish->item), size, &parting->transit);
    if (agent->node->lost && agent->node->told)
        agent_lose_items(agent);
}

static void answer(const struct far_wish *wish, rp_status status)
{
    const struct wire_wish *told = &wish->told;
    wish->agent->pool->road->wished = clock_ns();
    struct wire_message message = {
        .type = WIRE_MET,
        .met = {.id = told->id, .queue = told->queue, .kind = told->kind, .status = status}};
    if (!status && told->kind == WIRE_GET)
        send_item(wish, &message);
    else
        agent_send(wish->agent, &message, NULL, 0);
}

void far_wish_end(struct far_wish *wish, rp_status status)
{
    struct board *board = &wish->agent->pool->manager->board;
    answer(wish, status);
    if (status && wish->told.kind != WIRE_GET && wish->item != ARENA_NONE)
        parcel_mark_taken(board, wish->item);
    free(wish);
}
