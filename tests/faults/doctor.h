/* Runs the patient, does it harm at random moments, and looks at it from outside.
 *
 *     doctor_start     starts it; its processes are known
 *     doctor_harm      kills, stops and continues its workers for a while
 *     doctor_finish    ends its work, waits for it, and gives its verdict; whoever was stopped goes on
 *     doctor_leave     kills what is left of it; frees */
#ifndef RANKPOOL_TESTS_FAULTS_DOCTOR_H
#define RANKPOOL_TESTS_FAULTS_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define DOCTOR_RANKS 16

enum doctor_start { DOCTOR_ALONE, DOCTOR_MPIRUN, DOCTOR_COMM, DOCTOR_STARTS };

struct doctor {
    enum doctor_start start;
    uint64_t seed;
    int ranks; /* the manager, 0, and the workers */
    pid_t first;
    char life[48]; /* an item of the environment that all of its processes have: see traces.h */
    FILE *in, *out;
    pid_t pid[DOCTOR_RANKS];
    bool dead[DOCTOR_RANKS], stopped[DOCTOR_RANKS];
    int deaths;
    int node_size;  /* 0: there is one node */
    char line[256]; /* what it said last */
    int status;     /* of the first process: its exit status, or 1000 and the signal */
};

struct doctor_plan {
    uint64_t seed;
    enum doctor_start start;
    int workers, retries;
    bool no_memfds; /* as where the kernel has none */
    int node_size;  /* ranks of each, whose first one leads it; 0: one node */
};

uint64_t doctor_random(struct doctor *doctor, uint64_t below);

/* False: it does not start, as its line says. */
bool doctor_start(struct doctor *doctor, const struct doctor_plan *plan);

/* Kills up to `kills` workers, and stops and continues others, within about so many seconds. */
void doctor_harm(struct doctor *doctor, int kills, double seconds);

/* Waits for the end, and notes the status of the first process, whose pid is 0 then. True: it gave its
 * verdict, in `line`. */
bool doctor_finish(struct doctor *doctor, double seconds);

/* Whether anybody is left to work: over nodes, whose leader lives. */
bool doctor_has_left(const struct doctor *doctor);

void doctor_leave(struct doctor *doctor);

/* The next line that it says, in line; false: none comes in time. */
bool doctor_hear(struct doctor *doctor, double seconds);

#endif
