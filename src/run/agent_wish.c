/* Tasks of other nodes at this board's queues. A wish that cannot be met at once waits in a line, one for
 * each side of a queue, in the order in which they came whole; the manager says at the queue's door that it
 * waits there, and looks when it is called, and in each turn. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "board/queue.h"
#include "run/agent.h"

struct far_wish {
    struct transit transit; /* of what is put, from the node */
    struct far_wish *behind;
    struct agent *agent;
    struct wire_wish told;
    uint64_t item;     /* to be put; got */
    uint64_t deadline; /* clock_ns */
};

struct wish_line {
    struct wish_line *behind;
    uint64_t queue;
    enum queue_side side;
    struct far_wish *first, **end;
    uint64_t soonest; /* no deadline in it is before */
};

static enum queue_side side_of(const struct far_wish *wish)
{
    return wish->told.kind == WIRE_GET ? QUEUE_GET : QUEUE_PUT;
}

static struct far_wish **place_of(const struct agents *pool, uint32_t worker)
{
    return &pool->wish[worker - (uint32_t)pool->manager->crew->here];
}

/* ---- Met --------------------------------------------------------------------------------- */

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

/* A wish that stands in no line. */
static void end_wish(struct far_wish *wish, rp_status status)
{
    struct board *board = &wish->agent->pool->manager->board;
    answer(wish, status);
    if (status && wish->told.kind != WIRE_GET && wish->item != ARENA_NONE)
        parcel_mark_taken(board, wish->item);
    free(wish);
}

/* RP_TIMEOUT: it has to wait. */
static rp_status try_to_meet(struct far_wish *wish)
{
    struct board *view = &wish->agent->pool->view;
    if (wish->told.kind == WIRE_PUT)
        return queue_put(view, wish->told.queue, wish->item, 0);
    rp_status status = queue_get(view, wish->told.queue, &wish->item, 0);
    queue_keep(view);
    return status;
}

/* ---- Lines ------------------------------------------------------------------------------- */

static struct wish_line *find_line(const struct agents *pool, uint64_t queue, enum queue_side side)
{
    struct wish_line *line = pool->lines;
    while (line && (line->queue != queue || line->side != side))
        line = line->behind;
    return line;
}

static struct wish_line *open_line(struct agents *pool, uint64_t queue, enum queue_side side)
{
    struct wish_line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    *line = (struct wish_line){pool->lines, queue, side, NULL, &line->first, CLOCK_NEVER};
    pool->lines = line;
    queue_attend(&pool->manager->board, queue, side, true);
    return line;
}

static void take_out(struct wish_line *line, struct far_wish **link)
{
    struct far_wish *wish = *link;
    *link = wish->behind;
    if (!*link)
        line->end = link;
    *place_of(wish->agent->pool, wish->told.worker) = NULL;
    wish->agent->wishes--;
}

/* The first ones, as long as the queue lets them pass. */
static void let_pass(const struct agents *pool, struct wish_line *line)
{
    struct board *board = &pool->manager->board;
    while (line->first && queue_lets_pass(board, line->queue, line->side)) {
        struct far_wish *wish = line->first;
        rp_status status = try_to_meet(wish);
        if (status == RP_TIMEOUT)
            return;
        take_out(line, &line->first);
        end_wish(wish, status);
    }
}

static void end_late(struct wish_line *line)
{
    if (!clock_has_passed(line->soonest))
        return;
    line->soonest = CLOCK_NEVER;
    for (struct far_wish **link = &line->first; *link;) {
        struct far_wish *wish = *link;
        if (clock_has_passed(wish->deadline)) {
            take_out(line, link);
            end_wish(wish, RP_TIMEOUT);
            continue;
        }
        line->soonest = wish->deadline < line->soonest ? wish->deadline : line->soonest;
        link = &wish->behind;
    }
}

static void close_if_empty(struct agents *pool, struct wish_line **link)
{
    struct wish_line *line = *link;
    if (line->first)
        return;
    *link = line->behind;
    queue_attend(&pool->manager->board, line->queue, line->side, false);
    free(line);
}

void agents_meet_wishes(struct agents *pool)
{
    for (struct wish_line **link = &pool->lines; *link;) {
        struct wish_line *line = *link;
        let_pass(pool, line);
        end_late(line);
        close_if_empty(pool, link);
        if (*link == line)
            link = &line->behind;
    }
}

