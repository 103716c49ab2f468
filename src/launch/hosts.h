/* Lists of hosts with the slots that each has, as users and batch systems write them.
 *
 * A host that comes again adds to the slots of the first; the order is that in which they came. Slots are
 * the most workers that run there unless more are asked for, 0 where nobody said: then the machine decides.
 */
#ifndef RANKPOOL_LAUNCH_HOSTS_H
#define RANKPOOL_LAUNCH_HOSTS_H

#include <stdbool.h>

#include "base/error.h"

struct host {
    char *name;
    int slots;
};

struct hosts {
    struct host *one;
    int count;
};

/* RP_INVALID: what cannot be the name of a host; RP_NO_MEMORY. */
rp_status hosts_add(struct hosts *hosts, const char *name, int slots, struct error *error);

/* "a,b:8": as in mpirun's --host. */
rp_status hosts_add_list(struct hosts *hosts, const char *list, struct error *error);

/* A line for each host: "b", "b 8", "b:8" or "b slots=8", whatever follows; behind # are comments. */
rp_status hosts_add_file(struct hosts *hosts, const char *path, struct error *error);

/* "n[01-03,7],m", as Slurm and Flux write them. */
rp_status hosts_add_compressed(struct hosts *hosts, const char *list, struct error *error);

/* Whether the name is this machine's: "localhost", what it calls itself, or a name of one of its addresses.
 */
bool hosts_is_here(const char *name);

/* Safe for a list of zeros. */
void hosts_free(struct hosts *hosts);

#endif
