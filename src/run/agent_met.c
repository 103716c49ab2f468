/* Answers to wishes: a status, and to a get its item. */
#include <stdlib.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "run/agent_wish.h"

/* An item on its way to who got it. */
struct parting {
    struct transit transit;
    struct agent *agent;
    uint64_t queue, item;
};

/* What nobody has received is first in its queue again. */
static void end_parting(struct transit *transit, bool arrived)
{
    struct parting *parting = (struct parting *)transit;
    struct board *board = &parting->agent->pool->manager->board;
    parting->agent->sending--;
    if (arrived)
        parcel_mark_taken(board, parting->item);
    else
        queue_return(board, parting->queue, parting->item);
    free(parting);
}

static void send_item(const struct far_wish *wish, struct wire_message *message)
{
    struct agent *agent = wish->agent;
    struct board *board = &agent->pool->manager->board;
    struct parting *parting = malloc(sizeof *parting);
    size_t size = parcel_head(board, wish->item)->size;
    if (!parting) {
        queue_return(board, wish->told.queue, wish->item);
        message->met.status = RP_NO_MEMORY;
        agent_send(agent, message, NULL, 0);
        return;
    }
    *parting = (struct parting){{end_parting}, agent, wish->told.queue, wish->item};
    message->met.size = size;
    if (agent_send_with(agent, message, board_at(board, wish->item), size, &parting->transit))
        return;
    agent->sending++;
    end_parting(&parting->transit, !agent->node->lost);
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
