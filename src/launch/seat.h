/* The seat of a rank on another node: what mpirun starts there, in which the rank is bound, and which becomes
 * the rank (an MPI program) or stays as its parent (a program whose rp_open started the ranks).
 *
 * The parent hands over what the first process does on its machine: the environment without the launcher's
 * variables (handover.h); so the rank can say that it has joined. One that ends before has left the
 * others in MPI_Init for ever: its seat says so on standard output, which mpirun brings to the first process,
 * in a line "rankpool seat RANK STATUS". Later on its end is the pool's matter.
 *
 * Who dies with whom: the seat with mpirun's daemon, and the rank with the seat, by the kernel's word.
 * Signals that the daemon sends are passed on. */
#ifndef RANKPOOL_LAUNCH_SEAT_H
#define RANKPOOL_LAUNCH_SEAT_H

#include "base/error.h"

#define SEAT_WORD "rankpool seat " /* before the rank and the status, as of waitpid */

struct seat {
    const char *seats;     /* "CPUS;CPUS;...", by the rank's place on its node; or "NODE=CPUS;.../NODE=..." */
    const char *directory; /* to run in, where it is there; NULL: here */
    const char *path;
    char **arguments; /* the first is the name that it is called by */
    bool joins;       /* it will join: stay as its parent */
};

/* Returns the status to end with, or does not return. RP_LAUNCH, RP_INVALID with a sentence in `error`, and
 * 127. */
int seat_take(const struct seat *seat, struct error *error);

#endif
