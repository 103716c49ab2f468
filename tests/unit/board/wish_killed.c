/* Workers of another node that die at any instruction of a wish at a queue: what they were to get either is
 * with them, or is still there to be given back, and never both. */
#include "board/wish.h"

#include "base/clock.h"
#include "board/queue.h"
#include "check.h"
#include "queue_hall.h"
#include "stepped.h"

enum { VICTIM = 1 };

struct scene {
    struct queue_hall hall; /* for its members and parcels: the queue is elsewhere */
    uint64_t item;          /* that the leader has for it */
    rp_status status;
    bool taken, met;
};

static void wait_to_get(void *state)
{
    struct scene *scene = state;
    struct board *board = &scene->hall.crowd.board[VICTIM];
    uint64_t item = ARENA_NONE;
    wish_make(board, QUEUE_GET, 1, ARENA_NONE, CLOCK_NEVER);
    while (!wish_is_met(board))
        wish_sleep(board, CLOCK_NEVER);
    if (!wish_end(board, &item))
        queue_let_go(board);
}

/* What the leader does, whenever there is anything to do. */
static void lead(void *state)
{
    struct scene *scene = state;
    struct board *board = &scene->hall.crowd.board[0];
    if (!scene->taken && wish_look(board, 0))
        scene->taken = wish_take(board, VICTIM);
    if (!scene->taken || scene->met)
        return;
    wish_meet(board, VICTIM, scene->status, scene->status ? ARENA_NONE : scene->item);
    scene->met = true;
}

static void kill_one(struct scene *scene, rp_status status, long instructions, bool *killed)
{
    struct board *board = &scene->hall.crowd.board[0];
    uint64_t item = ARENA_NONE;
    scene->item = parcel_take(&scene->hall.parcels[0], 100);
    scene->status = status;
    scene->taken = scene->met = false;
    REQUIRE(scene->item != ARENA_NONE);
    *killed = stepped_kill(wait_to_get, lead, scene, instructions);
    bool left = wish_was_left(board, VICTIM, &item), held = atomic_load(&board->slot[VICTIM].held);
    CHECK(!left || item == scene->item);
    CHECK(!(left && held));
    bool given = scene->met && !status;
    if (!given)
        CHECK(!left && !held);
    else if (*killed && !left && !held) /* the task has let go of it */
        CHECK(parcel_head(board, scene->item)->taken);
    if (given && left)
        CHECK(!parcel_head(board, scene->item)->taken);
    CHECK(!wish_was_left(board, VICTIM, &item));
    if (!given || left)
        parcel_mark_taken(board, scene->item);
    queues_shake(board, VICTIM); /* frees what it held */
    wish_look(board, 0);
}

TEST_CASE(what_one_that_is_killed_at_any_instruction_was_to_get_is_with_it_or_is_given_back)
{
    static const rp_status answers[] = {RP_OK, RP_TIMEOUT};
    struct scene scene = {.taken = false};
    check_seconds(100);
    hall_open(&scene.hall, 2, 4);
    for (int i = 0; i < 2; i++) {
        long instructions = 0;
        for (bool killed = true; killed; instructions += STRIDE > 5 ? 7 : 1) {
            check_note("after %ld instructions", instructions);
            kill_one(&scene, answers[i], instructions, &killed);
        }
        CHECK(instructions > 50);
    }
    check_note("%s", "");
    hall_close(&scene.hall);
}

TEST_CASE(a_wish_that_time_ends_is_none_that_waits)
{
    struct queue_hall hall;
    uint64_t item = ARENA_NONE;
    hall_open(&hall, 1, 0);
    struct board *board = &hall.crowd.board[VICTIM];
    for (int i = 0; i < 2; i++) {
        wish_make(board, QUEUE_GET, 1, ARENA_NONE, i ? CLOCK_NEVER : clock_deadline(60));
        CHECK_INT(wish_waits(&hall.crowd.board[0], VICTIM) > 0, i);
        CHECK_STATUS(wish_end(board, &item), RP_CLOSED);
    }
    hall_close(&hall);
}
