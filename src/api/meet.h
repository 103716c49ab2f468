/* Meeting the other ranks of a comm: on one roster, once it is known that all run the same program
 * on the same node. */
#ifndef RANKPOOL_API_MEET_H
#define RANKPOOL_API_MEET_H

#include "api/comm.h"
#include "board/roster.h"

/* This machine's name, of ROSTER_HOST_LENGTH bytes at most. */
void meet_name_host(char host[ROSTER_HOST_LENGTH]);

/* Makes the roster in the rank `manager`, member 0, and attaches it in the others, members from 1
 * in the order of ranks. Collective; every rank gets the same status and sentence. RP_INVALID: no
 * build-id, or too many; RP_MISMATCH: another build; RP_UNSUPPORTED: several nodes; RP_NO_MEMORY;
 * RP_MPI. */
rp_status meet_ranks(struct comm *comm, int manager, struct roster *roster, enum memory_kind *memory,
                     struct error *error);

/* The worst of what the ranks found, to all of them, with its sentence. Collective. */
rp_status meet_agree(struct comm *comm, rp_status mine, struct error *error);

#endif
