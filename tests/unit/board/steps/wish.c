/* A wish at a queue that is given up just when it is met. */
#include "board/wish.h"

#include <string.h>

#include "base/clock.h"
#include "board/arena.h"
#include "board/crowd.h"
#include "board/step.h"
#include "check.h"

enum { WORKER = 1, ITEM = 64 };

static struct crowd *crowd;
static uint64_t held_when_over;

static void meet_it(const char *place)
{
    struct board *leader = &crowd->board[0];
    if (!strcmp(place, "wish: not met"))
        wish_meet(leader, WORKER, RP_OK, ITEM);
    else if (!strcmp(place, "wish: over"))
        held_when_over = atomic_load(&leader->slot[WORKER].held);
}

/* Or it would be lost with one that dies at this step. */
TEST_CASE(an_item_that_comes_while_its_wish_is_given_up_is_held_before_the_wish_is_over)
{
    struct crowd all;
    uint64_t item = ARENA_NONE;
    void (*usual)(const char *place) = board_step;
    crowd_open(&all, 1);
    crowd = &all;
    wish_make(&all.board[WORKER], QUEUE_GET, 1, ARENA_NONE, CLOCK_NEVER);
    CHECK_UINT(wish_look(&all.board[0], 0), 1 << WORKER);
    CHECK(wish_take(&all.board[0], WORKER));
    board_step = meet_it;
    CHECK_STATUS(wish_end(&all.board[WORKER], &item), RP_OK);
    board_step = usual;
    CHECK_UINT(item, ITEM);
    CHECK_UINT(held_when_over, ITEM);
    crowd_close(&all);
}
