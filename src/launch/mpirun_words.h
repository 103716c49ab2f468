/* What mpirun is told: the arguments and the environment by which it starts placeholders on this machine and
 * seats on other nodes; or a whole MPI program, for `rankpool run`. */
#ifndef RANKPOOL_LAUNCH_MPIRUN_WORDS_H
#define RANKPOOL_LAUNCH_MPIRUN_WORDS_H

#include "launch/launch.h"
#include "launch/list.h"

/* The environment that mpirun is started with, out of one that is not NULL. */
void mpirun_fill_environment(const struct launch_plan *plan, char *const *environment, struct list *list);

/* mpirun's arguments; a placeholder runs `script`. */
void mpirun_fill_arguments(const struct launch_plan *plan, const char *script, char *const *environment,
                           struct list *list);

/* The variables that ranks on other nodes get as they are here, by options of mpirun: all but those that are
 * about this machine or about its launcher. */
void mpirun_add_exports(char *const *environment, struct list *list);

/* Behind options that say where: the seats of ranks of a node, for a program to be run there. */
void mpirun_add_seat(const char *command, const char *seats, const char *path, char *const *arguments,
                     const char *directory, bool joins, struct list *list);

#endif
