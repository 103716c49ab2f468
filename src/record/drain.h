/* Draining: a run with a journal that is to end stores what it has, and goes on another time.
 *
 * SIGTERM and SIGUSR1 ask for it, where the program has no handler of its own for them: while pools
 * with a journal are open (drain_watch, drain_unwatch) the process takes those whose action is the
 * default one. The first signal is only noted. A SIGTERM that comes more than a second after another
 * ends the process as without all this; those that come at once are the same one (the terminal's, a
 * parent's and a batch system's reach a process by several ways).
 *
 * A deadline asks for it too (drain_deadline):
 *     RANKPOOL_DEADLINE   seconds from the opening of the pool, or @ and a time in seconds since 1970
 *     SLURM_JOB_END_TIME  such a time; the run ends a tenth of what is left earlier, a minute at most
 *     PBS_WALLTIME        seconds, taken as from the opening, and the same earlier
 * of which the first that is set counts.
 *
 * Signals belong to the process, so what was noted does too. */
#ifndef RANKPOOL_RECORD_DRAIN_H
#define RANKPOOL_RECORD_DRAIN_H

#include <stdbool.h>

#include "base/error.h"

#define DRAIN_STATUS 75 /* that the process ends with: EX_TEMPFAIL of sysexits.h */

/* Where `tell` is not NULL, each SIGTERM that asks for it calls tell(of) from the handler. One in a process
 * is enough: until the last drain_unwatch. */
void drain_watch(void (*tell)(void *of), void *of);

/* With `pass_on` a signal that came, and that nobody has seen to, then has its default action. */
void drain_unwatch(bool pass_on);

/* In a process that was forked meanwhile: the signals have their default action again. */
void drain_forget(void);

/* The signal that came, 0: none. */
int drain_signal(void);

/* The moment, as clock_ns, and the variable that says it; CLOCK_NEVER and NULL: none. `wall` is the
 * time since 1970. RP_INVALID: RANKPOOL_DEADLINE is no time. */
rp_status drain_deadline(double wall, uint64_t *deadline, const char **variable, struct error *error);

#endif
