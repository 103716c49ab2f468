/* Becoming the launcher of a program whose ranks it starts: mpirun, or srun in a job of Slurm without one.
 * Its exit status, its signals and its streams are then the launcher's. */
#ifndef RANKPOOL_CLI_LAUNCHER_H
#define RANKPOOL_CLI_LAUNCHER_H

#include "launch/callee.h"
#include "launch/ground.h"
#include "launch/spread.h"

/* Returns the status to end with where that fails, which it has said. */
int launcher_become(const struct ground *ground, const struct spread *spread, const char *mpirun,
                    enum callee callee, const char *path, char **arguments);

#endif
