/* The little that the pool needs of MPI: to start, to meet once, to end. No call of it is made
 * between the opening of the first pool and the end of the program. */
#ifndef RANKPOOL_API_COMM_H
#define RANKPOOL_API_COMM_H

#include "base/error.h"

/* Initialises MPI (MPI_THREAD_FUNNELED) and tells this rank and how many there are. RP_INVALID
 * where the program has initialised MPI itself. Collective over all ranks, as are all below. */
rp_status comm_start(int *rank, int *ranks, struct error *error);

/* Everybody's `size` bytes, in the order of ranks, to everybody. */
rp_status comm_all_gather(const void *mine, size_t size, void *all, struct error *error);

/* The manager's (rank 0's) `size` bytes to everybody. */
rp_status comm_broadcast(void *data, size_t size, struct error *error);

/* Finalises MPI where comm_start initialised it. */
void comm_stop(void);

#endif
