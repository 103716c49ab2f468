#define _GNU_SOURCE
#include "launch/mpirun_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/allocation_batch.h"
#include "launch/elsewhere.h"
#include "launch/handover.h"
#include "launch/program.h"

/* ---- The environment --------------------------------------------------------------------- */

/* Variables by which mpirun would take an allocation's nodes or other means of starting. */
static const char *const batch_systems[] = {
    "SLURM_",        "PBS_",         "LSB_",  "LSF_",       "PE_HOSTFILE=", "JOB_ID=", "LOADL_",
    "COBALT_",       "BASIL_",       "ALPS_", "OMPI_ALPS_", "FLUX_",        "PALS_",   "OMPI_MCA_plm_base",
    "OMPI_MCA_plm=", "OMPI_MCA_ras", NULL,
};

/* Others that would mislead it: another mapping, or another mpirun's. */
static const char *const misleading[] = {
    "PMI_",
    "PMIX_",
    "OMPI_COMM_WORLD_",
    "OMPI_MCA_rmaps",
    "OMPI_MCA_ess",
    "OMPI_MCA_orte_default",
    "OMPI_MCA_orte_hostfile",
    "OMPI_MCA_orte_rankfile",
    "OMPI_MCA_orte_launch",
    "OMPI_MCA_orte_output",
    "PRTE_MCA_",
    NULL,
};

/* What mpirun is told by its environment, where options differ between its versions. It is not to start
 * processes from threads that end: the kernel would take that for the end of their parent. */
static const char *const told[] = {
    "OMPI_ALLOW_RUN_AS_ROOT=1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
    "PRTE_ALLOW_RUN_AS_ROOT=1",
    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1",
    "OMPI_MCA_orte_enable_recovery=1",
    "OMPI_MCA_rmaps_base_oversubscribe=1",
    "OMPI_MCA_orte_execute_quiet=1",
    "OMPI_MCA_odls_base_num_threads=0",
    NULL,
};

/* What the ranks are told unless the user says otherwise: they are more than there are cores, since the
 * manager has none of its own; a fault ends them as it ends a plain program; and where all of them are on
 * this machine, that spares MPI_Init most of its time. */
static const struct {
    const char *name, *value;
    bool far; /* also where there are other nodes */
} suggested[] = {
    {"OMPI_MCA_mpi_yield_when_idle", "1", true},
    {"OMPI_MCA_opal_signal", "", true},
    {"OMPI_MCA_pml", "ob1", false},
};

/* For this machine mpirun needs no agent for others, and without this one fails where there is no ssh. */
static const char *const no_agent[] = {"OMPI_MCA_plm_rsh_agent=", NULL};

/* A shell of srun --pty has the variables by which mpirun takes a job's nodes of its step, which may be a
 * part of the job. Its step has CPUs, too, that are to be shared. */
static const char *const of_job[][2] = {{"SLURM_NODELIST", "SLURM_JOB_NODELIST"},
                                        {"SLURM_TASKS_PER_NODE", "SLURM_JOB_CPUS_PER_NODE"},
                                        {"SLURM_NNODES", "SLURM_JOB_NUM_NODES"}};

enum { OF_JOB = sizeof of_job / sizeof *of_job };

static const char *value_of_job(char *const *environment, const char *name, size_t length)
{
    for (int i = 0; i < OF_JOB && list_value(environment, BATCH_SHELL); i++)
        if (strlen(of_job[i][0]) == length && strncmp(of_job[i][0], name, length) == 0)
            return list_value(environment, of_job[i][1]);
    return NULL;
}

void mpirun_fill_environment(const struct launch_plan *plan, char *const *environment, struct list *list)
{
    for (char *const *item = environment; *item; item++) {
        size_t length = strcspn(*item, "=");
        const char *value = value_of_job(environment, *item, length);
        if (list_has_prefix(*item, misleading) || (!plan->batch && list_has_prefix(*item, batch_systems)) ||
            (!plan->fars && list_has_prefix(*item, no_agent)))
            continue;
        if (plan->batch && value)
            list_addf(list, "%.*s=%s", (int)length, *item, value);
        else
            list_add(list, *item);
    }
    if (plan->batch)
        list_add(list, SLURM_OVERLAP);
    for (const char *const *item = told; *item; item++)
        list_add(list, *item);
    if (!plan->fars)
        list_add(list, *no_agent);
    for (size_t i = 0; i < sizeof suggested / sizeof *suggested; i++)
        if ((suggested[i].far || !plan->fars) && !list_value(environment, suggested[i].name))
            list_addf(list, "%s=%s", suggested[i].name, suggested[i].value);
}

void mpirun_face_batch(void)
{
    static char overlap[] = SLURM_OVERLAP;
    putenv(overlap);
    for (int i = 0; i < OF_JOB; i++) {
        const char *value = value_of_job(environ, of_job[i][0], strlen(of_job[i][0]));
        if (value)
            setenv(of_job[i][0], value, 1);
    }
}

