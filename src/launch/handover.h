/* What the parent hands over to the ranks: a memory file that they inherit, named by an
 * environment variable together with the parent's process id, so that a grandchild that inherited
 * the variable does not take it for its own.
 *
 * The file holds strings, each ended by a zero byte: the plan's text, one list of CPUs a rank, the
 * parent's environment, and an empty string at the end. */
#ifndef RANKPOOL_LAUNCH_HANDOVER_H
#define RANKPOOL_LAUNCH_HANDOVER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch/launch.h"
#include "launch/list.h"

#define HANDOVER_VARIABLE "RANKPOOL_PARENT"

/* Whether "NAME=value" is a launcher's by its name: a rank gets what the launcher sets of these
 * instead of what the parent has, until it has joined. */
bool handover_is_launchers(const char *item);

/* The same, or the variable that names the file. */
bool handover_owns(const char *item);

/* Whether mpirun is stopped, without which MPI_Finalize does not end: the manager says so. */
enum handover_mpirun { MPIRUN_RUNS, MPIRUN_HELD, MPIRUN_NEEDED };

struct handover {
    uint64_t magic;
    size_t size; /* bytes of the whole file */
    uint32_t ranks;
    _Atomic uint32_t manager_joined;
    _Atomic uint32_t mpirun; /* enum handover_mpirun */
    _Atomic pid_t stoppable; /* the group of an mpirun that the manager may stop; 0: there is none */
    char strings[];
};

/* Parent: writes the file. Its descriptor is closed by exec; a rank is started with it kept. */
rp_status handover_make(const struct launch_plan *plan, char *const *environment, int *file,
                        struct handover **handover, struct error *error);

/* Parent: closes the file and unmaps it; NULL and -1 are fine. */
void handover_free(int file, struct handover *handover);

/* Parent: adds the variable for a rank. */
void handover_add_variable(struct list *environment, int file);

/* Rank: whether the variable's value, which may be NULL, names this process's own parent. */
bool handover_is_mine(const char *value);

/* Rank: opens what the variable's value names, and closes the descriptor. */
rp_status handover_open(const char *value, struct handover **handover, struct error *error);

/* Manager: tells the parent that there is no way back. */
void handover_tell_joined(struct handover *handover);

/* Parent: whether the manager has stopped mpirun. */
bool handover_holds_mpirun(const struct handover *handover);

/* Rank: where the program cleared its environment before rp_open, puts those variables back that
 * the process was started with; without them it would start itself again, without end. */
void handover_heal_environment(void);

#endif
