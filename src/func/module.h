/* The modules (the program and its shared libraries) that this process has loaded, as the
 * dynamic loader lists them. Works in static programs too, where the program is the only one.
 *
 * Only the caller's link-map namespace is seen: what dlmopen loaded elsewhere does not exist here.
 * What is found is a copy, true until the module is unloaded; func_module_removals tells whether
 * any has been since. */
#ifndef RANKPOOL_FUNC_MODULE_H
#define RANKPOOL_FUNC_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "func/func.h"

struct func_module {
    uint64_t id;              /* digest of its build-id, FUNC_NO_ID if it has none */
    bool program;             /* the main program, which is never unloaded */
    char name[FUNC_PATH_MAX]; /* as the loader knows it, "" for the program */
    uintptr_t first;          /* an address where its file is mapped */
    bool code;                /* `segment` is set: the executable segment that was asked for */
    struct func_segment segment;
};

/* The module that holds `address`; `code` where that is in an executable segment. Returns false
 * where no module does. */
bool func_module_at(uintptr_t address, struct func_module *module);

/* The first module with this id; `code` where an executable segment holds `offset` (from the
 * module's base). Returns false where none is loaded. */
bool func_module_with(uint64_t id, uint64_t offset, struct func_module *module);

/* The main program; `code` is not told. */
void func_module_program(struct func_module *module);

/* True if a loaded module goes by this very name. */
bool func_module_named(const char *name);

/* How many modules have been unloaded so far: while it stays, addresses keep their meaning.
 * About 10 ns. */
uint64_t func_module_removals(void);

#endif
