/* Whether the process that leads the node leaves what is for all to the others there, and whether it is
 * called for all the same: single tasks lie there, which those that run may wait for, and nobody comes for
 * them. While it runs one it is deaf, and the node gets nothing: so somebody who has nothing to do, and is
 * only slow, is waited for. Those whom it leads get nothing either, and nobody hears of them: so it comes
 * after all of them. */
#include "base/clock.h"
#include "run/relay_state.h"
#include "run/road.h"

#define SLOW_NS UINT64_C(1000000000) /* who has not come by then has stopped, or is busy elsewhere */

/* Whether a worker is to be left the items that it can run. Where each serves when it wants, it has to be
 * seen to. */
static bool is_to_be_left(const struct relay *relay, int member)
{
    uint32_t state = atomic_load(&relay->manager.board.slot[member].state);
    return manager_has(&relay->manager, member) &&
           (!relay->home->visits || state == SLOT_ENTERING || state == SLOT_READY);
}

static bool lies_single(const struct manager *manager)
{
    return manager->lying && post_is_single(manager->unclaimed.post);
}

/* Nothing that it has announced: it runs nothing. */
static bool is_free(const struct relay *relay, int member)
{
    return is_to_be_left(relay, member) && !post_announcement(&relay->manager.board, member);
}

bool relay_has_others(const struct relay *relay)
{
    for (int i = 2; i < relay->manager.crew->here; i++)
        if (is_to_be_left(relay, i))
            return true;
    return false;
}

void relay_look_around(struct relay *relay)
{
    bool leads = relay->manager.agents && !road_is_deserted(&relay->manager);
    relay->aloof = leads || relay_has_others(relay);
    if (!relay->aloof || !lies_single(&relay->manager))
        relay->called = 0;
    else if (!relay->called)
        relay->called = clock_ns();
}

bool relay_is_aloof(const struct relay *relay)
{
    return relay->aloof;
}

bool relay_is_called(const struct relay *relay)
{
    bool late = relay->called && clock_has_passed(relay->called + SLOW_NS);
    if (!relay->called || (relay->manager.agents && !road_is_busy(&relay->manager, late)))
        return false;
    for (int i = 2; i < relay->manager.crew->here && !late; i++)
        if (is_free(relay, i))
            return false;
    return true;
}
