/* Uses that nobody would recommend, all at once: they work, or are refused. */
#include <limits.h>
#include <stdlib.h>

#include "suite/suite.h"

/* Submits one that nobody waits for but its callback. */
static void submit_with_callback(rp_pool *pool, rp_callback *callback, void *arg)
{
    rp_future *future = suite_submit(pool, task_echo, 1);
    CHECK_STATUS(rp_on_done(future, callback, arg), RP_OK);
    rp_release(&future);
}

static void check_map(rp_pool *pool)
{
    uint64_t out[10];
    CHECK_STATUS(rp_map_range(pool, task_echo, 0, 10, out, sizeof *out), RP_OK);
    for (uint64_t i = 0; i < 10; i++)
        CHECK_UINT(out[i], i);
}

/* ---- Sets --------------------------------------------------------------------------------------- */

TEST_CASE(a_future_may_stand_in_a_set_several_times)
{
    rp_pool *pool = suite_open(NULL);
    rp_future *a = suite_submit(pool, task_echo, 1), *b = suite_submit(pool, task_echo, 2),
              *set[7] = {a, a, b, a, b, b, a};
    size_t done = 0, of_a = 0;
    CHECK_STATUS(rp_wait_many(set, 7, RP_FIRST_COMPLETED, RP_FOREVER, &done), RP_OK);
    CHECK(done >= 3);
    CHECK_STATUS(rp_wait_many(set, 7, RP_ALL, RP_FOREVER, &done), RP_OK);
    CHECK_UINT(done, 7);
    for (size_t i = 0; i < 7; i++)
        of_a += set[i] == a;
    CHECK_UINT(of_a, 4);
    rp_release(&a);
    rp_release(&b);
    suite_close(pool);
}

TEST_CASE(an_iterator_outlives_its_pool_and_its_futures)
{
    enum { n = 20 };
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[n], *given;
    size_t count = 0, done = 0;
    for (size_t i = 0; i < n; i++)
        futures[i] = suite_submit(pool, task_echo, i);
    rp_iter *iter = rp_as_completed(pool, futures, n), *unused = rp_as_completed(pool, futures, n);
    REQUIRE(iter && unused);
    suite_close(pool);
    CHECK_STATUS(rp_wait_many(futures, n, RP_ALL, 0, &done), RP_OK);
    CHECK_UINT(done, n);
    rp_iter_free(&unused);
    for (; (given = rp_iter_next(iter, RP_FOREVER)); count++)
        rp_release(&given);
    CHECK_UINT(count, n);
    CHECK_STATUS(rp_iter_status(iter), RP_OK);
    rp_iter_free(&iter);
}

TEST_CASE(any_priority_goes_with_any_worker)
{
    static const int priorities[] = {INT_MIN, INT_MIN + 1, -1, 0, 1, 7, INT_MAX - 1, INT_MAX};
    enum { kinds = sizeof priorities / sizeof *priorities };
    rp_pool *pool = suite_open(NULL);
    size_t workers = (size_t)rp_workers(pool), n = 40 * (workers + 1) * kinds, count = 0;
    for (uint64_t i = 0; i < n; i++) {
        rp_task_options options = RP_TASK_OPTIONS_INIT;
        options.priority = priorities[i % kinds];
        options.worker = (int)(i / kinds % (workers + 1));
        REQUIRE_STATUS(rp_submit_with(pool, task_echo, &i, sizeof i, &options, NULL), RP_OK);
    }
    for (rp_future *future; (future = rp_next(pool, 30)); rp_release(&future), count++) {
        rp_task_info info;
        int asked = (int)(rp_index(future) / kinds % (workers + 1));
        CHECK_STATUS(rp_info(future, &info), RP_OK);
        CHECK(!asked || info.worker == asked);
    }
    CHECK_UINT(count, n);
    suite_close(pool);
}

/* ---- Callbacks ---------------------------------------------------------------------------------- */

struct chain {
    rp_pool *pool;
    int left, made;
};

static void go_on(rp_future *future, void *arg)
{
    struct chain *chain = arg;
    (void)future;
    chain->made++;
    if (chain->left-- > 0)
        submit_with_callback(chain->pool, go_on, chain);
}

TEST_CASE(closing_finishes_what_callbacks_go_on_to_submit)
{
    rp_pool *pool = suite_open(NULL);
    struct chain chain = {.pool = pool, .left = 500};
    submit_with_callback(pool, go_on, &chain);
    suite_close(pool);
    CHECK_INT(chain.made, 501);
}

static void do_everything(rp_future *future, void *arg)
{
    struct chain *chain = arg;
    (void)future;
    chain->made++;
    check_map(chain->pool);
    rp_cancel_all(chain->pool);
    rp_future *next = rp_next(chain->pool, 0), *mine = suite_submit(chain->pool, task_echo, 1);
    rp_status status = rp_result(mine, NULL);
    CHECK(status == RP_OK || status == RP_CANCELLED); /* by a callback that ran meanwhile */
    rp_release(&next);
    rp_release(&mine);
}

