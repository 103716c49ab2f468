/* Pools of several communicators, used in odd ways and orders, at MPI_THREAD_FUNNELED. */
#include "suite/ranks.h"

/* ---- Pools in pools ----------------------------------------------------------------------------- */

static rp_pool *inner; /* that this rank manages, while it is a worker of another one */

static int use_inner(rp_call *call, const void *in, size_t size)
{
    uint64_t value, squares[50], square = 0;
    rp_future *future;
    rp_view view;
    memcpy(&value, in, size);
    if (rp_map_range(inner, ranks_square, value, value + 50, squares, sizeof *squares))
        return rp_fail(call, "a map: %s", rp_last_error(inner));
    if (rp_submit(inner, ranks_square, &value, sizeof value, &future))
        return rp_fail(call, "a task: %s", rp_last_error(inner));
    if (rp_result(future, &view) == RP_OK)
        memcpy(&square, view.data, sizeof square);
    rp_release(&future);
    if (square != squares[0] || squares[49] != (value + 49) * (value + 49))
        return rp_fail(call, "wrong squares");
    return rp_return(call, &square, sizeof square);
}

/* Rank 0 manages a pool of ranks 0 and 1, rank 1 one of all but rank 0. */
TEST_CASE(tasks_use_a_pool_that_their_rank_manages)
{
    int rank = rank_in(MPI_COMM_WORLD);
    MPI_Comm comms[2];
    rp_pool *outer = NULL;
    if (ranks_in(MPI_COMM_WORLD) < 3)
        SKIP_CASE("it takes three ranks");
    MPI_Comm_split(MPI_COMM_WORLD, rank <= 1 ? 0 : MPI_UNDEFINED, rank, &comms[0]);
    MPI_Comm_split(MPI_COMM_WORLD, rank >= 1 ? 0 : MPI_UNDEFINED, rank, &comms[1]);
    inner = NULL;
    if (rank <= 1)
        outer = ranks_open(comms[0], 0, NULL);
    if (rank >= 1)
        inner = ranks_open(comms[1], 0, NULL);
    if (rank == 0) {
        size_t count = 0;
        for (uint64_t i = 0; i < 100; i++)
            REQUIRE_STATUS(rp_submit(outer, use_inner, &i, sizeof i, NULL), RP_OK);
        for (rp_future *future; (future = rp_next(outer, 60)); rp_release(&future), count++)
            CHECK_STR(rp_error(future), "");
        CHECK_UINT(count, 100);
    } else if (rank == 1) {
        CHECK_STATUS(rp_serve(outer), RP_OK);
    } else {
        CHECK_STATUS(rp_serve(inner), RP_OK);
    }
    CHECK_STATUS(rp_close(&outer), RP_OK);
    CHECK_STATUS(rp_close(&inner), RP_OK);
    for (int i = 0; i < 2; i++)
        if (comms[i] != MPI_COMM_NULL)
            MPI_Comm_free(&comms[i]);
    MPI_Barrier(MPI_COMM_WORLD);
}

static int open_one(rp_call *call, const void *in, size_t size)
{
    uint64_t squares[10];
    rp_pool *own = NULL;
    (void)in, (void)size;
    if (rp_open_comm(MPI_COMM_SELF, 0, NULL, &own))
        return rp_fail(call, "no pool: %s", rp_last_error(NULL));
    if (rp_map_range(own, ranks_square, 0, 10, squares, sizeof *squares) || squares[9] != 81)
        return rp_fail(call, "wrong squares: %s", rp_last_error(own));
    return rp_close(&own) ? rp_fail(call, "not closed") : 0;
}

TEST_CASE(a_task_may_open_a_pool_of_its_rank_alone)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(pool)) {
        CHECK_STATUS(rp_map_range(pool, open_one, 0, 100, NULL, 0), RP_OK);
        CHECK_STR(rp_last_error(pool), "");
    } else {
        CHECK_STATUS(rp_serve(pool), RP_OK);
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

/* ---- Orders ------------------------------------------------------------------------------------- */

TEST_CASE(who_serves_the_pool_that_is_closed_last_serves_the_others_of_the_communicator)
{
    rp_pool *last = ranks_open(MPI_COMM_WORLD, 0, NULL), *first = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(last)) {
        for (int i = 0; i < 20; i++) {
            ranks_submit(first, 20);
            ranks_submit(last, 20);
            ranks_map(last, 500);
        }
        CHECK_STATUS(rp_close(&first), RP_OK);
        ranks_submit(last, 5);
        CHECK_STATUS(rp_close(&last), RP_OK);
    } else {
        CHECK_STATUS(rp_serve(last), RP_OK);
    }
    CHECK_STATUS(rp_close(&first), RP_OK);
    CHECK_STATUS(rp_close(&last), RP_OK);
}

TEST_CASE(handles_may_be_closed_in_another_order_in_each_rank)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    int rank = rank_in(MPI_COMM_WORLD), ranks = ranks_in(MPI_COMM_WORLD);
    for (int round = 0; round < 6; round++) {
        rp_pool *pools[3];
        for (int i = 0; i < 3; i++)
            pools[i] = ranks_open(MPI_COMM_WORLD, i % ranks, NULL);
        for (int i = 0; i < 3; i++) {
            rp_pool **pool = &pools[orders[round][i]];
            if (rp_is_manager(*pool)) {
                ranks_map(*pool, 100);
                CHECK_STATUS(rp_close(pool), RP_OK);
            } else {
                CHECK_STATUS(rp_serve(*pool), RP_OK);
            }
        }
        for (int i = 0; i < 3; i++)
            CHECK_STATUS(rp_close(&pools[orders[(round + rank) % 6][i]]), RP_OK);
    }
}

TEST_CASE(more_pools_than_fit_are_refused_in_every_rank)
{
    enum { room = 100 };
    rp_pool *pools[room] = {NULL};
    rp_status status = RP_OK;
    int count = 0, counts[2];
    while (count < room && !(status = rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pools[count])))
        count++;
    CHECK(count >= 32);
    if (status) {
        CHECK_STATUS(status, RP_UNSUPPORTED);
        CHECK_HAS(rp_last_error(NULL), "pools");
        CHECK(!pools[count]);
    }
    MPI_Allreduce(&count, &counts[0], 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&count, &counts[1], 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    CHECK_INT(counts[0], counts[1]);
    for (int i = 0; i < count; i++) { /* some serve, some leave at once */
        if (rp_is_manager(pools[i]))
            ranks_map(pools[i], i % 2 ? 20 : 0);
        else if (i % 3 == 0)
            CHECK_STATUS(rp_serve(pools[i]), RP_OK);
        CHECK_STATUS(rp_close(&pools[i]), RP_OK);
    }
    ranks_use(MPI_COMM_WORLD, 0, 50);
}

int main(int argc, char **argv)
{
    return ranks_main(argc, argv, MPI_THREAD_FUNNELED);
}
