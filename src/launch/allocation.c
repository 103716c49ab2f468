#define _GNU_SOURCE
#include "launch/allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/allocation_batch.h"
#include "launch/list.h"

/* The first of which `job` and `nodes` are set is the one. */
static const struct batch {
    const char *name;
    const char *job, *nodes; /* variables */
    enum means means;
    rp_status (*read)(char *const *environment, struct hosts *hosts, struct error *error);
} batches[] = {
    {"Slurm", "SLURM_JOB_ID", "SLURM_JOB_NODELIST", MEANS_SLURM, batch_read_slurm},
    {"PBS", "PBS_JOBID", "PBS_NODEFILE", MEANS_BATCH, batch_read_pbs},
    {"LSF", "LSB_JOBID", "LSB_MCPU_HOSTS", MEANS_BATCH, batch_read_lsf_counts},
    {"LSF", "LSB_JOBID", "LSB_DJOB_HOSTFILE", MEANS_BATCH, batch_read_lsf_file},
    {"LSF", "LSB_JOBID", "LSB_HOSTS", MEANS_BATCH, batch_read_lsf_hosts},
    {"Grid Engine", "JOB_ID", "PE_HOSTFILE", MEANS_BATCH, batch_read_sge},
    {"Flux", "FLUX_URI", "FLUX_URI", MEANS_BATCH, batch_read_flux},
};

static bool is_set(char *const *environment, const char *name)
{
    const char *value = list_value(environment, name);
    return value && *value;
}

static rp_status this_machine(struct allocation *allocation, struct error *error)
{
    snprintf(allocation->source, sizeof allocation->source, "this machine");
    allocation->means = MEANS_HERE;
    return hosts_add(&allocation->hosts, "localhost", 0, error);
}

/* "12" of "12.server", and of a whole address the system's name alone. */
static void name_source(const struct batch *batch, char *const *environment, char *source, size_t size)
{
    const char *job = list_value(environment, batch->job);
    if (strcmp(batch->job, batch->nodes) == 0)
        snprintf(source, size, "the %s instance", batch->name);
    else
        snprintf(source, size, "%s job %.*s", batch->name, (int)strcspn(job, "."), job);
}

/* What a step does not know it has: a part of the job is used, and the user may have meant all. */
static void say_step(char *const *environment, struct allocation *allocation)
{
    const char *nodes = list_value(environment, "SLURM_JOB_NUM_NODES");
    if (nodes && atoi(nodes) > 1)
        snprintf(allocation->left, sizeof allocation->left,
                 "other nodes of Slurm job %s are left out: this is its step %s, started by srun\n",
                 list_value(environment, "SLURM_JOB_ID"), list_value(environment, "SLURM_STEP_ID"));
}

rp_status allocation_find(char *const *environment, const char *proc, struct allocation *allocation,
                          struct error *error)
{
    struct allocation found = {.means = MEANS_HERE};
    const struct batch *batch = NULL;
    for (size_t i = 0; i < sizeof batches / sizeof *batches && !batch; i++)
        if (is_set(environment, batches[i].job) && is_set(environment, batches[i].nodes))
            batch = &batches[i];
    if (batch && batch->means == MEANS_SLURM && batch_is_step(environment, proc)) {
        say_step(environment, &found);
        batch = NULL;
    }
    rp_status status = batch ? RP_OK : this_machine(&found, error);
    if (batch) {
        name_source(batch, environment, found.source, sizeof found.source);
        found.means = batch->means;
        status = batch->read(environment, &found.hosts, error);
        if (!status && !found.hosts.count)
            status = error_set(error, RP_LAUNCH, "%s has no nodes: %s is \"%s\"", found.source, batch->nodes,
                               list_value(environment, batch->nodes));
    }
    if (status)
        allocation_free(&found);
    else
        *allocation = found;
    return status;
}

rp_status allocation_of_hosts(const char *list, const char *file, struct allocation *allocation,
                              struct error *error)
{
    struct allocation found = {.means = MEANS_SSH};
    rp_status status = list ? hosts_add_list(&found.hosts, list, error) : RP_OK;
    if (!status && file)
        status = hosts_add_file(&found.hosts, file, error);
    snprintf(found.source, sizeof found.source, list ? "the list of hosts" : "the file of hosts");
    if (status)
        allocation_free(&found);
    else
        *allocation = found;
    return status;
}

bool allocation_is_here(const struct allocation *allocation)
{
    for (int i = 0; i < allocation->hosts.count; i++)
        if (!hosts_is_here(allocation->hosts.one[i].name))
            return false;
    return true;
}

void allocation_free(struct allocation *allocation)
{
    hosts_free(&allocation->hosts);
}
