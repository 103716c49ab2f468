/* Processes that die at any instruction of what they do with a queue: what is left is a queue, with
 * every item but at most the one that they had in hand, and nobody who waits at it is forgotten. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "queue_hall.h"
#include "stepped.h"

enum { VICTIM = 1, WITNESS = 2, SLEEPER = 3, WORKERS = 3, CAPACITY = 4 };

struct scene {
    struct queue_hall hall;
};

/* ---- What the victim does --------------------------------------------------------------------- */

static void put_one(struct scene *scene)
{
    hall_put(&scene->hall, VICTIM, 1000, 0);
}

static void get_one(struct scene *scene)
{
    uint64_t item;
    queue_get(&scene->hall.crowd.board[VICTIM], scene->hall.number, &item, 0);
}

static void get_two(struct scene *scene)
{
    get_one(scene);
    get_one(scene);
}

static void wait_to_get(struct scene *scene)
{
    hall_get(&scene->hall, VICTIM, NULL, clock_ns() + 100000);
}

static void wait_to_put(struct scene *scene)
{
    hall_put(&scene->hall, VICTIM, 1000, clock_ns() + 100000);
}

/* ---- A victim that is stepped through --------------------------------------------------------- */

struct deed_of {
    struct scene *scene;
    void (*act)(struct scene *scene);
};

static void do_it(void *state)
{
    const struct deed_of *deed = state;
    deed->act(deed->scene);
}

/* Kills it after so many instructions; false: it had come to its end before. */
static bool kill_after(struct scene *scene, void (*act)(struct scene *scene), long instructions)
{
    return stepped_kill(do_it, NULL, &(struct deed_of){scene, act}, instructions);
}

/* ---- What is left ----------------------------------------------------------------------------- */

static void open_scene(struct scene *scene)
{
    hall_open(&scene->hall, WORKERS, CAPACITY);
}

static void put_items(struct scene *scene, uint64_t items)
{
    for (uint64_t i = 0; i < items; i++)
        CHECK_STATUS(hall_put(&scene->hall, WITNESS, i, 0), RP_OK);
}

static void close_scene(struct scene *scene)
{
    hall_close(&scene->hall);
}

/* Items first.., then perhaps the victim's; and the queue works on. */
static void check_left(struct scene *scene, uint64_t first, uint64_t items, bool may_have_put)
{
    struct queue_hall *hall = &scene->hall;
    uint64_t value, count = 0;
    rp_status status;
    while (!(status = hall_get(hall, WITNESS, &value, 0)) && value != 1000)
        if (!CHECK_UINT(value, first + count++))
            break;
    CHECK_UINT(count, items);
    if (status)
        CHECK_STATUS(status, RP_TIMEOUT);
    else if (CHECK(may_have_put))
        CHECK_STATUS(hall_get(hall, WITNESS, &value, 0), RP_TIMEOUT);
    CHECK_UINT(hall_count(hall), 0);
    for (uint64_t i = 0; i < CAPACITY; i++)
        CHECK_STATUS(hall_put(hall, WITNESS, i, 0), RP_OK);
    CHECK_STATUS(hall_put(hall, WITNESS, 9, 0), RP_TIMEOUT);
    CHECK_UINT(hall_count(hall), CAPACITY);
    for (uint64_t i = 0; i < CAPACITY; i++) {
        CHECK_STATUS(hall_get(hall, WITNESS, &value, 0), RP_OK);
        CHECK_UINT(value, i);
    }
}

static const struct deed {
    const char *name;
    void (*act)(struct scene *scene);
    uint64_t items;      /* in the queue before */
    uint64_t taken, put; /* at most */
} deeds[] = {
    {"a put to an empty queue", put_one, 0, 0, 1},      {"a put behind another item", put_one, 1, 0, 1},
    {"a put to a full queue", put_one, CAPACITY, 0, 0}, {"a get of the only item", get_one, 1, 1, 0},
    {"a get of one of three", get_one, 3, 1, 0},        {"two gets of three", get_two, 3, 2, 0},
    {"a get from an empty queue", get_one, 0, 0, 0},    {"a wait for an item", wait_to_get, 0, 0, 0},
    {"a wait for room", wait_to_put, CAPACITY, 0, 0},
};

/* A passer-by finds the orphaned lock, if it is one. */
static void pass_by(struct scene *scene)
{
    queue_attend(&scene->hall.crowd.board[0], scene->hall.number, QUEUE_GET, false);
}

