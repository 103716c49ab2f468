#include "sched/freight.h"

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t freight_room(const struct freight *freight)
{
    double way = 2 * freight->trip * freight->speed * (double)freight->each;
    uint64_t bytes = way < (double)FREIGHT_FAR ? greater(FREIGHT_NEAR, (uint64_t)way) : FREIGHT_FAR;
    uint64_t most = greater(2 * (uint64_t)freight->workers + 2, bytes / freight->each);
    uint64_t room = most > freight->in_flight ? most - freight->in_flight : 0;
    return room < freight->block / freight->each ? 0 : room;
}
