/* Asking nodes what they offer: this machine directly, each other one by the command `rankpool offer`,
 * started there by what the allocation has for that, many at a time.
 *
 * The command has to be on each node under the path that it has here: in a shared folder, or installed
 * on each. Nothing is asked of the user meanwhile (a password, whether a host's key is right): that is a
 * failure, as is a node that cannot be reached or takes longer than it may. */
#ifndef RANKPOOL_LAUNCH_PROBE_H
#define RANKPOOL_LAUNCH_PROBE_H

#include "launch/allocation.h"
#include "launch/offer.h"

#define PROBE_S 30 /* that a node may take, with the way there and back, where nobody says otherwise */

struct probe_setting {
    const char *command; /* the path of rankpool */
    const char *program; /* a path that is to be there, too; NULL: none */
    const char *mpirun;  /* or "" */
    int seconds;         /* that a node may take */
    struct node_request request;
};

/* The path of the command `rankpool`: in PATH, or where this library was to be installed; false: nowhere. */
bool probe_find_command(char *const *environment, char path[PATH_MAX]);

/* What `rankpool offer` ends with where the program is missing. */
#define PROBE_NO_PROGRAM 66

/* An offer of each host, as many as the allocation has, each to be freed, in an array to be freed. RP_LAUNCH
 * with the name of a host and why it does not answer; all are asked before that is said. */
rp_status probe_nodes(const struct allocation *allocation, const struct probe_setting *setting,
                      struct offer **offers, struct error *error);

#endif
