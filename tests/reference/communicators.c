/* The examples of rankpool/mpi.h: a program that runs MPI itself, and its exit status says whether
 * they gave what they should. */
#include <rankpool/mpi.h>
#include <stdio.h>

static int square(rp_call *call, const void *in, size_t size)
{
    double x = *(const double *)in;
    double answer = x * x;
    return rp_return(call, &answer, sizeof answer);
}

/* In the manager: a map, whose last result is 81. */
static int map_squares(rp_pool *pool)
{
    double in[10], out[10];
    for (int i = 0; i < 10; i++)
        in[i] = i;
    return rp_map(pool, square, in, sizeof *in, 10, out, sizeof *out) == RP_OK && out[9] == 81;
}

//! [rp_open_comm]
static int square_together(MPI_Comm comm)
{
    rp_pool *pool;
    if (rp_open_comm(comm, 0, NULL, &pool)) /* in every rank; rank 0 manages */
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 0;
    int fine = rp_is_manager(pool) ? map_squares(pool) : rp_serve(pool) == RP_OK;
    return rp_close(&pool) == RP_OK && fine;
}
//! [rp_open_comm]

//! [rp_serve]
static int work_along(rp_pool *pool)
{
    rp_status status = rp_serve(pool); /* until the manager closes the pool */
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    return status == RP_OK;
}
//! [rp_serve]

static int last_rank_manages(MPI_Comm comm)
{
    int ranks;
    rp_pool *pool;
    MPI_Comm_size(comm, &ranks);
    if (rp_open_comm(comm, ranks - 1, NULL, &pool))
        return 0;
    int fine = rp_is_manager(pool) ? map_squares(pool) : work_along(pool);
    return rp_close(&pool) == RP_OK && fine;
}

int main(int argc, char **argv)
{
    int mine, all;
    MPI_Init(&argc, &argv);
    mine = square_together(MPI_COMM_WORLD) && last_rank_manages(MPI_COMM_WORLD);
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    MPI_Finalize();
    return !all;
}
