/* A program of which a rank ends inside rp_open_comm.
 *
 *     opening OPENS RANK CALL
 *
 * Opens and closes so many pools, and one more, in which the rank kills itself at its call of that number,
 * from 1 on, of MPI's collectives. The others say what came of that pool, and of the next. */
#include <rankpool/mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int calls, last; /* 0: none is the last */

static void count(void)
{
    if (last && ++calls == last)
        raise(SIGKILL);
}

int MPI_Iallgather(const void *send, int sends, MPI_Datatype of, void *receive, int receives,
                   MPI_Datatype what, MPI_Comm comm, MPI_Request *request)
{
    count();
    return PMPI_Iallgather(send, sends, of, receive, receives, what, comm, request);
}

int MPI_Ibcast(void *data, int size, MPI_Datatype of, int from, MPI_Comm comm, MPI_Request *request)
{
    count();
    return PMPI_Ibcast(data, size, of, from, comm, request);
}

int MPI_Comm_idup(MPI_Comm comm, MPI_Comm *made, MPI_Request *request)
{
    count();
    return PMPI_Comm_idup(comm, made, request);
}

static void use(void)
{
    rp_pool *pool;
    if (rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool))
        exit(2);
    if (!rp_is_manager(pool))
        rp_serve(pool);
    rp_close(&pool);
}

int main(int argc, char **argv)
{
    int rank;
    rp_pool *pool;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (argc != 4)
        return 2;
    for (int i = atoi(argv[1]); i > 0; i--)
        use();
    if (rank == atoi(argv[2]))
        last = atoi(argv[3]);
    for (int i = 0; i < 2; i++) {
        rp_status status = rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool);
        printf("rank %d: %s %d: %s\n", rank, i ? "then" : "first", (int)status,
               status ? rp_last_error(NULL) : "opened");
        if (!status && i == 0) /* which it was for all before the rank was missed */
            rp_close(&pool);
    }
    fflush(stdout);
    _exit(0); /* MPI_Finalize would wait for the dead */
}
