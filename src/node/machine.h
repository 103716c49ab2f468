/* What node_open read: the topology, and which part of it is whose to use. */
#ifndef RANKPOOL_NODE_MACHINE_H
#define RANKPOOL_NODE_MACHINE_H

#include <hwloc.h>
#include <stdint.h>

#include "node/cgroup.h"

struct node {
    hwloc_topology_t topology;
    hwloc_bitmap_t cpuset; /* CPUs that are left when a cpuset has had its say */
    hwloc_bitmap_t usable; /* and when the affinity has had its own, which is never none */
    struct node_cgroup cgroup;
    uint64_t ram; /* bytes; UINT64_MAX: unknown */
};

#endif
