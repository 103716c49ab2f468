/* A folder of its own in which a test compiles small modules and runs them. */
#ifndef RANKPOOL_TESTS_FUNC_WORKSHOP_H
#define RANKPOOL_TESTS_FUNC_WORKSHOP_H

#include <rankpool/rankpool.h>

struct workshop {
    char folder[64];
};

void workshop_open(struct workshop *shop);
void workshop_close(struct workshop *shop);

/* The path of `name` in the folder; valid until the 16th call after this one. */
const char *workshop_path(const struct workshop *shop, const char *name);

/* Runs a command of the shell and keeps its first line of output; its exit status. */
int workshop_run(char *line, size_t size, const char *command, ...) RP_PRINTF(3, 4);

/* Compiles tests/fixtures/func/plugin.c with `flags` into a new file `name`. */
void workshop_plugin(const struct workshop *shop, const char *name, const char *flags);

/* The same for program.c, with the layer in it. Returns false where this machine cannot link so. */
bool workshop_program(const struct workshop *shop, const char *name, const char *flags);

#endif
