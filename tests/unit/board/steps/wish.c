/* A wish at a queue that is given up just when it is met. */
#include "board/wish.h"

#include <string.h>

#include "base/clock.h"
#include "board/arena.h"
#include "board/crowd.h"
#include "board/step.h"
#include "check.h"

enum { WORKER = 1, ITEM = 64, OTHER = 128 };

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

/* The leader has looked whether the first one is open, and answers only now. */
TEST_CASE(an_answer_to_a_wish_that_was_given_up_changes_nothing_of_the_next_one)
{
    struct crowd all;
    uint64_t item = ARENA_NONE;
    crowd_open(&all, 1);
    struct board *leader = &all.board[0], *worker = &all.board[WORKER];
    wish_make(worker, QUEUE_GET, 1, ARENA_NONE, CLOCK_NEVER);
    CHECK(wish_take(leader, WORKER));
    CHECK_STATUS(wish_end(worker, &item), RP_CLOSED);
    wish_make(worker, QUEUE_PUT, 1, OTHER, CLOCK_NEVER);
    CHECK(!wish_meet(leader, WORKER, RP_OK, ITEM));
    CHECK(wish_take(leader, WORKER));
    CHECK_UINT(leader->slot[WORKER].wish.item, OTHER);
    CHECK(wish_meet(leader, WORKER, RP_TIMEOUT, ARENA_NONE));
    CHECK_STATUS(wish_end(worker, &item), RP_TIMEOUT);
    crowd_close(&all);
}
