/* Calls of MPI's, as nets and whoever else of the library talks to other processes make them. */
#ifndef RANKPOOL_NET_MPI_CALL_H
#define RANKPOOL_NET_MPI_CALL_H

#include <mpi.h>
#include <stdbool.h>

#include "base/error.h"

/* A code of MPI's as a status, with a sentence. */
rp_status mpi_judge(int code, const char *what, struct error *error);

/* A call that may send, also what is older, begins, and ends: see hangup.h and lockup.h. What the first gives
 * is told to the second, since one may be made inside of another. */
bool mpi_enter(void);
void mpi_leave(bool before);

/* MPI_Isend of bytes, and MPI_Irecv of what may be long, after which MPI has noticed if the connection is
 * broken. Over TCP Open MPI 4.1 takes notice of a failed write only as it makes progress: what is sent to the
 * same process before that, be it the answer to an announcement, ruins the list of connections that it looks
 * at, and the next look at it never ends. So there is progress behind each of these, unless all has left, or
 * come. MPI's code. */
int mpi_isend(const void *data, int size, int rank, int tag, MPI_Comm comm, MPI_Request *request);
int mpi_irecv(void *data, int size, int rank, int tag, MPI_Comm comm, MPI_Request *request);

#endif
