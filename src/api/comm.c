#include "api/comm.h"

#include <limits.h>
#include <rankpool/mpi.h>

#include "api/last_error.h"

/* A duplicate of the world of the program that leaves MPI to the library. */
static MPI_Comm world = MPI_COMM_NULL;

static rp_status judge(int code, const char *what, struct error *error)
{
    if (code == MPI_SUCCESS)
        return RP_OK;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(code, text, &length);
    return error_set(error, RP_MPI, "%s: %s", what, text);
}

rp_status comm_start(int *rank, int *ranks, struct error *error)
{
    int running, level;
    MPI_Initialized(&running);
    if (running)
        return error_set(
            error, RP_INVALID,
            "rp_open in a program that has called MPI_Init: open the pool with rp_open_comm instead");
    rp_status status =
        judge(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread", error);
    if (!status)
        status = judge(MPI_Comm_dup(MPI_COMM_WORLD, &world), "MPI_Comm_dup", error);
    if (status)
        return status;
    MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    MPI_Comm_rank(world, rank);
    MPI_Comm_size(world, ranks);
    return RP_OK;
}

rp_status comm_all_gather(const void *mine, size_t size, void *all, struct error *error)
{
    if (size > INT_MAX)
        return error_set(error, RP_INVALID, "%zu bytes to gather from each rank", size);
    return judge(MPI_Allgather(mine, (int)size, MPI_BYTE, all, (int)size, MPI_BYTE, world), "MPI_Allgather",
                 error);
}

rp_status comm_broadcast(void *data, size_t size, struct error *error)
{
    if (size > INT_MAX)
        return error_set(error, RP_INVALID, "%zu bytes to broadcast", size);
    return judge(MPI_Bcast(data, (int)size, MPI_BYTE, 0, world), "MPI_Bcast", error);
}

void comm_stop(void)
{
    int finalized;
    MPI_Finalized(&finalized);
    if (world == MPI_COMM_NULL || finalized)
        return;
    MPI_Comm_free(&world);
    MPI_Finalize();
}

/* Pools inside programs that run MPI themselves: not in this version. */

rp_status rp_open_comm(MPI_Comm comm, int manager, const rp_options *options, rp_pool **pool)
{
    (void)comm, (void)manager, (void)options, (void)pool;
    return error_set(api_error(), RP_UNSUPPORTED, "rp_open_comm is not supported by this version");
}

rp_status rp_serve(rp_pool *pool)
{
    (void)pool;
    return error_set(api_error(), RP_UNSUPPORTED, "rp_serve is not supported by this version");
}
