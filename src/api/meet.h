/* Meeting the other ranks of a comm: on the roster of their node, once it is known that all run the
 * same program. */
#ifndef RANKPOOL_API_MEET_H
#define RANKPOOL_API_MEET_H

#include "api/comm.h"
#include "api/nodes.h"
#include "board/roster.h"
#include "run/crew.h"

/* This machine's name, of ROSTER_HOST_LENGTH bytes at most. */
void meet_name_host(char host[ROSTER_HOST_LENGTH]);

/* The same in processes that can see each other. */
uint64_t meet_kernel(void);

/* What a rank knows of the others when they have met. */
struct meeting {
    struct nodes nodes;
    struct roster roster; /* of its node, made by who leads it */
    enum memory_kind memory;
    int fanout;        /* for nodes_plant, as the manager was told, or what pays */
    struct crew *crew; /* of all nodes */
};

/* Collective; every rank gets the same status and sentence. RP_INVALID: no build-id, or too many on a node;
 * RP_MISMATCH: another build; RP_UNSUPPORTED: it cannot attach its node's memory; RP_NO_MEMORY; RP_MPI. */
rp_status meet_ranks(struct comm *comm, int manager, struct meeting *meeting, struct error *error);

/* Its roster and its crew live on with who took them. */
void meet_part(struct meeting *meeting);

/* The worst of what the ranks found, to all of them, with its sentence. Collective. */
rp_status meet_agree(struct comm *comm, rp_status mine, struct error *error);

#endif
