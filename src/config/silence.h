/* How long a machine that does not answer is waited for: the variable RANKPOOL_SILENCE, for the pulse
 * between the nodes of a pool (net/pulse.h) and for the launcher between its daemons; and a call of MPI that
 * does not return (net/lockup.h). */
#ifndef RANKPOOL_CONFIG_SILENCE_H
#define RANKPOOL_CONFIG_SILENCE_H

#include "base/error.h"

/* Seconds after which a kernel that does not answer is taken for gone. */
#define SILENCE_DEFAULT_S 20
#define SILENCE_LEAST_S   2
#define SILENCE_MOST_S    3600

/* RP_INVALID with a sentence: what the variable says makes no sense. */
rp_status silence_read(int *seconds, struct error *error);

/* How a connection that carries nothing learns of it: it is idle, then the other side is asked, and asked
 * again each time that it has not answered. Whole seconds, which sum up to the silence. */
struct silence_parts {
    int idle_s, ask_s, questions;
};
struct silence_parts silence_divide(int seconds);

#endif
