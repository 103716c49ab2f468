/* What is kept between tasks: initializer, finalizer, rp_local; and what is the same everywhere:
 * rp_random. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <stdlib.h>
#include <unistd.h>

/* What the hooks and tasks of this process have done in the present pool. */
static struct {
    int initialized, tasks, finalized;
    size_t argument;
} done;

/* Marks on the stage: how many initializers and finalizers have run, and mistakes in their order. */
enum { MARK_INITIALIZED, MARK_FINALIZED, MARK_MISTAKE, MARKS };

struct setup {
    struct ticket ticket;
    char more[1000]; /* to be longer than any message */
};

static struct stage *kept_stage;

static void mark(int what)
{
    atomic_fetch_add(&kept_stage->runs[what], 1);
}

static int initialize(rp_call *call, const void *in, size_t size)
{
    const struct setup *setup = in;
    if (size != sizeof *setup || !(kept_stage = stage_at(setup->ticket.stage)))
        return rp_fail(call, "an initializer's argument of %zu bytes", size);
    memset(&done, 0, sizeof done);
    done.initialized = 1;
    done.argument = data_digest(setup->more, sizeof setup->more);
    mark(MARK_INITIALIZED);
    return 0;
}

static int finalize(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in;
    if (done.initialized != 1 || size)
        mark(MARK_MISTAKE);
    done.initialized = 0;
    mark(MARK_FINALIZED);
    return 0;
}

static int answer_argument(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    if (done.initialized != 1)
        return rp_fail(call, "%d initializers ran before this task", done.initialized);
    done.tasks++;
    return rp_return(call, &done.argument, sizeof done.argument);
}

static struct setup make_setup(uint64_t seed)
{
    struct setup setup = {.ticket = ticket_of(0)};
    data_fill(setup.more, sizeof setup.more, seed);
    return setup;
}

TEST_CASE(the_initializer_runs_once_in_each_process_before_its_first_task)
{
    enum { n = 500 };
    static size_t out[n];
    for (int round = 0; round < 3; round++) {
        check_note("pool %d", round);
        struct setup setup = make_setup((uint64_t)round);
        size_t digest = data_digest(setup.more, sizeof setup.more);
        stage_reset();
        rp_pool *pool = suite_open(RP_OPTIONS(.initializer = initialize, .initarg = &setup,
                                              .initarg_size = sizeof setup, .finalizer = finalize));
        int executors = suite_executors(pool);
        memset(&setup, 0, sizeof setup); /* it was copied */
        for (int i = 0; i < 200; i++)
            REQUIRE_STATUS(rp_submit(pool, answer_argument, NULL, 0, NULL), RP_OK);
        CHECK_STATUS(rp_map(pool, answer_argument, NULL, 0, n, out, sizeof *out), RP_OK);
        for (size_t i = 0; i < n; i++)
            if (!CHECK_UINT(out[i], digest))
                break;
        for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
            if (!CHECK_STATUS(rp_result(future, NULL), RP_OK))
                break;
        int initialized = stage()->runs[MARK_INITIALIZED];
        CHECK(initialized >= 1 && initialized <= executors);
        CHECK_INT(stage()->runs[MARK_FINALIZED], 0);
        suite_close(pool);
        /* By the end of the close each has run as often as the other. */
        initialized = stage()->runs[MARK_INITIALIZED];
        CHECK(initialized >= 1 && initialized <= executors);
        CHECK_INT(stage()->runs[MARK_FINALIZED], initialized);
        CHECK_INT(stage()->runs[MARK_MISTAKE], 0);
    }
}

TEST_CASE(a_pool_without_work_runs_as_many_finalizers_as_initializers)
{
    for (int round = 0; round < 10; round++) {
        struct setup setup = make_setup(1);
        stage_reset();
        rp_pool *pool = suite_open(RP_OPTIONS(.initializer = initialize, .initarg = &setup,
                                              .initarg_size = sizeof setup, .finalizer = finalize));
        suite_close(pool);
        CHECK_INT(stage()->runs[MARK_FINALIZED], stage()->runs[MARK_INITIALIZED]);
        CHECK_INT(stage()->runs[MARK_MISTAKE], 0);
    }
}

/* ---- Failing initializers ------------------------------------------------------------------------- */

static int fail_to_initialize(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = stage_at(((const struct ticket *)in)->stage);
    (void)size;
    if (stage)
        atomic_fetch_add(&stage->runs[MARK_INITIALIZED], 1);
    return rp_fail(call, "there is no licence");
}

/* Only in the worker of that number, the highest. */
static int fail_in_one(rp_call *call, const void *in, size_t size)
{
    rp_worker_info here;
    (void)size;
    if (rp_here(call, &here))
        return 2;
    return here.worker == *(const int *)in ? rp_fail(call, "there is no licence") : 0;
}

