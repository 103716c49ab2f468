#define _GNU_SOURCE
#include "board/queue.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/spin.h"
#include "board/outbox.h"
#include "board/parcel.h"
#include "board/step.h"

/* ---- Numbers and states ------------------------------------------------------------------ */

#define LOOK_S      1.0 /* between looks whether the manager lives */
#define SERIAL_BITS 24
#define SERIAL_MAX  ((UINT64_C(1) << SERIAL_BITS) - 1)

_Static_assert(BOARD_QUEUES == 256, "a place has 8 bits of a queue's number");

static uint64_t number_of(const struct board *board, uint32_t place, uint64_t serial)
{
    return board->shared->id << 32 | serial << 8 | place;
}

static uint64_t serial_of(uint64_t number)
{
    return number >> 8 & SERIAL_MAX;
}

/* The place of a queue that is open or was; NULL: the number is none of this pool. */
static struct board_queue *find(const struct board *board, uint64_t number)
{
    uint32_t place = number & (BOARD_QUEUES - 1);
    if (number >> 32 != (board->shared->id & UINT32_MAX) || place >= atomic_load(&board->shared->queues_made))
        return NULL;
    struct board_queue *queue = &board->queue[place];
    uint64_t serial = serial_of(number);
    return serial && serial <= atomic_load(&queue->state) >> 1 ? queue : NULL;
}

static bool is_open(const struct board_queue *queue, uint64_t number)
{
    return atomic_load(&queue->state) == (serial_of(number) << 1 | 1);
}

rp_status queue_check(struct board *board, uint64_t number)
{
    const struct board_queue *queue = find(board, number);
    if (!queue)
        return RP_INVALID;
    return is_open(queue, number) ? RP_OK : RP_CLOSED;
}

static bool has_passage(const struct board_queue *queue, enum queue_side side)
{
    uint64_t count = atomic_load(&queue->count), capacity = atomic_load(&queue->capacity);
    return side == QUEUE_GET ? count > 0 : !capacity || count < capacity;
}

bool queue_lets_pass(struct board *board, uint64_t number, enum queue_side side)
{
    const struct board_queue *queue = find(board, number);
    return !queue || !is_open(queue, number) || has_passage(queue, side);
}

/* ---- The lock ---------------------------------------------------------------------------- */

/* All who wait come back: to count themselves again, or for what became of the queue. */
static void call_all(struct board *board, struct board_queue *queue)
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

static uint64_t next_of(const struct board *board, uint64_t item)
{
    return atomic_load(&parcel_head(board, item)->next);
}

/* The links are the truth. */
static void mend(struct board *board, struct board_queue *queue)
{
    uint64_t count = 0;
    queue->tail = 0;
    for (uint64_t item = atomic_load(&queue->head); item; item = next_of(board, item), count++)
        queue->tail = item;
    atomic_store(&queue->count, count);
    STEP("queue: mended");
    call_all(board, queue);
}

static void lock(struct board *board, struct board_queue *queue)
{
    int rc = pthread_mutex_lock(&queue->lock);
    assert(rc == 0 || rc == EOWNERDEAD);
    if (rc == EOWNERDEAD) {
        mend(board, queue);
        pthread_mutex_consistent(&queue->lock);
    }
    STEP("queue: locked");
}

static void unlock(struct board_queue *queue)
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
    uint64_t item = atomic_load(&queue->head), next = next_of(board, item);
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
    unlock(queue);
    sleep_at(board, &door->bell, bell, deadline);
    STEP("queue: came back");
    lock(board, queue);
    say_waits(board, passage->number, passage->side, false);
    if (epoch != door->epoch)
        return;
    door->waiting--;
    if (door->called)
        door->called--;
}

static void look_on(struct board *board, struct board_queue *queue, struct passage *passage)
{
    unlock(queue);
    spin_until(may_pass, passage);
    lock(board, queue);
}

