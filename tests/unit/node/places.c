/* Which CPUs workers are bound to, and in which order. */
#define _GNU_SOURCE
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "recorded.h"

/* How many workers each core has when the first `workers` of the plan run. */
static void cores_count(hwloc_topology_t topology, const struct node_plan *plan, int workers, int *counts)
{
    int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    memset(counts, 0, (size_t)cores * sizeof *counts);
    for (int worker = 1; worker <= workers; worker++) {
        CHECK(hwloc_bitmap_list_sscanf(cpus, node_plan_place(plan, worker)->cpus) == 0);
        for (int core = 0; core < cores; core++)
            counts[core] += hwloc_bitmap_intersects(
                cpus, hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)core)->cpuset);
    }
    hwloc_bitmap_free(cpus);
}

/* However many of the workers run, none shares a core while one of the cores that any of them may
 * use is idle. */
static void expect_no_pile(const char *name, const char *root, const char *per)
{
    char xml[512];
    hwloc_topology_t topology;
    snprintf(xml, sizeof xml, "%s/topologies/%s.xml", RANKPOOL_FIXTURES, name);
    REQUIRE(hwloc_topology_init(&topology) == 0);
    REQUIRE(hwloc_topology_set_xml(topology, xml) == 0 && hwloc_topology_load(topology) == 0);
    int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    int all[256], some[256];
    struct node_plan plan = recorded_plan(name, root, (struct node_request){.per = per});
    REQUIRE(plan.bind);
    cores_count(topology, &plan, plan.workers, all);
    for (int workers = 1; workers <= plan.workers; workers++) {
        bool shared = false, idle = false;
        cores_count(topology, &plan, workers, some);
        for (int core = 0; core < cores; core++) {
            shared = shared || some[core] > 1;
            idle = idle || (all[core] > 0 && some[core] == 0);
        }
        check_note("%s, %s, per %s, the first %d workers", name, root, per, workers);
        CHECK(!(shared && idle));
    }
    node_plan_free(&plan);
    hwloc_topology_destroy(topology);
}

TEST_CASE(no_two_workers_share_a_core_while_another_is_free)
{
    expect_no_pile("hybrid", "none", "thread");
    expect_no_pile("hybrid", "none", "core");
    expect_no_pile("two-sockets", "affinity", "thread");
    expect_no_pile("two-sockets", "batch-job", "thread");
    expect_no_pile("two-sockets", "none", "thread");
}

/* Places of `workers` on the large machine. */
static struct node_plan spread_plan(const char *per, int workers)
{
    return recorded_plan("two-sockets", "none", (struct node_request){.per = per, .workers = workers});
}

TEST_CASE(a_worker_per_core_gets_all_threads_of_its_core)
{
    struct node_plan plan = spread_plan("core", 2);
    CHECK_STR(recorded_places(&plan), "0,128 64,192");
    node_plan_free(&plan);
}

TEST_CASE(a_worker_per_core_gets_only_the_threads_allowed)
{
    struct node_plan plan = recorded_plan("two-sockets", "affinity", (struct node_request){.per = "core"});
    CHECK_STR(recorded_places(&plan), "0 64 2,130");
    node_plan_free(&plan);
}

TEST_CASE(a_worker_per_thread_gets_one_and_siblings_come_last)
{
    struct node_plan plan = recorded_plan("two-sockets", "affinity", (struct node_request){.per = "thread"});
    CHECK_STR(recorded_places(&plan), "0 64 2 130");
    node_plan_free(&plan);
}

TEST_CASE(few_workers_go_to_different_numa_nodes)
{
    struct node_plan plan = spread_plan("core", 8);
    unsigned seen = 0;
    for (int worker = 1; worker <= 8; worker++)
        seen |= 1u << node_plan_place(&plan, worker)->numa_node;
    CHECK_UINT(seen, 0xff);
    node_plan_free(&plan);
}

/* In this machine cores 8k..8k+7 share a cache. */
TEST_CASE(as_many_workers_as_caches_go_to_different_caches)
{
    struct node_plan plan = spread_plan("core", 16);
    unsigned seen = 0;
    for (int worker = 1; worker <= 16; worker++)
        seen |= 1u << atoi(node_plan_place(&plan, worker)->cpus) / 8;
    CHECK_UINT(seen, 0xffff);
    node_plan_free(&plan);
}

TEST_CASE(coarse_parts_are_whole)
{
    struct node_plan plan = spread_plan("package", 0);
    CHECK_STR(recorded_places(&plan), "0-63,128-191 64-127,192-255");
    CHECK_INT(node_plan_place(&plan, 1)->numa_node, -1);
    node_plan_free(&plan);

    plan = spread_plan("numa", 3);
    CHECK_STR(recorded_places(&plan), "0-15,128-143 64-79,192-207 16-31,144-159");
    CHECK_INT(node_plan_place(&plan, 2)->numa_node, 4);
    CHECK_INT(node_plan_place(&plan, 3)->numa_node, 1);
    node_plan_free(&plan);

    plan = spread_plan("l3", 2);
    CHECK_STR(recorded_places(&plan), "0-7,128-135 64-71,192-199");
    node_plan_free(&plan);
}

TEST_CASE(fast_cores_are_taken_first)
{
    struct node_plan plan =
        recorded_plan("hybrid", "none", (struct node_request){.per = "core", .workers = 9});
    CHECK_STR(recorded_places(&plan), "0-1 2-3 4-5 6-7 8-9 10-11 12-13 14-15 16");
    node_plan_free(&plan);
}

TEST_CASE(fast_cores_are_taken_first_though_they_are_numbered_last)
{
    struct node_plan plan = recorded_plan("big-little", "none", (struct node_request){0});
    CHECK_STR(recorded_places(&plan), "4 5 0 1 2 3");
    CHECK_HAS(plan.reason, "usable cores by kind: 2, 4");
    node_plan_free(&plan);
}

TEST_CASE(slow_cores_are_taken_before_siblings_of_fast_ones)
{
    struct node_plan plan = recorded_plan("hybrid", "none", (struct node_request){.per = "thread"});
    CHECK_STR(recorded_places(&plan), "0 2 4 6 8 10 12 14 16 17 18 19 20 21 22 23 1 3 5 7 9 11 13 15");
    node_plan_free(&plan);
}

TEST_CASE(unbound_workers_are_told_all_usable_cpus)
{
    struct node_plan plan = recorded_plan("laptop", "laptop", (struct node_request){.workers = 3});
    CHECK(!plan.bind);
    CHECK_STR(recorded_places(&plan), "0-1 0-1 0-1");
    CHECK_INT(node_plan_place(&plan, 3)->numa_node, 0);
    node_plan_free(&plan);
}
