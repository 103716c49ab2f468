/* Pools one after the other leave nothing behind: not in the manager, not in the workers. */
#include "suite/heap.h"
#include "suite/suite.h"

#include <stdlib.h>

#define EARLY  20 /* pools until everything is warm */
#define EACH   2  /* from one look at what is used to the next */
#define LOOKS  51
#define POOLS  ((LOOKS - 1) * EACH)
#define MEMBER 64
#define BLOCKS 12   /* of malloc that half of them may leave ... */
#define HEAP   4096 /* ... and bytes all of them, where MPI has no lists of its own that grow */

static const char argument[1000];

static int fail(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "as it should");
}

static int keep_something(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    *rp_local(call) = malloc(1000);
    return 0;
}

static int give_it_back(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    free(*rp_local(call));
    return 0;
}

/* ---- A whole pool --------------------------------------------------------------------------- */

static void use_maps(rp_pool *pool)
{
    enum { n = 500 };
    uint64_t in[n] = {7}, out[n];
    static char large[200000], answer[200000];
    CHECK_STATUS(rp_map(pool, task_echo, in, sizeof *in, n, out, sizeof *out), RP_OK);
    CHECK_STATUS(rp_map_range(pool, fail, 0, 50, NULL, 0), RP_TASK_FAILED);
    CHECK_STATUS(rp_map(pool, task_echo, large, sizeof large, 1, answer, sizeof answer), RP_OK);
    double cost[n] = {1};
    rp_map_options options = RP_MAP_OPTIONS_INIT;
    options.cost = cost;
    options.common = large;
    options.common_size = sizeof large;
    CHECK_STATUS(rp_map_with(pool, task_echo, in, sizeof *in, n, out, sizeof *out, &options, NULL), RP_OK);
}

static void use_memory(rp_pool *pool)
{
    enum { n = 10000 };
    rp_share_id shared, kept;
    static char table[100000];
    uint64_t *array = rp_alloc(pool, 2 * n * sizeof *array), *rest = rp_alloc(pool, 1000);
    REQUIRE(array && rest);
    memset(array, 0, n * sizeof *array);
    CHECK_STATUS(rp_map(pool, task_echo, array, sizeof *array, n, array + n, sizeof *array), RP_OK);
    CHECK_STATUS(rp_share(pool, table, sizeof table, &shared), RP_OK);
    CHECK_STATUS(rp_share(pool, table, sizeof table, &kept), RP_OK); /* until the close, as `rest` */
    CHECK_STATUS(rp_unshare(pool, shared), RP_OK);
    rp_free(pool, array);
}

static int draw(void *state, rp_view *item)
{
    size_t *left = state;
    *item = (rp_view){left, sizeof *left};
    return *left ? (int)!!(*left)-- : 0;
}

static int take(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    (void)state, (void)index, (void)result, (void)error;
    return status != RP_OK;
}

static void note(rp_future *future, void *count)
{
    (void)future;
    ++*(int *)count;
}

static void use_tasks(rp_pool *pool, rp_future **outlives, int *notes)
{
    enum { n = 60 };
    static char large[100000];
    rp_future *futures[n];
    size_t left = 300;
    for (size_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_submit(pool, i % 5 ? task_echo : fail, large, i % 3 ? 8 : sizeof large,
                                 i % 2 ? &futures[i] : NULL),
                       RP_OK);
    rp_iter *iter = rp_as_completed(pool, &futures[1], 1), *early = rp_as_completed(pool, &futures[1], 1);
    while (rp_iter_next(iter, RP_FOREVER))
        ;
    rp_iter_free(&iter);
    rp_iter_free(&early);
    for (size_t i = 1; i < n; i += 2) {
        CHECK_STATUS(rp_on_done(futures[i], note, notes), RP_OK);
        if (i % 4 == 1)
            rp_cancel(futures[i]);
        rp_release(&futures[i]);
    }
    rp_future *future = rp_next(pool, RP_FOREVER); /* the others are given up with the pool */
    rp_release(&future);
    CHECK_STATUS(rp_stream(pool, task_echo, draw, take, &left, NULL), RP_OK);
    REQUIRE_STATUS(rp_submit(pool, fail, NULL, 0, outlives), RP_OK);
}

/* ---- What is used --------------------------------------------------------------------------- */

static int answer_usage(rp_call *call, const void *in, size_t size)
{
    struct process_usage usage = heap_usage();
    (void)in, (void)size;
    return rp_return(call, &usage, sizeof usage);
}

/* Whether it is looked at what is used after a pool, and the how manieth time that is. */
static bool is_look(int pool, int *look)
{
    *look = (pool - EARLY) / EACH;
    return pool >= EARLY && (pool - EARLY) % EACH == 0;
}

static void ask_workers(rp_pool *pool, struct process_usage usages[][LOOKS], int look)
{
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        rp_future *future;
        rp_view view;
        rp_task_options options = RP_TASK_OPTIONS_INIT;
        options.worker = worker;
        REQUIRE_STATUS(rp_submit_with(pool, answer_usage, NULL, 0, &options, &future), RP_OK);
        REQUIRE_STATUS(rp_result(future, &view), RP_OK);
        memcpy(&usages[worker][look], view.data, sizeof **usages);
        rp_release(&future);
    }
}

TEST_CASE(a_hundred_pools_leave_nothing_behind_in_the_manager_and_its_workers)
{
    static struct process_usage usages[MEMBER][LOOKS];
    int members = 0, notes = 0, look;
    for (int i = 0; i <= EARLY + POOLS; i++) {
        rp_future *outlives;
        rp_options options = RP_OPTIONS_INIT;
        options.initializer = keep_something;
        options.finalizer = give_it_back;
        options.initarg = argument;
        options.initarg_size = sizeof argument;
        rp_pool *pool = suite_open(&options);
        members = rp_workers(pool) + 1;
        REQUIRE(members <= MEMBER);
        use_maps(pool);
        use_memory(pool);
        use_tasks(pool, &outlives, &notes);
        if (is_look(i, &look))
            ask_workers(pool, usages, look);
        suite_close(pool);
        rp_release(&outlives);
        if (is_look(i, &look))
            usages[0][look] = heap_usage();
    }
    CHECK_INT(notes, 30 * (EARLY + POOLS + 1));
    for (int i = 0; i < members; i++)
        process_check_each(usages[i], LOOKS, BLOCKS, suite_is_split() ? SIZE_MAX / 2 : HEAP, 1 << 20);
}

TEST_CASE(opens_that_are_refused_leave_nothing_behind)
{
    struct process_usage usages[LOOKS];
    int look;
    for (int i = 0; i <= EARLY + POOLS; i++) {
        rp_pool *pool = NULL;
        rp_options options = RP_OPTIONS_INIT;
        options.per = i % 2 ? "planet" : "core";
        options.schedule = i % 2 ? "auto" : "fair";
        options.initarg = argument;
        options.initarg_size = sizeof argument;
        CHECK_STATUS(rp_open(&options, &pool), RP_INVALID);
        if (is_look(i, &look))
            usages[look] = heap_usage();
    }
    process_check_each(usages, LOOKS, BLOCKS, HEAP, 1 << 20);
}
