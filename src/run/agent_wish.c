/* Tasks of other nodes at this board's queues. A wish that cannot be met at once waits in a line, one for
 * each side of a queue, in the order in which they came whole; the manager says at the queue's door that it
 * waits there, and looks when it is called, and in each turn. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "run/agent_wish.h"

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
    *far_wish_place(wish->agent->pool, wish->told.worker) = NULL;
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
        far_wish_end(wish, status);
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
            far_wish_end(wish, RP_TIMEOUT);
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

void far_wishes_free_what_is_behind(struct agent *agent)
{
    for (uint32_t i = 0; i < agent->room && agent_is_blocked(agent); i++)
        if (agent->block[i])
            agent_ask_back(agent->block[i]);
}

static bool queue_up(struct far_wish *wish)
{
    struct agents *pool = wish->agent->pool;
    struct wish_line *line = find_line(pool, wish->told.queue, far_wish_side(wish));
    if (!line && !(line = open_line(pool, wish->told.queue, far_wish_side(wish))))
        return false;
    *line->end = wish;
    line->end = &wish->behind;
    line->soonest = wish->deadline < line->soonest ? wish->deadline : line->soonest;
    *far_wish_place(pool, wish->told.worker) = wish;
    wish->agent->wishes++;
    far_wishes_free_what_is_behind(wish->agent);
    return true;
}

/* Nobody overtakes who waits. */
static void begin(struct far_wish *wish)
{
    struct agents *pool = wish->agent->pool;
    rp_status status = RP_TIMEOUT;
    if (pool->manager->setup.above) {
        far_wish_pass(wish);
        return;
    }
    if (!find_line(pool, wish->told.queue, far_wish_side(wish)))
        status = try_to_meet(wish);
    if (status != RP_TIMEOUT || clock_has_passed(wish->deadline))
        far_wish_end(wish, status);
    else if (!queue_up(wish))
        far_wish_end(wish, RP_NO_MEMORY);
}

/* ---- What comes -------------------------------------------------------------------------- */

static void end_coming(struct transit *transit, bool arrived)
{
    struct far_wish *wish = (struct far_wish *)transit;
    struct agents *pool = wish->agent->pool;
    pool->coming--;
    if (!agents_end_transit(pool)) {
        free(wish);
    } else if (!arrived ||
               (wish->told.kind == WIRE_PUT && pool->manager->crew->member[wish->told.worker].dead)) {
        parcel_mark_taken(&pool->manager->board, wish->item);
        free(wish);
    } else if (wish->told.kind == WIRE_PUT_BACK && pool->manager->setup.above) {
        far_wish_pass_back(wish);
    } else if (wish->told.kind == WIRE_PUT_BACK) {
        queue_return(&pool->manager->board, wish->told.queue, wish->item);
        free(wish);
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
    if (told->kind != WIRE_PUT_BACK && *far_wish_place(agent->pool, told->worker))
        return "of a worker who has another one";
    return NULL;
}

/* Room for what is put. */
static rp_status make_room(struct far_wish *wish)
{
    struct manager *manager = wish->agent->pool->manager;
    rp_status status = manager->setup.above ? RP_OK : queue_check(&manager->board, wish->told.queue);
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
    pool->transits++;
    pool->coming++;
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
    struct wire_wish told = message->wish;
    told.worker = road_place(agent->node->road, told.worker);
    const char *why = check(agent, &told);
    struct far_wish *wish = why ? NULL : calloc(1, sizeof *wish);
    if (!wish) {
        road_give_up(agent->node, "%s%s", why ? "it has a wish " : "no memory to hear it", why ? why : "");
        return false;
    }
    uint64_t now = clock_ns(), patience = told.patience_ns;
    *wish = (struct far_wish){.transit = {end_coming},
                              .agent = agent,
                              .told = told,
                              .item = ARENA_NONE,
                              .deadline = patience < CLOCK_NEVER - now ? now + patience : CLOCK_NEVER};
    rp_status status = make_room(wish);
    if (!status)
        return take_bytes(wish, event, message->body);
    if (wish->told.kind == WIRE_PUT_BACK)
        free(wish); /* its queue has been closed */
    else
        far_wish_end(wish, status);
    return false;
}

/* ---- Losses ------------------------------------------------------------------------------ */

static void leave_line(struct wish_line *line, struct far_wish *wish)
{
    struct far_wish **link = &line->first;
    while (*link != wish)
        link = &(*link)->behind;
    take_out(line, link);
}

void agents_drop_wish(struct agents *pool, uint32_t worker)
{
    struct far_wish *wish = *far_wish_place(pool, worker);
    if (!wish)
        return;
    if (pool->manager->setup.above) {
        *far_wish_place(pool, worker) = NULL;
        wish->agent->wishes--;
    } else {
        leave_line(find_line(pool, wish->told.queue, far_wish_side(wish)), wish);
    }
    if (wish->item != ARENA_NONE)
        parcel_mark_taken(&pool->manager->board, wish->item);
    free(wish);
}

void agents_forget_wishes(struct agents *pool)
{
    far_wishes_forget(pool);
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
