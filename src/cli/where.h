/* The options that say where to run and how a node is divided, which several subcommands have: a child of
 * their argp. And what follows from them: the nodes, and what each offers. */
#ifndef RANKPOOL_CLI_WHERE_H
#define RANKPOOL_CLI_WHERE_H

#include <argp.h>

#include "launch/ground.h"

struct where {
    const char *hosts, *hostfile; /* as given; NULL: not */
    const char *program;          /* a path that has to be there on every node; NULL: none */
    int patience_s;               /* that a node may take to answer */
    struct node_request request;
    rp_options options; /* holds what the request points to */
};

/* Its input is a struct where *, from where_begin. */
extern const struct argp where_argp;

/* Options that are not given are those of the environment. RP_INVALID. */
rp_status where_begin(struct where *where, struct error *error);

/* Finds the nodes, without a word to them, and the paths of this program and of mpirun, "" where there is
 * none. */
rp_status where_name(const struct where *where, struct allocation *allocation, char command[PATH_MAX],
                     char mpirun[PATH_MAX], struct error *error);

/* Finds the nodes and asks each. `mpirun` is its path, "" where there is none. */
rp_status where_survey(const struct where *where, struct ground *ground, char mpirun[PATH_MAX],
                       struct error *error);

#endif
