/* How a command is started on a node of an allocation: by ssh, as a step of Slurm, or by mpirun in whatever
 * batch system it knows. On this machine it needs none of them. */
#ifndef RANKPOOL_LAUNCH_ELSEWHERE_H
#define RANKPOOL_LAUNCH_ELSEWHERE_H

#include "launch/allocation.h"
#include "launch/list.h"

/* Adds the words that run a command of this machine, with its arguments, on the host. Nothing of what is
 * started there asks a question. `mpirun` is its path, or "". */
void elsewhere_words(enum means means, const char *mpirun, const char *host, char *const *command,
                     struct list *words);

/* Adds the words of an srun that shares CPUs with the job's other steps. */
void slurm_add_srun(struct list *words);

/* The same for an srun that somebody else starts. */
#define SLURM_OVERLAP "SLURM_OVERLAP=1"

#endif
