#include "sched/freight.h"

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What its workers have however long the items are, of which its bytes hold so many. */
static uint64_t least(const struct freight *freight, uint64_t items)
{
    uint64_t workers = freight->workers, beside = workers + 2;
    return workers + (freight->nodes > 1 ? lesser(beside, items) : beside);
}

uint64_t freight_room(const struct freight *freight)
{
    double way = 2 * freight->trip * freight->speed * (double)freight->each;
    uint64_t near = freight->nodes * FREIGHT_NEAR, far = freight->nodes * FREIGHT_FAR;
    uint64_t items = (way < (double)far ? greater(near, (uint64_t)way) : far) / freight->each;
    uint64_t most = greater(least(freight, items), items);
    uint64_t room = most > freight->in_flight ? most - freight->in_flight : 0;
    return room < freight->block / freight->each ? 0 : room;
}