/* With the lock: RP_OK once the side may pass. */
static rp_status wait_outside(struct board *board, struct board_queue *queue, struct passage *passage,
                              uint64_t deadline)
{
    for (bool looked = false;; looked = true) {
        if (!is_open(queue, passage->number) || roster_is_orphaned(board->roster))
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
    struct board_queue *queue = find(board, number);
    if (!queue)
        return RP_INVALID;
    lock(board, queue);
    rp_status status = wait_outside(board, queue, &passage, deadline);
    if (status) {
        unlock(queue);
        return status;
    }
    if (side == QUEUE_PUT)
        link_item(board, queue, *item);
    else
        *item = unlink_item(board, queue);
    struct queue_door *door = &queue->door[!side];
    struct calling calling = call_one(door);
    unlock(queue);
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

void queue_put_back(struct board *board, uint64_t number)
{
    struct board_queue *queue = find(board, number);
    uint64_t item = atomic_load(&board_slot(board)->held);
    lock(board, queue);
    if (is_open(queue, number)) {
        atomic_store(&parcel_head(board, item)->next, atomic_load(&queue->head));
        atomic_store(&queue->head, item);
        atomic_store(&board_slot(board)->held, 0);
        mend(board, queue);
    }
    unlock(queue);
    queue_let_go(board);
}

/* ---- The manager ------------------------------------------------------------------------- */

/* A robust mutex among processes. */
static int make_lock(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int rc = pthread_mutexattr_init(&attributes);
    if (rc)
        return rc;
    rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (!rc)
        rc = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (!rc)
        rc = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return rc;
}

/* A place that is free, or NULL. */
static struct board_queue *find_place(struct board *board, struct error *error)
{
    uint32_t made = atomic_load(&board->shared->queues_made);
    for (uint32_t i = 0; i < made; i++) {
        uint64_t state = atomic_load(&board->queue[i].state);
        if (!(state & 1) && state >> 1 < SERIAL_MAX)
            return &board->queue[i];
    }
    if (made == BOARD_QUEUES) {
        error_set(error, RP_UNSUPPORTED,
                  "%d queues are open in this pool: close one before another is opened", BOARD_QUEUES);
        return NULL;
    }
    if (make_lock(&board->queue[made].lock)) {
        error_set(error, RP_UNSUPPORTED,
                  "this system has no locks that survive a process, which queues need");
        return NULL;
    }
    atomic_store(&board->shared->queues_made, made + 1);
    return &board->queue[made];
}

rp_status queue_open(struct board *board, size_t capacity, uint64_t *number, struct error *error)
{
    struct board_queue *queue = find_place(board, error);
    if (!queue)
        return RP_UNSUPPORTED;
    lock(board, queue);
    uint64_t serial = (atomic_load(&queue->state) >> 1) + 1;
    atomic_store(&queue->capacity, capacity);
    queue->door[QUEUE_GET].manager = queue->door[QUEUE_PUT].manager = false;
    atomic_store(&queue->state, serial << 1 | 1);
    unlock(queue);
    *number = number_of(board, (uint32_t)(queue - board->queue), serial);
    return RP_OK;
}

void queue_close(struct board *board, uint64_t number)
{
    struct board_queue *queue = find(board, number);
    if (!queue)
        return;
    lock(board, queue);
    uint64_t item = 0;
    if (is_open(queue, number)) {
        item = atomic_exchange(&queue->head, 0);
        queue->tail = 0;
        atomic_store(&queue->count, 0);
        atomic_store(&queue->state, serial_of(number) << 1);
        call_all(board, queue);
    }
    unlock(queue);
    for (uint64_t next; item; item = next) {
        next = next_of(board, item);
        parcel_mark_taken(board, item);
    }
}

void queue_attend(struct board *board, uint64_t number, enum queue_side side, bool waits)
{
    struct board_queue *queue = find(board, number);
    if (!queue)
        return;
    lock(board, queue);
    if (is_open(queue, number))
        queue->door[side].manager = waits;
    unlock(queue);
}

void queues_shake(struct board *board, int member)
{
    uint64_t held = atomic_exchange(&board->slot[member].held, 0);
    if (held)
        parcel_mark_taken(board, held);
    for (uint32_t i = 0; i < atomic_load(&board->shared->queues_made); i++) {
        lock(board, &board->queue[i]);
        call_all(board, &board->queue[i]);
        unlock(&board->queue[i]);
    }
}
