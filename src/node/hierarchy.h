/* Where a control group of the calling process can be read. */
#ifndef RANKPOOL_NODE_HIERARCHY_H
#define RANKPOOL_NODE_HIERARCHY_H

#include <stddef.h>

/* The directory of the group that the process is in, for a v1 controller ("cpu") or for the v2
 * hierarchy (""), from the texts of /proc/self/cgroup and /proc/self/mountinfo. *top is the length
 * of the part of it that is the mount point: groups above that cannot be seen. To be freed; NULL
 * if the process is in no such group or the hierarchy is not mounted.
 *
 * A container may see a mount that does not hold its group's path, since the path is told from
 * another namespace ("/../x" too): what is mounted is then taken for its own group, or the nearest
 * thing to it. */
char *node_hierarchy_find(const char *groups, const char *mountinfo, const char *controller, size_t *top);

#endif
