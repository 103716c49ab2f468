#include "run/standstill.h"

#include "board/queue.h"
#include "board/wish.h"
#include "run/road.h"

static uint64_t waits_of(const struct manager *manager, int worker)
{
    if (manager->setup.outlying)
        return wish_waits(&manager->board, worker);
    return queue_waits(&manager->board, worker);
}

/* What each has counts its waits, so that the sum of them is as good. */
uint64_t standstill_of(const struct manager *manager)
{
    uint64_t sum = 0;
    bool may_wait = manager->setup.outlying || manager->queues;
    for (int i = manager->setup.outlying ? 2 : 1; may_wait && i < manager->crew->here; i++) {
        uint64_t waits = manager_has(manager, i) ? waits_of(manager, i) : 0;
        may_wait = waits || !manager_has(manager, i);
        sum += waits;
    }
    return may_wait && (!manager->agents || road_stands(manager, &sum)) ? sum : 0;
}
