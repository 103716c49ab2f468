/* What this machine offers to a pool, how many workers that makes, and where they run.
 *
 * Usable are the CPUs that hwloc knows, less those that a cpuset or the affinity of the calling
 * process forbids. On top of them a cgroup can ration CPU time (a quota, of v1 or v2, the
 * smallest of all levels up to the root) and memory. The plan turns that into a number of
 * workers, one for each usable core, hardware thread, L3 cache, NUMA node or package, into the
 * CPUs that each of them is bound to, and into lines of text that tell a user why.
 *
 *     struct node *node;
 *     struct node_plan plan;
 *     status = node_open(&(struct node_source){.root = ""}, &node, error);
 *     status = node_plan_make(node, &(struct node_request){.per = "core"}, &plan, error);
 *     ... start the manager, left as it is, and workers 1..plan.workers; in worker w:
 *     if (plan.bind)
 *         status = node_bind(node_plan_place(&plan, w)->cpus, error);
 *     node_plan_free(&plan);
 *     node_close(node);
 *
 * Opening reads the machine once (about 2 ms on a small one) and changes nothing in it or in the
 * calling process; a plan is computed from what was read. A child inherits its parent's binding,
 * so only workers are bound, each by itself, and never the manager: it sleeps wherever there is
 * room.
 *
 * What goes wrong is mostly a request that makes no sense here (RP_INVALID with a sentence). What
 * cannot be read, a cgroup file or /proc itself, limits nothing. */
#ifndef RANKPOOL_NODE_NODE_H
#define RANKPOOL_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Where the machine is read. `root` stands before every path below /proc and /sys: "" here,
 * a folder for a recorded machine. `xml` is a file that hwloc exported, or NULL to let hwloc look
 * at this machine. */
struct node_source {
    const char *root;
    const char *xml;
};

struct node;

/* RP_INVALID: hwloc cannot read the machine or the file, or what it describes has no CPU in
 * common with those that this process may use. */
rp_status node_open(const struct node_source *source, struct node **node, struct error *error);

/* NULL-safe. */
void node_close(struct node *node);

/* The options of the same names. */
struct node_request {
    const char *per;          /* "core" (also NULL), "thread", "l3", "numa", "package" */
    int workers;              /* 0: as many as the machine suggests */
    size_t memory_per_worker; /* bytes; 0: memory does not matter */
};

struct node_place {
    char *cpus;    /* as hwloc lists them, "0-3" */
    int numa_node; /* as the system numbers them; -1: the CPUs lie in several */
};

struct node_plan {
    int workers;               /* at least 1 */
    int most;                  /* so many workers memory has room for; INT_MAX: it does not matter */
    bool bind;                 /* each worker has CPUs of its own and is to be bound to them */
    int place_count;           /* with `bind` one for each worker, else one for all of them */
    struct node_place *places; /* any first k of them are spread as widely as k can be */
    char *reason;              /* lines, none empty, without a newline at the end */
};

/* A request for workers is honoured beyond the number of usable cores (then unbound) but not
 * beyond what memory allows. A quota smaller than the number of usable units makes as many
 * workers as it has CPUs, rounded up, unbound: such a machine is shared, and its other users
 * would bind to the same first cores. RP_INVALID: an unknown `per`, a number of workers below 0
 * or beyond what a system can run, or memory for not even one. */
rp_status node_plan_make(const struct node *node, const struct node_request *request, struct node_plan *plan,
                         struct error *error);

/* Where worker 1..plan->workers runs; lives as long as the plan. */
const struct node_place *node_plan_place(const struct node_plan *plan, int worker);

/* Frees what the plan holds; safe for a plan of zeros. */
void node_plan_free(struct node_plan *plan);

/* Binds the calling thread, and so the threads and processes that it makes from now on, to a list
 * of CPUs such as "0-3,8". Needs no node. RP_INVALID: not such a list, or none of these CPUs is
 * this process' to use. */
rp_status node_bind(const char *cpus, struct error *error);

/* The CPUs that the calling thread may run on, as a list cut to `size` bytes, and their NUMA node,
 * -1 if there are several. A few small reads: no topology is loaded. */
void node_here(const char *root, char *cpus, size_t size, int *numa_node);

#endif
