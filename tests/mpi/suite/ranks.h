/* What the programs share that run MPI themselves: their cases run in every rank, in step. */
#ifndef RANKPOOL_TESTS_MPI_RANKS_H
#define RANKPOOL_TESTS_MPI_RANKS_H

#include <rankpool/mpi.h>

#include <stdlib.h>

#include "check.h"

static inline int rank_in(MPI_Comm comm)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    return rank;
}

static inline int ranks_in(MPI_Comm comm)
{
    int ranks;
    MPI_Comm_size(comm, &ranks);
    return ranks;
}

enum { RANKS_MOST = 64, RANKS_HOST = MPI_MAX_PROCESSOR_NAME };

/* The node of each rank of MPI_COMM_WORLD, as the library sees them: ranks of one host, or so many in a row.
 */
static struct ranks_places {
    int size; /* RANKPOOL_NODE_SIZE, of every communicator; 0: nodes are hosts */
    int host[RANKS_MOST];
} ranks_places;

/* Collective, once, after MPI_Init. */
static inline void ranks_find_nodes(void)
{
    static char all[RANKS_MOST][RANKS_HOST], mine[RANKS_HOST];
    const char *size = getenv("RANKPOOL_NODE_SIZE");
    int length, ranks = ranks_in(MPI_COMM_WORLD);
    if (ranks > RANKS_MOST)
        abort();
    MPI_Get_processor_name(mine, &length);
    MPI_Allgather(mine, RANKS_HOST, MPI_CHAR, all, RANKS_HOST, MPI_CHAR, MPI_COMM_WORLD);
    ranks_places.size = size ? atoi(size) : 0;
    for (int rank = 0; rank < ranks; rank++)
        while (strcmp(all[ranks_places.host[rank]], all[rank]) != 0)
            ranks_places.host[rank]++;
}

/* The same number for ranks of one node. */
static inline int ranks_node(MPI_Comm comm, int rank)
{
    MPI_Group world, group;
    int place;
    if (ranks_places.size > 0)
        return rank / ranks_places.size;
    PMPI_Comm_group(MPI_COMM_WORLD, &world);
    PMPI_Comm_group(comm, &group);
    MPI_Group_translate_ranks(group, 1, &rank, world, &place);
    PMPI_Group_free(&world);
    PMPI_Group_free(&group);
    return ranks_places.host[place];
}

/* The nodes that a pool of the communicator has. */
static inline int ranks_nodes(MPI_Comm comm)
{
    int nodes = 0;
    for (int rank = 0; rank < ranks_in(comm); rank++) {
        int before = 0;
        while (ranks_node(comm, before) != ranks_node(comm, rank))
            before++;
        nodes += before == rank;
    }
    return nodes;
}

/* How many of its ranks run items of a map that all serve: where there are other nodes the manager has to
 * see to these. */
static inline int ranks_executors(MPI_Comm comm)
{
    return ranks_in(comm) - (ranks_nodes(comm) > 1);
}

/* The rank of a worker: those of the manager's node come first, then node by node as their first ranks do. */
static inline int ranks_worker(MPI_Comm comm, int manager, int worker)
{
    int ranks = ranks_in(comm), count = 0;
    for (int first = -1; first < ranks; first++) {
        int node = ranks_node(comm, first < 0 ? manager : first), seen = ranks_node(comm, manager) == node;
        for (int before = 0; before < first && !seen; before++)
            seen = ranks_node(comm, before) == node;
        for (int rank = 0; rank < ranks && (first < 0 || !seen); rank++)
            if (rank != manager && ranks_node(comm, rank) == node && ++count == worker)
                return rank;
    }
    return manager;
}

/* Opens a pool, or leaves the case with the reason. */
static inline rp_pool *ranks_open(MPI_Comm comm, int manager, const rp_options *options)
{
    rp_pool *pool = NULL;
    rp_status status = rp_open_comm(comm, manager, options, &pool);
    if (status)
        CHECK_FAILED("rank %d: %s", rank_in(comm), rp_last_error(NULL));
    REQUIRE(!status && pool);
    CHECK(rp_is_manager(pool) == (rank_in(comm) == manager));
    return pool;
}

static inline int ranks_square(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    if (size != sizeof value)
        return rp_fail(call, "%zu bytes", size);
    memcpy(&value, in, size);
    value *= value;
    return rp_return(call, &value, sizeof value);
}

/* The manager's part: a map, whose results must be right. */
static inline void ranks_map(rp_pool *pool, size_t n)
{
    enum { MOST = 20000 };
    static uint64_t out[MOST];
    memset(out, 0xee, sizeof out);
    CHECK_STATUS(rp_map_range(pool, ranks_square, 5, 5 + n, out, sizeof *out), RP_OK);
    for (uint64_t i = 0; i < n; i++)
        if (!CHECK_UINT(out[i], (i + 5) * (i + 5)))
            break;
}

/* Tasks that are submitted, whose results must be right. */
static inline void ranks_submit(rp_pool *pool, size_t n)
{
    uint64_t sum = 0, wanted = 0;
    size_t count = 0;
    for (uint64_t i = 0; i < n; i++, wanted += i * i)
        REQUIRE_STATUS(rp_submit(pool, ranks_square, &(uint64_t){i + 1}, sizeof i, NULL), RP_OK);
    for (rp_future *future; (future = rp_next(pool, 60)); rp_release(&future), count++) {
        rp_view view;
        uint64_t answer = 0;
        if (CHECK_STATUS(rp_result(future, &view), RP_OK) && CHECK_UINT(view.size, sizeof answer))
            memcpy(&answer, view.data, sizeof answer);
        sum += answer;
    }
    CHECK_UINT(count, n);
    CHECK_UINT(sum, wanted);
}

/* A whole pool: the manager maps `n` items and closes it, the others serve. */
static inline void ranks_use(MPI_Comm comm, int manager, size_t n)
{
    rp_pool *pool = ranks_open(comm, manager, NULL);
    if (rp_is_manager(pool))
        ranks_map(pool, n);
    else
        CHECK_STATUS(rp_serve(pool), RP_OK);
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK(!pool);
}

/* The whole of a main; `level` is the one of threads that it asks MPI for. */
static inline int ranks_main(int argc, char **argv, int level)
{
    MPI_Init_thread(&argc, &argv, level, &level);
    ranks_find_nodes();
    int failed = check_main(argc, argv);
    MPI_Finalize();
    return failed;
}

#endif
