#define _GNU_SOURCE
#include "node/unit.h"

#include <stdlib.h>
#include <string.h>

#include "node/machine.h"

static const struct node_per pers[] = {
    {"core", HWLOC_OBJ_CORE, "core", "cores"},
    {"thread", HWLOC_OBJ_PU, "hardware thread", "hardware threads"},
    {"l3", HWLOC_OBJ_L3CACHE, "L3 cache", "L3 caches"},
    {"numa", HWLOC_OBJ_NUMANODE, "NUMA node", "NUMA nodes"},
    {"package", HWLOC_OBJ_PACKAGE, "package", "packages"},
};

rp_status node_per_find(const char *name, const struct node_per **per, struct error *error)
{
    for (size_t i = 0; i < sizeof pers / sizeof *pers; i++) {
        if (strcmp(name ? name : "core", pers[i].name) == 0) {
            *per = &pers[i];
            return RP_OK;
        }
    }
    return error_set(error, RP_INVALID, "per is \"%s\": it can be core, thread, l3, numa or package", name);
}

/* Some virtual machines and Arm servers report no L3 cache at all; what shares a package is then
 * the nearest thing to what shares a cache. */
static const struct node_per *per_present(hwloc_topology_t topology, const struct node_per *per)
{
    const struct node_per *package = &pers[4];
    bool absent = per->type == HWLOC_OBJ_L3CACHE && hwloc_get_nbobjs_by_type(topology, per->type) == 0;
    return absent ? package : per;
}

/* False for memory that is not the nearest to any CPU: a node without CPUs, and one beside or
 * around another that has them (high-bandwidth memory, memory on a bus). */
static bool numa_is_local(hwloc_topology_t topology, hwloc_obj_t node)
{
    if (hwloc_bitmap_iszero(node->cpuset))
        return false;
    for (hwloc_obj_t other = NULL; (other = hwloc_get_next_obj_by_type(topology, node->type, other));) {
        bool inside =
            !hwloc_bitmap_iszero(other->cpuset) && hwloc_bitmap_isincluded(other->cpuset, node->cpuset);
        bool same = hwloc_bitmap_isequal(other->cpuset, node->cpuset);
        if (inside && (same ? other->logical_index < node->logical_index : true))
            return false;
    }
    return true;
}

static hwloc_obj_t numa_find(hwloc_topology_t topology, hwloc_const_bitmap_t cpus)
{
    for (hwloc_obj_t node = NULL; (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node));)
        if (hwloc_bitmap_isincluded(cpus, node->cpuset) && numa_is_local(topology, node))
            return node;
    return NULL;
}

int node_numa_of(const struct node *node, hwloc_const_bitmap_t cpus)
{
    hwloc_obj_t numa = numa_find(node->topology, cpus);
    return numa ? (int)numa->os_index : -1;
}

/* hwloc counts kinds from the slowest up, and says so by knowing their efficiency. */
static int kind_of(hwloc_topology_t topology, hwloc_const_bitmap_t cpus)
{
#if HWLOC_API_VERSION >= 0x00020400
    int efficiency, kinds = hwloc_cpukinds_get_nr(topology, 0);
    int kind = kinds > 1 ? hwloc_cpukinds_get_by_cpuset(topology, cpus, 0) : -1;
    if (kind >= 0 && !hwloc_cpukinds_get_info(topology, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0) &&
        efficiency >= 0)
        return kinds - 1 - kind;
#endif
    (void)topology;
    (void)cpus;
    return 0;
}

static int ancestor_index(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t type, int otherwise)
{
    hwloc_obj_t object = hwloc_get_ancestor_obj_by_type(topology, type, pu);
    return object ? (int)object->logical_index : otherwise;
}

/* A hardware thread outside any core that hwloc knows is a core of its own, with a number behind
 * those of the known ones. */
static void domains_find(const struct node *node, struct node_unit *unit)
{
    hwloc_topology_t topology = node->topology;
    hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology, (unsigned)hwloc_bitmap_first(unit->cpus));
    hwloc_obj_t numa = numa_find(topology, pu->cpuset);
    int own = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) + (int)pu->logical_index;
    unit->domain[DOMAIN_CORE] = ancestor_index(topology, pu, HWLOC_OBJ_CORE, own);
    unit->domain[DOMAIN_PACKAGE] = ancestor_index(topology, pu, HWLOC_OBJ_PACKAGE, 0);
    unit->domain[DOMAIN_NUMA] = numa ? (int)numa->logical_index : 0;
    unit->domain[DOMAIN_L3] = ancestor_index(topology, pu, HWLOC_OBJ_L3CACHE, 0);
}