TEST_CASE(a_process_killed_at_any_instruction_leaves_a_queue)
{
    check_seconds(100);
    struct scene scene;
    open_scene(&scene);
    for (size_t d = 0; d < sizeof deeds / sizeof *deeds; d++) {
        const struct deed *deed = &deeds[d];
        long instructions = (long)d % STRIDE;
        for (bool killed = true; killed; instructions += STRIDE) {
            check_note("%s, after %ld instructions", deed->name, instructions);
            put_items(&scene, deed->items);
            killed = kill_after(&scene, deed->act, instructions);
            if (instructions % 2) /* whether the manager knows of it, or somebody finds out */
                queues_shake(&scene.hall.crowd.board[0], VICTIM);
            else
                pass_by(&scene);
            uint64_t left = hall_count(&scene.hall), taken = deed->items > left ? deed->items - left : 0;
            CHECK(taken <= deed->taken);
            check_left(&scene, taken, deed->items - taken, deed->put > 0);
            queues_shake(&scene.hall.crowd.board[0], VICTIM);
        }
        CHECK(instructions > 50);
    }
    check_note("%s", "");
    close_scene(&scene);
}

/* ---- Those who wait --------------------------------------------------------------------------- */

struct sleeper {
    struct scene *scene;
    bool puts;
    rp_status status;
    uint64_t value;
    pthread_t thread;
};

static void *sleep_at_door(void *argument)
{
    struct sleeper *sleeper = argument;
    struct queue_hall *hall = &sleeper->scene->hall;
    sleeper->status = sleeper->puts ? hall_put(hall, SLEEPER, 77, CLOCK_NEVER)
                                    : hall_get(hall, SLEEPER, &sleeper->value, CLOCK_NEVER);
    return NULL;
}

/* The victim would wake a sleeper, and is killed at any instruction of that: once its death is known
 * the sleeper has come back, or is called by the next one. */
static void kill_caller(void (*act)(struct scene *scene), uint64_t items, bool puts)
{
    long instructions = 0;
    struct scene scene;
    open_scene(&scene);
    for (bool killed = true; killed; instructions += STRIDE) {
        struct sleeper sleeper = {.scene = &scene, .puts = puts};
        check_note("after %ld instructions", instructions);
        put_items(&scene, items);
        REQUIRE(pthread_create(&sleeper.thread, NULL, sleep_at_door, &sleeper) == 0);
        while (hall_waiting(&scene.hall, puts ? QUEUE_PUT : QUEUE_GET) != 1)
            sched_yield();
        killed = kill_after(&scene, act, instructions);
        queues_shake(&scene.hall.crowd.board[0], VICTIM);
        if (puts)
            CHECK_STATUS(hall_get(&scene.hall, WITNESS, NULL, 0), RP_OK);
        else
            CHECK_STATUS(hall_put(&scene.hall, WITNESS, 5, 0), RP_OK);
        pthread_join(sleeper.thread, NULL);
        CHECK_STATUS(sleeper.status, RP_OK);
        CHECK(puts || sleeper.value == 5 || sleeper.value == 1000);
        while (!hall_get(&scene.hall, WITNESS, NULL, 0))
            continue;
    }
    check_note("%s", "");
    close_scene(&scene);
}

TEST_CASE(who_waits_for_an_item_is_not_forgotten_by_one_that_dies_while_it_puts)
{
    check_seconds(100);
    kill_caller(put_one, 0, false);
}

TEST_CASE(who_waits_for_room_is_not_forgotten_by_one_that_dies_while_it_gets)
{
    check_seconds(100);
    kill_caller(get_one, CAPACITY, true);
}

/* ---- Those who mend --------------------------------------------------------------------------- */

/* A holder that died when an item was linked and nothing else was done. */
static void orphan(struct scene *scene)
{
    pid_t holder = fork();
    REQUIRE(holder >= 0);
    if (!holder) {
        struct queue_hall *hall = &scene->hall;
        struct board_queue *queue = hall_queue(hall);
        pthread_mutex_lock(&queue->lock);
        atomic_store(&queue->count, 4711);
        queue->tail = 0;
        queue->door[QUEUE_GET].waiting = queue->door[QUEUE_GET].called = 3;
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(holder, &status, 0) == holder && status == 0);
}

TEST_CASE(one_that_mends_a_queue_may_be_killed_at_any_instruction)
{
    check_seconds(100);
    long instructions = 0;
    struct scene scene;
    open_scene(&scene);
    for (bool killed = true; killed; instructions += STRIDE) {
        check_note("after %ld instructions", instructions);
        put_items(&scene, 3);
        orphan(&scene);
        killed = kill_after(&scene, put_one, instructions);
        pass_by(&scene);
        check_left(&scene, 0, 3, true);
        CHECK_UINT(hall_waiting(&scene.hall, QUEUE_GET), 0);
    }
    check_note("%s", "");
    close_scene(&scene);
}
