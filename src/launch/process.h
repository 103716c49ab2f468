/* Starting a process as it is to be from its first instruction on: streams, process group, CPUs,
 * signals, and what happens to it when its parent dies. */
#ifndef RANKPOOL_LAUNCH_PROCESS_H
#define RANKPOOL_LAUNCH_PROCESS_H

#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#include "base/error.h"

/* What a process is started with. Zero fields change nothing, but for `environment`. */
struct process {
    const char *path;         /* to execute */
    char *const *arguments;   /* NULL-terminated */
    char *const *environment; /* NULL-terminated */
    const char *directory;    /* NULL, or one that cannot be entered: the parent's */
    const int *streams;       /* descriptors to become 0, 1, 2; -1: as it is. NULL: all as they are */
    int keep;                 /* a descriptor above 2 to stay open; 0: none */
    bool own_group;           /* a process group of its own, or `group` */
    pid_t group;
    int death_signal;                     /* sent by the kernel when the parent's thread ends */
    const cpu_set_t *cpus;                /* NULL: as the parent's */
    size_t cpus_size;                     /* bytes */
    const sigset_t *mask;                 /* of blocked signals */
    const struct sigaction *child_action; /* of SIGCHLD; NULL: the default */
    bool writes_in_background;            /* writing to the terminal never stops it */
};

/* Starts it. The path's own failure to execute is found here. RP_LAUNCH with a sentence. */
rp_status process_start(const struct process *process, pid_t *pid, struct error *error);

/* "ended with status 1", of a status as of waitpid. */
void process_describe_end(int status, char *text, size_t size);

/* A list of CPUs, "0-3,8", as a set to be freed, of *size bytes. RP_INVALID where it is not one. */
rp_status process_cpus(const char *text, cpu_set_t **set, size_t *size, struct error *error);

#endif
