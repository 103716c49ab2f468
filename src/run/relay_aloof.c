/* Whether the process that leads the node leaves what is for all to the others there, and whether it is
 * called for all the same: single tasks lie there, which those that run may wait for, and nobody comes for
 * them. While it runs one it is deaf, and the node gets nothing: so somebody who has nothing to do, and is
 * only slow, is waited for. */
#include "base/clock.h"
#include "run/relay_state.h"

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

void relay_look_around(struct relay *relay)
{
    relay->aloof = false;
    for (int i = 2; i < relay->manager.crew->here; i++)
        relay->aloof |= is_to_be_left(relay, i);
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
    if (!relay->called || clock_has_passed(relay->called + SLOW_NS))
        return relay->called;
    for (int i = 2; i < relay->manager.crew->here; i++)
        if (is_free(relay, i))
            return false;
    return true;
}
