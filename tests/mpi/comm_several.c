/* Several pools at once in a program that runs MPI itself (at MPI_THREAD_MULTIPLE, from one thread):
 * on several communicators, with several managers, served by ranks that are in all of them. */
#define _GNU_SOURCE
#include "suite/ranks.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 16 }; /* ranks */

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, by_number);
    return numbers[count / 2];
}

static void tell(int rank)
{
    MPI_Send(NULL, 0, MPI_BYTE, rank, 1, MPI_COMM_WORLD);
}

static void hear(int rank)
{
    MPI_Recv(NULL, 0, MPI_BYTE, rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void need_ranks(int ranks)
{
    if (ranks_in(MPI_COMM_WORLD) < ranks)
        SKIP_CASE("it takes more ranks");
}

/* ---- Two managers ----------------------------------------------------------------------------- */

/* Pools that rank 0 and rank 1 manage, each on a communicator without the other one; all other
 * ranks work for both. NULL: the rank is not in it. */
struct two {
    MPI_Comm comm[2];
    rp_pool *pool[2];
};

static struct two open_two(const rp_options *options)
{
    struct two two = {{MPI_COMM_NULL, MPI_COMM_NULL}, {NULL, NULL}};
    int rank = rank_in(MPI_COMM_WORLD);
    for (int i = 0; i < 2; i++) {
        MPI_Comm_split(MPI_COMM_WORLD, rank == 1 - i ? MPI_UNDEFINED : 0, rank, &two.comm[i]);
        if (two.comm[i] != MPI_COMM_NULL)
            two.pool[i] = ranks_open(two.comm[i], 0, options);
    }
    return two;
}

static void close_two(struct two *two)
{
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(rp_close(&two->pool[i]), RP_OK);
        if (two->comm[i] != MPI_COMM_NULL)
            MPI_Comm_free(&two->comm[i]);
    }
}

TEST_CASE(who_serves_one_pool_serves_the_other_too)
{
    need_ranks(3);
    struct two two = open_two(NULL);
    switch (rank_in(MPI_COMM_WORLD)) {
    case 0:
        ranks_submit(two.pool[0], 100);
        hear(1); /* which has closed its pool, while the others are still in rp_serve of ours */
        ranks_submit(two.pool[0], 100);
        CHECK_STATUS(rp_close(&two.pool[0]), RP_OK);
        break;
    case 1:
        ranks_submit(two.pool[1], 2000);
        ranks_map(two.pool[1], 2000);
        CHECK_STATUS(rp_close(&two.pool[1]), RP_OK);
        tell(0);
        break;
    default:
        CHECK_STATUS(rp_serve(two.pool[0]), RP_OK);
        CHECK_STATUS(rp_serve(two.pool[1]), RP_OK);
    }
    close_two(&two);
}

TEST_CASE(two_managers_that_keep_on_asking_are_both_served)
{
    need_ranks(3);
    struct two two = open_two(NULL);
    int rank = rank_in(MPI_COMM_WORLD);
    if (rank < 2) {
        for (int round = 0; round < 100; round++) {
            ranks_submit(two.pool[rank], 1 + (size_t)round % 7);
            ranks_map(two.pool[rank], 1 + (size_t)round % 5 * 100);
        }
        CHECK_STATUS(rp_close(&two.pool[rank]), RP_OK);
    } else {
        CHECK_STATUS(rp_serve(two.pool[rank % 2]), RP_OK);
        CHECK_STATUS(rp_serve(two.pool[1 - rank % 2]), RP_OK);
    }
    close_two(&two);
}

static void nap(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

static int tell_used(rp_call *call, const void *in, size_t size)
{
    double used = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    (void)in, (void)size;
    return rp_return(call, &used, sizeof used);
}

static double ask_used(rp_pool *pool, int worker)
{
    double used = 0;
    rp_future *future;
    rp_view view;
    REQUIRE_STATUS(rp_submit_with(pool, tell_used, NULL, 0, RP_TASK_OPTIONS(.worker = worker), &future),
                   RP_OK);
    if (CHECK_STATUS(rp_result(future, &view), RP_OK))
        memcpy(&used, view.data, sizeof used);
    rp_release(&future);
    return used;
}

/* Either bell wakes. A core may be taken away for long, and its time be put down to who had it: what counts
 * is the median. */
static void check_idle(rp_pool *pool)
{
    enum { ROUNDS = 5 };
    const double idle = 0.2;
    int workers = rp_workers(pool);
    double used[MOST], took[MOST][ROUNDS];
    for (int i = 0; i < workers; i++)
        used[i] = ask_used(pool, i + 1);
    for (int round = 0; round < ROUNDS; round++) {
        nap(idle);
        for (int i = 0; i < workers; i++) {
            double now = ask_used(pool, i + 1);
            took[i][round] = now - used[i];
            used[i] = now;
        }
    }
    for (int i = 0; i < workers; i++)
        CHECK(median(took[i], ROUNDS) < idle / 20);
}

TEST_CASE(who_has_nothing_to_do_in_either_pool_sleeps)
{
    need_ranks(3);
    struct two two = open_two(NULL);
    int rank = rank_in(MPI_COMM_WORLD);
    if (rank < 2) {
        check_idle(two.pool[rank]);
        CHECK_STATUS(rp_close(&two.pool[rank]), RP_OK);
    } else {
        for (int i = 0; i < 2; i++)
            CHECK_STATUS(rp_serve(two.pool[i]), RP_OK);
    }
    close_two(&two);
}

TEST_CASE(a_manager_that_has_gone_keeps_nobody_awake_who_serves_another_one)
{
    need_ranks(3);
    struct two two = open_two(NULL);
    switch (rank_in(MPI_COMM_WORLD)) {
    case 0:
        close_two(&two); /* with all that binds it to the others */
        tell(1);
        return;
    case 1:
        hear(0);
        check_idle(two.pool[1]);
        break;
    default:
        CHECK_STATUS(rp_serve(two.pool[1]), RP_OK);
    }
    close_two(&two);
}

/* ---- Every rank manages one ------------------------------------------------------------------- */

TEST_CASE(each_rank_manages_a_pool_and_works_for_the_others)
{
    int ranks = ranks_in(MPI_COMM_WORLD), rank = rank_in(MPI_COMM_WORLD);
    REQUIRE(ranks <= MOST);
    rp_pool *pools[MOST];
    for (int i = 0; i < ranks; i++)
        pools[i] = ranks_open(MPI_COMM_WORLD, i, NULL);
    for (int i = 0; i < ranks; i++) {
        if (i == rank) {
            ranks_map(pools[i], 3000);
            ranks_submit(pools[i], 300);
            CHECK_STATUS(rp_close(&pools[i]), RP_OK);
        } else {
            CHECK_STATUS(rp_serve(pools[i]), RP_OK);
        }
    }
    for (int i = 0; i < ranks; i++)
        CHECK_STATUS(rp_close(&pools[i]), RP_OK);
}

/* Where there are other nodes whoever leads one looks at each of its nets: fewer will do. */
TEST_CASE(pools_on_more_communicators_than_the_kernel_can_wait_for)
{
    enum { MANY = 140, FEW = 24 };
    MPI_Comm comms[MANY];
    rp_pool *pools[MANY];
    int count = ranks_nodes(MPI_COMM_WORLD) > 1 ? FEW : MANY;
    for (int i = 0; i < count; i++) {
        MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]);
        pools[i] = ranks_open(comms[i], 0, NULL);
    }
    for (int i = 0; i < count; i++) {
        if (rp_is_manager(pools[i])) {
            nap(i % 20 ? 0 : 0.01);
            ranks_submit(pools[i], 5);
            ranks_submit(pools[count - 1], 1);
        } else {
            CHECK_STATUS(rp_serve(pools[i]), RP_OK);
        }
        CHECK_STATUS(rp_close(&pools[i]), RP_OK);
        if (i + 1 < count)
            MPI_Comm_free(&comms[i]);
    }
    MPI_Comm_free(&comms[count - 1]);
}

