#define _GNU_SOURCE
#include "node/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/machine.h"
#include "node/node.h"
#include "node/unit.h"

const char *node_bytes_text(uint64_t bytes, char *text)
{
    static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t i = 0;
    for (; value >= 1024 && i + 1 < sizeof names / sizeof *names; i++)
        value /= 1024;
    snprintf(text, NODE_BYTES_TEXT, "%.4g %s", value, names[i]);
    return text;
}

/* Everything that a line can tell about. */
struct story {
    const struct node *node;
    const struct node_request *request;
    const struct node_per *asked;
    const struct node_units *units;
    const struct node_sizing *sizing;
};

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

/* "2 cores, 2 usable: 2 workers, one per core, bound". The other of cores and hardware threads
 * stands in brackets where they are not the same number. */
static void headline_write(FILE *out, const struct story *story)
{
    const struct node_units *units = story->units;
    const struct node_per *per = units->per;
    int workers = story->sizing->workers;
    int cores = hwloc_get_nbobjs_by_type(story->node->topology, HWLOC_OBJ_CORE);
    int threads = hwloc_get_nbobjs_by_type(story->node->topology, HWLOC_OBJ_PU);
    fprintf(out, "%d %s", units->total, units->total == 1 ? per->one : per->many);
    if (per->type == HWLOC_OBJ_CORE && threads != units->total)
        fprintf(out, " (%d hardware threads)", threads);
    else if (per->type != HWLOC_OBJ_CORE && cores > 0)
        fprintf(out, " (%d core%s)", cores, plural(cores));
    fprintf(out, ", %d usable: %d worker%s, ", units->count, workers, plural(workers));
    if (workers <= units->count)
        fprintf(out, workers == 1 ? "on one %s, " : "one per %s, ", per->one);
    else
        fprintf(out, "more than one per %s, ", per->one);
    fprintf(out, "%s\n", story->sizing->bind ? "bound" : "not bound");
}

static void stand_in_write(FILE *out, const struct story *story)
{
    if (story->asked != story->units->per)
        fprintf(out, "no %s is known here: one worker per %s instead\n", story->asked->one,
                story->units->per->one);
}

static void cut_write(FILE *out, const char *who, hwloc_const_bitmap_t before, hwloc_const_bitmap_t after)
{
    if (hwloc_bitmap_isequal(before, after))
        return;
    char *had = NULL, *left = NULL;
    if (hwloc_bitmap_list_asprintf(&had, before) >= 0 && hwloc_bitmap_list_asprintf(&left, after) >= 0)
        fprintf(out, "%s leaves CPUs %s of %s\n", who, left, had);
    free(had);
    free(left);
}

static void cpuset_write(FILE *out, const struct story *story)
{
    cut_write(out, "cpuset", hwloc_topology_get_topology_cpuset(story->node->topology), story->node->cpuset);
}

static void affinity_write(FILE *out, const struct story *story)
{
    cut_write(out, "affinity", story->node->cpuset, story->node->usable);
}

#if HWLOC_API_VERSION >= 0x00020400

static int cores_count(const struct node *node, hwloc_const_bitmap_t cpus)
{
    int count = 0;
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(node->topology, HWLOC_OBJ_CORE, core));)
        count += hwloc_bitmap_intersects(core->cpuset, cpus);
    return count;
}

/* " IntelCore"; "" where hwloc knows no name. */
static void kind_name_write(FILE *out, const struct hwloc_info_s *infos, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(infos[i].name, "CoreType") == 0)
            fprintf(out, " %s", infos[i].value);
}

/* "usable cores by kind: 8 IntelCore, 8 IntelAtom", the fastest first. */
static void kinds_write(FILE *out, const struct story *story)
{
    hwloc_topology_t topology = story->node->topology;
    int kinds = hwloc_cpukinds_get_nr(topology, 0);
    hwloc_bitmap_t cpus = kinds > 1 ? hwloc_bitmap_alloc() : NULL;
    const char *before = "usable cores by kind: ", *after = "";
    for (int kind = kinds - 1; cpus && kind >= 0; kind--) {
        unsigned count = 0;
        struct hwloc_info_s *infos = NULL;
        if (hwloc_cpukinds_get_info(topology, (unsigned)kind, cpus, NULL, &count, &infos, 0))
            continue;
        hwloc_bitmap_and(cpus, cpus, story->node->usable);
        int cores = cores_count(story->node, cpus);
        if (cores == 0)
            continue;
        fprintf(out, "%s%d", before, cores);
        kind_name_write(out, infos, count);
        before = ", ";
        after = "\n";
    }
    fputs(after, out);
    hwloc_bitmap_free(cpus);
}

#else

static void kinds_write(FILE *out, const struct story *story)
{
    (void)out;
    (void)story;
}

#endif

static void quota_write(FILE *out, const struct story *story)
{
    const struct node_cgroup *cgroup = &story->node->cgroup;
    int suggested = story->sizing->suggested;
    if (story->sizing->quota_cut)
        fprintf(out, "cgroup quota of %.4g CPU%s (%s): time for %d worker%s, which the kernel moves\n",
                cgroup->quota, cgroup->quota == 1 ? "" : "s",
                cgroup->quota_file ? cgroup->quota_file : "cgroup", suggested, plural(suggested));
}

static void asked_write(FILE *out, const struct story *story)
{
    int asked = story->request->workers;
    if (asked)
        fprintf(out, "workers: %d asked for, where the machine suggests %d\n", asked,
                story->sizing->suggested);
}

static void memory_write(FILE *out, const struct story *story)
{
    const struct node_sizing *sizing = story->sizing;
    char all[NODE_BYTES_TEXT], each[NODE_BYTES_TEXT];
    if (sizing->memory_cut)
        fprintf(out, "memory of %s (%s): room for %d worker%s of %s\n", node_bytes_text(sizing->memory, all),
                sizing->memory_file ? sizing->memory_file : "the RAM of this machine", sizing->workers,
                plural(sizing->workers), node_bytes_text(story->request->memory_per_worker, each));
}

typedef void line_write(FILE *out, const struct story *story);

static line_write *const lines[] = {
    headline_write, stand_in_write, cpuset_write, affinity_write,
    kinds_write,    quota_write,    asked_write,  memory_write,
};

rp_status node_reason_write(const struct node *node, const struct node_request *request,
                            const struct node_per *asked, const struct node_units *units,
                            const struct node_sizing *sizing, char **reason, struct error *error)
{
    const struct story story = {node, request, asked, units, sizing};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < sizeof lines / sizeof *lines; i++)
        lines[i](out, &story);
    if (!out || fclose(out)) {
        free(text);
        return error_set(error, RP_NO_MEMORY, "no memory to say how the machine was sized");
    }
    text[size - 1] = '\0'; /* the last newline: the headline is always there */
    *reason = text;
    return RP_OK;
}
