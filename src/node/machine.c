#define _GNU_SOURCE
#include "node/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/cpus.h"
#include "node/file.h"
#include "node/node.h"

/* Disallowed CPUs stay in, to be counted and named. Distances and memory attributes cost reads
 * and are of no use here. */
static unsigned long load_flags(void)
{
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
#if HWLOC_API_VERSION >= 0x00020800
    flags |= HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS;
#endif
    return flags;
}

/* Types other than these are filtered out, devices and inner caches above all; hwloc keeps NUMA
 * nodes and hardware threads in any case. */
static const struct kept {
    hwloc_obj_type_t type;
    enum hwloc_type_filter_e filter;
} kept_types[] = {
    {HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL},
    {HWLOC_OBJ_L3CACHE, HWLOC_TYPE_FILTER_KEEP_ALL},
    {HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL},
    /* A NUMA node that is not just a package or a cache needs a group to hang on: without one it
     * would move up and seem to be local to all CPUs of the machine. */
    {HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE},
};

static int topology_set_up(hwloc_topology_t topology, const char *xml)
{
    if (xml && hwloc_topology_set_xml(topology, xml))
        return -1;
#if HWLOC_API_VERSION >= 0x00020100
    /* The x86 backend asks each CPU in turn by binding this thread to it: half of the loading time,
     * for details of caches. The system's files have all that is needed. */
    if (!xml)
        hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
#endif
    hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    for (size_t i = 0; i < sizeof kept_types / sizeof *kept_types; i++)
        hwloc_topology_set_type_filter(topology, kept_types[i].type, kept_types[i].filter);
    return hwloc_topology_set_flags(topology, load_flags());
}

static rp_status topology_load(struct node *node, const char *xml, struct error *error)
{
    if (hwloc_topology_init(&node->topology))
        return error_set(error, RP_NO_MEMORY, "no memory for hwloc's topology");
    if (topology_set_up(node->topology, xml) == 0 && hwloc_topology_load(node->topology) == 0)
        return RP_OK;
    int why = errno;
    if (xml)
        return error_set(error, RP_INVALID, "hwloc cannot load the machine in %s: %s", xml, strerror(why));
    return error_set(error, RP_INVALID,
                     "hwloc cannot read this machine: %s; is /sys mounted, and are HWLOC_XMLFILE and "
                     "HWLOC_SYNTHETIC unset?",
                     strerror(why));
}

/* Keeps in `cpus` what `allowed` allows; unknown (NULL) allows everything. */
static rp_status cpus_narrow(hwloc_bitmap_t cpus, hwloc_const_bitmap_t allowed, const char *who,
                             struct error *error)
{
    if (!allowed)
        return RP_OK;
    if (hwloc_bitmap_intersects(cpus, allowed)) {
        hwloc_bitmap_and(cpus, cpus, allowed);
        return RP_OK;
    }
    char known[128], other[128];
    hwloc_bitmap_list_snprintf(known, sizeof known, cpus);
    hwloc_bitmap_list_snprintf(other, sizeof other, allowed);
    return error_set(error, RP_INVALID,
                     "no CPU is usable: hwloc knows %s, but %s allows %s; if HWLOC_XMLFILE or "
                     "HWLOC_SYNTHETIC is set, it describes another machine: unset it",
                     known, who, other);
}

/* hwloc knows of cpusets too, but of v1 and v2 only as they are mounted in the usual places, and
 * in a recorded machine only as they were when it was recorded. */
static rp_status cpuset_apply(struct node *node, struct error *error)
{
    hwloc_bitmap_t group = node->cgroup.cpuset ? node_cpus_parse(node->cgroup.cpuset) : NULL;
    node->cpuset = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(node->topology));
    rp_status status = node->cpuset ? cpus_narrow(node->cpuset, group, "its cpuset", error)
                                    : error_set(error, RP_NO_MEMORY, "no memory for a set of CPUs");
    hwloc_bitmap_free(group);
    return status;
}

static rp_status affinity_apply(struct node *node, const char *root, struct error *error)
{
    hwloc_bitmap_t affinity = node_cpus_allowed(root);
    node->usable = hwloc_bitmap_dup(node->cpuset);
    rp_status status = node->usable ? cpus_narrow(node->usable, affinity, "this process' affinity", error)
                                    : error_set(error, RP_NO_MEMORY, "no memory for a set of CPUs");
    hwloc_bitmap_free(affinity);
    return status;
}

/* From the system and not from hwloc, which adds up NUMA nodes and can miss memory plugged in
 * later. */
static uint64_t ram_read(const char *root)
{
    char *text = node_file_read(root, "/proc/meminfo");
    const char *total = text ? node_file_field(text, "MemTotal:") : NULL;
    uint64_t bytes = total ? strtoull(total, NULL, 10) * 1024 : 0;
    free(text);
    return bytes ? bytes : UINT64_MAX;
}

rp_status node_open(const struct node_source *source, struct node **node, struct error *error)
{
    const char *root = source->root ? source->root : "";
    struct node *opened = calloc(1, sizeof *opened);
    if (!opened)
        return error_set(error, RP_NO_MEMORY, "no memory to describe this machine");
    opened->ram = ram_read(root);
    node_cgroup_read(root, &opened->cgroup);
    rp_status status = topology_load(opened, source->xml, error);
    if (!status)
        status = cpuset_apply(opened, error);
    if (!status)
        status = affinity_apply(opened, root, error);
    if (status) {
        node_close(opened);
        return status;
    }
    *node = opened;
    return RP_OK;
}

void node_close(struct node *node)
{
    if (!node)
        return;
    node_cgroup_free(&node->cgroup);
    hwloc_bitmap_free(node->usable);
    hwloc_bitmap_free(node->cpuset);
    if (node->topology)
        hwloc_topology_destroy(node->topology);
    free(node);
}
