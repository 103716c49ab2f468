#include "net/mpi_call.h"

#include "net/hangup.h"
#include "net/lockup.h"

rp_status mpi_judge(int code, const char *what, struct error *error)
{
    if (code == MPI_SUCCESS)
        return RP_OK;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(code, text, &length);
    return error_set(error, RP_MPI, "%s: %s", what, text);
}

bool mpi_enter(void)
{
    lockup_enter();
    return hangup_enter();
}

void mpi_leave(bool before)
{
    hangup_leave(before);
    lockup_leave();
}

/* Asking about a request makes progress only if it is not done. */
static int see_to(int code, const MPI_Request *request)
{
    int done;
    if (code == MPI_SUCCESS)
        MPI_Request_get_status(*request, &done, MPI_STATUS_IGNORE);
    return code;
}

int mpi_isend(const void *data, int size, int rank, int tag, MPI_Comm comm, MPI_Request *request)
{
    int code = MPI_Isend(data, size, MPI_BYTE, rank, tag, comm, request);
    return see_to(code, request);
}

int mpi_irecv(void *data, int size, int rank, int tag, MPI_Comm comm, MPI_Request *request)
{
    int code = MPI_Irecv(data, size, MPI_BYTE, rank, tag, comm, request);
    return see_to(code, request);
}
