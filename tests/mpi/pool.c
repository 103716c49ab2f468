/* The life of pools: closing; who works in them. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Closing ------------------------------------------------------------------------------------- */

TEST_CASE(submitting_after_the_close_is_refused)
{
    rp_pool *pool = suite_open(NULL), *closed = pool;
    rp_future *kept, *future = NULL; /* the one that is kept keeps the closed pool's memory, too */
    uint64_t value = 3, out = 9;
    rp_worker_info info;
    REQUIRE_STATUS(rp_submit(pool, task_twice, &value, sizeof value, &kept), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK(!pool);
    CHECK_STATUS(rp_submit(pool, task_twice, &value, sizeof value, &future), RP_INVALID);
    CHECK_HAS(rp_last_error(NULL), "closed");
    CHECK_STATUS(rp_submit(closed, task_twice, &value, sizeof value, &future), RP_CLOSED);
    CHECK_HAS(rp_last_error(closed), "closed");
    CHECK(!future);
    CHECK_STATUS(rp_map(closed, task_twice, &value, sizeof value, 1, &out, sizeof out), RP_CLOSED);
    CHECK_STATUS(rp_map_range(closed, task_twice, 0, 1, &out, sizeof out), RP_CLOSED);
    CHECK_STATUS(rp_worker(closed, 1, &info), RP_CLOSED);
    CHECK(!rp_next(closed, 0));
    CHECK(!rp_next(closed, RP_FOREVER));
    CHECK_UINT(rp_cancel_all(closed), 0);
    CHECK_STATUS(rp_close(&closed), RP_CLOSED);
    CHECK_UINT(out, 9);
    rp_release(&kept);
}

TEST_CASE(closing_may_be_repeated)
{
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK(!pool);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK_STATUS(rp_close(NULL), RP_OK);
}

TEST_CASE(closing_finishes_what_is_queued)
{
    enum { n = 50 };
    rp_pool *pool = suite_open(NULL);
    rp_future *futures[n];
    stage_reset();
    for (size_t i = 0; i < n; i++) {
        struct ticket ticket = ticket_of(n + i);
        futures[i] = suite_submit_mark(pool, i);
        REQUIRE_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, NULL), RP_OK);
    }
    suite_close(pool);
    CHECK_UINT(stage()->ended, 2 * n);
    for (size_t i = 0; i < n; i++) {
        CHECK_INT(stage()->runs[i], 1);
        CHECK_INT(stage()->runs[n + i], 1);
        CHECK_STATUS(rp_result(futures[i], NULL), RP_OK);
        rp_release(&futures[i]);
    }
}

static void *open_gate(void *unused)
{
    (void)unused;
    usleep(50000); /* so that the close has begun; if it has not, the case shows less */
    atomic_store(&stage()->gate, 1);
    return NULL;
}

TEST_CASE(closing_waits_for_running_tasks)
{
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    stage_reset();
    rp_future *held[64];
    REQUIRE(rp_workers(pool) <= 64);
    int workers = rp_workers(pool);
    pthread_t thread;
    suite_occupy(pool, held);
    REQUIRE(pthread_create(&thread, NULL, open_gate, NULL) == 0);
    suite_close(pool);
    CHECK_UINT(stage()->ended, workers);
    pthread_join(thread, NULL);
    suite_release(held, (size_t)workers);
}

/* ---- Names -------------------------------------------------------------------------------------- */

TEST_CASE(an_open_pool_leaves_no_name_in_shared_memory)
{
    rp_pool *pool = suite_open(NULL);
    CHECK(suite_maps(pool, 100));
    CHECK_UINT(process_usage().names, 0);
    suite_close(pool);
}

/* ---- Who works ------------------------------------------------------------------------------------- */

TEST_CASE(the_number_of_workers_is_that_of_the_ranks_given)
{
    rp_pool *pool = suite_open(NULL);
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE");
    if (ranks)
        CHECK_INT(rp_workers(pool), atoi(ranks) > 1 ? atoi(ranks) - 1 : 1);
    CHECK(rp_workers(pool) >= 1);
    CHECK(rp_is_manager(pool));
    CHECK(rp_describe(pool)[0]);
    suite_close(pool);
}

TEST_CASE(each_worker_is_told_with_rank_host_and_process)
{
    rp_pool *pool = suite_open(NULL);
    bool alone = suite_is_alone(pool);
    char host[256];
    rp_worker_info seen[2];
    size_t done = 0;
    gethostname(host, sizeof host);
    CHECK(suite_maps(pool, 1000));
    for (int i = 0; i <= rp_workers(pool); i++) {
        rp_worker_info info;
        check_note("worker %d", i);
        REQUIRE_STATUS(rp_worker(pool, i, &info), RP_OK);
        CHECK_INT(info.worker, i);
        CHECK_INT(info.rank, alone ? 0 : i);
        CHECK(info.host[0] && (i || strcmp(info.host, host) == 0));
        CHECK(info.alive);
        CHECK(info.cpus[0] >= '0' && info.cpus[0] <= '9');
        CHECK(info.numa_node >= -1);
        CHECK(alone || (info.pid == (long)getpid() && strcmp(info.host, host) == 0) == (i == 0));
        seen[i > 0] = info;
        done += alone && i ? 0 : info.tasks_done;
    }
    CHECK_UINT(done, 1000);
    CHECK(alone == (seen[0].pid == seen[1].pid));
    suite_close(pool);
}

static int answer_here(rp_call *call, const void *in, size_t size)
{
    rp_worker_info here;
    char host[256];
    (void)in, (void)size;
    if (rp_here(call, &here))
        return 2;
    gethostname(host, sizeof host);
    if (here.pid != (long)getpid() || !here.alive || strcmp(here.host, host) != 0)
        return rp_fail(call, "this is process %ld on %s, not %ld on %s", (long)getpid(), host, here.pid,
                       here.host);
    return rp_return(call, &here.worker, sizeof here.worker);
}

TEST_CASE(tasks_are_told_which_worker_runs_them)
{
    rp_pool *pool = suite_open(NULL);
    for (int i = 0; i < 200; i++)
        REQUIRE_STATUS(rp_submit(pool, answer_here, NULL, 0, NULL), RP_OK);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        rp_task_info info;
        rp_worker_info worker;
        int here;
        REQUIRE_STATUS(rp_result(future, &view), RP_OK);
        REQUIRE_STATUS(rp_info(future, &info), RP_OK);
        memcpy(&here, view.data, sizeof here);
        CHECK_INT(info.worker, here);
        REQUIRE_STATUS(rp_worker(pool, here, &worker), RP_OK);
        CHECK_INT(info.pid, worker.pid);
        CHECK_STR(info.host, worker.host);
    }
    int out[500];
    CHECK_STATUS(rp_map(pool, answer_here, NULL, 0, 500, out, sizeof *out), RP_OK);
    for (int i = 0; i < 500; i++)
        CHECK(out[i] >= 0 && out[i] <= rp_workers(pool));
    suite_close(pool);
}
