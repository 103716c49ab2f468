#include "run/wait.h"

#include "base/clock.h"
#include "base/spin.h"
#include "board/outbox.h"
#include "run/recover.h"
#include "run/watch.h"

#define TICK_S 0.1 /* between looks at the workers and the progress while asleep */

static bool anything_ready(void *state)
{
    struct manager *manager = state;
    for (int word = 0; word <= (manager->crew->count - 1) / 64; word++)
        if (atomic_load(&manager->board.shared->ready[word]))
            return true;
    return false;
}

void wait_for_items(struct manager *manager, uint64_t items, uint64_t deadline)
{
    if (items <= 1 && spin_until(anything_ready, manager))
        return;
    outbox_doze(&manager->board, items);
    if (anything_ready(manager)) {
        outbox_rouse(&manager->board);
        return;
    }
    uint64_t tick = clock_deadline(TICK_S);
    outbox_sleep(&manager->board, tick < deadline ? tick : deadline);
    for (int dead; (dead = watch_dead(manager->watch));)
        recover_from_death(manager, dead);
    if (manager->suspect)
        recover_lost(manager);
}
