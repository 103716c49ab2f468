/* How many workers a machine gets, and what the user is told about it. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "check.h"
#include "recorded.h"

/* The plan's numbers and its reason, whole. */
static void expect(const char *topology, const char *root, struct node_request request, int workers,
                   bool bind, const char *reason)
{
    check_note("%s seen through %s, per %s", topology, root, request.per ? request.per : "core");
    struct node_plan plan = recorded_plan(topology, root, request);
    CHECK_INT(plan.workers, workers);
    CHECK_INT(plan.bind, bind);
    CHECK_STR(plan.reason, reason);
    node_plan_free(&plan);
}

TEST_CASE(a_laptop_gets_a_worker_for_each_core)
{
    expect("laptop", "laptop", (struct node_request){0}, 2, true,
           "2 cores, 2 usable: 2 workers, one per core, bound");
}

TEST_CASE(a_large_machine_gets_a_worker_for_each_part_asked_for)
{
    static const struct {
        const char *per;
        int workers;
        const char *reason;
    } rows[] = {
        {"core", 128, "128 cores (256 hardware threads), 128 usable: 128 workers, one per core, bound"},
        {"thread", 256,
         "256 hardware threads (128 cores), 256 usable: 256 workers, one per hardware thread, bound"},
        {"l3", 16, "16 L3 caches (128 cores), 16 usable: 16 workers, one per L3 cache, bound"},
        {"numa", 8, "8 NUMA nodes (128 cores), 8 usable: 8 workers, one per NUMA node, bound"},
        {"package", 2, "2 packages (128 cores), 2 usable: 2 workers, one per package, bound"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect("two-sockets", "two-sockets", (struct node_request){.per = rows[i].per}, rows[i].workers, true,
               rows[i].reason);
}

TEST_CASE(every_core_of_a_hybrid_machine_counts_and_the_kinds_are_told)
{
    expect("hybrid", "none", (struct node_request){.per = "core"}, 16, true,
           "16 cores (24 hardware threads), 16 usable: 16 workers, one per core, bound\n"
           "usable cores by kind: 8 IntelCore, 8 IntelAtom");
    expect("hybrid", "none", (struct node_request){.per = "thread"}, 24, true,
           "24 hardware threads (16 cores), 24 usable: 24 workers, one per hardware thread, bound\n"
           "usable cores by kind: 8 IntelCore, 8 IntelAtom");
}

TEST_CASE(an_arm_server_has_as_many_cores_as_threads)
{
    expect("arm-server", "none", (struct node_request){0}, 80, true,
           "80 cores, 80 usable: 80 workers, one per core, bound");
    expect("arm-server", "none", (struct node_request){.per = "thread"}, 80, true,
           "80 hardware threads (80 cores), 80 usable: 80 workers, one per hardware thread, bound");
}

TEST_CASE(without_an_l3_cache_packages_stand_in)
{
    expect("arm-server", "none", (struct node_request){.per = "l3"}, 1, true,
           "1 package (80 cores), 1 usable: 1 worker, on one package, bound\n"
           "no L3 cache is known here: one worker per package instead");
}

TEST_CASE(cores_behind_no_l3_cache_share_a_worker)
{
    struct node_plan plan = recorded_plan("partial-l3", "none", (struct node_request){.per = "l3"});
    CHECK_STR(recorded_places(&plan), "0-1 2-3");
    node_plan_free(&plan);
}

TEST_CASE(threads_of_unknown_cores_count_as_cores)
{
    struct node_plan plan = recorded_plan("no-cores", "none", (struct node_request){.per = "core"});
    CHECK_STR(recorded_places(&plan), "0 1 2 3");
    node_plan_free(&plan);
}

/* hwloc makes such machines from a line of text. */
static void expect_synthetic(const char *machine, const char *per, const char *places)
{
    check_note("%s per %s", machine, per);
    REQUIRE(setenv("HWLOC_SYNTHETIC", machine, 1) == 0);
    struct node_plan plan = recorded_plan(NULL, "none", (struct node_request){.per = per});
    CHECK_STR(recorded_places(&plan), places);
    node_plan_free(&plan);
    unsetenv("HWLOC_SYNTHETIC");
}

TEST_CASE(memory_that_is_no_cpus_nearest_makes_no_workers)
{
    expect_synthetic("pack:2 [numa(memory=64GB)] [numa(memory=16GB)] core:2 pu:1", "numa", "0-1 2-3");
    expect_synthetic("[numa(memory=256GB)] pack:2 [numa(memory=64GB)] core:2 pu:1", "numa", "0-1 2-3");
}

TEST_CASE(an_affinity_to_one_thread_of_some_cores_leaves_these_cores)
{
    expect("two-sockets", "affinity", (struct node_request){.per = "core"}, 3, true,
           "128 cores (256 hardware threads), 3 usable: 3 workers, one per core, bound\n"
           "affinity leaves CPUs 0,2,64,130 of 0-255");
    expect("two-sockets", "affinity", (struct node_request){.per = "thread"}, 4, true,
           "256 hardware threads (128 cores), 4 usable: 4 workers, one per hardware thread, bound\n"
           "affinity leaves CPUs 0,2,64,130 of 0-255");
    expect("two-sockets", "affinity", (struct node_request){.per = "package"}, 2, true,
           "2 packages (128 cores), 2 usable: 2 workers, one per package, bound\n"
           "affinity leaves CPUs 0,2,64,130 of 0-255");
}

TEST_CASE(a_cpuset_leaves_its_cores)
{
    expect("two-sockets", "batch-job", (struct node_request){.per = "core"}, 4, true,
           "128 cores (256 hardware threads), 4 usable: 4 workers, one per core, bound\n"
           "cpuset leaves CPUs 0-3,128-131 of 0-255");
}

TEST_CASE(a_quota_of_one_and_a_half_cpus_makes_two_unbound_workers)
{
    expect("two-sockets", "container-v2", (struct node_request){0}, 2, false,
           "128 cores (256 hardware threads), 128 usable: 2 workers, one per core, not bound\n"
           "cgroup quota of 1.5 CPUs (/sys/fs/cgroup/cpu.max): time for 2 workers, which the kernel moves");
    expect("two-sockets", "container-v1", (struct node_request){0}, 2, false,
           "128 cores (256 hardware threads), 128 usable: 2 workers, one per core, not bound\n"
           "cgroup quota of 1.5 CPUs (/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us): time for 2 workers, "
           "which the "
           "kernel moves");
}

TEST_CASE(a_quota_is_of_no_matter_to_fewer_parts)
{
    struct node_plan plan = recorded_plan("two-sockets", "nested", (struct node_request){.per = "package"});
    CHECK_INT(plan.workers, 2);
    CHECK(plan.bind);
    node_plan_free(&plan);
}

TEST_CASE(the_smallest_quota_of_all_levels_holds)
{
    expect("two-sockets", "nested", (struct node_request){0}, 3, false,
           "128 cores (256 hardware threads), 128 usable: 3 workers, one per core, not bound\n"
           "cgroup quota of 2.5 CPUs (/sys/fs/cgroup/machine.slice/cpu.max): time for 3 workers, which the "
           "kernel "
           "moves");
}

#define GIB ((size_t)1 << 30)

TEST_CASE(memory_caps_the_workers)
{
    expect("laptop", "laptop", (struct node_request){.memory_per_worker = 5 * GIB}, 1, true,
           "2 cores, 2 usable: 1 worker, on one core, bound\n"
           "memory of 8 GiB (the RAM of this machine): room for 1 worker of 5 GiB");
    expect("two-sockets", "container-v2", (struct node_request){.memory_per_worker = 3 * GIB}, 1, false,
           "128 cores (256 hardware threads), 128 usable: 1 worker, on one core, not bound\n"
           "cgroup quota of 1.5 CPUs (/sys/fs/cgroup/cpu.max): time for 2 workers, which the kernel moves\n"
           "memory of 4 GiB (/sys/fs/cgroup/memory.max): room for 1 worker of 3 GiB");
    expect("two-sockets", "batch-job", (struct node_request){.memory_per_worker = 6 * GIB}, 2, true,
           "128 cores (256 hardware threads), 4 usable: 2 workers, one per core, bound\n"
           "cpuset leaves CPUs 0-3,128-131 of 0-255\n"
           "memory of 16 GiB (/sys/fs/cgroup/memory/slurm/uid_1000/job_7/step_0/memory.limit_in_bytes): room "
           "for 2 "
           "workers of 6 GiB");
}

TEST_CASE(memory_of_the_whole_machine_may_be_used_up)
{
    struct node_plan plan =
        recorded_plan("laptop", "laptop", (struct node_request){.memory_per_worker = 4 * GIB});
    CHECK_INT(plan.workers, 2);
    node_plan_free(&plan);
}

TEST_CASE(a_limit_of_memory_in_a_parent_holds)
{
    struct node_plan plan = recorded_plan("two-sockets", "nested",
                                          (struct node_request){.workers = 100, .memory_per_worker = GIB});
    CHECK_INT(plan.workers, 6);
    CHECK_HAS(plan.reason, "machine.slice/memory.max");
    node_plan_free(&plan);
}

TEST_CASE(workers_asked_for_are_honoured)
{
    expect("laptop", "laptop", (struct node_request){.workers = 8}, 8, false,
           "2 cores, 2 usable: 8 workers, more than one per core, not bound\n"
           "workers: 8 asked for, where the machine suggests 2");
    expect("laptop", "laptop", (struct node_request){.workers = 1}, 1, true,
           "2 cores, 2 usable: 1 worker, on one core, bound\n"
           "workers: 1 asked for, where the machine suggests 2");
    expect("two-sockets", "container-v2", (struct node_request){.workers = 1}, 1, false,
           "128 cores (256 hardware threads), 128 usable: 1 worker, on one core, not bound\n"
           "cgroup quota of 1.5 CPUs (/sys/fs/cgroup/cpu.max): time for 2 workers, which the kernel moves\n"
           "workers: 1 asked for, where the machine suggests 2");
}