uint64_t agents_wish_due(const struct agents *pool)
{
    uint64_t due = CLOCK_NEVER;
    for (const struct wish_line *line = pool->lines; line; line = line->behind)
        due = line->soonest < due ? line->soonest : due;
    return due;
}

/* What lies behind tasks that all wait may run elsewhere, perhaps what they wait for. */
static void free_what_is_behind(struct agent *agent)
{
    for (uint32_t i = 0; i < agent->room && agent_is_blocked(agent); i++)
        if (agent->block[i])
            agent_ask_back(agent->block[i]);
}

static bool queue_up(struct far_wish *wish)
{
    struct agents *pool = wish->agent->pool;
    struct wish_line *line = find_line(pool, wish->told.queue, side_of(wish));
    if (!line && !(line = open_line(pool, wish->told.queue, side_of(wish))))
        return false;
    *line->end = wish;
    line->end = &wish->behind;
    line->soonest = wish->deadline < line->soonest ? wish->deadline : line->soonest;
    *place_of(pool, wish->told.worker) = wish;
    wish->agent->wishes++;
    free_what_is_behind(wish->agent);
    return true;
}

/* Nobody overtakes who waits. */
static void begin(struct far_wish *wish)
{
    struct agents *pool = wish->agent->pool;
    rp_status status = RP_TIMEOUT;
    if (!find_line(pool, wish->told.queue, side_of(wish)))
        status = try_to_meet(wish);
    if (status != RP_TIMEOUT || clock_has_passed(wish->deadline))
        end_wish(wish, status);
    else if (!queue_up(wish))
        end_wish(wish, RP_NO_MEMORY);
}

/* ---- What comes -------------------------------------------------------------------------- */

static void put_back(struct far_wish *wish)
{
    struct board *board = &wish->agent->pool->manager->board;
    if (queue_check(board, wish->told.queue) == RP_OK)
        queue_return(board, wish->told.queue, wish->item);
    else
        parcel_mark_taken(board, wish->item);
    free(wish);
}

static void end_coming(struct transit *transit, bool arrived)
{
    struct far_wish *wish = (struct far_wish *)transit;
    struct agents *pool = wish->agent->pool;
    pool->arriving--;
    if (!pool->manager) {
        if (!pool->arriving)
            free(pool);
        free(wish);
    } else if (!arrived ||
               (wish->told.kind == WIRE_PUT && pool->manager->crew->member[wish->told.worker].dead)) {
        parcel_mark_taken(&pool->manager->board, wish->item);
        free(wish);
    } else if (wish->told.kind == WIRE_PUT_BACK) {
        put_back(wish);
    } else {
        begin(wish);
    }
}

static const char *check(const struct agent *agent, const struct wire_wish *told)
{
    if (!road_is_of(agent->node, told->worker))
        return "of a worker who is not there";
    if (told->kind > WIRE_PUT_BACK || (told->kind == WIRE_GET && told->size))
        return "of a kind that there is not";
    if (told->kind != WIRE_PUT_BACK && *place_of(agent->pool, told->worker))
        return "of a worker who has another one";
    return NULL;
}

/* Room for what is put. */
static rp_status make_room(struct far_wish *wish)
{
    struct manager *manager = wish->agent->pool->manager;
    rp_status status = queue_check(&manager->board, wish->told.queue);
    if (status || wish->told.kind == WIRE_GET)
        return status;
    wish->item = parcel_take(&manager->parcels, wish->told.size);
    if (wish->item == ARENA_NONE)
        return RP_NO_MEMORY;
    parcel_head(&manager->board, wish->item)->size = wish->told.size;
    return RP_OK;
}

/* True: it has said where the segment goes. */
static bool take_bytes(struct far_wish *wish, const struct net_event *event, const void *body)
{
    struct agents *pool = wish->agent->pool;
    void *to = wish->item == ARENA_NONE ? NULL : board_at(&pool->manager->board, wish->item);
    pool->arriving++;
    if (event->segments) {
        net_receive(pool->road->net, event, &to, &wish->transit);
        return true;
    }
    if (wish->told.size)
        memcpy(to, body, wish->told.size);
    end_coming(&wish->transit, true);
    return false;
}

