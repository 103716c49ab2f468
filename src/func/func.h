/* Function pointers that can travel: a pointer <-> {module, offset}, the same on every rank.
 *
 * A function's address differs from process to process; what they share is the build of the
 * program and of its libraries (its modules). So a function is named by the digest of its
 * module's GNU build-id and by its offset from where the loader put that module. That works for
 * any function, static ones and those of libraries loaded later too, and needs no registration.
 * A function of another build is never run by mistake: its name is another one.
 *
 * Order of calls. Ranks compare func_program once, before any work. The sender names a function
 * with func_encode; with the first function of a module other than the program it also ships
 * func_module_path. The receiver turns the name back with func_decode, which loads that module
 * if this process has not.
 *
 * Caches. Both directions look a pointer up in the caller's struct func_cache first: 2 ns for
 * the program's own functions, some 10 more for a library's, since a library could have been
 * unloaded and something else be there now. A cache is zeroed memory, belongs to one thread, and
 * owns nothing. As with any pointer, who unloads a library while its functions still run, or wait
 * to, loses.
 *
 * What can go wrong: RP_INVALID for a pointer that is no function of a module (NULL, heap, stack,
 * code made at run time), or of a module without build-id; RP_MISMATCH where this process cannot
 * get the build that a name speaks of. Where one build is loaded twice (two copies of one file),
 * both copies have one name, and which of them func_decode gives is open. */
#ifndef RANKPOOL_FUNC_FUNC_H
#define RANKPOOL_FUNC_FUNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FUNC_PATH_MAX 4096 /* bytes of a module's path, with the end */

struct func_ref {
    uint64_t module; /* digest of the module's build-id, never 0 */
    uint64_t offset; /* bytes from the module's load base */
};

/* One executable segment of a loaded module. */
struct func_segment {
    uint64_t module;
    uintptr_t base;  /* what the loader added to the module's addresses; 0 in a -no-pie program */
    uintptr_t begin; /* first address */
    uintptr_t end;   /* one past the last */
    bool program;    /* of the main program, which is never unloaded */
};

#define FUNC_CACHE_SLOTS 4

struct func_cache {
    struct func_segment slots[FUNC_CACHE_SLOTS]; /* an empty one holds no address */
    unsigned next;                               /* slot to be replaced */
    uint64_t removals;                           /* func_module_removals when they were filled */
};

/* Names the function at `fn`. */
rp_status func_encode(struct func_cache *cache, rp_fn *fn, struct func_ref *ref, struct error *error);

/* Finds the function of that name. Where its module is not loaded, loads the file at `path`
 * (absolute; NULL: only what is loaded already) after checking that it is that build; it stays
 * loaded. RP_MISMATCH: no such module, another build, or the offset lies in no code of it. */
rp_status func_decode(struct func_cache *cache, struct func_ref ref, const char *path, rp_fn **fn,
                      struct error *error);

/* The digest of the main program's own build-id; 0 with a sentence if it has none. */
uint64_t func_program(struct error *error);

/* The absolute path of a loaded module. RP_INVALID where no loaded module has this id, or it has
 * no file. */
rp_status func_module_path(uint64_t module, char path[FUNC_PATH_MAX], struct error *error);

#endif
