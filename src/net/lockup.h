/* A call of MPI that never returns. Over TCP Open MPI 4.1 may lock itself up when a peer dies while much is
 * being sent to it: a failed write closes the connection under its lock, and what ends the message takes that
 * lock again, if there are locks: from MPI_THREAD_FUNNELED on, which is the program's to say where it runs
 * MPI itself. The thread is lost then, and with it all that the process manages or leads. So where there is a
 * net a thread looks from time to time, and ends a process of which one and the same call has been under way
 * for RANKPOOL_SILENCE, with a sentence. A job that hangs for ever is worse than one that ends: its journal
 * has what was stored.
 *
 * What counts is how often was looked, not the time: who was stopped meanwhile (SIGSTOP, a laptop that
 * slept) has not been looked at. */
#ifndef RANKPOOL_NET_LOCKUP_H
#define RANKPOOL_NET_LOCKUP_H

#include "base/error.h"

#define LOCKUP_STATUS 1 /* the exit status of such a process */

/* A net more, and one less. RP_UNSUPPORTED: no thread can be had; RP_INVALID: what the variable says. */
rp_status lockup_guard(struct error *error);
void lockup_unguard(void);

/* A call begins, or goes on in parts that end; and it is over. On one thread; a call may be made inside of
 * another one, and the outermost is told from its end alone. */
void lockup_enter(void);
void lockup_leave(void);

#endif
