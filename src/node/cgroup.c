#define _GNU_SOURCE
#include "node/cgroup.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/hierarchy.h"

/* One directory of a hierarchy, as seen through the root. */
struct level {
    const char *root;
    const char *directory;
};

static char *level_read(const struct level *level, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", level->directory, name);
    return length > 0 && (size_t)length < sizeof path ? node_file_read(level->root, path) : NULL;
}

/* Notes for the user which file set the limit. */
static void file_note(char **note, const struct level *level, const char *name)
{
    free(*note);
    if (asprintf(note, "%s/%s", level->directory, name) < 0)
        *note = NULL;
}

static void quota_lower(struct node_cgroup *cgroup, double quota_usec, double period_usec,
                        const struct level *level, const char *name)
{
    if (!(quota_usec > 0) || !(period_usec > 0) || quota_usec / period_usec >= cgroup->quota)
        return;
    cgroup->quota = quota_usec / period_usec;
    file_note(&cgroup->quota_file, level, name);
}

/* "150000 100000", or "max 100000". */
static void quota_read_v2(struct node_cgroup *cgroup, const struct level *level)
{
    char *text = level_read(level, "cpu.max");
    double quota_usec, period_usec;
    if (text && sscanf(text, "%lf %lf", &quota_usec, &period_usec) == 2)
        quota_lower(cgroup, quota_usec, period_usec, level, "cpu.max");
    free(text);
}

/* The quota is -1 where there is none. */
static void quota_read_v1(struct node_cgroup *cgroup, const struct level *level)
{
    char *quota = level_read(level, "cpu.cfs_quota_us");
    char *period = level_read(level, "cpu.cfs_period_us");
    if (quota && period)
        quota_lower(cgroup, atof(quota), atof(period), level, "cpu.cfs_quota_us");
    free(quota);
    free(period);
}

static void memory_lower(struct node_cgroup *cgroup, const struct level *level, const char *name)
{
    char *text = level_read(level, name);
    char *end = text;
    unsigned long long bytes = text ? strtoull(text, &end, 10) : 0;
    if (end != text && bytes < cgroup->memory) {
        cgroup->memory = bytes;
        file_note(&cgroup->memory_file, level, name);
    }
    free(text);
}

/* The number, or "max". */
static void memory_read_v2(struct node_cgroup *cgroup, const struct level *level)
{
    memory_lower(cgroup, level, "memory.max");
}

/* Without a limit it is a number near 2^63, more than any machine has. */
static void memory_read_v1(struct node_cgroup *cgroup, const struct level *level)
{
    memory_lower(cgroup, level, "memory.limit_in_bytes");
}

/* The lowest level that has a list holds: the kernel keeps it within those above. */
static void cpuset_note(struct node_cgroup *cgroup, const struct level *level, const char *name)
{
    char *text = cgroup->cpuset ? NULL : level_read(level, name);
    if (text && text[0] >= '0' && text[0] <= '9') {
        text[strcspn(text, "\n")] = '\0';
        cgroup->cpuset = text;
        return;
    }
    free(text);
}

static void cpuset_read_v2(struct node_cgroup *cgroup, const struct level *level)
{
    cpuset_note(cgroup, level, "cpuset.cpus.effective");
}

static void cpuset_read_v1(struct node_cgroup *cgroup, const struct level *level)
{
    cpuset_note(cgroup, level, "cpuset.effective_cpus");
    cpuset_note(cgroup, level, "cpuset.cpus");
}

static const struct limit {
    const char *controller; /* "" is the v2 hierarchy, as in /proc/self/cgroup */
    void (*read)(struct node_cgroup *cgroup, const struct level *level);
} limits[] = {
    {"cpu", quota_read_v1}, {"memory", memory_read_v1}, {"cpuset", cpuset_read_v1},
    {"", quota_read_v2},    {"", memory_read_v2},       {"", cpuset_read_v2},
};

/* Reads the limit in the group and in every group above it, up to the mount point. */
static void limit_read(const struct limit *limit, const char *root, const char *groups, const char *mountinfo,
                       struct node_cgroup *cgroup)
{
    size_t top;
    char *directory = node_hierarchy_find(groups, mountinfo, limit->controller, &top);
    while (directory) {
        limit->read(cgroup, &(struct level){root, directory});
        char *slash = strrchr(directory, '/');
        if (!slash || (size_t)(slash - directory) < top)
            break;
        *slash = '\0';
    }
    free(directory);
}

void node_cgroup_read(const char *root, struct node_cgroup *cgroup)
{
    *cgroup = (struct node_cgroup){.quota = HUGE_VAL, .memory = UINT64_MAX};
    char *groups = node_file_read(root, "/proc/self/cgroup");
    char *mountinfo = node_file_read(root, "/proc/self/mountinfo");
    for (size_t i = 0; groups && mountinfo && i < sizeof limits / sizeof *limits; i++)
        limit_read(&limits[i], root, groups, mountinfo, cgroup);
    free(mountinfo);
    free(groups);
}

void node_cgroup_free(struct node_cgroup *cgroup)
{
    free(cgroup->quota_file);
    free(cgroup->memory_file);
    free(cgroup->cpuset);
    *cgroup = (struct node_cgroup){.quota = HUGE_VAL, .memory = UINT64_MAX};
}
