/* What mpirun is told: the arguments and the environment by which it starts placeholders on this machine and
 * seats on other nodes; or a whole MPI program, for `rankpool run`. */
#ifndef RANKPOOL_LAUNCH_MPIRUN_WORDS_H
#define RANKPOOL_LAUNCH_MPIRUN_WORDS_H

#include "launch/launch.h"
#include "launch/list.h"

/* The environment that mpirun is started with, out of one that is not NULL. */
void mpirun_fill_environment(const struct launch_plan *plan, char *const *environment, struct list *list);

/* Makes this process's environment tell mpirun of all of the batch system's job. */
void mpirun_face_batch(void);

/* Takes from this process's environment what would tell mpirun of a batch system's nodes: it is to run on
 * others. */
void mpirun_forget_batch(void);

/* mpirun's arguments; a placeholder runs `script`. */
void mpirun_fill_arguments(const struct launch_plan *plan, const char *script, char *const *environment,
                           struct list *list);

/* What is run in the seats, and where. */
struct mpirun_job {
    const char *command; /* rankpool */
    const char *path;
    char *const *arguments; /* the first is the name that it is called by */
    const char *directory;  /* NULL: wherever */
    bool joins;             /* seats stay as parents of their ranks */
    char *const *environment;
};

/* Adds the seats of so many nodes, all of one kind side by side in one part of mpirun's arguments; parts are
 * separated by ":". Ranks there get the variables that are not about this machine or about its launcher. */
void mpirun_add_seats(const struct mpirun_job *job, const struct launch_far *far, int fars,
                      struct list *list);

/* Adds `rankpool seat` with its options, and the program. */
void mpirun_add_seat(const struct mpirun_job *job, const char *seats, struct list *list);

#endif
