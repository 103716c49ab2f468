/* Loads a module that this process lacks, by path and build-id. */
#ifndef RANKPOOL_FUNC_LOAD_H
#define RANKPOOL_FUNC_LOAD_H

#include <stdint.h>

#include "base/error.h"

/* Loads the file at the absolute `path` for good, provided its build-id has this digest: nothing
 * of another build gets to run, not even its constructors. RP_MISMATCH otherwise. */
rp_status func_load(uint64_t id, const char *path, struct error *error);

#endif
