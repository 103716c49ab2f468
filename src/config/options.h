/* A pool's options: what the user's rp_options, the environment and the defaults make together.
 *
 * Every option is one row of the table in table.c: its field, its environment variable
 * RANKPOOL_<FIELD>, its type, default and help. For each row code beats environment beats default:
 * a field that is zero asks the environment, a variable that is unset, empty or zero asks the
 * default. A negative number in the code turns an option off whatever the environment says, and
 * so does an empty journal.
 *
 * Order of calls. options_resolve, once, in the manager, which rules; options_free. options_set is
 * rp_options_set.
 *
 * What can go wrong: RP_INVALID, with a sentence that names the option, says where its value came
 * from and what is allowed; RP_NO_MEMORY.
 * Never a silent default in place of a value that was given. */
#ifndef RANKPOOL_CONFIG_OPTIONS_H
#define RANKPOOL_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "config/schedule.h"

/* Resolved options. What is pointed to belongs to the struct, but for the functions. */
struct options {
    int workers;              /* 0: one per `per` */
    const char *per;          /* one of options_per_names, never NULL */
    size_t memory_per_worker; /* bytes; 0: no cap */
    enum schedule schedule;
    size_t chunk;  /* items a claim; 0: the schedule's choice */
    size_t window; /* items; 0: the library's choice */
    bool isolate;
    double timeout;     /* seconds; 0: none */
    size_t task_memory; /* bytes; 0: no cap */
    int retries;        /* 0: the usual; below 0: none */
    uint64_t seed;
    char *journal; /* path; NULL: none */
    int progress;  /* 1 on, -1 off, 0: on where standard error is a terminal */
    rp_fn *initializer;
    void *initarg; /* NULL where initarg_size is 0 */
    size_t initarg_size;
    rp_fn *finalizer;
};

/* What workers can be counted by, ended by NULL: core, thread, l3, numa, package. */
extern const char *const options_per_names[];

/* Resolves `given` (NULL: nothing given) against the environment and the defaults. */
rp_status options_resolve(const rp_options *given, struct options *out, struct error *error);

/* Frees what `options` owns; a zeroed struct owns nothing. */
void options_free(struct options *options);

/* Sets the field called `name` as an environment variable with this text would; the text is kept
 * by the options where the field is one. RP_INVALID: no such field, or not a value of it. */
rp_status options_set(rp_options *options, const char *name, const char *value, struct error *error);

/* Prints the table for users. */
void options_help(FILE *out);

#endif
