/* mpirun and its placeholders.
 *
 *     mpirun_start     starts it: one placeholder a rank
 *     mpirun_read      whenever `output` has something: learns of placeholders
 *     mpirun_relay     whenever `complaints` has something
 *     (the ranks run, each with what its placeholder lent it)
 *     mpirun_release   the placeholders end, and mpirun with them
 *
 * A placeholder is a shell that says its process id and waits, by reading from a pipe of the
 * parent's that nobody writes to, until the parent lets go of the other end or dies. */
#ifndef RANKPOOL_LAUNCH_MPIRUN_H
#define RANKPOOL_LAUNCH_MPIRUN_H

#include <sys/types.h>

#include "launch/launch.h"
#include "launch/list.h"

struct mpirun {
    pid_t pid;      /* kept after its end; 0: not started */
    int output;     /* its standard output: what the placeholders say; -1 after its end */
    int complaints; /* its standard error; -1 after its end */
    int hold[2];    /* what the placeholders wait on */
    char line[64];  /* the part of a line that `output` gave so far */
    size_t length;
    bool far;          /* other nodes have ranks, too: what they write comes by mpirun's streams */
    bool batch;        /* the batch system's SIGTERM comes to it as well: it is deaf to that */
    int ranks, known;  /* of this machine */
    struct list *lent; /* for each rank the variables that a launcher gives; empty: not known yet */
};

/* Adds the words of the command by which mpirun reaches other hosts: "ssh", or what the user has told Open
 * MPI to take. */
void mpirun_add_agent(char *const *environment, struct list *list);

/* A pipe whose ends are above 2 and are closed by exec; not 0 with errno. */
int mpirun_pipe(int ends[2]);

/* Parent, which blocks all signals: writes the whole of it, as far as somebody reads there. Where nobody
 * does, the SIGPIPE is not left to be taken for a user's, which the manager is to have. */
void mpirun_tell(int stream, const char *text, size_t size);

rp_status mpirun_start(struct mpirun *mpirun, const char *path, const struct launch_plan *plan,
                       char *const *environment, struct error *error);

/* Takes in what placeholders and seats said, and passes on to standard output what ranks of other nodes did.
 * RP_LAUNCH where a placeholder has no rank, a seat's ended without having joined, or output ended too
 * soon. */
rp_status mpirun_read(struct mpirun *mpirun, struct error *error);

/* Every placeholder is known. */
bool mpirun_ready(const struct mpirun *mpirun);

/* Reads some of its complaints and, where `show`, writes them to standard error. */
void mpirun_relay(struct mpirun *mpirun, bool show);

void mpirun_release(struct mpirun *mpirun);

/* The signal that asks it to end. */
int mpirun_signal(bool batch);

/* Closes what is open and frees; the process must have been waited for. */
void mpirun_free(struct mpirun *mpirun);

#endif