static int unexpected(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

static void check_broken(rp_pool *pool)
{
    rp_future *future = NULL;
    rp_map_report report;
    CHECK_STATUS(rp_map_with(pool, unexpected, NULL, 0, 100, NULL, 0, NULL, &report), RP_POOL_BROKEN);
    CHECK_HAS(rp_last_error(pool), "there is no licence");
    rp_status status = rp_submit(pool, unexpected, NULL, 0, &future);
    if (!status)
        status = rp_result(future, NULL);
    CHECK_STATUS(status, RP_POOL_BROKEN);
    CHECK_HAS(rp_last_error(pool), "there is no licence");
    rp_release(&future);
}

TEST_CASE(a_failing_initializer_fails_everything_pending_and_later_and_nothing_hangs)
{
    struct ticket ticket = ticket_of(0);
    stage_reset();
    kept_stage = stage();
    rp_pool *pool = suite_open(RP_OPTIONS(.initializer = fail_to_initialize, .initarg = &ticket,
                                          .initarg_size = sizeof ticket, .finalizer = finalize));
    int executors = suite_executors(pool);
    rp_future *mine[50] = {NULL};
    size_t submitted = 0, count = 0;
    /* Workers may have failed before the first task is here: then it is refused at once. */
    for (int i = 0; i < 100; i++) {
        rp_status status = rp_submit(pool, unexpected, NULL, 0, i % 2 ? &mine[i / 2] : NULL);
        CHECK(status == RP_OK || status == RP_POOL_BROKEN);
        submitted += !status && i % 2 == 0;
    }
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future), count++) {
        CHECK_STATUS(rp_result(future, NULL), RP_POOL_BROKEN);
        CHECK_HAS(rp_error(future), "there is no licence");
    }
    CHECK_UINT(count, submitted);
    for (int i = 0; i < 50; i++) {
        if (!mine[i])
            continue;
        CHECK_STATUS(rp_wait(mine[i], 30), RP_OK);
        CHECK_STATUS(rp_result(mine[i], NULL), RP_POOL_BROKEN);
        rp_release(&mine[i]);
    }
    check_broken(pool);
    check_broken(pool);
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
    CHECK(!pool);
    CHECK(stage()->runs[MARK_INITIALIZED] <= executors); /* it is not tried again */
    CHECK_INT(stage()->runs[MARK_FINALIZED], 0);
    pool = suite_open(NULL); /* the next pool is not concerned */
    CHECK_STATUS(rp_map(pool, unexpected, NULL, 0, 100, NULL, 0), RP_OK);
    suite_close(pool);
}

TEST_CASE(a_map_fails_where_the_initializer_does)
{
    struct ticket ticket = ticket_of(0);
    rp_pool *pool = suite_open(
        RP_OPTIONS(.initializer = fail_to_initialize, .initarg = &ticket, .initarg_size = sizeof ticket));
    rp_status statuses[1000];
    rp_map_report report = {.done = 7};
    CHECK_STATUS(
        rp_map_with(pool, unexpected, NULL, 0, 1000, NULL, 0, RP_MAP_OPTIONS(.statuses = statuses), &report),
        RP_POOL_BROKEN);
    CHECK_HAS(rp_last_error(pool), "there is no licence");
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
    CHECK(!pool);
}

TEST_CASE(the_managers_failing_initializer_breaks_the_pool_for_tasks_too)
{
    rp_pool *pool = suite_open(NULL);
    int manager = 0, workers = rp_workers(pool);
    bool takes_part = !suite_is_alone(pool) && suite_executors(pool) > workers;
    suite_close(pool);
    if (!takes_part)
        SKIP_CASE("the manager runs no items beside workers");
    pool = suite_open(
        RP_OPTIONS(.initializer = fail_in_one, .initarg = &manager, .initarg_size = sizeof manager));
    check_broken(pool);
    check_broken(pool);
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
}

TEST_CASE(one_workers_failing_initializer_breaks_the_pool)
{
    rp_pool *pool = suite_open(NULL);
    int last = rp_workers(pool);
    suite_close(pool);
    pool = suite_open(RP_OPTIONS(.initializer = fail_in_one, .initarg = &last, .initarg_size = sizeof last));
    /* Once that worker has tried; until then others may have done some work. */
    rp_status status = RP_OK;
    for (double end = suite_seconds() + 30; !status && suite_seconds() < end;) {
        rp_future *future;
        status = rp_submit(pool, unexpected, NULL, 0, &future);
        if (!status) {
            CHECK_STATUS(rp_wait(future, 30), RP_OK);
            status = rp_result(future, NULL);
            rp_release(&future);
        }
    }
    CHECK_STATUS(status, RP_POOL_BROKEN);
    CHECK_HAS(rp_last_error(pool), "there is no licence");
    check_broken(pool);
    rp_close(&pool);
    CHECK(!pool);
}

