/* The cases about any net (unit/net/roles.h) over MPI: rank 0 has the manager's end, the others are leaders.
 */
#include "net/mpi.h"

#include <mpi.h>
#include <stdlib.h>

#include "check.h"
#include "roles.h"

#define MOST_RANKS 16

/* One a net, and none is freed before the last: MPI gives numbers of freed ones to new ones, which would get
 * letters that nobody has taken. */
static MPI_Comm comms[100];
static int used, rank, ranks;

static struct net *open_net(MPI_Comm comm)
{
    static const int manager = 0;
    int leaders[MOST_RANKS];
    struct net *net = NULL;
    struct error error;
    for (int i = 1; i < ranks; i++)
        leaders[i - 1] = i;
    rp_status status = rank == 0 ? net_open_mpi(&comm, leaders, ranks - 1, &net, &error)
                                 : net_open_mpi(&comm, &manager, 1, &net, &error);
    REQUIRE_STATUS(status, RP_OK);
    return net;
}

static void run(void (*manager)(struct net *), void (*leader)(struct net *, int))
{
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[used]);
    struct net *net = open_net(comms[used++]);
    if (rank == 0)
        manager(net);
    else
        leader(net, rank - 1);
    net_close(net);
}

#define CASE(name)                                                                                           \
    TEST_CASE(name)                                                                                          \
    {                                                                                                        \
        run(manager_##name, leader_##name);                                                                  \
    }
NET_CASES(CASE)

int main(int argc, char **argv)
{
    int level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    int failed = check_main(argc, argv);
    while (used > 0)
        MPI_Comm_free(&comms[--used]);
    MPI_Finalize();
    return failed;
}