void mpirun_forget_batch(void)
{
    for (char **item = environ; item && *item;) {
        char name[64];
        size_t length = strcspn(*item, "=");
        bool goes = list_has_prefix(*item, batch_systems) && length < sizeof name;
        snprintf(name, sizeof name, "%.*s", (int)length, *item);
        if (!goes || unsetenv(name))
            item++;
    }
}

/* ---- Other nodes' environment ------------------------------------------------------------ */

/* What is about this machine, this login or this terminal, and is another's there. */
static const char *const at_home[] = {
    "HOSTNAME=",
    "HOST=",
    "PWD=",
    "OLDPWD=",
    "SHLVL=",
    "_=",
    "TMPDIR=",
    "TMP=",
    "TEMP=",
    "DISPLAY=",
    "XAUTHORITY=",
    "XDG_",
    "SSH_",
    "DBUS_",
    "TERM=",
    "WINDOWID=",
    "SLURM_",
    "SLURMD_",
    "PBS_",
    "LSB_",
    "FLUX_",
    "BASH_FUNC_",
    "RANKPOOL_GROUND=",
    "PE_HOSTFILE=",
    "JOB_ID=",
    "CUDA_VISIBLE_DEVICES=",
    "ROCR_VISIBLE_DEVICES=",
    "HIP_VISIBLE_DEVICES=",
    "GPU_DEVICE_ORDINAL=",
    "ZE_AFFINITY_MASK=",
    NULL,
};

/* mpirun exports its own. */
static const char *const mpiruns[] = {"OMPI_MCA_", "PRTE_MCA_", "PMIX_MCA_", NULL};

/* For one part of its arguments. */
static void add_exports(char *const *environment, struct list *list)
{
    for (char *const *item = environment; *item; item++) {
        size_t length = strcspn(*item, "=");
        if (!length || list_has_prefix(*item, at_home) || list_has_prefix(*item, mpiruns) ||
            handover_owns(*item))
            continue;
        list_add(list, "-x");
        list_addf(list, "%.*s", (int)length, *item);
    }
}

/* ---- Arguments --------------------------------------------------------------------------- */

void mpirun_add_seat(const struct mpirun_job *job, const char *seats, struct list *list)
{
    list_add(list, job->command);
    list_add(list, "seat");
    list_addf(list, "--seats=%s", seats);
    if (job->directory)
        list_addf(list, "--directory=%s", job->directory);
    if (job->joins)
        list_add(list, "--joins");
    list_add(list, "--");
    list_add(list, job->path);
    for (char *const *argument = job->arguments; *argument; argument++)
        list_add(list, *argument);
}

static void add_place(const char *hosts, int ranks, struct list *list)
{
    list_add(list, "--host");
    list_add(list, hosts);
    list_add(list, "-n");
    list_addf(list, "%d", ranks);
}

static int count_alike(const struct launch_far *far, int fars)
{
    int count = 1;
    while (count < fars && far[count].ranks == far->ranks && strcmp(far[count].seats, far->seats) == 0)
        count++;
    return count;
}

/* Each node is filled before the next has any. */
static void add_part(const struct mpirun_job *job, const struct launch_far *far, int nodes, struct list *list)
{
    char *hosts = NULL;
    size_t size;
    FILE *out = open_memstream(&hosts, &size);
    for (int i = 0; out && i < nodes; i++)
        fprintf(out, "%s%s:%d", i ? "," : "", far[i].host, far[i].ranks);
    if (out && fclose(out) == 0)
        add_place(hosts, nodes * far->ranks, list);
    else
        list->short_of_memory = true;
    free(hosts);
    add_exports(job->environment, list);
    mpirun_add_seat(job, far->seats, list);
}

void mpirun_add_seats(const struct mpirun_job *job, const struct launch_far *far, int fars, struct list *list)
{
    for (int i = 0, alike; i < fars; i += alike) {
        alike = count_alike(&far[i], fars - i);
        if (i)
            list_add(list, ":");
        add_part(job, &far[i], alike, list);
    }
}

void mpirun_fill_arguments(const struct launch_plan *plan, const char *script, char *const *environment,
                           struct list *list)
{
    char path[PATH_MAX], here[32];
    program_path(path);
    const struct program *program = program_as_called();
    const struct mpirun_job job = {plan->command,      path, program->arguments,
                                   program->directory, true, environment};
    static const char *const words[] = {"mpirun", "--bind-to", "none", "--map-by", "slot"};
    for (int i = 0; i < (plan->fars ? 5 : 3); i++)
        list_add(list, words[i]);
    snprintf(here, sizeof here, "localhost:%d", plan->ranks);
    add_place(here, plan->ranks, list);
    list_add(list, "/bin/sh");
    list_add(list, "-c");
    list_add(list, script);
    if (plan->fars)
        list_add(list, ":");
    mpirun_add_seats(&job, plan->far, plan->fars, list);
}
