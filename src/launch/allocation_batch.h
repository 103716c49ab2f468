/* How each batch system says which nodes a job has. */
#ifndef RANKPOOL_LAUNCH_ALLOCATION_BATCH_H
#define RANKPOOL_LAUNCH_ALLOCATION_BATCH_H

#include "launch/hosts.h"

/* Adds the job's nodes with their slots. RP_LAUNCH with a sentence. */
typedef rp_status batch_read(char *const *environment, struct hosts *hosts, struct error *error);

/* Of Slurm: this process is of a shell that srun --pty has started: a step, with some of the job's nodes
 * perhaps, and of several tasks perhaps, but the only one that has the terminal; steps that it starts have
 * its variable, too. `proc` is "/proc". */
#define BATCH_SHELL "SLURM_PTY_PORT"
bool batch_is_shell(char *const *environment, const char *proc);

/* Of Slurm: this process is a step's, and no batch script's or interactive shell's. */
bool batch_is_step(char *const *environment, const char *proc);

batch_read batch_read_slurm;      /* SLURM_JOB_NODELIST, SLURM_JOB_CPUS_PER_NODE */
batch_read batch_read_pbs;        /* PBS_NODEFILE, NCPUS */
batch_read batch_read_lsf_counts; /* LSB_MCPU_HOSTS */
batch_read batch_read_lsf_file;   /* LSB_DJOB_HOSTFILE */
batch_read batch_read_lsf_hosts;  /* LSB_HOSTS */
batch_read batch_read_sge;        /* PE_HOSTFILE */
batch_read batch_read_flux;       /* what `flux resource R` or `flux getattr hostlist` says */

#endif
