/* A stream: inputs drawn from a generator, results given to a sink in completion order, with no
 * more than a window of items between them.
 *
 * Inputs are packed into blocks (POST_PACKED), which grow on the board while they are filled, so
 * that an item need not wait for its block to be full: what was drawn is published as soon as
 * somebody is hungry, or a good number has gathered. Results come back packed too. They are given
 * to the sink outside of the collection of notes, so that a sink may use the pool. */
#ifndef RANKPOOL_RUN_STREAM_H
#define RANKPOOL_RUN_STREAM_H

#include "run/manager.h"

struct stream_work {
    rp_fn *fn;
    rp_source *source;
    rp_sink *sink;
    void *state;
    size_t window; /* items; 0: the library's choice */
    enum schedule schedule;
    size_t chunk;
    int retries; /* as in struct posting_item */
    const void *common;
    size_t common_size;
    uint64_t limit_ns; /* that an item may take; 0: no limit */
    const char *label;
};

/* RP_OK: the source ended and the sink has had everything. RP_CANCELLED: the sink stopped it.
 * RP_TASK_FAILED: the source failed. */
rp_status stream_run(struct manager *manager, const struct stream_work *work, struct error *error);

#endif
