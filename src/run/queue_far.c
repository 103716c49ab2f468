/* Tasks of an outlying node at the manager's queues (board/wish.h). */
#include <string.h>

#include "base/clock.h"
#include "board/queue.h"
#include "board/wish.h"
#include "run/leader.h"
#include "run/queue_state.h"

#define LOOK_NS  UINT64_C(1000000000) /* between looks whether there is still anybody to ask */
#define SLICE_NS UINT64_C(5000000)    /* between looks for room for notes */

/* Nobody will meet a wish any more. */
static bool is_over(const struct board *board)
{
    return atomic_load(&board->shared->closing) || atomic_load(&board->roster->shared->quit) ||
           roster_is_orphaned(board->roster);
}

/* Who leads the node goes on with that while its own task waits. */
static void await(struct station *station)
{
    bool all_said = station_flush(station);
    if (station->leader)
        leader_rest(station->leader);
    else
        wish_sleep(&station->board, clock_ns() + (all_said ? LOOK_NS : SLICE_NS));
}

rp_status far_pass(struct station *station, enum queue_side side, uint64_t number, uint64_t *item,
                   uint64_t deadline)
{
    struct board *board = &station->board;
    queue_let_go(board);
    wish_make(board, side, number, *item, deadline);
    while (!wish_is_met(board) && !is_over(board))
        await(station);
    return wish_end(board, item);
}
