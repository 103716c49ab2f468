/* The CPUs that the calling thread may run on. */
#ifndef RANKPOOL_NODE_CPUS_H
#define RANKPOOL_NODE_CPUS_H

#include <hwloc.h>

/* With `root` "" what the kernel says, below another root the record in /proc/self/status. To be
 * freed; NULL if unknown. */
hwloc_bitmap_t node_cpus_allowed(const char *root);

/* A list such as "0-3,8", ended by '\0' or a newline; NULL if it is not one or is empty. To be
 * freed. */
hwloc_bitmap_t node_cpus_parse(const char *list);

#endif
