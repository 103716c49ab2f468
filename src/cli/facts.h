/* What `rankpool doctor` asks of each node: facts by name, as a list of "name=value".
 *
 * The node itself gathers them (`rankpool facts`, not listed) and writes a line for each between
 * "rankpool facts 1" and "end"; whatever a login shell says around them is passed over. What is not known
 * there is left out. The names:
 *
 *     host, rankpool      what it calls itself; the version of its rankpool
 *     mpirun              the one in PATH, and
 *     launcher            what that says of itself: "mpirun (Open MPI) 4.1.4"
 *     program             "found", "missing", or why it cannot be run; then
 *     build, library, mpi its build-id; the libmpi that it would load, and what that says of itself
 *     user, root_allowed  its user id; whether mpirun was told that root may start it
 *     shm, shm_free       bytes of /dev/shm
 *     cpus, cpus_online   that this process may use; that the machine has
 *     workers             that it offers, as in `rankpool topo`
 *     locked, fabric      bytes of memory that may be locked ("unlimited"); whether there is a network that
 *                         needs it
 *     clock               seconds since 1970
 *     address             "NAME ADDRESS", one of each network interface that is up, but loopback
 *     port, cookie        of what listens there for others (listen.h) */
#ifndef RANKPOOL_CLI_FACTS_H
#define RANKPOOL_CLI_FACTS_H

#include <stdio.h>

#include "base/error.h"
#include "launch/list.h"
#include "node/node.h"

#define FACTS_END "end"

/* This node's; of what cannot be found out, none. `program` is a path. */
void facts_gather(const char *program, const struct node_request *request, struct list *facts);

/* The part of it that is about MPI. */
void facts_gather_mpi(const char *program, struct list *facts);

void facts_write(const struct list *facts, FILE *out);

/* Reads what was written from among other text, which is changed. RP_INVALID: there are none, or they are cut
 * off; RP_MISMATCH: another version's. */
rp_status facts_read(char *text, struct list *facts, struct error *error);

/* "" where it is not known. */
const char *facts_text(const struct list *facts, const char *name);

/* `unknown` where it is not known, or no number. */
double facts_number(const struct list *facts, const char *name, double unknown);

#endif
