#define _GNU_SOURCE
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "node/machine.h"
#include "node/node.h"
#include "node/reason.h"
#include "node/unit.h"

/* Linux has no more processes than this, whatever pid_max says. */
#define WORKERS_MOST (1 << 22)

static rp_status request_check(const struct node_request *request, struct error *error)
{
    if (request->workers < 0)
        return error_set(error, RP_INVALID,
                         "workers is %d: give the number of workers, or 0 for one on each usable core",
                         request->workers);
    if (request->workers > WORKERS_MOST)
        return error_set(error, RP_INVALID, "workers is %d: no system runs more than %d processes",
                         request->workers, WORKERS_MOST);
    return RP_OK;
}

/* What memory allows: the cgroup's, or the machine's if that is less. */
static rp_status memory_apply(const struct node *node, size_t each, struct node_sizing *sizing,
                              struct error *error)
{
    bool cgroup = node->cgroup.memory < node->ram;
    sizing->memory = cgroup ? node->cgroup.memory : node->ram;
    sizing->memory_file = cgroup ? node->cgroup.memory_file : NULL;
    if (each == 0 || sizing->memory == UINT64_MAX)
        return RP_OK;
    uint64_t room = sizing->memory / each;
    if (room == 0) {
        char wanted[NODE_BYTES_TEXT], there[NODE_BYTES_TEXT];
        return error_set(error, RP_INVALID,
                         "memory_per_worker is %s, but there is only %s for all workers (%s): ask for less",
                         node_bytes_text(each, wanted), node_bytes_text(sizing->memory, there),
                         cgroup && sizing->memory_file ? sizing->memory_file : "the RAM of this machine");
    }
    sizing->most = room < INT_MAX ? (int)room : INT_MAX;
    sizing->memory_cut = room < (uint64_t)sizing->workers;
    if (sizing->memory_cut)
        sizing->workers = (int)room;
    return RP_OK;
}

static rp_status sizing_make(const struct node *node, const struct node_request *request, int units,
                             struct node_sizing *sizing, struct error *error)
{
    double quota = node->cgroup.quota;
    *sizing = (struct node_sizing){.quota_cut = quota < units, .most = INT_MAX};
    sizing->suggested = sizing->quota_cut ? (int)ceil(quota) : units;
    sizing->workers = request->workers ? request->workers : sizing->suggested;
    rp_status status = memory_apply(node, request->memory_per_worker, sizing, error);
    sizing->bind = sizing->workers <= units && !sizing->quota_cut;
    return status;
}

static bool place_set(struct node_place *place, hwloc_const_bitmap_t cpus, int numa_node)
{
    place->numa_node = numa_node;
    return hwloc_bitmap_list_asprintf(&place->cpus, cpus) >= 0;
}

/* One place for each worker, or one for all: everything that may be used. */
static rp_status places_make(const struct node *node, struct node_units *units, struct node_plan *plan,
                             struct error *error)
{
    int count = plan->bind ? plan->workers : 1;
    rp_status status = plan->bind ? node_units_pick(units, count, error) : RP_OK;
    if (status)
        return status;
    plan->places = calloc((size_t)count, sizeof *plan->places);
    bool made = plan->places;
    for (; made && plan->place_count < count; plan->place_count++) {
        const struct node_unit *unit = &units->unit[plan->place_count];
        struct node_place *place = &plan->places[plan->place_count];
        made = plan->bind ? place_set(place, unit->cpus, unit->numa_node)
                          : place_set(place, node->usable, node_numa_of(node, node->usable));
    }
    return made ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory to place %d workers", plan->workers);
}

rp_status node_plan_make(const struct node *node, const struct node_request *request, struct node_plan *plan,
                         struct error *error)
{
    const struct node_per *per;
    struct node_units units = {0};
    struct node_sizing sizing;
    struct node_plan made = {0};
    rp_status status = request_check(request, error);
    if (!status)
        status = node_per_find(request->per, &per, error);
    if (!status)
        status = node_units_make(node, per, &units, error);
    if (!status)
        status = sizing_make(node, request, units.count, &sizing, error);
    if (!status) {
        made.workers = sizing.workers;
        made.most = sizing.most;
        made.bind = sizing.bind;
        status = node_reason_write(node, request, per, &units, &sizing, &made.reason, error);
    }
    if (!status)
        status = places_make(node, &units, &made, error);
    node_units_free(&units);
    if (status)
        node_plan_free(&made);
    else
        *plan = made;
    return status;
}

const struct node_place *node_plan_place(const struct node_plan *plan, int worker)
{
    assert(worker >= 1 && worker <= plan->workers);
    return &plan->places[(worker - 1) % plan->place_count];
}

void node_plan_free(struct node_plan *plan)
{
    for (int i = 0; i < plan->place_count; i++)
        free(plan->places[i].cpus);
    free(plan->places);
    free(plan->reason);
    *plan = (struct node_plan){0};
}
