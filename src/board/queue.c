#define _GNU_SOURCE
#include "board/queue_state.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/spin.h"
#include "board/outbox.h"
#include "board/step.h"

#define LOOK_S 1.0 /* between looks whether the manager lives */

/* ---- Numbers and states ------------------------------------------------------------------ */

struct board_queue *queue_find(const struct board *board, uint64_t number)
{
    uint32_t place = number & (BOARD_QUEUES - 1);
    if (number >> 32 != (board->shared->id & UINT32_MAX) || place >= atomic_load(&board->shared->queues_made))
        return NULL;
    struct board_queue *queue = &board->queue[place];
    uint64_t serial = queue_serial(number);
    return serial && serial <= atomic_load(&queue->state) >> 1 ? queue : NULL;
}

rp_status queue_check(struct board *board, uint64_t number)
{
    const struct board_queue *queue = queue_find(board, number);
    if (!queue)
        return RP_INVALID;
    return queue_is_open(queue, number) ? RP_OK : RP_CLOSED;
}

static bool has_passage(const struct board_queue *queue, enum queue_side side)
{
    uint64_t count = atomic_load(&queue->count), capacity = atomic_load(&queue->capacity);
    return side == QUEUE_GET ? count > 0 : !capacity || count < capacity;
}

bool queue_lets_pass(const struct board *board, uint64_t number, enum queue_side side)
{
    const struct board_queue *queue = queue_find(board, number);
    return !queue || !queue_is_open(queue, number) || has_passage(queue, side);
}

/* ---- The lock ---------------------------------------------------------------------------- */

void queue_call_all(struct board *board, struct board_queue *queue)
{
    bool manager = false;
    for (int side = 0; side < 2; side++) {
        struct queue_door *door = &queue->door[side];
        door->waiting = door->called = 0;
        door->epoch++;
        manager |= door->manager;
        atomic_fetch_add(&door->bell, 1);
        futex_wake_all(&door->bell);
    }
    if (manager)
        outbox_wake_manager(board);
}

void queue_mend(struct board *board, struct board_queue *queue)
{
    uint64_t count = 0;
    queue->tail = 0;
    for (uint64_t item = atomic_load(&queue->head); item; item = queue_next(board, item), count++)
        queue->tail = item;
    atomic_store(&queue->count, count);
    STEP("queue: mended");
    queue_call_all(board, queue);
}

void queue_lock(struct board *board, struct board_queue *queue)
{
    int rc = pthread_mutex_lock(&queue->lock);
    assert(rc == 0 || rc == EOWNERDEAD);
    if (rc == EOWNERDEAD) {
        queue_mend(board, queue);
        pthread_mutex_consistent(&queue->lock);
    }
    STEP("queue: locked");
}

void queue_unlock(struct board_queue *queue)
{
    pthread_mutex_unlock(&queue->lock);
    STEP("queue: unlocked");
}

/* ---- Items ------------------------------------------------------------------------------- */

static void link_item(struct board *board, struct board_queue *queue, uint64_t item)
{
    atomic_store(&parcel_head(board, item)->next, 0);
    atomic_store(queue->tail ? &parcel_head(board, queue->tail)->next : &queue->head, item);
    STEP("queue: linked");
    queue->tail = item;
    atomic_store(&queue->count, atomic_load(&queue->count) + 1);
    STEP("queue: put");
}

/* The slot says what this process looks at: if it dies, the item's owner gets the memory back. */
static uint64_t unlink_item(struct board *board, struct board_queue *queue)
{
    uint64_t item = atomic_load(&queue->head), next = queue_next(board, item);
    atomic_store(&queue->head, next);
    STEP("queue: unlinked");
    atomic_store(&board_slot(board)->held, item);
    if (!next)
        queue->tail = 0;
    atomic_store(&queue->count, atomic_load(&queue->count) - 1);
    STEP("queue: got");
    return item;
}

/* ---- Doors ------------------------------------------------------------------------------- */

/* Whom to wake once the lock is free. */
struct calling {
    bool one, manager;
};

static struct calling call_one(struct queue_door *door)
{
    struct calling calling = {.one = door->called < door->waiting, .manager = door->manager};
    if (calling.one) {
        door->called++;
        atomic_fetch_add(&door->bell, 1);
        STEP("queue: called");
    }
    return calling;
}

static void wake(struct board *board, struct queue_door *door, struct calling calling)
{
    if (calling.one)
        futex_wake(&door->bell);
    if (calling.manager)
        outbox_wake_manager(board);
}

struct passage {
    struct board *board;
    uint64_t number;
    enum queue_side side;
};

static bool may_pass(void *state)
{
    const struct passage *passage = state;
    return queue_lets_pass(passage->board, passage->number, passage->side);
}

