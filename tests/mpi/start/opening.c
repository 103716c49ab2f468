/* A program of which ranks end inside rp_open_comm.
 *
 *     opening OPENS [RANK CALL]...
 *     opening hangup
 *
 * Opens and closes so many pools, and one more, in which each rank that is named kills itself at its call of
 * that number, from 1 on, of MPI's collectives. The others say what came of that pool, and of the next. With
 * `hangup` all ranks open and close a pool, MPI writes in each call to one that has died, and at last the
 * program does. */
#include <rankpool/mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls, last; /* 0: none is the last */

static int dead[2]; /* a pipe that nobody reads; 0: none */

/* Over TCP MPI does so in any call that moves what it has to send. */
static void write_to_dead(void)
{
    if (dead[1] && write(dead[1], "", 1) >= 0)
        exit(3);
}

static void count(void)
{
    write_to_dead();
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

int MPI_Testall(int requests, MPI_Request request[], int *done, MPI_Status status[])
{
    write_to_dead();
    return PMPI_Testall(requests, request, done, status);
}

int MPI_Iprobe(int from, int tag, MPI_Comm comm, int *there, MPI_Status *status)
{
    write_to_dead();
    return PMPI_Iprobe(from, tag, comm, there, status);
}

int MPI_Comm_free(MPI_Comm *comm)
{
    write_to_dead();
    return PMPI_Comm_free(comm);
}

static void use(MPI_Comm comm)
{
    rp_pool *pool;
    if (rp_open_comm(comm, 0, NULL, &pool))
        exit(2);
    if (!rp_is_manager(pool))
        rp_serve(pool);
    rp_close(&pool);
}

static int hang_up(int rank)
{
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    if (pipe(dead) || close(dead[0]))
        return 2;
    use(comm);
    PMPI_Comm_free(&comm);
    printf("rank %d: closed\n", rank);
    fflush(stdout);
    write_to_dead();
    printf("rank %d: spared\n", rank);
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    int rank;
    rp_pool *pool;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (argc < 2)
        return 2;
    if (!strcmp(argv[1], "hangup"))
        return hang_up(rank);
    for (int i = atoi(argv[1]); i > 0; i--)
        use(MPI_COMM_WORLD);
    for (int i = 2; i + 1 < argc; i += 2)
        if (rank == atoi(argv[i]))
            last = atoi(argv[i + 1]);
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
