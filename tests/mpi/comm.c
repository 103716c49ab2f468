/* rp_open_comm in a program that runs MPI itself, at MPI_THREAD_SINGLE: who manages, what is refused. */
#include "suite/ranks.h"

#include <stdio.h>
#include <unistd.h>

static rp_status before_init;
static char before_init_text[200];

/* ---- Who manages ---------------------------------------------------------------------------- */

TEST_CASE(any_rank_can_be_the_manager)
{
    int ranks = ranks_in(MPI_COMM_WORLD);
    for (int manager = 0; manager < ranks; manager++) {
        rp_pool *pool = ranks_open(MPI_COMM_WORLD, manager, NULL);
        CHECK_INT(rp_workers(pool), ranks > 1 ? ranks - 1 : 1);
        CHECK(rp_describe(pool)[0] != '\0');
        if (rp_is_manager(pool)) {
            ranks_map(pool, 1000);
            ranks_submit(pool, 300);
        } else {
            CHECK_STATUS(rp_serve(pool), RP_OK);
        }
        CHECK_STATUS(rp_close(&pool), RP_OK);
    }
}

TEST_CASE(workers_are_the_other_ranks_in_their_order)
{
    int ranks = ranks_in(MPI_COMM_WORLD), manager = ranks / 2;
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, manager, NULL);
    for (int worker = 0; rp_is_manager(pool) && ranks > 1 && worker < ranks; worker++) {
        rp_worker_info info;
        CHECK_STATUS(rp_worker(pool, worker, &info), RP_OK);
        CHECK_INT(info.rank, ranks_worker(MPI_COMM_WORLD, manager, worker));
        CHECK(info.alive);
        CHECK(worker || info.pid == (long)getpid());
    }
    if (!rp_is_manager(pool))
        CHECK_STATUS(rp_serve(pool), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

static int answer_pid(rp_call *call, const void *in, size_t size)
{
    long pid = getpid();
    (void)in, (void)size;
    return rp_return(call, &pid, sizeof pid);
}

TEST_CASE(every_rank_runs_its_share_and_the_manager_too)
{
    enum { n = 1000 };
    long pids[n];
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(pool)) {
        int different = 1;
        CHECK_STATUS(rp_map_with(pool, answer_pid, NULL, 0, n, pids, sizeof *pids,
                                 RP_MAP_OPTIONS(.schedule = "static"), NULL),
                     RP_OK);
        for (int i = 1; i < n; i++)
            different += pids[i] != pids[i - 1];
        CHECK_INT(different, ranks_executors(MPI_COMM_WORLD));
    } else {
        CHECK_STATUS(rp_serve(pool), RP_OK);
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

TEST_CASE(MPI_COMM_SELF_is_a_communicator_too)
{
    ranks_use(MPI_COMM_SELF, 0, 100);
}

/* ---- What is refused, in every rank ----------------------------------------------------------- */

static void check_refused(MPI_Comm comm, int manager, rp_status as, const char *part)
{
    rp_pool *pool = (rp_pool *)&pool;
    CHECK_STATUS(rp_open_comm(comm, manager, NULL, &pool), as);
    CHECK_HAS(rp_last_error(NULL), part);
    CHECK_PTR(pool, &pool); /* written on success only */
}

TEST_CASE(before_MPI_Init_it_is_refused)
{
    CHECK_STATUS(before_init, RP_INVALID);
    CHECK_HAS(before_init_text, "MPI_Init");
}

TEST_CASE(a_manager_that_is_no_rank_is_refused)
{
    check_refused(MPI_COMM_WORLD, -1, RP_INVALID, "rank -1 cannot be the manager");
    check_refused(MPI_COMM_WORLD, ranks_in(MPI_COMM_WORLD), RP_INVALID, "cannot be the manager");
}

TEST_CASE(no_communicator_is_refused)
{
    check_refused(MPI_COMM_NULL, 0, RP_INVALID, "MPI_COMM_NULL");
}

TEST_CASE(an_intercommunicator_is_refused)
{
    int rank = rank_in(MPI_COMM_WORLD), ranks = ranks_in(MPI_COMM_WORLD);
    if (ranks < 2)
        SKIP_CASE("it takes two ranks");
    MPI_Comm half, inter;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 0, &inter);
    check_refused(inter, 0, RP_INVALID, "intercommunicator");
    PMPI_Comm_free(&inter);
    PMPI_Comm_free(&half);
}

TEST_CASE(ranks_that_disagree_about_the_manager_are_told)
{
    if (ranks_in(MPI_COMM_WORLD) < 2)
        SKIP_CASE("it takes two ranks");
    int rank = rank_in(MPI_COMM_WORLD), last = ranks_in(MPI_COMM_WORLD) - 1;
    check_refused(MPI_COMM_WORLD, rank == last ? 1 : 0, RP_INVALID, "the manager is 0");
    check_refused(MPI_COMM_WORLD, rank == last ? -7 : 0, RP_INVALID, "says -7");
    ranks_use(MPI_COMM_WORLD, 0, 10);
}

TEST_CASE(no_place_for_the_pool_in_one_rank_is_refused_in_all)
{
    int rank = rank_in(MPI_COMM_WORLD), last = ranks_in(MPI_COMM_WORLD) - 1;
    rp_pool *pool = NULL;
    for (int without = 0; without <= last; without++) {
        CHECK_STATUS(rp_open_comm(MPI_COMM_WORLD, 0, NULL, rank == without ? NULL : &pool), RP_INVALID);
        CHECK_HAS(rp_last_error(NULL), "no place");
        CHECK(!pool);
    }
}

TEST_CASE(the_managers_options_rule)
{
    int manager = ranks_in(MPI_COMM_WORLD) - 1;
    bool mine = rank_in(MPI_COMM_WORLD) == manager;
    const rp_options *wrong = RP_OPTIONS(.schedule = "never");
    rp_pool *pool = NULL;
    CHECK_STATUS(rp_open_comm(MPI_COMM_WORLD, manager, mine ? wrong : NULL, &pool), RP_INVALID);
    CHECK_HAS(rp_last_error(NULL), "never");
    CHECK(!pool);
    pool = ranks_open(MPI_COMM_WORLD, manager, mine ? NULL : wrong);
    if (!mine)
        CHECK_STATUS(rp_serve(pool), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

TEST_CASE(rp_open_says_to_use_rp_open_comm)
{
    rp_pool *pool = NULL;
    CHECK_STATUS(rp_open(NULL, &pool), RP_INVALID);
    CHECK_HAS(rp_last_error(NULL), "rp_open_comm");
    CHECK(!pool);
}

/* ---- Handles of workers ----------------------------------------------------------------------- */

TEST_CASE(only_the_manager_may_use_the_pool_and_only_the_others_serve)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(pool)) {
        CHECK_STATUS(rp_serve(pool), RP_INVALID);
        CHECK_HAS(rp_last_error(pool), "in the manager");
        ranks_map(pool, 10);
    } else {
        uint64_t out[4];
        rp_worker_info info;
        CHECK_STATUS(rp_map_range(pool, ranks_square, 0, 4, out, sizeof *out), RP_INVALID);
        CHECK_HAS(rp_last_error(pool), "only its manager");
        CHECK_STATUS(rp_submit(pool, ranks_square, NULL, 0, NULL), RP_INVALID);
        CHECK(!rp_next(pool, RP_FOREVER));
        CHECK_STATUS(rp_worker(pool, 0, &info), RP_INVALID);
        CHECK_UINT(rp_cancel_all(pool), 0);
        CHECK_STATUS(rp_serve(pool), RP_OK);
        CHECK_STATUS(rp_serve(pool), RP_OK); /* it is closed: at once */
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK_STATUS(rp_serve(NULL), RP_INVALID);
}

TEST_CASE(a_pool_that_was_closed_is_served_at_once)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL), *handle = pool;
    if (rp_is_manager(pool))
        CHECK_STATUS(rp_close(&pool), RP_OK);
    MPI_Barrier(MPI_COMM_WORLD);
    if (pool)
        CHECK_STATUS(rp_serve(handle), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

TEST_CASE(ranks_that_do_not_serve_keep_nobody_waiting)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, RP_OPTIONS(.finalizer = ranks_square));
    if (rp_is_manager(pool))
        ranks_map(pool, 20000);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rank_in(MPI_COMM_WORLD) == 1)
        CHECK_STATUS(rp_serve(pool), RP_OK);
    if (rp_is_manager(pool)) {
        ranks_submit(pool, 500);
        ranks_map(pool, 20000);
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

/* A handle that was closed does not come back. */
TEST_CASE(tasks_do_not_wait_for_ranks_that_have_closed_their_handles)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (!rp_is_manager(pool))
        CHECK_STATUS(rp_close(&pool), RP_OK);
    MPI_Barrier(MPI_COMM_WORLD);
    if (!pool)
        return;
    bool others = ranks_in(MPI_COMM_WORLD) > 1;
    rp_future *future = NULL;
    double x = 3;
    rp_status status = rp_submit(pool, ranks_square, &x, sizeof x, &future);
    if (!status)
        status = rp_result(future, NULL);
    CHECK_STATUS(status, others ? RP_POOL_BROKEN : RP_OK);
    if (others)
        CHECK_HAS(future ? rp_error(future) : rp_last_error(pool), "closed its handle");
    bool refused = others && !future; /* at once: nothing was accepted that did not run */
    rp_release(&future);
    ranks_map(pool, 20000); /* the manager runs it all */
    CHECK_STATUS(rp_close(&pool), others && !refused ? RP_POOL_BROKEN : RP_OK);
}

