#define _GNU_SOURCE
#include "node/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/node.h"

/* hwloc's own parser takes "x" for 0 and "3-" for everything from 3 on, and has no error for
 * either. */
hwloc_bitmap_t node_cpus_parse(const char *list)
{
    const unsigned long largest = 1u << 20; /* a typing error must not make a bitmap of gigabytes */
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    for (const char *at = list; cpus; at++) {
        char *end;
        if (!isdigit((unsigned char)*at))
            break;
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (*end == '-' && isdigit((unsigned char)end[1]))
            last = strtoul(end + 1, &end, 10);
        if (last < first || last > largest)
            break;
        hwloc_bitmap_set_range(cpus, (unsigned)first, (int)last);
        if (*end == '\0' || *end == '\n')
            return cpus;
        if (*end != ',')
            break;
        at = end;
    }
    hwloc_bitmap_free(cpus);
    return NULL;
}

static hwloc_bitmap_t cpus_recorded(const char *root)
{
    char *status = node_file_read(root, "/proc/self/status");
    const char *list = status ? node_file_field(status, "Cpus_allowed_list:") : NULL;
    hwloc_bitmap_t cpus = list ? node_cpus_parse(list) : NULL;
    free(status);
    return cpus;
}

static hwloc_bitmap_t cpus_from_set(const cpu_set_t *set, size_t bytes)
{
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    for (unsigned cpu = 0; cpus && cpu < bytes * 8; cpu++)
        if (CPU_ISSET_S(cpu, bytes, set))
            hwloc_bitmap_set(cpus, cpu);
    return cpus;
}

/* The kernel refuses a set smaller than its own and does not say how large that is. */
static hwloc_bitmap_t cpus_of_thread(void)
{
    for (size_t count = 1024; count <= 1u << 20; count *= 2) {
        cpu_set_t *set = CPU_ALLOC(count);
        size_t bytes = CPU_ALLOC_SIZE(count);
        if (!set)
            return NULL;
        int rc = sched_getaffinity(0, bytes, set);
        int why = errno;
        hwloc_bitmap_t cpus = rc == 0 ? cpus_from_set(set, bytes) : NULL;
        CPU_FREE(set);
        if (rc == 0 || why != EINVAL)
            return cpus;
    }
    return NULL;
}

hwloc_bitmap_t node_cpus_allowed(const char *root)
{
    return root[0] ? cpus_recorded(root) : cpus_of_thread();
}

static int thread_bind(hwloc_const_bitmap_t cpus)
{
    size_t count = (size_t)hwloc_bitmap_last(cpus) + 1;
    cpu_set_t *set = CPU_ALLOC(count);
    if (!set)
        return ENOMEM;
    size_t bytes = CPU_ALLOC_SIZE(count);
    CPU_ZERO_S(bytes, set);
    for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0; cpu = hwloc_bitmap_next(cpus, cpu))
        CPU_SET_S((size_t)cpu, bytes, set);
    int why = sched_setaffinity(0, bytes, set) ? errno : 0;
    CPU_FREE(set);
    return why;
}

rp_status node_bind(const char *cpus, struct error *error)
{
    hwloc_bitmap_t wanted = node_cpus_parse(cpus);
    if (!wanted)
        return error_set(error, RP_INVALID, "\"%s\" is not a list of CPUs such as 0-3,8", cpus);
    int why = thread_bind(wanted);
    hwloc_bitmap_free(wanted);
    if (!why)
        return RP_OK;
    char allowed[256];
    int numa_node;
    node_here("", allowed, sizeof allowed, &numa_node);
    return error_set(error, why == ENOMEM ? RP_NO_MEMORY : RP_INVALID,
                     "cannot bind to CPUs %s: %s; this process may run on %s", cpus, strerror(why), allowed);
}

/* The node of `cpus`, -1 if they lie in several. */
static int numa_node_find(const char *root, hwloc_const_bitmap_t cpus)
{
    char *online = node_file_read(root, "/sys/devices/system/node/online");
    hwloc_bitmap_t nodes = online ? node_cpus_parse(online) : NULL;
    free(online);
    if (!nodes)
        return 0; /* a system without NUMA has one node, and hwloc calls it 0 too */
    int found = -1;
    for (int i = hwloc_bitmap_first(nodes); i >= 0 && found < 0; i = hwloc_bitmap_next(nodes, i)) {
        char path[64];
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", i);
        char *list = node_file_read(root, path);
        hwloc_bitmap_t local = list ? node_cpus_parse(list) : NULL;
        free(list);
        if (local && hwloc_bitmap_isincluded(cpus, local))
            found = i;
        hwloc_bitmap_free(local);
    }
    hwloc_bitmap_free(nodes);
    return found;
}

void node_here(const char *root, char *cpus, size_t size, int *numa_node)
{
    hwloc_bitmap_t allowed = node_cpus_allowed(root);
    *numa_node = -1;
    if (size)
        cpus[0] = '\0';
    if (!allowed)
        return;
    hwloc_bitmap_list_snprintf(cpus, size, allowed);
    *numa_node = numa_node_find(root, allowed);
    hwloc_bitmap_free(allowed);
}
