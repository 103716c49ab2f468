/* This very machine and process. Cases that bind do so in a child. */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "node/file.h"
#include "node/hierarchy.h"
#include "recorded.h"

static size_t first_cpu(void)
{
    cpu_set_t set;
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    return cpu;
}

TEST_CASE(this_machine_gets_workers_on_its_cores)
{
    char cpus[256];
    int numa_node;
    node_here("", cpus, sizeof cpus, &numa_node);
    struct node_plan plan = recorded_plan(NULL, "", (struct node_request){.per = "package", .workers = 1});
    CHECK_INT(plan.workers, 1);
    CHECK_HAS(plan.reason, "1 worker");
    node_plan_free(&plan);
    plan = recorded_plan(NULL, "", (struct node_request){.workers = 100000});
    CHECK_STR(node_plan_place(&plan, 1)->cpus, cpus);
    CHECK_INT(node_plan_place(&plan, 1)->numa_node, numa_node);
    node_plan_free(&plan);
}

static void plan_on_one_cpu(void)
{
    char cpu[16], line[64];
    size_t first = first_cpu();
    snprintf(cpu, sizeof cpu, "%zu", first);
    snprintf(line, sizeof line, "affinity leaves CPUs %zu of ", first);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    struct node_plan plan = recorded_plan(NULL, "", (struct node_request){.per = "thread"});
    CHECK_INT(plan.workers, 1);
    CHECK_STR(node_plan_place(&plan, 1)->cpus, cpu);
    CHECK_HAS(plan.reason, line);
    node_plan_free(&plan);
}

TEST_CASE(an_affinity_to_one_cpu_makes_one_worker)
{
    cpu_set_t set;
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    if (CPU_COUNT(&set) < 2)
        SKIP_CASE("this process may run on one CPU only");
    CHECK_INT(recorded_in_child(plan_on_one_cpu), 0);
}

TEST_CASE(planning_leaves_the_affinity_alone)
{
    cpu_set_t before, after;
    CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
    struct node_plan plan = recorded_plan(NULL, "", (struct node_request){.per = "thread"});
    CHECK(sched_getaffinity(0, sizeof after, &after) == 0);
    CHECK(CPU_EQUAL(&before, &after));
    node_plan_free(&plan);
}

static void bind_and_look(void)
{
    char wanted[16], cpus[64];
    int numa_node;
    snprintf(wanted, sizeof wanted, "%zu", first_cpu());
    struct error error = {0};
    CHECK_STATUS(node_bind(wanted, &error), RP_OK);
    node_here("", cpus, sizeof cpus, &numa_node);
    CHECK_STR(cpus, wanted);
    CHECK(numa_node >= 0);
}

TEST_CASE(binding_restricts_the_process)
{
    CHECK_INT(recorded_in_child(bind_and_look), 0);
}

static void *thread_bind_and_look(void *arg)
{
    (void)arg;
    bind_and_look();
    return NULL;
}

TEST_CASE(a_thread_is_bound_and_told_for_itself)
{
    char before[256], after[256];
    int numa_node;
    node_here("", before, sizeof before, &numa_node);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, thread_bind_and_look, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    node_here("", after, sizeof after, &numa_node);
    CHECK_STR(after, before);
}

TEST_CASE(a_list_that_is_none_binds_nothing)
{
    static const char *const lists[] = {"",   "x",   "0-",  "1-0",           ",", "0,", "0 1",
                                        "-1", "0x3", "0;1", "99999999999999"};
    cpu_set_t before, after;
    CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct error error = {0};
        check_note("\"%s\"", lists[i]);
        CHECK_STATUS(node_bind(lists[i], &error), RP_INVALID);
        CHECK_HAS(error.text, "is not a list of CPUs");
    }
    CHECK(sched_getaffinity(0, sizeof after, &after) == 0);
    CHECK(CPU_EQUAL(&before, &after));
}

TEST_CASE(a_cpu_that_is_not_there_cannot_be_bound_to)
{
    struct error error = {0};
    CHECK_STATUS(node_bind("8191", &error), RP_INVALID);
    CHECK_HAS(error.text, "cannot bind to CPUs 8191");
}

TEST_CASE(the_place_of_a_process_is_read_from_its_machine)
{
    char cpus[64];
    int numa_node;
    char root[512];
    snprintf(root, sizeof root, "%s/roots/two-sockets", RANKPOOL_FIXTURES);
    node_here(root, cpus, sizeof cpus, &numa_node);
    CHECK_STR(cpus, "0-255");
    CHECK_INT(numa_node, -1);

    char small[4];
    node_here(root, small, sizeof small, &numa_node);
    CHECK_STR(small, "0-2");
    node_here("/nonexistent", cpus, sizeof cpus, &numa_node);
    CHECK_STR(cpus, "");
    CHECK_INT(numa_node, -1);
}