TEST_CASE(callbacks_may_map_cancel_wait_and_take)
{
    enum { n = 200 };
    rp_pool *pool = suite_open(NULL);
    struct chain chain = {.pool = pool};
    rp_future *futures[n];
    for (uint64_t i = 0; i < n; i++) {
        futures[i] = suite_submit(pool, task_echo, i);
        CHECK_STATUS(rp_on_done(futures[i], do_everything, &chain), RP_OK);
        REQUIRE_STATUS(rp_submit(pool, task_echo, &i, sizeof i, NULL), RP_OK);
    }
    CHECK_STATUS(rp_wait_many(futures, n, RP_ALL, RP_FOREVER, NULL), RP_OK);
    suite_release(futures, n);
    suite_close(pool);
    CHECK_INT(chain.made, n);
}

static void empty(rp_future *future, void *arg)
{
    struct chain *chain = arg;
    (void)future;
    chain->made++;
    check_map(chain->pool);
    for (rp_future *next; (next = rp_next(chain->pool, RP_FOREVER));)
        rp_release(&next);
}

TEST_CASE(callbacks_of_two_pools_may_wait_for_each_others_tasks)
{
    rp_pool *pools[2] = {suite_open(NULL), suite_open(NULL)};
    struct chain chains[2] = {{.pool = pools[1]}, {.pool = pools[0]}};
    for (uint64_t i = 0; i < 100; i++) {
        submit_with_callback(pools[i % 2], empty, &chains[i % 2]);
        REQUIRE_STATUS(rp_submit(pools[i % 2], task_echo, &i, sizeof i, NULL), RP_OK);
    }
    suite_close(pools[0]);
    suite_close(pools[1]);
    CHECK_INT(chains[0].made, 50);
    CHECK_INT(chains[1].made, 50);
}

static void close_it(rp_future *future, void *pool)
{
    (void)future;
    CHECK_STATUS(rp_close(pool), RP_OK);
}

TEST_CASE(a_callback_may_close_another_pool)
{
    rp_pool *pool = suite_open(NULL), *other = suite_open(NULL);
    rp_future *future = suite_submit(pool, task_echo, 1), *theirs = suite_submit(other, task_echo, 1);
    CHECK_STATUS(rp_on_done(future, close_it, &other), RP_OK);
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    CHECK(!other);
    CHECK_STATUS(rp_result(theirs, NULL), RP_OK);
    rp_release(&future);
    rp_release(&theirs);
    suite_close(pool);
}

/* ---- Streams ------------------------------------------------------------------------------------ */

struct flow {
    rp_pool *pool;
    uint64_t n, drawn, given, wrong;
};

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    *item = (rp_view){&flow->drawn, sizeof flow->drawn};
    return flow->drawn < flow->n ? (int)!!++flow->drawn : 0;
}

static bool is_wrong(size_t index, rp_status status, rp_view result)
{
    uint64_t value = 0;
    if (!status && result.size == sizeof value)
        memcpy(&value, result.data, sizeof value);
    return value != index + 1;
}

static int take(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    (void)error;
    flow->wrong += is_wrong(index, status, result);
    flow->given++;
    return 0;
}

/* Submits, waits, cancels, runs a stream of its own; its result stays what it was. */
static int take_and_use(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state, within = {.pool = flow->pool, .n = 20};
    rp_future *future = suite_submit(flow->pool, task_echo, 5);
    if (index % 2)
        CHECK_STATUS(rp_result(future, NULL), RP_OK);
    else
        rp_cancel_all(flow->pool);
    rp_release(&future);
    CHECK_STATUS(rp_stream(flow->pool, task_echo, draw, take, &within, NULL), RP_OK);
    CHECK_UINT(within.given, 20);
    CHECK_UINT(within.wrong, 0);
    return take(state, index, status, result, error);
}

TEST_CASE(a_sink_may_submit_cancel_and_run_a_stream_of_its_own)
{
    rp_pool *pool = suite_open(NULL);
    for (size_t window = 0; window <= 3; window += 3) {
        struct flow flow = {.pool = pool, .n = 200};
        rp_map_options options = RP_MAP_OPTIONS_INIT;
        options.window = window;
        CHECK_STATUS(rp_stream(pool, task_echo, draw, take_and_use, &flow, &options), RP_OK);
        CHECK_UINT(flow.given, 200);
        CHECK_UINT(flow.wrong, 0);
    }
    suite_close(pool);
}

TEST_CASE(windows_and_chunks_beyond_all_items_are_taken)
{
    static const size_t sizes[] = {1, SIZE_MAX / 2, SIZE_MAX};
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < 3; i++) {
        struct flow flow = {.n = 5000};
        rp_map_options options = RP_MAP_OPTIONS_INIT;
        options.window = options.chunk = sizes[i];
        CHECK_STATUS(rp_stream(pool, task_echo, draw, take, &flow, &options), RP_OK);
        CHECK_UINT(flow.given, 5000);
        CHECK_UINT(flow.wrong, 0);
    }
    suite_close(pool);
}