/* ---- Coming and going ------------------------------------------------------------------------- */

static int entered, left; /* hooks of this process, of the second pool */

static int note_entering(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    entered++;
    return 0;
}

static int note_leaving(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    left++;
    return 0;
}

/* The first pool is served, the second one meanwhile. */
static rp_pool *second, *first;

static void open_both(void)
{
    entered = left = 0;
    first = ranks_open(MPI_COMM_WORLD, 0, NULL);
    second =
        ranks_open(MPI_COMM_WORLD, 0, RP_OPTIONS(.initializer = note_entering, .finalizer = note_leaving));
}

static void submit_to_each_worker(rp_pool *pool)
{
    rp_future *future;
    uint64_t value = 3;
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        REQUIRE_STATUS(rp_submit_with(pool, ranks_square, &value, sizeof value,
                                      RP_TASK_OPTIONS(.worker = worker), &future),
                       RP_OK);
        CHECK_STATUS(rp_result(future, NULL), RP_OK);
        rp_release(&future);
    }
}

/* The manager runs tasks that are submitted only where it is alone. */
static void check_hooks(void)
{
    bool runs = rank_in(MPI_COMM_WORLD) > 0 || ranks_in(MPI_COMM_WORLD) == 1;
    CHECK_INT(entered, runs ? 1 : 0);
    CHECK_INT(left, entered);
}

