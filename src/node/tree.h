/* A machine as it can be told and drawn: its packages, NUMA nodes, L3 caches, cores and hardware threads,
 * and which of these a plan uses. Unlike a topology it can be written as a few words an object and read on
 * another node.
 *
 *     node_tree_make(node, &plan, &tree, error)
 *     ... each object stands before those that it holds, which are deeper
 *     node_tree_free(&tree)
 */
#ifndef RANKPOOL_NODE_TREE_H
#define RANKPOOL_NODE_TREE_H

#include "node/node.h"

enum node_kind { NODE_PACKAGE, NODE_NUMA, NODE_L3, NODE_CORE, NODE_THREAD, NODE_KINDS };

/* "package", "numa", "l3", "core", "thread". */
extern const char *const node_kind_names[NODE_KINDS];

enum { NODE_FORBIDDEN = -1, NODE_UNUSED = 0 };

struct node_object {
    int depth; /* of those that hold it, the outermost is at 0 */
    enum node_kind kind;
    int index;  /* as the system numbers them; where it does not, in hwloc's order */
    int worker; /* of a thread: from 1, the worker bound to it; NODE_UNUSED: usable; NODE_FORBIDDEN */
};

struct node_tree {
    struct node_object *object;
    int count;
};

/* NUMA nodes without CPUs are left out. RP_NO_MEMORY. */
rp_status node_tree_make(const struct node *node, const struct node_plan *plan, struct node_tree *tree,
                         struct error *error);

/* Adds one behind the others; false without memory. For those who read a tree. */
bool node_tree_add(struct node_tree *tree, struct node_object object);

/* Safe for a tree of zeros. */
void node_tree_free(struct node_tree *tree);

#endif