/* ---- rp_local ------------------------------------------------------------------------------------- */

static int count_locally(rp_call *call, const void *in, size_t size)
{
    void **local = rp_local(call);
    (void)in, (void)size;
    if (!*local)
        *local = calloc(2, sizeof(long));
    long *counter = *local;
    if (!counter)
        return 2;
    counter[0]++;
    counter[1] = (long)getpid();
    return rp_return(call, counter, 2 * sizeof *counter);
}

static int free_local(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    free(*rp_local(call));
    *rp_local(call) = NULL;
    return 0;
}

TEST_CASE(each_worker_keeps_a_pointer_of_its_own_between_tasks)
{
    enum { n = 2000 };
    static long out[n][2];
    long sum = 0;
    for (int round = 0; round < 2; round++) { /* the second pool begins with NULL again */
        rp_pool *pool = suite_open(RP_OPTIONS(.finalizer = free_local));
        CHECK_STATUS(rp_map(pool, count_locally, NULL, 0, n, out, sizeof *out), RP_OK);
        sum = 0;
        for (size_t i = 0; i < n; i++) {
            bool highest = true;
            for (size_t k = i + 1 > n ? n : 0; highest && k < n; k++)
                highest = out[k][1] != out[i][1] || out[k][0] <= out[i][0];
            sum += highest ? out[i][0] : 0;
        }
        CHECK_INT(sum, n);
        suite_close(pool);
    }
}

TEST_CASE(pools_side_by_side_keep_pointers_apart)
{
    rp_pool *pools[2] = {suite_open(RP_OPTIONS(.finalizer = free_local)),
                         suite_open(RP_OPTIONS(.finalizer = free_local))};
    for (int i = 0; i < 2; i++) {
        static long out[500][2];
        bool first = false;
        CHECK_STATUS(rp_map(pools[i], count_locally, NULL, 0, 500, out, sizeof *out), RP_OK);
        for (int k = 0; k < 500; k++)
            first = first || out[k][0] == 1;
        CHECK(first); /* somebody began to count */
        for (int k = 0; k < 500; k++)
            if (!CHECK(out[k][0] <= 500))
                break;
    }
    suite_close(pools[0]);
    suite_close(pools[1]);
}

/* ---- rp_random ------------------------------------------------------------------------------------ */

struct words {
    uint64_t word[5];
};

/* Draws in portions of different lengths: the stream is the same. */
static int draw(rp_call *call, const void *in, size_t size)
{
    struct words words;
    (void)in, (void)size;
    rp_random(call, words.word, 1);
    rp_random(call, words.word + 1, 0);
    rp_random(call, words.word + 1, 4);
    return rp_return(call, &words, sizeof words);
}

static void draw_many(uint64_t seed, const char *schedule, struct words *out, size_t n)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.seed = seed));
    CHECK_STATUS(
        rp_map_with(pool, draw, NULL, 0, n, out, sizeof *out, RP_MAP_OPTIONS(.schedule = schedule), NULL),
        RP_OK);
    suite_close(pool);
}

TEST_CASE(random_words_of_an_item_are_the_same_on_any_worker)
{
    enum { n = 1000 };
    static struct words first[n], second[n], other[n];
    draw_many(42, "static", first, n);
    draw_many(42, "dynamic", second, n);
    draw_many(43, "dynamic", other, n);
    CHECK_MEM(first, second, sizeof first);
    size_t equal = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 5; k++)
            equal += first[i].word[k] == other[i].word[k] || first[i].word[k] == first[(i + 1) % n].word[k] ||
                     first[i].word[k] == first[i].word[(k + 1) % 5];
    CHECK_UINT(equal, 0);
    /* The same under any launcher and number of ranks: item 7 of the first map, seed 42. */
    CHECK_UINT(first[7].word[0], UINT64_C(9073480793762101381));
    CHECK_UINT(first[7].word[4], UINT64_C(5362162366488802786));
}

TEST_CASE(maps_and_tasks_draw_from_streams_of_their_own)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.seed = 42));
    struct words maps[2], tasks[2];
    for (int i = 0; i < 2; i++) {
        rp_future *future;
        rp_view view;
        CHECK_STATUS(rp_map(pool, draw, NULL, 0, 1, &maps[i], sizeof *maps), RP_OK);
        REQUIRE_STATUS(rp_submit(pool, draw, NULL, 0, &future), RP_OK);
        REQUIRE_STATUS(rp_result(future, &view), RP_OK);
        memcpy(&tasks[i], view.data, sizeof tasks[i]);
        rp_release(&future);
    }
    CHECK(maps[0].word[0] != maps[1].word[0]);
    CHECK(tasks[0].word[0] != tasks[1].word[0]);
    CHECK(maps[0].word[0] != tasks[0].word[0]);
    suite_close(pool);
}
