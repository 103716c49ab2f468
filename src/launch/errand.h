/* Commands that are run elsewhere for what they say, many at a time. Those that stay when they have said it
 * are left running, for errands_end. */
#ifndef RANKPOOL_LAUNCH_ERRAND_H
#define RANKPOOL_LAUNCH_ERRAND_H

#include <stdint.h>
#include <sys/types.h>

#include "launch/list.h"

#include "base/error.h"

struct errand {
    struct list arguments; /* the first is looked for in PATH */
    const char *last;      /* a line by which all is said, though it runs on; NULL: its end is awaited */
    bool ended;
    bool late;       /* it was killed when its time was up */
    bool stays;      /* it has said its last line, and runs on */
    int status;      /* as of waitpid */
    char *said;      /* standard output, with a zero byte; NULL: no memory */
    char *wrote;     /* standard error, likewise */
    double from, to; /* when it ran, in seconds since 1970 */

    /* while it runs */
    pid_t pid;
    int out, err;
    size_t said_size, wrote_size;
    uint64_t deadline;
};

/* Runs them all, `abreast` at a time, each no longer than `seconds`. What they say is cut at a megabyte.
 * RP_LAUNCH: one could not be started. */
rp_status errands_run(struct errand *errands, int count, int abreast, double seconds, struct error *error);

/* Ends those that run on, with SIGTERM, and waits for a few seconds at most. */
void errands_end(struct errand *errands, int count);

/* The last line of what it wrote that is not empty, without its end; "" if there is none. Changes it. */
const char *errand_last_line(struct errand *errand);

/* Also of one that has not been run; none runs on. */
void errand_free(struct errand *errand);

#endif
