#include "run/stuck.h"

#include "board/queue.h"
#include "run/queue.h"
#include "run/road.h"
#include "run/watch.h"

/* The workers' words at the first look; even or 0: it does not wait without end. */
struct sight {
    struct manager *manager;
    int waiting;
    uint64_t waits[BOARD_WORKERS_MAX + 1];
    uint64_t announced[BOARD_WORKERS_MAX + 1]; /* of those who wait, else 0 */
};

static const struct slot *slot_of(const struct sight *sight, int worker)
{
    return &sight->manager->board.slot[worker];
}

static bool is_dead(const struct sight *sight, int worker)
{
    return sight->manager->crew->member[worker].dead;
}

static bool has_waited(const struct sight *sight, int worker)
{
    return sight->waits[worker] & 1;
}

static void look(struct sight *sight)
{
    for (int i = 1; i < sight->manager->crew->here; i++) {
        sight->waits[i] = is_dead(sight, i) ? 0 : atomic_load(&slot_of(sight, i)->waits);
        sight->waiting += has_waited(sight, i);
        sight->announced[i] = has_waited(sight, i) ? post_announcement(&sight->manager->board, i) : 0;
    }
    for (int i = sight->manager->crew->here; i < sight->manager->crew->count; i++)
        sight->waiting += road_waits(sight->manager, i);
}

/* The dead are looked for anew: what they held runs elsewhere. */
static bool is_unchanged(const struct sight *sight)
{
    watch_look(sight->manager->watch);
    for (int i = 1; i < sight->manager->crew->here; i++)
        if (has_waited(sight, i) &&
            (is_dead(sight, i) || atomic_load(&slot_of(sight, i)->waits) != sight->waits[i]))
            return false;
    return true;
}

static bool anybody_moves(const struct sight *sight)
{
    struct board *board = &sight->manager->board;
    if (sight->manager->agents && road_moves_items(sight->manager))
        return true;
    for (int i = 1; i < sight->manager->crew->here; i++) {
        uint64_t at = atomic_load(&slot_of(sight, i)->waits_for);
        if (has_waited(sight, i) && queue_lets_pass(board, at >> 1, at & 1 ? QUEUE_PUT : QUEUE_GET))
            return true;
        if (!is_dead(sight, i) && atomic_load(&slot_of(sight, i)->state) == SLOT_ENTERING)
            return true;
    }
    return false;
}

/* A worker that may claim items of the post; NULL: tasks that have none yet. */
static bool anybody_is_free(const struct sight *sight, const struct post *post)
{
    const struct manager *manager = sight->manager;
    uint32_t owner = post ? atomic_load(&post->owner) : 0;
    for (int i = 1; i < manager->crew->count; i++)
        if ((!owner || owner == (uint32_t)i) && manager_has(manager, i) &&
            (i >= manager->crew->here
                 ? road_is_free(manager, i, post)
                 : !has_waited(sight, i) && atomic_load(&slot_of(sight, i)->state) != SLOT_LEFT))
            return true;
    return false;
}

static bool is_held(const struct sight *sight, int post, uint32_t item)
{
    for (int i = 1; i < sight->manager->crew->here; i++)
        if (sight->announced[i] &&
            post_announcement_covers(&sight->manager->board, sight->announced[i], post, item))
            return true;
    return sight->manager->agents && road_holds_waiting(sight->manager, post, item);
}

/* Somebody works on the post, or could. */
static bool is_worked_on(const struct sight *sight, int post)
{
    const struct board *board = &sight->manager->board;
    const struct lease *lease = &sight->manager->postings[post].lease;
    if (!sight->manager->postings[post].ops || !lease->open)
        return false;
    uint32_t next = post_next(board, post);
    if (next < lease->items && anybody_is_free(sight, &board->post[post]))
        return true;
    for (uint32_t item = 0; item < next && item < lease->items; item++)
        if (!lease_has_ended(lease, item) &&
            (!is_held(sight, post, item) || retry_waits(sight->manager, post, item)))
            return true;
    return false;
}

bool stuck_is(struct manager *manager)
{
    if (manager_is_alone(manager) || !manager->queues)
        return false;
    struct sight sight = {.manager = manager};
    look(&sight);
    if (!sight.waiting || anybody_moves(&sight))
        return false;
    if (manager->queued.first && anybody_is_free(&sight, NULL))
        return false;
    for (int post = 0; post < BOARD_POSTS; post++)
        if (is_worked_on(&sight, post))
            return false;
    return is_unchanged(&sight);
}

bool stuck_resolve(struct manager *manager)
{
    if (!stuck_is(manager))
        return false;
    queueing_close_all(manager);
    return true;
}
