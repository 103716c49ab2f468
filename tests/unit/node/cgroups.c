/* Limits of control groups, as they are mounted here and there. */
#define _GNU_SOURCE
#include <math.h>

#include "check.h"
#include "node/cgroup.h"
#include "recorded.h"

/* Reads the limits through the files written; the cgroup is to be freed. */
static struct node_cgroup limits_of(const struct recorded_file *files)
{
    char root[RECORDED_ROOT];
    struct node_cgroup cgroup;
    recorded_root_make(files, root);
    node_cgroup_read(root, &cgroup);
    recorded_root_remove(root);
    return cgroup;
}

#define MOUNT_V2 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define MOUNT_V1 "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:7 master:2 - cgroup cgroup rw,cpu\n"

TEST_CASE(without_proc_nothing_is_limited)
{
    struct node_cgroup cgroup = limits_of((struct recorded_file[]){{"/sys/fs/cgroup/cpu.max", "1 2"}, {0}});
    CHECK(isinf(cgroup.quota));
    CHECK(cgroup.quota_file == NULL);
    CHECK_UINT(cgroup.memory, UINT64_MAX);
    CHECK(cgroup.cpuset == NULL);
    node_cgroup_free(&cgroup);
}

TEST_CASE(the_smaller_quota_of_both_hierarchies_holds)
{
    struct recorded_file files[] = {{"/proc/self/cgroup", "1:cpu:/a\n0::/b\n"},
                                    {"/proc/self/mountinfo", MOUNT_V1 MOUNT_V2},
                                    {"/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "300000\n"},
                                    {"/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"},
                                    {"/sys/fs/cgroup/unified/b/cpu.max", "200000 100000\n"},
                                    {0}};
    struct node_cgroup cgroup = limits_of(files);
    CHECK_NEAR(cgroup.quota, 2, 1e-9);
    CHECK_STR(cgroup.quota_file, "/sys/fs/cgroup/unified/b/cpu.max");
    node_cgroup_free(&cgroup);

    files[2].text = "100000\n";
    cgroup = limits_of(files);
    CHECK_NEAR(cgroup.quota, 1, 1e-9);
    CHECK_STR(cgroup.quota_file, "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us");
    node_cgroup_free(&cgroup);
}

TEST_CASE(a_v1_quota_in_a_parent_holds)
{
    struct node_cgroup cgroup = limits_of((struct recorded_file[]){
        {"/proc/self/cgroup", "5:cpuacct,cpu:/batch/job/step\n"},
        {"/proc/self/mountinfo", "32 31 0:29 / /cg rw - cgroup cgroup rw,cpuacct,cpu\n"},
        {"/cg/batch/job/step/cpu.cfs_quota_us", "-1\n"},
        {"/cg/batch/job/step/cpu.cfs_period_us", "100000\n"},
        {"/cg/batch/cpu.cfs_quota_us", "50000\n"},
        {"/cg/batch/cpu.cfs_period_us", "100000\n"},
        {0}});
    CHECK_NEAR(cgroup.quota, 0.5, 1e-9);
    CHECK_STR(cgroup.quota_file, "/cg/batch/cpu.cfs_quota_us");
    node_cgroup_free(&cgroup);
}

TEST_CASE(the_mount_point_itself_is_a_level_and_what_is_above_it_is_none)
{
    struct node_cgroup cgroup = limits_of(
        (struct recorded_file[]){{"/proc/self/cgroup", "0::/a\n"},
                                 {"/proc/self/mountinfo", "32 31 0:29 / /mnt/cg rw - cgroup2 none rw\n"},
                                 {"/mnt/cpu.max", "100000 100000\n"},
                                 {"/mnt/cg/cpu.max", "400000 100000\n"},
                                 {"/mnt/cg/a/cpu.max", "max 100000\n"},
                                 {0}});
    CHECK_NEAR(cgroup.quota, 4, 1e-9);
    node_cgroup_free(&cgroup);
}

TEST_CASE(controllers_are_told_apart_by_their_whole_name)
{
    struct node_cgroup cgroup = limits_of((struct recorded_file[]){
        {"/proc/self/cgroup", "3:cpuset:/set\n2:cpuacct:/acct\n1:cpu:/time\n"},
        {"/proc/self/mountinfo", "30 1 0:1 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
                                 "31 1 0:2 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct\n"
                                 "32 1 0:3 / /cg/cpu rw - cgroup cgroup rw,cpu\n"},
        {"/cg/cpuset/time/cpu.cfs_quota_us", "1000\n"},
        {"/cg/cpuset/time/cpu.cfs_period_us", "1000\n"},
        {"/cg/cpu/time/cpu.cfs_quota_us", "3000\n"},
        {"/cg/cpu/time/cpu.cfs_period_us", "1000\n"},
        {"/cg/cpuset/set/cpuset.cpus", "4-7\n"},
        {0}});
    CHECK_NEAR(cgroup.quota, 3, 1e-9);
    CHECK_STR(cgroup.cpuset, "4-7");
    node_cgroup_free(&cgroup);
}

TEST_CASE(a_mount_point_with_blanks_is_found)
{
    struct node_cgroup cgroup = limits_of((struct recorded_file[]){
        {"/proc/self/cgroup", "0::/a b\n"},
        {"/proc/self/mountinfo", "32 31 0:29 / /my\\040cg\\134x rw - cgroup2 none rw\n"},
        {"/my cg\\x/a b/memory.max", "4096\n"},
        {0}});
    CHECK_UINT(cgroup.memory, 4096);
    CHECK_STR(cgroup.memory_file, "/my cg\\x/a b/memory.max");
    node_cgroup_free(&cgroup);
}

TEST_CASE(a_mount_of_a_part_of_the_hierarchy_is_entered_at_that_part)
{
    struct recorded_file files[] = {
        {"/proc/self/cgroup", "0::/pods/pod1/main\n"},
        {"/proc/self/mountinfo", "32 31 0:29 /pods/pod1 /cg rw - cgroup2 none rw\n"},
        {"/cg/main/cpu.max", "700000 100000\n"},
        {"/cg/pods/pod1/main/cpu.max", "100000 100000\n"},
        {0},
    };
    struct node_cgroup cgroup = limits_of(files);
    CHECK_NEAR(cgroup.quota, 7, 1e-9);
    node_cgroup_free(&cgroup);
}

TEST_CASE(the_mount_that_holds_the_group_is_taken_among_several)
{
    struct node_cgroup cgroup = limits_of((struct recorded_file[]){
        {"/proc/self/cgroup", "0::/pods/pod10\n"},
        {"/proc/self/mountinfo", "30 31 0:29 /pods/pod1 /other rw - cgroup2 none rw\n"
                                 "32 31 0:29 /pods /cg rw - cgroup2 none rw\n"},
        {"/other/cpu.max", "100000 100000\n"},
        {"/cg/pod10/cpu.max", "500000 100000\n"},
        {0}});
    CHECK_NEAR(cgroup.quota, 5, 1e-9);
    node_cgroup_free(&cgroup);
}

TEST_CASE(a_group_told_from_another_namespace_is_read_at_the_mount_point)
{
    static const struct {
        const char *groups, *mountinfo;
    } rows[] = {
        {"0::/docker/abc\n", "32 31 0:29 /docker/xyz /cg rw - cgroup2 none rw\n"},
        {"0::/../../elsewhere\n", "32 31 0:29 / /cg rw - cgroup2 none rw\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_note("%s", rows[i].groups);
        struct node_cgroup cgroup =
            limits_of((struct recorded_file[]){{"/proc/self/cgroup", rows[i].groups},
                                               {"/proc/self/mountinfo", rows[i].mountinfo},
                                               {"/cpu.max", "100000 100000\n"},
                                               {"/cg/cpu.max", "600000 100000\n"},
                                               {0}});
        CHECK_NEAR(cgroup.quota, 6, 1e-9);
        node_cgroup_free(&cgroup);
    }
}

TEST_CASE(a_group_that_was_removed_counts_with_its_parents)
{
    struct node_cgroup cgroup = limits_of(
        (struct recorded_file[]){{"/proc/self/cgroup", "0::/slice/gone (deleted)\n"},
                                 {"/proc/self/mountinfo", "32 31 0:29 / /cg rw - cgroup2 none rw\n"},
                                 {"/cg/slice/cpu.max", "600000 100000\n"},
                                 {0}});
    CHECK_NEAR(cgroup.quota, 6, 1e-9);
    node_cgroup_free(&cgroup);
}

TEST_CASE(garbage_limits_nothing)
{
    static const char *const garbage[] = {"",       "\n",       "max", "x y",     "-1 100000",
                                          "100000", "100000 0", "0 0", "\xff\xfe"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        check_note("\"%s\"", garbage[i]);
        struct node_cgroup cgroup = limits_of((struct recorded_file[]){
            {"/proc/self/cgroup", "nonsense\n:\n::\n0::/a\n"},
            {"/proc/self/mountinfo", "\n - \n1 2 3 - cgroup2\n32 31 0:29 / /cg rw - cgroup2 none rw"},
            {"/cg/a/cpu.max", garbage[i]},
            {0}});
        CHECK(isinf(cgroup.quota));
        node_cgroup_free(&cgroup);
    }
}

TEST_CASE(the_cpuset_of_the_nearest_level_that_has_one_holds)
{
    struct node_cgroup cgroup = limits_of(
        (struct recorded_file[]){{"/proc/self/cgroup", "0::/a/b/c\n"},
                                 {"/proc/self/mountinfo", "32 31 0:29 / /cg rw - cgroup2 none rw\n"},
                                 {"/cg/cpuset.cpus.effective", "0-7\n"},
                                 {"/cg/a/cpuset.cpus.effective", "2-3\n"},
                                 {"/cg/a/b/cpuset.cpus.effective", "\n"},
                                 {0}});
    CHECK_STR(cgroup.cpuset, "2-3");
    node_cgroup_free(&cgroup);
}
