/* Queues among threads that really sleep: each item is got once, in order, and nobody sleeps through
 * a call. A lost wake is a hang, which the case's time ends. */
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "board/outbox.h"
#include "check.h"
#include "queue_hall.h"

enum { ITEMS_MAX = 200000 };

struct floor {
    struct queue_hall hall;
    uint64_t each;      /* items that a producer puts */
    uint64_t producers; /* members 1..; the others consume */
    bool hurried;       /* they wait with short limits, and try again */
    uint32_t dawdle;    /* nanoseconds, at random, between two items */
    _Atomic uint8_t got[ITEMS_MAX];
    _Atomic uint64_t taken, wakes;
};

struct actor {
    struct floor *floor;
    int member;
    uint32_t random;
    pthread_t thread;
};

static void dawdle(struct actor *actor)
{
    if (!actor->floor->dawdle)
        return;
    actor->random = actor->random * 1664525u + 1013904223u;
    uint64_t until = clock_ns() + (actor->random >> 8) % actor->floor->dawdle;
    while (clock_ns() < until)
        continue;
}

static uint64_t limit(const struct actor *actor)
{
    return actor->floor->hurried ? clock_ns() + 30000 : CLOCK_NEVER;
}

static void *produce(void *argument)
{
    struct actor *actor = argument;
    struct floor *floor = actor->floor;
    uint64_t first = (uint64_t)(actor->member - 1) * floor->each;
    for (uint64_t i = first; i < first + floor->each; i++) {
        rp_status status;
        while ((status = hall_put(&floor->hall, actor->member, i, limit(actor))) == RP_TIMEOUT ||
               status == RP_NO_MEMORY)
            sched_yield();
        CHECK_STATUS(status, RP_OK);
        dawdle(actor);
    }
    return NULL;
}

/* Items of one producer reach a consumer in order. */
static void *consume(void *argument)
{
    struct actor *actor = argument;
    struct floor *floor = actor->floor;
    uint64_t last[CROWD_MAX] = {0}, value;
    for (rp_status status;;) {
        while ((status = hall_get(&floor->hall, actor->member, &value, limit(actor))) == RP_TIMEOUT)
            continue;
        if (status)
            return CHECK_STATUS(status, RP_CLOSED), NULL;
        CHECK(value + 1 > last[value / floor->each]);
        last[value / floor->each] = value + 1;
        atomic_fetch_add(&floor->got[value], 1);
        atomic_fetch_add(&floor->taken, 1);
        dawdle(actor);
    }
}

static void run(size_t capacity, uint64_t producers, int consumers, uint64_t items, bool hurried,
                uint32_t dawdle_ns)
{
    struct actor actors[CROWD_MAX + 1];
    struct floor *floor = calloc(1, sizeof *floor);
    REQUIRE(floor);
    check_seconds(40);
    floor->producers = producers;
    floor->each = TIMES(items) / producers;
    floor->hurried = hurried;
    floor->dawdle = dawdle_ns;
    int members = (int)producers + consumers;
    hall_open(&floor->hall, members, capacity);
    for (int i = 1; i <= members; i++) {
        actors[i] = (struct actor){.floor = floor, .member = i, .random = (uint32_t)i};
        REQUIRE(pthread_create(&actors[i].thread, NULL, i <= (int)producers ? produce : consume,
                               &actors[i]) == 0);
    }
    for (int i = 1; i <= (int)producers; i++)
        pthread_join(actors[i].thread, NULL);
    while (atomic_load(&floor->taken) < floor->each * producers)
        sched_yield();
    queue_close(&floor->hall.crowd.board[0], floor->hall.number);
    for (int i = (int)producers + 1; i <= members; i++)
        pthread_join(actors[i].thread, NULL);
    for (uint64_t i = 0; i < floor->each * producers; i++)
        if (!CHECK_INT(floor->got[i], 1))
            break;
    hall_close(&floor->hall);
    free(floor);
}

TEST_CASE(one_producer_and_one_consumer)
{
    run(0, 1, 1, 100000, false, 0);
}

TEST_CASE(one_producer_and_one_consumer_with_room_for_one)
{
    run(1, 1, 1, 20000, false, 0);
}

TEST_CASE(many_producers_and_consumers_with_room_for_one)
{
    run(1, 4, 4, 20000, false, 0);
}

TEST_CASE(many_producers_and_consumers_with_some_room)
{
    run(7, 4, 4, 60000, false, 0);
}

TEST_CASE(many_producers_and_one_consumer)
{
    run(3, 7, 1, 40000, false, 0);
}

