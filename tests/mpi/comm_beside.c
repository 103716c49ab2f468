/* A program that runs MPI itself, at MPI_THREAD_FUNNELED, and goes on doing so beside its pools. */
#include "suite/ranks.h"

#include <math.h>
#include <stdlib.h>

static void need_ranks(int ranks)
{
    if (ranks_in(MPI_COMM_WORLD) < ranks)
        SKIP_CASE("it takes more ranks");
}

/* ---- Its own messages -------------------------------------------------------------------------- */

enum { TAGS = 40 };

TEST_CASE(messages_of_any_source_and_tag_are_the_programs_own)
{
    int rank = rank_in(MPI_COMM_WORLD), ranks = ranks_in(MPI_COMM_WORLD);
    int after = (rank + 1) % ranks, before = (rank + ranks - 1) % ranks, got[TAGS], sent[TAGS];
    MPI_Request requests[2 * TAGS];
    MPI_Status statuses[2 * TAGS];
    for (int i = 0; i < TAGS; i++) { /* they wait while pools are opened, used and closed */
        got[i] = -1;
        MPI_Irecv(&got[i], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &requests[i]);
    }
    for (int manager = 0; manager < ranks; manager++)
        ranks_use(MPI_COMM_WORLD, manager, 500);
    for (int i = 0; i < TAGS; i++)
        CHECK_INT(got[i], -1);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < TAGS; i++) {
        sent[i] = 1000 * rank + i;
        MPI_Isend(&sent[i], 1, MPI_INT, after, i, MPI_COMM_WORLD, &requests[TAGS + i]);
    }
    ranks_use(MPI_COMM_WORLD, 0, 500); /* now they are on their way */
    MPI_Waitall(2 * TAGS, requests, statuses);
    for (int i = 0; i < TAGS; i++) {
        CHECK_INT(statuses[i].MPI_SOURCE, before);
        CHECK_INT(statuses[i].MPI_TAG, i);
        CHECK_INT(got[i], 1000 * before + i);
    }
}

/* A task may send with the program's MPI: it runs in the thread that called MPI_Init. */
static int send_home(rp_call *call, const void *in, size_t size)
{
    (void)call;
    return MPI_Send(in, (int)size, MPI_BYTE, 0, 5, MPI_COMM_WORLD);
}