/* Counts a part of the machine, and makes a unit of what may be used of it. */
static bool unit_add(const struct node *node, hwloc_const_bitmap_t part, struct node_units *units)
{
    units->total++;
    if (!hwloc_bitmap_intersects(part, node->usable))
        return true;
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    if (!cpus)
        return false;
    hwloc_bitmap_and(cpus, part, node->usable);
    struct node_unit *unit = &units->unit[units->count++];
    *unit = (struct node_unit){
        .cpus = cpus, .numa_node = node_numa_of(node, cpus), .kind = kind_of(node->topology, cpus)};
    domains_find(node, unit);
    return true;
}

/* The CPUs in no part of the wanted type: a unit together, or each its own where units are
 * cores. */
static bool rest_add(const struct node *node, hwloc_bitmap_t rest, struct node_units *units)
{
    if (hwloc_bitmap_iszero(rest))
        return true;
    if (units->per->type != HWLOC_OBJ_CORE)
        return unit_add(node, rest, units);
    for (hwloc_obj_t pu = NULL; (pu = hwloc_get_next_obj_by_type(node->topology, HWLOC_OBJ_PU, pu));)
        if (hwloc_bitmap_isincluded(pu->cpuset, rest) && !unit_add(node, pu->cpuset, units))
            return false;
    return true;
}

static bool units_fill(const struct node *node, struct node_units *units)
{
    hwloc_topology_t topology = node->topology;
    hwloc_bitmap_t rest = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topology));
    bool added = rest;
    for (hwloc_obj_t part = NULL;
         added && (part = hwloc_get_next_obj_by_type(topology, units->per->type, part));) {
        if (part->type == HWLOC_OBJ_NUMANODE && !numa_is_local(topology, part))
            continue;
        added = unit_add(node, part->cpuset, units);
        hwloc_bitmap_andnot(rest, rest, part->cpuset);
    }
    added = added && rest_add(node, rest, units);
    hwloc_bitmap_free(rest);
    return added;
}

rp_status node_units_make(const struct node *node, const struct node_per *per, struct node_units *units,
                          struct error *error)
{
    int threads = hwloc_get_nbobjs_by_type(node->topology, HWLOC_OBJ_PU);
    int cores = hwloc_get_nbobjs_by_type(node->topology, HWLOC_OBJ_CORE);
    int memories = hwloc_get_nbobjs_by_type(node->topology, HWLOC_OBJ_NUMANODE);
    *units =
        (struct node_units){.per = per_present(node->topology, per), .domains = cores + threads + memories};
    units->unit = calloc((size_t)threads + 1, sizeof *units->unit); /* parts are disjoint and not empty */
    if (units->unit && units_fill(node, units))
        return RP_OK;
    node_units_free(units);
    return error_set(error, RP_NO_MEMORY, "no memory to list the %s of this machine", per->many);
}

/* Whether a worker had better go to `a` than to `b`; `used` counts the workers of each domain. */
static bool unit_is_better(const struct node_unit *a, const struct node_unit *b,
                           int *const used[DOMAIN_COUNT])
{
    int difference = used[DOMAIN_CORE][a->domain[DOMAIN_CORE]] - used[DOMAIN_CORE][b->domain[DOMAIN_CORE]];
    if (difference == 0)
        difference = a->kind - b->kind;
    for (int i = DOMAIN_PACKAGE; difference == 0 && i < DOMAIN_COUNT; i++)
        difference = used[i][a->domain[i]] - used[i][b->domain[i]];
    return difference < 0;
}

static struct node_unit *unit_best(const struct node_units *units, int *const used[DOMAIN_COUNT])
{
    struct node_unit *best = NULL;
    for (struct node_unit *unit = units->unit; unit < units->unit + units->count; unit++)
        if (!unit->placed && (!best || unit_is_better(unit, best, used)))
            best = unit;
    return best;
}

rp_status node_units_pick(struct node_units *units, int workers, struct error *error)
{
    struct node_units picked = {.unit = calloc((size_t)workers, sizeof *picked.unit),
                                .per = units->per,
                                .total = units->total,
                                .domains = units->domains};
    int *counts = calloc((size_t)units->domains * DOMAIN_COUNT, sizeof *counts);
    int *used[DOMAIN_COUNT];
    for (int i = 0; counts && i < DOMAIN_COUNT; i++)
        used[i] = counts + i * units->domains;
    while (counts && picked.unit && picked.count < workers) {
        struct node_unit *best = unit_best(units, used);
        best->placed = true;
        picked.unit[picked.count++] = *best;
        best->cpus = NULL; /* the picked one's now */
        for (int i = 0; i < DOMAIN_COUNT; i++)
            used[i][best->domain[i]]++;
    }
    free(counts);
    node_units_free(units);
    *units = picked;
    return picked.count == workers ? RP_OK
                                   : error_set(error, RP_NO_MEMORY, "no memory to place %d workers", workers);
}

void node_units_free(struct node_units *units)
{
    for (int i = 0; i < units->count; i++)
        hwloc_bitmap_free(units->unit[i].cpus);
    free(units->unit);
    units->unit = NULL;
    units->count = 0;
}
