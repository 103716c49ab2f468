#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/allocation_batch.h"
#include "launch/list.h"

/* Steps are numbered from 0; the batch script and an interactive shell have numbers from this one on. */
#define STEP_ODD 4294967000u

bool batch_is_shell(char *const *environment, const char *proc)
{
    char path[PATH_MAX];
    size_t size;
    int terminal = 0;
    if (!list_value(environment, BATCH_SHELL))
        return false;
    snprintf(path, sizeof path, "%s/self/stat", proc);
    char *stat = list_read_file(path, &size), *name_end = stat ? strrchr(stat, ')') : NULL;
    if (!name_end || sscanf(name_end, ") %*c %*d %*d %*d %d", &terminal) != 1)
        terminal = 0;
    free(stat);
    return terminal != 0;
}

bool batch_is_step(char *const *environment, const char *proc)
{
    const char *step = list_value(environment, "SLURM_STEP_ID");
    char *end;
    if (!step || *step < '0' || *step > '9')
        return false;
    unsigned long number = strtoul(step, &end, 10);
    return !*end && number < STEP_ODD && !batch_is_shell(environment, proc);
}

/* "4(x2),8": 4 on each of the first two nodes, 8 on the third. */
static rp_status count_slots(const char *counts, struct hosts *hosts, struct error *error)
{
    const char *rest = counts;
    int node = 0;
    while (node < hosts->count && *rest >= '0' && *rest <= '9') {
        char *end;
        long slots = strtol(rest, &end, 10), times = 1;
        if (strncmp(end, "(x", 2) == 0)
            times = strtol(end + 2, &end, 10);
        end += *end == ')';
        for (long i = 0; i < times && node < hosts->count; i++)
            hosts->one[node++].slots = (int)slots;
        rest = end + (*end == ',');
    }
    return node == hosts->count && !*rest
               ? RP_OK
               : error_set(error, RP_LAUNCH,
                           "SLURM_JOB_CPUS_PER_NODE is \"%s\", which does not fit the job's %d nodes", counts,
                           hosts->count);
}

rp_status batch_read_slurm(char *const *environment, struct hosts *hosts, struct error *error)
{
    const char *counts = list_value(environment, "SLURM_JOB_CPUS_PER_NODE");
    rp_status status = hosts_add_compressed(hosts, list_value(environment, "SLURM_JOB_NODELIST"), error);
    if (!status && counts && *counts)
        status = count_slots(counts, hosts, error);
    return status;
}
