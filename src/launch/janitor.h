/* Who cleans up when the first process cannot: a shell that waits for the other end of a pipe to
 * close, which it does when the first process dies, however that happens. It gives mpirun two
 * seconds to end, kills it, and removes what it left: its session folder and the ranks' shared
 * memory files. mpirun itself does not suffice: it can hang while it ends (its PMIx server does
 * when ranks leave at that moment), and it may have been killed too.
 *
 *     janitor_start    as soon as mpirun is started: one that is ended while it comes up leaves its folder
 *     janitor_tell     once mpirun is up, and has said where that is
 *     janitor_dismiss  mpirun ended well: there is nothing to do
 *     janitor_work     mpirun did not: it works now, and is waited for */
#ifndef RANKPOOL_LAUNCH_JANITOR_H
#define RANKPOOL_LAUNCH_JANITOR_H

#include <sys/types.h>

#include "launch/mpirun.h"

struct janitor {
    pid_t pid; /* 0: there is none */
    int life;  /* our end of the pipe */
};

/* `null` is a descriptor of /dev/null. */
rp_status janitor_start(struct janitor *janitor, const struct mpirun *mpirun, int null, struct error *error);
void janitor_tell(const struct janitor *janitor, const struct mpirun *mpirun);

/* Both do nothing where there is none. */
void janitor_dismiss(struct janitor *janitor);
void janitor_work(struct janitor *janitor);

#endif
