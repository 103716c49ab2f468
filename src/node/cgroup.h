/* What the control groups of the calling process allow: CPU time, memory and CPUs.
 *
 * A process is in one group of the v2 hierarchy and in one of each v1 hierarchy; on many systems
 * both kinds are in use at once. /proc/self/cgroup names the groups, /proc/self/mountinfo where
 * each hierarchy is mounted and which part of it. A limit counts at every level: the smallest of
 * the group's own and of all groups above it that can be seen is the one that holds. */
#ifndef RANKPOOL_NODE_CGROUP_H
#define RANKPOOL_NODE_CGROUP_H

#include <stdint.h>

struct node_cgroup {
    double quota;     /* CPUs' worth of time; HUGE_VAL: no limit */
    char *quota_file; /* that sets it, for the user; NULL without a limit */
    uint64_t memory;  /* bytes; UINT64_MAX: no limit */
    char *memory_file;
    char *cpuset; /* list of CPUs; NULL: unknown */
};

/* What cannot be read limits nothing. */
void node_cgroup_read(const char *root, struct node_cgroup *cgroup);

void node_cgroup_free(struct node_cgroup *cgroup);

#endif
