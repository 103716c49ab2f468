#include "board/outbox.h"

#include "base/futex.h"
#include "board/step.h"

static struct note *note_at(const struct board *board, int member, uint64_t position)
{
    return &board->notes[(uint64_t)member * OUTBOX_NOTES + position % OUTBOX_NOTES];
}

/* The manager's progress is looked up only where the ring seems full: its line is the manager's. */
static bool is_full(struct board *board, struct slot *slot)
{
    if (board->noted - board->taken < OUTBOX_NOTES)
        return false;
    board->taken = atomic_load(&slot->tail);
    return board->noted - board->taken == OUTBOX_NOTES;
}

bool outbox_put(struct board *board, const struct note *note)
{
    struct slot *slot = board_slot(board);
    if (is_full(board, slot))
        return false;
    *note_at(board, board->self, board->noted) = *note;
    STEP("note: written");
    atomic_store(&slot->head, ++board->noted);
    STEP("note: published");
    _Atomic uint64_t *ready = &board->shared->ready[board->self / 64];
    uint64_t bit = UINT64_C(1) << (board->self % 64);
    if (!(atomic_load(ready) & bit))
        atomic_fetch_or(ready, bit);
    STEP("note: ready");
    return true;
}

void outbox_wake_manager(struct board *board)
{
    if (!atomic_exchange(&board->shared->manager, 0))
        return;
    STEP("wake: word swapped");
    futex_wake(&board->shared->manager);
}

void outbox_notify(struct board *board, uint32_t items, bool urgent)
{
    if (!atomic_load(&board->shared->manager))
        return;
    STEP("notify: manager sleeps");
    /* Many small notes fill the ring before the items that the manager waits for have finished. */
    bool fills = board->noted % (OUTBOX_NOTES / 2) == 0;
    if (atomic_fetch_sub(&board->shared->awaited, (int64_t)items) <= (int64_t)items || urgent || fills)
        outbox_wake_manager(board);
}

void outbox_say_spilled(struct board *board, bool spilled)
{
    atomic_store(&board_slot(board)->spilled, spilled);
}

bool outbox_has_spilled(const struct board *board, int member)
{
    return atomic_load(&board->slot[member].spilled);
}

uint64_t outbox_ready(struct board *board, int word)
{
    return atomic_load(&board->shared->ready[word]) ? atomic_exchange(&board->shared->ready[word], 0) : 0;
}

struct outbox_span outbox_look(const struct board *board, int member)
{
    const struct slot *slot = &board->slot[member];
    return (struct outbox_span){.first = atomic_load_explicit(&slot->tail, memory_order_relaxed),
                                .end = atomic_load(&slot->head)};
}

const struct note *outbox_note(const struct board *board, int member, uint64_t position)
{
    return note_at(board, member, position);
}

void outbox_take(struct board *board, int member, uint64_t position)
{
    struct slot *slot = &board->slot[member];
    atomic_store(&slot->tail, position);
    if (atomic_load(&slot->spilled))
        roster_ring_member(board->roster, member);
}

void outbox_doze(struct board *board, uint64_t items)
{
    atomic_store(&board->shared->awaited, items > INT64_MAX ? INT64_MAX : (int64_t)items);
    atomic_store(&board->shared->manager, 1);
    STEP("manager: dozes");
}

void outbox_rouse(struct board *board)
{
    atomic_store(&board->shared->manager, 0);
}

void outbox_sleep(struct board *board, uint64_t deadline)
{
    STEP("manager: sleeps");
    while (atomic_load(&board->shared->manager))
        if (!futex_wait(&board->shared->manager, 1, deadline))
            break;
    outbox_rouse(board);
}

void outbox_sleep_with(struct board *board, _Atomic uint32_t *other, uint64_t deadline)
{
    _Atomic uint32_t *const words[] = {&board->shared->manager, other};
    STEP("manager: sleeps");
    futex_wait_all_set(words, 2, deadline);
    outbox_rouse(board);
}