static int serve_inside(rp_call *call, const void *in, size_t size)
{
    rp_pool *pool;
    (void)size;
    memcpy(&pool, in, sizeof pool);
    rp_status statuses[2] = {rp_serve(pool), rp_close(&pool)};
    return rp_return(call, statuses, sizeof statuses);
}

TEST_CASE(serving_and_closing_from_inside_a_task_are_refused)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL), *theirs = pool;
    if (ranks_in(MPI_COMM_WORLD) > 1)
        MPI_Bcast(&theirs, sizeof theirs, MPI_BYTE, 1, MPI_COMM_WORLD);
    if (rp_is_manager(pool)) {
        rp_future *future;
        rp_view view;
        CHECK_STATUS(
            rp_submit_with(pool, serve_inside, &theirs, sizeof theirs, RP_TASK_OPTIONS(.worker = 1), &future),
            RP_OK);
        CHECK_STATUS(rp_result(future, &view), RP_OK);
        for (int i = 0; i < 2; i++)
            CHECK_STATUS(((const rp_status *)view.data)[i], RP_INVALID);
        rp_release(&future);
    } else {
        CHECK_STATUS(rp_serve(pool), RP_OK);
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

/* ---- Starting --------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    int level;
    rp_pool *pool = NULL;
    before_init = rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool);
    snprintf(before_init_text, sizeof before_init_text, "%s", rp_last_error(NULL));
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SINGLE, &level);
    ranks_find_nodes();
    int failed = check_main(argc, argv), ranks = ranks_in(MPI_COMM_WORLD);
    rp_pool *left_open = ranks_open(MPI_COMM_WORLD, 0, NULL);
    bool manages = rp_is_manager(left_open);
    if (!manages && rp_serve(left_open) != RP_OK)
        failed = fprintf(stderr, "a worker did not serve: %s\n", rp_last_error(left_open));
    MPI_Finalize(); /* the others leave rp_serve */
    uint64_t value = 1;
    rp_future *future = NULL;
    rp_status wanted = ranks == 1 ? RP_OK : RP_POOL_BROKEN;
    if (manages && rp_submit(left_open, ranks_square, &value, sizeof value, &future) != wanted)
        failed = fprintf(stderr, "after MPI_Finalize: %s\n", rp_last_error(left_open));
    rp_release(&future);
    if (rp_close(&left_open) != (manages ? wanted : RP_OK))
        failed = fprintf(stderr, "closed after MPI_Finalize: %s\n", rp_last_error(NULL));
    if (rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool) != RP_INVALID)
        failed = fprintf(stderr, "a pool was opened after MPI_Finalize\n");
    return failed != 0;
}
