/* A program that runs MPI itself and opens a pool, for start.c; BUILD tells two builds apart. */
#include <rankpool/mpi.h>

#include <stdio.h>
#include <string.h>

static int twice(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    memcpy(&value, in, size);
    value *= 2;
    return rp_return(call, &value, sizeof value);
}

int main(int argc, char **argv)
{
    rp_pool *pool = NULL;
    MPI_Init(&argc, &argv);
    rp_status status = rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool);
    printf("build %d, status %d: %s\n", BUILD, (int)status, status ? rp_last_error(NULL) : "");
    if (!status && rp_is_manager(pool))
        printf("sum %d\n", (int)rp_map_range(pool, twice, 0, 100, NULL, 0));
    else if (!status)
        rp_serve(pool);
    rp_close(&pool);
    MPI_Finalize();
    return status ? 3 : 0;
}