static void say_waits(struct board *board, uint64_t number, enum queue_side side, bool waits)
{
    struct slot *slot = board_slot(board);
    uint64_t before = atomic_load(&slot->waits);
    if (waits)
        atomic_store(&slot->waits_for, number << 1 | side);
    if (waits != (before & 1))
        atomic_store(&slot->waits, before + 1);
}

/* Until the bell is rung, or time is up. Nobody rings for a manager that died, who alone closes queues. */
static void sleep_at(const struct board *board, _Atomic uint32_t *bell, uint32_t value, uint64_t deadline)
{
    uint64_t tick;
    do {
        tick = clock_deadline(LOOK_S);
        tick = tick < deadline ? tick : deadline;
    } while (!futex_wait(bell, value, tick) && tick < deadline && !roster_is_orphaned(board->roster));
}

uint64_t queue_waits(const struct board *board, int member)
{
    const struct slot *slot = &board->slot[member];
    uint64_t waits = atomic_load(&slot->waits), at = atomic_load(&slot->waits_for);
    bool may_move = queue_lets_pass(board, at >> 1, at & 1 ? QUEUE_PUT : QUEUE_GET);
    return waits & 1 && !may_move ? waits : 0;
}

/* Everybody else who runs something waits, too: whether anybody will ever move is the manager's to see. Who
 * was called, and is not awake yet, will be the last one, or will move. */
static bool is_last_to_wait(const struct board *board)
{
    for (uint32_t i = 1; i < board->shared->members; i++)
        if (atomic_load(&board->slot[i].announce) && !queue_waits(board, (int)i))
            return false;
    return true;
}

/* With the lock, which is given up meanwhile. */
static void sleep_outside(struct board *board, struct board_queue *queue, const struct passage *passage,
                          uint64_t deadline)
{
    struct queue_door *door = &queue->door[passage->side];
    uint32_t epoch = door->epoch, bell = atomic_load(&door->bell);
    door->waiting++;
    if (deadline == CLOCK_NEVER)
        say_waits(board, passage->number, passage->side, true);
    STEP("queue: waits");
    queue_unlock(queue);
    if (deadline == CLOCK_NEVER && is_last_to_wait(board)) {
        atomic_fetch_add(&board->shared->stood, 1);
        outbox_wake_manager(board);
    }
    sleep_at(board, &door->bell, bell, deadline);
    STEP("queue: came back");
    queue_lock(board, queue);
    say_waits(board, passage->number, passage->side, false);
    if (epoch != door->epoch)
        return;
    door->waiting--;
    if (door->called)
        door->called--;
}

static void look_on(struct board *board, struct board_queue *queue, struct passage *passage)
{
    queue_unlock(queue);
    spin_until(may_pass, passage);
    queue_lock(board, queue);
}

/* With the lock: RP_OK once the side may pass. */
static rp_status wait_outside(struct board *board, struct board_queue *queue, struct passage *passage,
                              uint64_t deadline)
{
    for (bool looked = false;; looked = true) {
        if (!queue_is_open(queue, passage->number) || roster_is_orphaned(board->roster))
            return RP_CLOSED;
        if (has_passage(queue, passage->side))
            return RP_OK;
        if (clock_has_passed(deadline))
            return RP_TIMEOUT;
        if (looked)
            sleep_outside(board, queue, passage, deadline);
        else
            look_on(board, queue, passage);
    }
}

static rp_status pass(struct board *board, uint64_t number, enum queue_side side, uint64_t *item,
                      uint64_t deadline)
{
    struct passage passage = {board, number, side};
    struct board_queue *queue = queue_find(board, number);
    if (!queue)
        return RP_INVALID;
    queue_lock(board, queue);
    rp_status status = wait_outside(board, queue, &passage, deadline);
    if (status) {
        queue_unlock(queue);
        return status;
    }
    if (side == QUEUE_PUT)
        link_item(board, queue, *item);
    else
        *item = unlink_item(board, queue);
    struct queue_door *door = &queue->door[!side];
    struct calling calling = call_one(door);
    queue_unlock(queue);
    wake(board, door, calling);
    return RP_OK;
}

rp_status queue_put(struct board *board, uint64_t number, uint64_t item, uint64_t deadline)
{
    return pass(board, number, QUEUE_PUT, &item, deadline);
}

void queue_let_go(struct board *board)
{
    _Atomic uint64_t *held = &board_slot(board)->held;
    if (!atomic_load_explicit(held, memory_order_relaxed))
        return;
    parcel_mark_taken(board, atomic_load(held));
    atomic_store(held, 0);
}

rp_status queue_get(struct board *board, uint64_t number, uint64_t *item, uint64_t deadline)
{
    queue_let_go(board);
    return pass(board, number, QUEUE_GET, item, deadline);
}