TEST_CASE(tasks_may_send_messages_of_the_programs_own)
{
    enum { n = 50 };
    static uint64_t got[n];
    MPI_Request requests[n];
    rp_pool *pool = ranks_open(MPI_COMM_WORLD, 0, NULL);
    if (rp_is_manager(pool)) {
        uint64_t sum = 0;
        for (int i = 0; i < n; i++)
            MPI_Irecv(&got[i], sizeof *got, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                      &requests[i]);
        CHECK_STATUS(rp_map_range(pool, send_home, 0, n, NULL, 0), RP_OK);
        MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
        for (int i = 0; i < n; i++)
            sum += got[i];
        CHECK_UINT(sum, n * (n - 1) / 2);
    } else {
        CHECK_STATUS(rp_serve(pool), RP_OK);
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

/* ---- Its other ranks ---------------------------------------------------------------------------- */

TEST_CASE(a_pool_on_a_sub_communicator_leaves_the_other_ranks_free)
{
    need_ranks(2);
    int rank = rank_in(MPI_COMM_WORLD);
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    if (rank % 2) {
        for (int i = 0; i < 500; i++) {
            int sum = 0;
            MPI_Allreduce(&(int){1}, &sum, 1, MPI_INT, MPI_SUM, half);
            if (!CHECK_INT(sum, ranks_in(half)))
                break;
        }
        if (rank == 1) /* the pool is open until here */
            MPI_Send(NULL, 0, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
    } else {
        rp_pool *pool = ranks_open(half, 0, NULL);
        if (rp_is_manager(pool)) {
            ranks_map(pool, 1000);
            MPI_Recv(NULL, 0, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            ranks_map(pool, 1000);
        } else {
            CHECK_STATUS(rp_serve(pool), RP_OK);
        }
        CHECK_STATUS(rp_close(&pool), RP_OK);
    }
    MPI_Comm_free(&half);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- A stencil program -------------------------------------------------------------------------- */

enum { CELLS = 64, STEPS = 30 };

/* What a cell adds in a step: an irregular part, computed by half of the ranks for all. */
static double source_of(uint64_t cell)
{
    double sum = 0;
    for (uint64_t k = 0; k <= cell * cell % 37; k++)
        sum += sin((double)(cell + k));
    return sum;
}

static int source(rp_call *call, const void *in, size_t size)
{
    uint64_t cell;
    (void)size;
    memcpy(&cell, in, sizeof cell);
    double value = source_of(cell);
    return rp_return(call, &value, sizeof value);
}

static double relax(double left, double here, double right, double added)
{
    return 0.25 * left + 0.5 * here + 0.25 * right + 0.01 * added;
}

/* The whole line of cells in one rank; its ends stay as they are. */
static void run_serial(double *cells, int n)
{
    for (int step = 0; step < STEPS; step++) {
        double before = cells[0];
        for (int i = 1; i < n - 1; i++) {
            double here = cells[i];
            cells[i] = relax(before, here, cells[i + 1], source_of((uint64_t)i));
            before = here;
        }
    }
}

static void exchange_ends(double *mine, int rank, int ranks)
{
    int left = rank ? rank - 1 : MPI_PROC_NULL, right = rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL;
    MPI_Sendrecv(&mine[1], 1, MPI_DOUBLE, left, 0, &mine[CELLS + 1], 1, MPI_DOUBLE, right, 0, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
    MPI_Sendrecv(&mine[CELLS], 1, MPI_DOUBLE, right, 0, &mine[0], 1, MPI_DOUBLE, left, 0, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
}

/* One of these a step, on the ranks of `half`; then everybody gets the sources of its cells. */
static void find_sources(MPI_Comm half, double *sources, double *mine)
{
    int n = CELLS * ranks_in(MPI_COMM_WORLD);
    if (half != MPI_COMM_NULL) {
        rp_pool *pool = ranks_open(half, 0, NULL);
        if (rp_is_manager(pool))
            CHECK_STATUS(rp_map_range(pool, source, 0, (uint64_t)n, sources, sizeof *sources), RP_OK);
        else
            CHECK_STATUS(rp_serve(pool), RP_OK);
        CHECK_STATUS(rp_close(&pool), RP_OK);
    }
    MPI_Scatter(sources, CELLS, MPI_DOUBLE, mine, CELLS, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

TEST_CASE(a_stencil_program_uses_half_of_its_ranks_for_an_irregular_part)
{
    int rank = rank_in(MPI_COMM_WORLD), ranks = ranks_in(MPI_COMM_WORLD), n = CELLS * ranks;
    double mine[CELLS + 2] = {0}, next[CELLS + 2], added[CELLS];
    double *all = calloc((size_t)n, sizeof *all), *wanted = calloc((size_t)n, sizeof *wanted);
    MPI_Comm half;
    REQUIRE(all && wanted);
    MPI_Comm_split(MPI_COMM_WORLD, rank < (ranks + 1) / 2 ? 0 : MPI_UNDEFINED, rank, &half);
    for (int i = 0; i < n; i++)
        wanted[i] = i % 11;
    for (int i = 1; i <= CELLS; i++)
        mine[i] = wanted[rank * CELLS + i - 1];
    for (int step = 0; step < STEPS; step++) {
        find_sources(half, all, added);
        exchange_ends(mine, rank, ranks);
        for (int i = 1; i <= CELLS; i++) {
            int cell = rank * CELLS + i - 1;
            bool is_end = cell == 0 || cell == n - 1;
            next[i] = is_end ? mine[i] : relax(mine[i - 1], mine[i], mine[i + 1], added[i - 1]);
        }
        memcpy(&mine[1], &next[1], CELLS * sizeof *mine);
    }
    MPI_Allgather(&mine[1], CELLS, MPI_DOUBLE, all, CELLS, MPI_DOUBLE, MPI_COMM_WORLD);
    run_serial(wanted, n);
    for (int i = 0; i < n; i++)
        if (!CHECK_NEAR(all[i], wanted[i], 1e-12))
            break;
    if (half != MPI_COMM_NULL)
        MPI_Comm_free(&half);
    free(all);
    free(wanted);
}

int main(int argc, char **argv)
{
    return ranks_main(argc, argv, MPI_THREAD_FUNNELED);
}
