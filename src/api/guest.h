/* Pools in programs that run MPI themselves, each on one of the program's communicators: behind
 * rp_open_comm, rp_serve, and rp_close in ranks that serve. The manager's handle is a pool like any
 * other; a worker's says only which pool it is. */
#ifndef RANKPOOL_API_GUEST_H
#define RANKPOOL_API_GUEST_H

#include "api/comm.h"

/* Collective; the same status and sentence in every rank. */
rp_status guest_open(struct comm *comm, int manager, const rp_options *options, rp_pool **pool,
                     struct error *error);

rp_status guest_serve(rp_pool *pool);

/* rp_close of a worker's handle. */
rp_status guest_close(rp_pool **pool);

#endif
