/* Several pools of one program at once. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <pthread.h>
#include <unistd.h>

TEST_CASE(several_pools_live_side_by_side)
{
    enum { pools = 20 };
    rp_pool *pool[pools];
    for (int i = 0; i < pools; i++)
        pool[i] = suite_open(NULL);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < pools; i++)
            CHECK(suite_maps(pool[i], 100));
    for (uint64_t value = 0; value < 1000; value++)
        REQUIRE_STATUS(rp_submit(pool[value % pools], task_twice, &value, sizeof value, NULL), RP_OK);
    for (int i = 0; i < pools; i += 2)
        suite_close(pool[i]);
    for (int i = 1; i < pools; i += 2) {
        size_t count = 0;
        for (rp_future *future; (future = rp_next(pool[i], RP_FOREVER)); rp_release(&future)) {
            rp_view view;
            REQUIRE_STATUS(rp_result(future, &view), RP_OK);
            uint64_t value;
            memcpy(&value, view.data, sizeof value);
            CHECK_UINT(value, 2 * (rp_index(future) * pools + (size_t)i));
            count++;
        }
        CHECK_UINT(count, 1000 / pools);
        suite_close(pool[i]);
    }
}

TEST_CASE(more_pools_than_fit_are_refused_with_a_sentence)
{
    enum { room = 100 };
    rp_pool *pools[room];
    int count = 0;
    rp_status status = RP_OK;
    while (count < room && !(status = rp_open(NULL, &pools[count])))
        count++;
    CHECK(count >= 32);
    if (status) {
        CHECK_STATUS(status, RP_UNSUPPORTED);
        CHECK_HAS(rp_last_error(NULL), "pools");
    }
    while (count)
        suite_close(pools[--count]);
    rp_pool *pool = suite_open(NULL);
    CHECK(suite_maps(pool, 10));
    suite_close(pool);
}

static int nap_a_millisecond(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = stage_at(((const struct ticket *)in)->stage);
    (void)size;
    if (!stage)
        return rp_fail(call, "there is no stage");
    usleep(1000);
    atomic_fetch_add(&stage->ended, 1);
    return 0;
}

TEST_CASE(a_long_queue_of_one_pool_does_not_starve_another)
{
    enum { n = 20000 }; /* long enough for a machine that does something else, too */
    rp_pool *busy = suite_open(NULL), *other = suite_open(NULL);
    struct ticket ticket = ticket_of(0);
    stage_reset();
    for (size_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_submit(busy, nap_a_millisecond, &ticket, sizeof ticket, NULL), RP_OK);
    for (uint64_t value = 0; value < 5; value++) {
        rp_future *future;
        REQUIRE_STATUS(rp_submit(other, task_twice, &value, sizeof value, &future), RP_OK);
        CHECK_STATUS(rp_wait(future, 30), RP_OK);
        rp_release(&future);
    }
    /* The others' turn came long before the queue was through. */
    CHECK(atomic_load(&stage()->ended) < n / 2);
    CHECK(rp_cancel_all(busy) > 0);
    suite_close(other);
    suite_close(busy);
}

struct lane {
    rp_pool *pool;
    size_t right;
    size_t refused; /* over several nodes all calls are one thread's */
};

static void *run_lane(void *state)
{
    struct lane *lane = state;
    for (uint64_t round = 0; round < 30; round++) {
        uint64_t out[100];
        rp_future *future;
        rp_view view;
        rp_status status = rp_map_range(lane->pool, task_twice, round, round + 100, out, sizeof *out);
        lane->refused += status == RP_INVALID && strstr(rp_last_error(NULL), "another thread");
        if (status)
            continue;
        if (rp_submit(lane->pool, task_twice, &round, sizeof round, &future))
            continue;
        lane->right += rp_result(future, &view) == RP_OK && out[99] == 2 * (round + 99) &&
                       memcmp(view.data, out, sizeof *out) == 0;
        rp_release(&future);
    }
    return NULL;
}

TEST_CASE(threads_may_use_pools_of_their_own_at_once)
{
    enum { lanes = 4 };
    struct lane lane[lanes];
    pthread_t thread[lanes];
    for (int i = 0; i < lanes; i++) {
        lane[i] = (struct lane){.pool = suite_open(NULL)};
        REQUIRE(pthread_create(&thread[i], NULL, run_lane, &lane[i]) == 0);
    }
    for (int i = 0; i < lanes; i++) {
        pthread_join(thread[i], NULL);
        CHECK_UINT(lane[i].right, suite_is_split() ? 0 : 30);
        CHECK_UINT(lane[i].refused, suite_is_split() ? 30 : 0);
        CHECK(suite_maps(lane[i].pool, 10));
        suite_close(lane[i].pool);
    }
}