TEST_CASE(one_producer_and_many_consumers)
{
    run(3, 1, 7, 40000, false, 0);
}

TEST_CASE(with_gaps_in_which_everybody_falls_asleep)
{
    run(2, 2, 2, 8000, false, 60000);
}

TEST_CASE(waits_that_run_out_take_no_call_from_others)
{
    run(2, 3, 3, 8000, true, 60000);
}

/* ---- Doors ------------------------------------------------------------------------------------ */

static void await_waiting(struct queue_hall *hall, enum queue_side side, uint32_t count)
{
    while (hall_waiting(hall, side) != count)
        sched_yield();
}

struct wait {
    struct queue_hall *hall;
    int member;
    bool puts;
    rp_status status;
    uint64_t value;
    pthread_t thread;
};

static void *wait_once(void *argument)
{
    struct wait *wait = argument;
    wait->status = wait->puts ? hall_put(wait->hall, wait->member, 100 + (uint64_t)wait->member, CLOCK_NEVER)
                              : hall_get(wait->hall, wait->member, &wait->value, CLOCK_NEVER);
    return NULL;
}

static void start_waits(struct queue_hall *hall, struct wait *waits, int count, bool puts)
{
    for (int i = 0; i < count; i++) {
        waits[i] = (struct wait){.hall = hall, .member = i + 1, .puts = puts};
        REQUIRE(pthread_create(&waits[i].thread, NULL, wait_once, &waits[i]) == 0);
        await_waiting(hall, puts ? QUEUE_PUT : QUEUE_GET, (uint32_t)i + 1);
    }
}

TEST_CASE(each_put_wakes_one_that_waits_and_each_get_too)
{
    enum { N = 5 };
    struct queue_hall hall;
    struct wait waits[N];
    uint64_t sum = 0, value;
    hall_open(&hall, N, 1);
    start_waits(&hall, waits, N, false);
    for (uint64_t i = 0; i < N; i++)
        CHECK_STATUS(hall_put(&hall, 0, i, CLOCK_NEVER), RP_OK);
    for (int i = 0; i < N; i++) {
        pthread_join(waits[i].thread, NULL);
        CHECK_STATUS(waits[i].status, RP_OK);
        sum += waits[i].value;
    }
    CHECK_UINT(sum, 0 + 1 + 2 + 3 + 4);
    CHECK_STATUS(hall_put(&hall, 0, 50, 0), RP_OK);
    start_waits(&hall, waits, N, true);
    for (int i = 0; i <= N; i++)
        CHECK_STATUS(hall_get(&hall, 0, &value, CLOCK_NEVER), RP_OK);
    for (int i = 0; i < N; i++) {
        pthread_join(waits[i].thread, NULL);
        CHECK_STATUS(waits[i].status, RP_OK);
    }
    CHECK_UINT(hall_waiting(&hall, QUEUE_GET), 0);
    CHECK_UINT(hall_waiting(&hall, QUEUE_PUT), 0);
    hall_close(&hall);
}

TEST_CASE(closing_wakes_all_and_a_later_queue_in_the_same_place_counts_anew)
{
    enum { N = 5 };
    struct queue_hall hall;
    struct error error;
    struct wait waits[N];
    hall_open(&hall, N, 1);
    for (int round = 0; round < 20; round++) {
        bool puts = round % 2;
        if (puts)
            CHECK_STATUS(hall_put(&hall, 0, 1, 0), RP_OK);
        start_waits(&hall, waits, N, puts);
        queue_close(&hall.crowd.board[0], hall.number);
        REQUIRE_STATUS(queue_open(&hall.crowd.board[0], 1, &hall.number, &error), RP_OK);
        CHECK_STATUS(hall_put(&hall, 0, 1, 0), RP_OK); /* which is not theirs */
        for (int i = 0; i < N; i++) {
            pthread_join(waits[i].thread, NULL);
            CHECK_STATUS(waits[i].status, RP_CLOSED);
        }
        CHECK_STATUS(hall_get(&hall, 0, NULL, 0), RP_OK);
        CHECK_UINT(hall_waiting(&hall, QUEUE_GET), 0);
        CHECK_UINT(hall_waiting(&hall, QUEUE_PUT), 0);
    }
    hall_close(&hall);
}

