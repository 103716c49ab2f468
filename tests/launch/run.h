/* Running the probe as a user does, and looking at what is left of it.
 *
 *     run_start    starts it with pipes, or on a terminal of its own
 *     run_line     the next line that it writes to standard output
 *     run_finish   reads what it writes until it ends, and waits for it
 *     run_clean    nothing of it is left: no process, no file; frees
 *
 * Each run has a folder of its own for temporary files, and an environment of its own, of which
 * each process that comes of it has a part by which run_clean finds it. */
#ifndef RANKPOOL_TESTS_LAUNCH_RUN_H
#define RANKPOOL_TESTS_LAUNCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct run {
    pid_t pid;
    int in, out, err;   /* pipes; the terminal's other end on a terminal */
    char folder[64];    /* of temporary files */
    char *said, *wrote; /* after run_finish: standard output and standard error, with a zero byte */
    size_t size;        /* of `said` */
    int status;         /* the exit status, or 1000 plus the signal */
    char line[4096];    /* of run_line */
};

/* How a run differs from the usual one; all fields may be zero. */
struct run_setting {
    const char *program;            /* NULL: the probe */
    const char *const *environment; /* NULL-terminated: "NAME=value" to set, "NAME" to unset */
    bool terminal;                  /* on a terminal of its own, as a session of its own */
    const char *directory;
    void (*prepare)(void); /* called in the child */
};

/* The setting may be NULL; `arguments` are those behind the program's name. */
void run_start(struct run *run, const struct run_setting *setting, const char *const *arguments);

/* Without its newline; NULL at the end. */
const char *run_line(struct run *run);

/* Writes `size` bytes to its standard input meanwhile, then ends that; on a terminal it does not. */
void run_finish(struct run *run, const void *input, size_t size);

/* Checks that within `seconds` nothing of it is left. */
void run_clean(struct run *run, double seconds);

/* The job and process ids that the probe says, the manager first; how many. */
int run_pids(struct run *run, long *pids, int most);

/* All of it for a run with nothing special; free by run_clean. */
struct run run_through(const struct run_setting *setting, const char *const *arguments);

#define ARGUMENTS(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
