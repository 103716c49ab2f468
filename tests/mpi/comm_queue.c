/* Queues of pools inside programs that run MPI: the manager works along in maps, workers serve several
 * pools, and leave and come back. */
#include "suite/ranks.h"

#include <string.h>

struct job {
    rp_queue_id queue;
    uint64_t count;
};

static int produce(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    (void)size;
    for (uint64_t i = 0; i < job->count; i++)
        if (rp_call_put(call, job->queue, &i, sizeof i, RP_FOREVER))
            return 1;
    return 0;
}

static int get_number(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    rp_view view;
    (void)size;
    rp_status status = rp_call_get(call, job->queue, &view, RP_FOREVER);
    return status ? rp_fail(call, "%s", rp_strerror(status)) : rp_return(call, view.data, view.size);
}

/* Sums what a producer puts. */
static void use_queue(rp_pool *pool, size_t capacity)
{
    enum { n = 2000 };
    rp_queue *queue;
    uint64_t sum = 0, value;
    REQUIRE_STATUS(rp_queue_open(pool, capacity, &queue), RP_OK);
    struct job job = {rp_queue_id_of(queue), n};
    REQUIRE_STATUS(rp_submit(pool, produce, &job, sizeof job, NULL), RP_OK);
    for (uint64_t i = 0; i < n; i++) {
        rp_view view = {0};
        REQUIRE_STATUS(rp_get(queue, &view, 30), RP_OK);
        REQUIRE(CHECK_UINT(view.size, sizeof value));
        memcpy(&value, view.data, sizeof value);
        sum += value;
    }
    CHECK_UINT(sum, (uint64_t)n * (n - 1) / 2);
    rp_future *future = rp_next(pool, 30);
    CHECK_STATUS(rp_result(future, NULL), RP_OK);
    rp_release(&future);
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
}

/* The first half of the items puts, the other half gets; the manager, which cannot wait, takes no part. */
static int put_or_get(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    uint64_t index = rp_call_index(call);
    rp_worker_info info;
    if (rp_here(call, &info) || !info.worker)
        return rp_fail(call, "in the manager");
    for (double end = MPI_Wtime() + 3e-5; MPI_Wtime() < end;)
        continue;
    if (index >= job->count)
        return get_number(call, in, size);
    rp_status status = rp_call_put(call, job->queue, &index, sizeof index, RP_FOREVER);
    return status ? rp_fail(call, "%s", rp_strerror(status)) : 0;
}

static void map_over_queue(rp_pool *pool)
{
    enum { n = 100 };
    rp_queue *queue;
    struct job jobs[n];
    uint64_t out[n] = {0}, sum = 0;
    REQUIRE_STATUS(rp_queue_open(pool, 0, &queue), RP_OK);
    for (int i = 0; i < n; i++)
        jobs[i] = (struct job){rp_queue_id_of(queue), n / 2};
    if (!CHECK_STATUS(rp_map_with(pool, put_or_get, jobs, sizeof *jobs, n, out, sizeof *out,
                                  RP_MAP_OPTIONS(.schedule = "dynamic", .chunk = 1), NULL),
                      RP_OK))
        check_note("%s", rp_last_error(pool));
    for (int i = n / 2; i < n; i++)
        sum += out[i];
    CHECK_UINT(sum, n / 2 * (n / 2 - 1) / 2);
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
}

TEST_CASE(queues_work_in_pools_on_a_communicator)
{
    for (int manager = 0; manager < ranks_in(MPI_COMM_WORLD); manager++) {
        rp_pool *pool = ranks_open(MPI_COMM_WORLD, manager, NULL);
        if (rp_is_manager(pool)) {
            use_queue(pool, 0);
            use_queue(pool, 3);
            map_over_queue(pool);
            ranks_map(pool, 3000); /* it takes part again */
        } else {
            rp_queue *queue;
            CHECK_STATUS(rp_queue_open(pool, 0, &queue), RP_INVALID);
            CHECK_STATUS(rp_serve(pool), RP_OK);
        }
        CHECK_STATUS(rp_close(&pool), RP_OK);
    }
}

TEST_CASE(queues_of_pools_side_by_side_keep_apart)
{
    rp_pool *one = ranks_open(MPI_COMM_WORLD, 0, NULL), *two = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(one)) {
        for (int round = 0; round < 5; round++) {
            use_queue(one, 2);
            use_queue(two, 2);
        }
        CHECK_STATUS(rp_close(&one), RP_OK);
        use_queue(two, 1);
        CHECK_STATUS(rp_close(&two), RP_OK);
    } else {
        CHECK_STATUS(rp_serve(one), RP_OK);
        CHECK_STATUS(rp_close(&one), RP_OK);
        CHECK_STATUS(rp_serve(two), RP_OK);
        CHECK_STATUS(rp_close(&two), RP_OK);
    }
}

/* A task that waits at a queue when the pool is closed ends, and with it everybody's part. */
TEST_CASE(closing_a_pool_frees_a_worker_that_waits_at_its_queue)
{
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(pool)) {
        rp_queue *queue;
        REQUIRE_STATUS(rp_queue_open(pool, 0, &queue), RP_OK);
        struct job job = {rp_queue_id_of(queue), 0};
        for (int i = 0; i < 4; i++)
            REQUIRE_STATUS(rp_submit(pool, get_number, &job, sizeof job, NULL), RP_OK);
        CHECK_STATUS(rp_close(&pool), RP_OK);
        CHECK_STATUS(rp_queue_close(&queue), RP_OK);
    } else {
        CHECK_STATUS(rp_serve(pool), RP_OK);
        CHECK_STATUS(rp_close(&pool), RP_OK);
    }
}

/* ---- Starting --------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int failed = check_main(argc, argv);
    MPI_Finalize();
    return failed;
}
