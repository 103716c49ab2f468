/* Plans for recorded machines: a file of tests/fixtures/topologies, looked at through the /proc and
 * /sys of a folder of tests/fixtures/roots or of one that a case writes itself. */
#ifndef RANKPOOL_TESTS_NODE_RECORDED_H
#define RANKPOOL_TESTS_NODE_RECORDED_H

#include "base/error.h"
#include "node/node.h"

/* Opens, plans and closes. `topology` is a name such as "laptop", or NULL to let hwloc look for
 * itself; `root` is a name such as "nested", or a path. */
rp_status recorded_try(const char *topology, const char *root, struct node_request request,
                       struct node_plan *plan, struct error *error);

/* The same for a plan that must succeed; else the case ends. */
struct node_plan recorded_plan(const char *topology, const char *root, struct node_request request);

/* The lists of CPUs of all workers, with a blank between two; lives until the next call. */
const char *recorded_places(const struct node_plan *plan);

struct recorded_file {
    const char *path;
    const char *text;
};

/* Writes the files, up to one without a path, below a new folder, whose path stands in `root`. */
#define RECORDED_ROOT 64
void recorded_root_make(const struct recorded_file *files, char root[RECORDED_ROOT]);
void recorded_root_remove(const char *root);

/* Runs `body` in a child, whose failed checks count, to its end or to an _exit of its own. Returns
 * the exit status, 0 at the end of the body; -1 if a signal ended it. */
int recorded_in_child(void (*body)(void));

#endif