bool agent_take_wish(struct agent *agent, const struct net_event *event, const struct wire_message *message)
{
    const char *why = check(agent, &message->wish);
    struct far_wish *wish = why ? NULL : calloc(1, sizeof *wish);
    if (!wish) {
        road_give_up(agent->node, "%s%s", why ? "it has a wish " : "no memory to hear it", why ? why : "");
        return false;
    }
    uint64_t now = clock_ns(), patience = message->wish.patience_ns;
    *wish = (struct far_wish){.transit = {end_coming},
                              .agent = agent,
                              .told = message->wish,
                              .item = ARENA_NONE,
                              .deadline = patience < CLOCK_NEVER - now ? now + patience : CLOCK_NEVER};
    rp_status status = make_room(wish);
    if (!status)
        return take_bytes(wish, event, message->body);
    if (wish->told.kind == WIRE_PUT_BACK)
        free(wish); /* its queue has been closed */
    else
        end_wish(wish, status);
    return false;
}

/* ---- Losses ------------------------------------------------------------------------------ */

void agents_drop_wish(struct agents *pool, uint32_t worker)
{
    struct far_wish *wish = *place_of(pool, worker);
    if (!wish)
        return;
    struct wish_line *line = find_line(pool, wish->told.queue, side_of(wish));
    struct far_wish **link = &line->first;
    while (*link != wish)
        link = &(*link)->behind;
    take_out(line, link);
    if (wish->item != ARENA_NONE)
        parcel_mark_taken(&pool->manager->board, wish->item);
    free(wish);
}

void agents_forget_wishes(struct agents *pool)
{
    while (pool->lines) {
        struct wish_line *line = pool->lines;
        while (line->first) {
            struct far_wish *wish = line->first;
            line->first = wish->behind;
            free(wish);
        }
        pool->lines = line->behind;
        free(line);
    }
}

/* ---- Who waits --------------------------------------------------------------------------- */

/* Where others serve the pool, who leads the node takes what is for it alone. */
static bool has_others(const struct agent *agent)
{
    const struct road_node *node = agent->node;
    for (int i = node->first + 1; i < node->first + node->count; i++)
        if (manager_has(agent->pool->manager, i))
            return true;
    return false;
}

bool agent_is_blocked(const struct agent *agent)
{
    const struct road_node *node = agent->node;
    if (!agent->wishes)
        return false;
    for (int i = has_others(agent) ? node->first + 1 : node->first; i < node->first + node->count; i++)
        if (manager_has(agent->pool->manager, i) && !*place_of(agent->pool, (uint32_t)i))
            return false;
    return true;
}

static const struct agent *agent_of(const struct manager *manager, int worker)
{
    const struct agent *agent = manager->agents->agent;
    while (!road_is_of(agent->node, (uint32_t)worker))
        agent++;
    return agent;
}

static bool waits_for_ever(const struct far_wish *wish)
{
    return wish && wish->deadline == CLOCK_NEVER &&
           !queue_lets_pass(&wish->agent->pool->manager->board, wish->told.queue, side_of(wish));
}

bool road_waits(const struct manager *manager, int worker)
{
    return waits_for_ever(*place_of(manager->agents, (uint32_t)worker));
}

bool road_is_free(const struct manager *manager, int worker, uint32_t owner)
{
    const struct agent *agent = agent_of(manager, worker);
    if (road_waits(manager, worker))
        return false;
    return owner || worker != agent->node->first || !has_others(agent);
}

bool agent_waits_with(const struct agent_block *block, uint32_t item)
{
    const struct agent *agent = block->agent;
    const struct agents *pool = agent->pool;
    uint32_t owner =
        atomic_load_explicit(&pool->manager->board.post[block->post].owner, memory_order_relaxed);
    if (!agent->wishes || lease_has_ended(&block->said, item))
        return false;
    for (int i = agent->node->first; i < agent->node->first + agent->node->count; i++) {
        const struct far_wish *wish = *place_of(pool, (uint32_t)i);
        if (!waits_for_ever(wish))
            continue;
        bool holds = wish->told.block == block->number && item - wish->told.from < wish->told.count;
        if (holds || owner == (uint32_t)i)
            return true;
    }
    return false;
}
