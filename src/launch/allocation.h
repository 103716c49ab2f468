/* Where a program may run: the nodes that a batch system has given it, or those that the user names, or
 * this machine alone; and how processes are started there.
 *
 * Batch systems say it in variables of the environment and in files that these name; the table in
 * allocation.c has a row for each. How many slots a node has is what the batch system counts there, cores or
 * hardware threads: never more workers than these, and fewer where the node offers less.
 *
 * A job of which this process is a step of its own (srun's) is no allocation to spread over: the step is. A
 * shell that srun has started with a terminal (--pty) is no such step. */
#ifndef RANKPOOL_LAUNCH_ALLOCATION_H
#define RANKPOOL_LAUNCH_ALLOCATION_H

#include <limits.h>

#include "launch/hosts.h"

/* How something is started on the nodes. */
enum means {
    MEANS_HERE,  /* there is no other node */
    MEANS_SSH,   /* over ssh, by us and by mpirun */
    MEANS_SLURM, /* over srun, by us and by mpirun or by srun itself */
    MEANS_BATCH, /* as mpirun knows how to in this batch system */
};

struct allocation {
    char source[96]; /* "Slurm job 12", "the list of hosts", "this machine" */
    enum means means;
    struct hosts hosts; /* at least one */
    char left[192];     /* why nodes are left out, a line for users; "" */
};

/* The batch system's, or this machine. RP_LAUNCH: what the batch system says of it makes no sense.
 * `environment` is NULL-terminated, "NAME=value", and `proc` is "/proc". */
rp_status allocation_find(char *const *environment, const char *proc, struct allocation *allocation,
                          struct error *error);

/* What the user names, either of which may be NULL. */
rp_status allocation_of_hosts(const char *list, const char *file, struct allocation *allocation,
                              struct error *error);

/* Whether it is this machine and no other. */
bool allocation_is_here(const struct allocation *allocation);

void allocation_free(struct allocation *allocation);

#endif