TEST_CASE(a_process_within_one_numa_node_is_told_its_number)
{
    static const struct recorded_file files[] = {
        {"/proc/self/status", "Cpus_allowed_list:\t9,25\n"},
        {"/sys/devices/system/node/online", "0,2-3\n"},
        {"/sys/devices/system/node/node0/cpulist", "0-7,16-23\n"},
        {"/sys/devices/system/node/node2/cpulist", "\n"},
        {"/sys/devices/system/node/node3/cpulist", "8-15,24-31\n"},
        {0},
    };
    char root[RECORDED_ROOT], cpus[64];
    int numa_node;
    recorded_root_make(files, root);
    node_here(root, cpus, sizeof cpus, &numa_node);
    CHECK_STR(cpus, "9,25");
    CHECK_INT(numa_node, 3);
    recorded_root_remove(root);
}

/* A control group of this machine, made for a case. */
struct group {
    char path[PATH_MAX];
};

static bool group_write(const struct group *group, const char *name, const char *text)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", group->path, name);
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    bool written = fputs(text, out) >= 0;
    return fclose(out) == 0 && written;
}

/* Makes a group below the one this process is in, and sets its limits; false where that is not
 * possible: no such hierarchy, no right to, or a v2 group that hands on no such controller. */
static bool group_make(struct group *group, const char *controller, const char *const limits[][2])
{
    char *groups = node_file_read("", "/proc/self/cgroup");
    char *mounts = node_file_read("", "/proc/self/mountinfo");
    size_t top;
    char *directory = groups && mounts ? node_hierarchy_find(groups, mounts, controller, &top) : NULL;
    snprintf(group->path, sizeof group->path, "%s/rankpool-test-%ld", directory ? directory : "",
             (long)getpid());
    bool made = directory && mkdir(group->path, 0755) == 0;
    bool set = made;
    for (; set && (*limits)[0]; limits++)
        set = group_write(group, (*limits)[0], (*limits)[1]);
    if (made && !set)
        rmdir(group->path);
    free(directory);
    free(mounts);
    free(groups);
    return set;
}

static struct group entered; /* by the child of the case that runs */

#define CANNOT_ENTER 77

/* Runs the body in a child, then removes the group. */
static void group_case(void (*body)(void))
{
    int ended = recorded_in_child(body);
    CHECK(rmdir(entered.path) == 0);
    if (ended == CANNOT_ENTER)
        SKIP_CASE("the control group made for this case cannot be entered");
    CHECK_INT(ended, 0);
}

static void plan_with_a_quota(void)
{
    if (!group_write(&entered, "cgroup.procs", "0"))
        _exit(CANNOT_ENTER);
    struct node_plan plan = recorded_plan(NULL, "", (struct node_request){.per = "core"});
    CHECK_INT(plan.workers, 1);
    CHECK(!plan.bind);
    CHECK_HAS(plan.reason, "cgroup quota of 0.5 CPUs");
    CHECK_HAS(plan.reason, entered.path);
    node_plan_free(&plan);
}

TEST_CASE(a_quota_set_on_this_machine_shrinks_the_plan)
{
    static const char *const v1[][2] = {{"cpu.cfs_period_us", "100000"}, {"cpu.cfs_quota_us", "50000"}, {0}};
    static const char *const v2[][2] = {{"cpu.max", "50000 100000"}, {0}};
    if (!group_make(&entered, "cpu", v1) && !group_make(&entered, "", v2))
        SKIP_CASE("no control group with a quota can be made here");
    group_case(plan_with_a_quota);
}

static void plan_with_little_memory(void)
{
    if (!group_write(&entered, "cgroup.procs", "0"))
        _exit(CANNOT_ENTER);
    struct node_plan plan =
        recorded_plan(NULL, "", (struct node_request){.workers = 9, .memory_per_worker = (size_t)300 << 20});
    CHECK_INT(plan.workers, 3);
    CHECK_HAS(plan.reason, entered.path);
    node_plan_free(&plan);
}

TEST_CASE(a_memory_limit_set_on_this_machine_caps_the_plan)
{
    static const char *const v1[][2] = {{"memory.limit_in_bytes", "1073741824"}, {0}};
    static const char *const v2[][2] = {{"memory.max", "1073741824"}, {0}};
    if (!group_make(&entered, "memory", v1) && !group_make(&entered, "", v2))
        SKIP_CASE("no control group with a limit of memory can be made here");
    group_case(plan_with_little_memory);
}
