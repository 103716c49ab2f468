#include "run/drain.h"

#include <signal.h>

#include "base/clock.h"
#include "board/outbox.h"
#include "record/drain.h"
#include "run/collect.h"
#include "run/queue.h"
#include "run/road.h"
#include "run/wait.h"

/* Why it is time; NULL: it is not. */
static const char *find_reason(const struct manager *manager)
{
    int number = drain_signal();
    if (number)
        return number == SIGTERM ? "SIGTERM" : "SIGUSR1";
    return clock_has_passed(manager->setup.deadline) ? "the deadline" : NULL;
}

bool drain_is_due(void *manager)
{
    return find_reason(manager) != NULL;
}

/* Nobody claims anything from here on, or begins what it has claimed. */
static void freeze(struct manager *manager)
{
    manager->draining = true;
    for (int i = 0; i < BOARD_POSTS; i++)
        if (manager->postings[i].ops)
            post_freeze(&manager->board, i);
    atomic_store(&manager->board.shared->drains, DRAINS_NOW);
    if (manager->agents)
        road_recall(manager, NULL);
}

static bool has_open_items(const struct manager *manager, uint64_t announced)
{
    struct post_claim claim;
    if (!post_announcement_read(&manager->board, announced, &claim))
        return false;
    const struct posting *posting = &manager->postings[claim.post];
    for (uint32_t item = claim.from; posting->ops && item < claim.from + claim.count; item++)
        if (item < posting->lease.items && !lease_has_ended(&posting->lease, item))
            return true;
    return false;
}

/* What somebody holds it has announced, or its note has come, or is kept by the worker: looked at in
 * this order, so that none slips through. */
static bool is_anything_held(struct manager *manager)
{
    uint64_t announced[BOARD_WORKERS_MAX + 1];
    bool held = road_is_laden(manager);
    for (int i = 1; i < manager->crew->here; i++) {
        announced[i] = post_announcement(&manager->board, i);
        held |= !manager->crew->member[i].dead && outbox_has_spilled(&manager->board, i);
    }
    collect_all_notes(manager);
    for (int i = 1; i < manager->crew->here; i++)
        held |= !manager->crew->member[i].dead && has_open_items(manager, announced[i]);
    return held;
}

void drain_look(struct manager *manager)
{
    if (!manager->setup.journal || manager->draining)
        return;
    const char *why = find_reason(manager);
    if (!why || (!manager_is_alone(manager) && atomic_load(&manager->board.shared->closing)))
        return;
    if (!manager_is_alone(manager)) {
        freeze(manager);
        queueing_close_all(manager); /* or who waits there for a task that does not start would never end */
        while (is_anything_held(manager))
            wait_for_items(manager, 1, CLOCK_NEVER);
    }
    manager->setup.leave(manager->setup.owner, why);
}
