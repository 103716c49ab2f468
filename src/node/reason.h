/* The numbers of a plan, and how they came about in words. */
#ifndef RANKPOOL_NODE_REASON_H
#define RANKPOOL_NODE_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct node;
struct node_per;
struct node_request;
struct node_units;

struct node_sizing {
    int suggested; /* by the machine, without a request for workers and without memory */
    int workers;
    int most; /* that memory has room for */
    bool bind;
    bool quota_cut;          /* the quota is smaller than the number of units */
    bool memory_cut;         /* there would be more workers if there were more memory */
    uint64_t memory;         /* bytes for all workers; UINT64_MAX: unknown */
    const char *memory_file; /* that limits it; NULL: the machine's RAM does */
};

/* The lines of node_plan.reason: the numbers first, then whatever cut or raised them. `asked` is
 * the row of `per` that was asked for, `units` are those found. To be freed. */
rp_status node_reason_write(const struct node *node, const struct node_request *request,
                            const struct node_per *asked, const struct node_units *units,
                            const struct node_sizing *sizing, char **reason, struct error *error);

#define NODE_BYTES_TEXT 32

/* "1.5 GiB"; returns `text`, of NODE_BYTES_TEXT bytes. */
const char *node_bytes_text(uint64_t bytes, char *text);

#endif
