/* Workers that die with a hand in a queue: started alone, with four of them, since a launcher ends a
 * job that loses a rank. The cases go on with those that the earlier ones have left alive. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <limits.h>
#include <signal.h>

enum { ITEMS = 2000, FATAL = 700 };

struct job {
    rp_queue_id queue;
    struct ticket ticket;
};

static rp_future *submit(rp_pool *pool, rp_fn *fn, const rp_queue *queue)
{
    rp_future *future = NULL;
    struct job job = {rp_queue_id_of(queue), ticket_of(0)};
    REQUIRE_STATUS(rp_submit(pool, fn, &job, sizeof job, &future), RP_OK);
    return future;
}

static void die_once(struct stage *stage)
{
    if (!atomic_exchange(&stage->gate, 1))
        raise(SIGKILL);
}

/* Puts all, and dies once on the way. */
static int produce(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    for (size_t i = 0; i < ITEMS; i++) {
        if (i == FATAL)
            die_once(stage);
        rp_status status = rp_call_put(call, job->queue, &i, sizeof i, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
    }
    return 0;
}

/* Marks all that it gets until the end, and dies once with one in hand. */
static int consume(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    for (;;) {
        rp_view view;
        rp_status status = rp_call_get(call, job->queue, &view, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
        if (!view.size)
            return 0;
        size_t number = *(const size_t *)view.data;
        if (number == FATAL)
            die_once(stage);
        atomic_fetch_add(&stage->runs[number], 1);
    }
}

static int alive(rp_pool *pool)
{
    int count = 0;
    for (int i = 1; i <= rp_workers(pool); i++) {
        rp_worker_info info;
        REQUIRE_STATUS(rp_worker(pool, i, &info), RP_OK);
        count += info.alive;
    }
    return count;
}

/* Leaves the case where so many are not left: over nodes who leads one takes its others along. */
static rp_pool *open_with(int workers, rp_queue **queue, size_t capacity)
{
    rp_pool *pool = suite_open(NULL);
    int needed = workers == 1 ? workers : workers + suite_node_workers() - 1;
    suite_need_workers(pool, alive(pool) >= needed ? 1 : INT_MAX);
    stage_reset();
    REQUIRE_STATUS(rp_queue_open(pool, capacity, queue), RP_OK);
    return pool;
}

static void finish(rp_future *future)
{
    if (!CHECK_STATUS(rp_result(future, NULL), RP_OK))
        check_note("%s", rp_error(future));
    rp_release(&future);
}

TEST_CASE(items_of_a_producer_that_died_stay_and_its_next_try_puts_all)
{
    rp_queue *queue;
    rp_pool *pool = open_with(2, &queue, 10);
    rp_future *future = submit(pool, produce, queue);
    rp_view view;
    size_t next = 0, wanted = FATAL;
    while (rp_get(queue, &view, RP_FOREVER) == RP_OK) { /* until no task is left */
        size_t number = *(const size_t *)view.data;
        if (next == wanted && wanted == FATAL) {
            next = 0;
            wanted = ITEMS;
        }
        REQUIRE(CHECK_UINT(number, next));
        next++;
    }
    CHECK_UINT(wanted, ITEMS);
    CHECK_UINT(next, ITEMS);
    finish(future);
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
    suite_close(pool);
}

TEST_CASE(an_item_that_a_dead_consumer_had_in_hand_is_gone_and_no_other)
{
    rp_queue *queue;
    rp_pool *pool = open_with(3, &queue, 10);
    rp_future *first = submit(pool, consume, queue), *second = submit(pool, consume, queue);
    for (size_t i = 0; i < ITEMS; i++)
        CHECK_STATUS(rp_put(queue, &i, sizeof i, RP_FOREVER), RP_OK);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(rp_put(queue, NULL, 0, RP_FOREVER), RP_OK);
    finish(first);
    finish(second);
    for (size_t i = 0; i < ITEMS; i++)
        if (!CHECK_INT(stage()->runs[i], i == FATAL ? 0 : 1))
            break;
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
    suite_close(pool);
}

static int wait_for_ever(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    rp_worker_info here;
    rp_here(call, &here);
    atomic_store(&stage->place[0], (uint32_t)here.worker);
    atomic_fetch_add(&stage->started, 1);
    rp_status status = rp_call_get(call, job->queue, NULL, RP_FOREVER);
    return status ? rp_fail(call, "%s", rp_strerror(status)) : 0;
}

TEST_CASE(one_that_dies_asleep_at_a_queue_takes_no_item_with_it)
{
    rp_queue *queue;
    rp_pool *pool = open_with(2, &queue, 0);
    rp_future *future = submit(pool, wait_for_ever, queue);
    REQUIRE(stage_await_with(&stage()->started, 1, future));
    CHECK_STATUS(rp_wait(future, 0.05), RP_TIMEOUT);
    suite_kill(pool, (int)stage()->place[0]);
    CHECK_STATUS(rp_put(queue, "x", 1, 0), RP_OK);
    finish(future); /* run again by another one */
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
    suite_close(pool);
}

TEST_CASE(with_nobody_left_the_manager_does_not_wait)
{
    rp_queue *queue;
    rp_pool *pool = open_with(1, &queue, 1);
    rp_future *futures[8];
    int left = suite_is_split() ? 1 : alive(pool); /* who leads a node may leave them to its others */
    for (int i = 0; i < 8; i++)
        futures[i] = submit(pool, wait_for_ever, queue);
    REQUIRE(stage_await_with(&stage()->started, (size_t)left, futures[0]));
    suite_kill(pool, 0);
    CHECK_STATUS(rp_get(queue, NULL, RP_FOREVER), RP_TIMEOUT);
    for (int i = 0; i < 8; i++) {
        CHECK_STATUS(rp_wait(futures[i], 30), RP_OK); /* once the kernel has said that they are dead */
        CHECK_STATUS(rp_result(futures[i], NULL), RP_POOL_BROKEN);
        rp_release(&futures[i]);
    }
    CHECK_STATUS(rp_put(queue, "x", 1, RP_FOREVER), RP_OK);
    CHECK_STATUS(rp_put(queue, "x", 1, RP_FOREVER), RP_TIMEOUT);
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
}
