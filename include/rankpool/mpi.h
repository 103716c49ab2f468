/* What needs MPI_Comm: pools inside programs that run MPI themselves. Later: both calls return
 * RP_UNSUPPORTED in this version. */
#ifndef RANKPOOL_MPI_H
#define RANKPOOL_MPI_H

#include <mpi.h>

#include <rankpool/rankpool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Collective over `comm`; the rank `manager` becomes the manager, the others serve. */
RP_API rp_status rp_open_comm(MPI_Comm comm, int manager, const rp_options *options, rp_pool **pool);

/* Worker ranks: runs tasks until the manager closes this pool. */
RP_API rp_status rp_serve(rp_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
