#include "board/wish.h"

#include "base/clock.h"
#include "base/futex.h"
#include "board/arena.h"
#include "board/outbox.h"
#include "board/step.h"

enum wish_state { WISH_NONE, WISH_MADE, WISH_TAKEN, WISH_MET };

void wish_make(struct board *board, enum queue_side side, uint64_t queue, uint64_t item, uint64_t deadline)
{
    struct wish *wish = &board_slot(board)->wish;
    wish->side = side;
    wish->queue = queue;
    wish->item = item;
    wish->deadline = deadline;
    wish->serial++;
    atomic_store(&wish->state, WISH_MADE);
    atomic_fetch_or(&board->shared->wished[board->self / 64], UINT64_C(1) << (board->self % 64));
    outbox_wake_manager(board);
}

bool wish_is_met(const struct board *board)
{
    return atomic_load(&board_slot(board)->wish.state) == WISH_MET;
}

void wish_sleep(struct board *board, uint64_t until)
{
    _Atomic uint32_t *state = &board_slot(board)->wish.state;
    uint32_t now = atomic_load(state);
    if (now != WISH_MET)
        futex_wait(state, now, until);
}

/* It holds the item before the wish is over, also where it is met only now: one that dies in between leaves
 * both, and wish_was_left gives it back. */
rp_status wish_end(struct board *board, uint64_t *item)
{
    struct slot *slot = board_slot(board);
    struct wish *wish = &slot->wish;
    uint32_t state = atomic_load(&wish->state);
    while (state != WISH_MET) {
        STEP("wish: not met");
        if (atomic_compare_exchange_strong(&wish->state, &state, WISH_NONE))
            return RP_CLOSED;
    }
    if (!wish->status && wish->side == QUEUE_GET)
        atomic_store(&slot->held, *item = wish->got);
    atomic_store(&wish->state, WISH_NONE);
    STEP("wish: over");
    return (rp_status)wish->status;
}

uint64_t wish_look(struct board *board, int word)
{
    _Atomic uint64_t *wished = &board->shared->wished[word];
    return atomic_load(wished) ? atomic_exchange(wished, 0) : 0;
}

bool wish_take(struct board *board, int member)
{
    uint32_t made = WISH_MADE;
    return atomic_compare_exchange_strong(&board->slot[member].wish.state, &made, WISH_TAKEN);
}

bool wish_is_open(const struct board *board, int member, uint64_t serial)
{
    const struct wish *wish = &board->slot[member].wish;
    return atomic_load(&wish->state) == WISH_TAKEN && wish->serial == serial;
}

uint64_t wish_waits(const struct board *board, int member)
{
    const struct wish *wish = &board->slot[member].wish;
    uint32_t state = atomic_load(&wish->state);
    bool waits = state == WISH_MADE || state == WISH_TAKEN;
    return waits && wish->deadline == CLOCK_NEVER ? wish->serial : 0;
}

bool wish_meet(struct board *board, int member, rp_status status, uint64_t item)
{
    struct slot *slot = &board->slot[member];
    uint32_t taken = WISH_TAKEN;
    slot->wish.status = status;
    slot->wish.got = item;
    if (!atomic_compare_exchange_strong(&slot->wish.state, &taken, WISH_MET))
        return false;
    futex_wake_all(&slot->wish.state);
    return true;
}

bool wish_was_left(struct board *board, int member, uint64_t *item)
{
    struct wish *wish = &board->slot[member].wish;
    if (atomic_exchange(&wish->state, WISH_NONE) != WISH_MET || wish->status || wish->side != QUEUE_GET)
        return false;
    *item = wish->got;
    atomic_store(&board->slot[member].held, 0);
    return true;
}
