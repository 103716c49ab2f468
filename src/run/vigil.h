/* A worker's vigil over its manager. Most launchers end a job that has lost a rank, and the parent that
 * rp_open leaves behind ends all with the manager; but a launcher that was told to let jobs go on
 * (mpirun --enable-recovery) leaves workers that would sleep, or compute, for ever.
 *
 * It is a thread that sleeps until the kernel says that the manager has ended, makes its one call, and
 * is over. It blocks all signals, which are the program's. */
#ifndef RANKPOOL_RUN_VIGIL_H
#define RANKPOOL_RUN_VIGIL_H

struct vigil;

/* Calls `ended` in the vigil's thread when process `pid` of this node has ended. NULL: there is no
 * memory, descriptor or thread for it, and the launcher alone ends what is left. */
struct vigil *vigil_start(long pid, void (*ended)(void *state), void *state);

/* The same when `fd`, which stays the caller's, polls readable (net/pulse.h). */
struct vigil *vigil_start_on(int fd, void (*ended)(void *state), void *state);

/* Waits for the call if it is being made; NULL is fine. */
void vigil_stop(struct vigil *vigil);

#endif
