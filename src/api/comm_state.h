/* A comm: shared by comm.c, its life, and comm_exchange.c, what its ranks tell each other. */
#ifndef RANKPOOL_API_COMM_STATE_H
#define RANKPOOL_API_COMM_STATE_H

#include <mpi.h>
#include <stdint.h>

#include "api/comm.h"

struct comm {
    struct comm *behind; /* among those that are kept with communicators */
    MPI_Comm own, callers;
    int rank, ranks;
    uint64_t looked;   /* at these: clock_ns */
    struct error lost; /* RP_OK: all ranks live, as far as is known */
    void *kept;
    struct comm_keeping keeping;
    bool knows;    /* the ranks have said who they are */
    bool together; /* all of them are in a call now */
    long pid[];    /* of each rank on this kernel; 0: another one's */
};

/* A duplicate, of `from` or of the comm's own. Collective. */
rp_status comm_duplicate(struct comm *comm, MPI_Comm from, MPI_Comm *made, struct error *error);

#endif
