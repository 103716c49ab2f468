/* Wishes of workers of other nodes where this manager is led itself: the queues stand on a board above. They
 * are passed on, and wait here, each by itself, for what becomes of them there. */
#include <stdlib.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "run/above.h"
#include "run/agent_wish.h"

static struct post_claim claim_of(const struct far_wish *wish)
{
    const struct agent_block *block = agent_find(wish->agent, wish->told.block);
    if (!block || !wish->told.count)
        return (struct post_claim){0};
    return (struct post_claim){block->post, block->from + wish->told.from, wish->told.count};
}

static bool pass(struct far_wish *wish)
{
    struct agents *pool = wish->agent->pool;
    const struct manager_setup *setup = &pool->manager->setup;
    uint64_t now = clock_ns();
    struct above_wish passed = {.worker = wish->told.worker,
                                .serial = wish->serial = ++pool->passed,
                                .told = wish->told,
                                .claim = claim_of(wish),
                                .item = wish->item};
    passed.told.patience_ns = wish->deadline == CLOCK_NEVER ? UINT64_MAX
                              : wish->deadline > now        ? wish->deadline - now
                                                            : 0;
    bool done = setup->above->wish(setup->led_by, &passed);
    if (done)
        wish->item = ARENA_NONE;
    return done;
}

void far_wish_pass(struct far_wish *wish)
{
    if (!pass(wish)) {
        far_wish_end(wish, RP_CLOSED);
        return;
    }
    *far_wish_place(wish->agent->pool, wish->told.worker) = wish;
    wish->agent->wishes++;
    far_wishes_free_what_is_behind(wish->agent);
}

void far_wish_pass_back(struct far_wish *wish)
{
    if (!pass(wish))
        parcel_mark_taken(&wish->agent->pool->manager->board, wish->item);
    free(wish);
}

bool road_meet(struct manager *manager, uint32_t worker, uint64_t serial, const struct road_met *met)
{
    struct agents *pool = manager->agents;
    struct far_wish *wish = pool ? *far_wish_place(pool, worker) : NULL;
    if (!wish || wish->serial != serial)
        return false;
    *far_wish_place(pool, worker) = NULL;
    wish->agent->wishes--;
    wish->item = met->item;
    wish->above = met->id;
    far_wish_end(wish, met->status);
    return true;
}

void far_wishes_forget(struct agents *pool)
{
    int others = pool->manager->crew->count - pool->manager->crew->here;
    for (int i = 0; i < others && pool->manager->setup.above; i++)
        free(pool->wish[i]);
}