/* Who waits without end says so, where, and no longer once he is back. */
TEST_CASE(who_waits_without_end_says_so)
{
    struct queue_hall hall;
    struct wait wait;
    hall_open(&hall, 1, 0);
    struct slot *slot = &hall.crowd.board[0].slot[1];
    CHECK_STATUS(hall_get(&hall, 1, NULL, clock_deadline(0.001)), RP_TIMEOUT);
    CHECK_UINT(atomic_load(&slot->waits), 0);
    start_waits(&hall, &wait, 1, false);
    CHECK_UINT(atomic_load(&slot->waits), 1);
    CHECK_UINT(atomic_load(&slot->waits_for), hall.number << 1 | QUEUE_GET);
    CHECK_STATUS(hall_put(&hall, 0, 7, 0), RP_OK);
    pthread_join(wait.thread, NULL);
    CHECK_UINT(atomic_load(&slot->waits), 2);
    hall_close(&hall);
}

/* One that runs something may move them all. */
TEST_CASE(the_last_to_wait_of_all_who_run_something_wakes_the_manager)
{
    enum { N = 2 };
    struct queue_hall hall;
    struct wait waits[N];
    hall_open(&hall, N + 2, 0);
    struct board *board = &hall.crowd.board[0];
    atomic_store(&board->slot[1].announce, 1);
    atomic_store(&board->slot[2].announce, 1);
    outbox_doze(board, 1);
    start_waits(&hall, waits, N, false);
    outbox_sleep(board, CLOCK_NEVER);
    for (int i = 0; i < N; i++)
        CHECK_STATUS(hall_put(&hall, 0, 7, 0), RP_OK);
    for (int i = 0; i < N; i++)
        pthread_join(waits[i].thread, NULL);
    uint32_t stood = atomic_load(&board->shared->stood);
    CHECK(stood == 1 || stood == 2); /* the first may look when the second waits already */
    hall_close(&hall);
}

/* It comes back and moves, or is the last one itself. */
TEST_CASE(who_was_called_and_is_not_awake_yet_does_not_wait)
{
    struct queue_hall hall;
    struct wait wait;
    struct error error;
    hall_open(&hall, 2, 0);
    struct board *board = &hall.crowd.board[0];
    uint64_t called_at = hall.number;
    struct slot *called = &board->slot[2]; /* of nobody: it does not wake */
    atomic_store(&board->slot[1].announce, 1);
    atomic_store(&called->announce, 1);
    atomic_store(&called->waits_for, called_at << 1 | QUEUE_GET);
    atomic_store(&called->waits, 1);
    CHECK_UINT(queue_waits(board, 2), 1);
    CHECK_STATUS(hall_put(&hall, 0, 7, 0), RP_OK);
    CHECK_UINT(queue_waits(board, 2), 0);

    REQUIRE_STATUS(queue_open(board, 0, &hall.number, &error), RP_OK);
    start_waits(&hall, &wait, 1, false);
    CHECK_STATUS(hall_put(&hall, 0, 7, 0), RP_OK);
    pthread_join(wait.thread, NULL);
    CHECK_UINT(atomic_load(&board->shared->stood), 0);

    atomic_store(&called->waits, 2);
    hall.number = called_at;
    CHECK_STATUS(hall_get(&hall, 0, NULL, 0), RP_OK);
    hall_close(&hall);
}

/* ---- The manager ------------------------------------------------------------------------------ */

static void *put_many(void *argument)
{
    struct queue_hall *hall = argument;
    for (uint64_t i = 0; i < TIMES(20000); i++) {
        CHECK_STATUS(hall_put(hall, 1, i, CLOCK_NEVER), RP_OK);
        for (uint64_t until = clock_ns() + i * 7919 % 20000; clock_ns() < until;)
            continue;
    }
    return NULL;
}

TEST_CASE(a_manager_that_sleeps_on_its_own_word_is_woken_by_a_put)
{
    struct queue_hall hall;
    pthread_t thread;
    check_seconds(30);
    hall_open(&hall, 1, 0);
    struct board *board = &hall.crowd.board[0];
    REQUIRE(pthread_create(&thread, NULL, put_many, &hall) == 0);
    for (uint64_t i = 0, value; i < TIMES(20000); i++) {
        while (hall_get(&hall, 0, &value, 0) == RP_TIMEOUT) { /* as run/queue.c does it */
            queue_attend(board, hall.number, QUEUE_GET, true);
            outbox_doze(board, 1);
            if (queue_lets_pass(board, hall.number, QUEUE_GET))
                outbox_rouse(board);
            else
                outbox_sleep(board, CLOCK_NEVER);
            queue_attend(board, hall.number, QUEUE_GET, false);
        }
        REQUIRE(CHECK_UINT(value, i));
    }
    pthread_join(thread, NULL);
    hall_close(&hall);
}
