/* Structs of the public header that begin with their own size, so that they can grow: a program
 * may have been built against an older header (its struct is shorter: what it lacks is zero) or a
 * newer one (longer: fine as long as it leaves what we do not know at zero). */
#ifndef RANKPOOL_CONFIG_SIZED_H
#define RANKPOOL_CONFIG_SIZED_H

#include <stddef.h>

#include "base/error.h"

/* Copies the user's struct `given`, whose first member says how long it is, into the `ours` bytes
 * at `copy`; the copy's size member is `ours`. `given` NULL gives all zeros. `name` ("rp_options")
 * and `macro` ("RP_OPTIONS") are for the sentence. RP_INVALID: a size of 0 or one that no header
 * gave, or fields set that this version does not know. */
rp_status sized_read(const void *given, void *copy, size_t ours, const char *name, const char *macro,
                     struct error *error);

#endif
