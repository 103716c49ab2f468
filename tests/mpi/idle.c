/* A pool that has nothing to do costs nothing, and is there at once when it has. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define RANKS_MAX 64
#define WINDOW_S  1.0

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

/* Processor seconds of each rank. */
static int measure(rp_pool *pool, double *cpu)
{
    int first = suite_is_alone(pool) ? 1 : 0, ranks = 0;
    for (int i = first; i <= rp_workers(pool) && ranks < RANKS_MAX; i++) {
        rp_worker_info info;
        REQUIRE_STATUS(rp_worker(pool, i, &info), RP_OK);
        cpu[ranks++] = process_cpu(info.pid);
    }
    return ranks;
}

/* MPI's own threads of each rank wake now and then, too: it is the whole process that counts. */
static void check_idle(rp_pool *pool, const double *before, double seconds, double share)
{
    double after[RANKS_MAX];
    int ranks = measure(pool, after);
    for (int i = 0; i < ranks; i++) {
        check_note("rank %d in %.2f s", i, seconds);
        CHECK(before[i] >= 0 && after[i] >= 0);
        CHECK_NEAR(after[i] - before[i], 0, share * seconds);
    }
}

static void sleep_for(double seconds)
{
    struct timespec rest = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&rest, &rest))
        ;
}

/* Enough work for everybody to have been awake. */
static void wake_all(rp_pool *pool)
{
    for (int i = 0; i < 500; i++)
        REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, NULL), RP_OK);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER));)
        rp_release(&future);
    CHECK_STATUS(rp_map(pool, nothing, NULL, 0, 5000, NULL, 0), RP_OK);
}

TEST_CASE(an_idle_pool_uses_almost_no_processor_time)
{
    double before[RANKS_MAX];
    rp_pool *pool = suite_open(NULL), *other = suite_open(NULL);
    wake_all(pool);
    wake_all(other);
    sleep_for(0.1); /* the spinning that comes before a sleep is over by then */
    measure(pool, before);
    sleep_for(WINDOW_S);
    check_idle(pool, before, WINDOW_S, 0.005);
    suite_close(other);
    suite_close(pool);
}

TEST_CASE(a_waiting_manager_and_the_idle_workers_use_almost_no_processor_time)
{
    double before[RANKS_MAX];
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    wake_all(pool);
    stage_reset();
    struct ticket ticket = ticket_of(0);
    rp_future *future;
    REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &future), RP_OK);
    REQUIRE(stage_await(&stage()->started, 1));
    CHECK_STATUS(rp_wait(future, 0.1), RP_TIMEOUT);
    measure(pool, before);
    CHECK_STATUS(rp_wait(future, WINDOW_S), RP_TIMEOUT);
    /* The task itself wakes 5000 times a second to look at the gate: that worker may use more. */
    check_idle(pool, before, WINDOW_S, 0.1);
    double manager = process_cpu((long)getpid());
    check_note("the manager");
    CHECK(manager - before[0] <= 0.005 * (WINDOW_S + 0.1));
    atomic_store(&stage()->gate, 1);
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(work_after_a_rest_is_done_at_once)
{
    rp_pool *pool = suite_open(NULL);
    wake_all(pool);
    for (int i = 0; i < 20; i++) {
        sleep_for(0.02);
        double begun = suite_seconds();
        rp_future *future;
        REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
        CHECK_STATUS(rp_wait(future, 30), RP_OK);
        CHECK_STATUS(rp_map(pool, nothing, NULL, 0, 100, NULL, 0), RP_OK);
        rp_release(&future);
        CHECK(suite_seconds() - begun < 1); /* some 0.1 ms on a machine that does nothing else */
    }
    suite_close(pool);
}
