/* A program that was started without a launcher is started again, with ranks, on this machine or on all of
 * its job's. */
#ifndef RANKPOOL_API_WORLD_START_H
#define RANKPOOL_API_WORLD_START_H

#include "config/options.h"
#include "launch/launch.h"

/* Sizes the machine, or those of the allocation, or takes what `rankpool run` has found, and starts the
 * program again; returns only if that fails. */
rp_status world_start(const struct launch *launch, const struct options *options, struct error *error);

#endif