TEST_CASE(nobody_waits_for_the_finalizers_of_ranks_that_are_away)
{
    open_both();
    if (rp_is_manager(first)) {
        submit_to_each_worker(second);
        CHECK_STATUS(rp_close(&first), RP_OK);
        for (int i = 1; i < ranks_in(MPI_COMM_WORLD); i++)
            hear(i); /* they serve no more */
        CHECK_STATUS(rp_close(&second), RP_OK);
        MPI_Barrier(MPI_COMM_WORLD);
    } else {
        CHECK_STATUS(rp_serve(first), RP_OK);
        tell(0);
        CHECK_INT(entered, 1);
        CHECK_INT(left, 0);
        MPI_Barrier(MPI_COMM_WORLD); /* the manager closes, and we do nothing for it */
        CHECK_STATUS(rp_close(&first), RP_OK);
        CHECK_STATUS(rp_close(&second), RP_OK);
    }
    check_hooks();
}

/* Many words, and long ones, wait for ranks that are not there, when the manager is gone already. */
TEST_CASE(who_serves_late_leaves_pools_whose_manager_is_in_mpi)
{
    enum { POOLS = 8, SHARES = 10, LONG = 5000000 };
    static char data[LONG];
    rp_pool *pools[POOLS];
    for (int i = 0; i < POOLS; i++)
        pools[i] = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(pools[0])) {
        rp_share_id id;
        for (int i = 0; i < SHARES; i++)
            CHECK_STATUS(rp_share(pools[0], data, i ? 100 : LONG, &id), RP_OK);
        for (int i = 0; i < POOLS; i++)
            CHECK_STATUS(rp_close(&pools[i]), RP_OK);
        for (int i = 1; i < ranks_in(MPI_COMM_WORLD); i++)
            tell(i);
    } else {
        hear(0);
        for (int i = 0; i < POOLS; i++) {
            CHECK_STATUS(rp_serve(pools[i]), RP_OK);
            CHECK_STATUS(rp_close(&pools[i]), RP_OK);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE(who_was_away_comes_back_to_the_same_pool)
{
    open_both();
    if (rp_is_manager(first)) {
        for (int i = 0; i < 10000; i++) /* more than a worker's outbox holds */
            REQUIRE_STATUS(rp_submit(second, ranks_square, &(uint64_t){7}, 8, NULL), RP_OK);
        submit_to_each_worker(first);
        CHECK_STATUS(rp_close(&first), RP_OK);
        size_t count = 0;
        for (rp_future *future; (future = rp_next(second, 60)); rp_release(&future))
            count += rp_result(future, NULL) == RP_OK;
        CHECK_UINT(count, 10000);
        submit_to_each_worker(second);
    } else {
        CHECK_STATUS(rp_serve(first), RP_OK);
        CHECK_STATUS(rp_close(&first), RP_OK);
        CHECK_STATUS(rp_serve(second), RP_OK);
    }
    CHECK_STATUS(rp_close(&second), RP_OK);
    check_hooks();
}

/* The median of the seconds that one who serves the pool, and sleeps, takes for a task. */
static double time_waking(rp_pool *pool)
{
    enum { ROUNDS = 41 };
    double took[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        nap(0.002);
        double begun = seconds_of(CLOCK_MONOTONIC);
        ranks_submit(pool, 1);
        took[round] = seconds_of(CLOCK_MONOTONIC) - begun;
    }
    return median(took, ROUNDS);
}

TEST_CASE(who_closes_its_handle_leaves_the_pool)
{
    need_ranks(3);
    open_both();
    if (rp_is_manager(first)) {
        hear(1);
        ranks_submit(second, 100);
        rp_worker_info info;
        CHECK_STATUS(rp_worker(second, 1, &info), RP_OK);
        CHECK_UINT(info.tasks_done, 0);
        double all = time_waking(first), others = time_waking(second);
        CHECK(others < 10 * all + 0.001);
        CHECK_STATUS(rp_close(&second), RP_OK);
        submit_to_each_worker(first);
    } else {
        if (rank_in(MPI_COMM_WORLD) == 1) {
            CHECK_STATUS(rp_close(&second), RP_OK);
            tell(0);
        }
        CHECK_STATUS(rp_serve(first), RP_OK);
        CHECK_INT(entered, rank_in(MPI_COMM_WORLD) == 1 ? 0 : entered);
    }
    CHECK_STATUS(rp_close(&second), RP_OK);
    CHECK_STATUS(rp_close(&first), RP_OK);
    CHECK_INT(left, entered);
}

int main(int argc, char **argv)
{
    return ranks_main(argc, argv, MPI_THREAD_MULTIPLE);
}
