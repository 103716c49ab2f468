#define _GNU_SOURCE
#include "node/tree.h"

#include <stdlib.h>

#include "node/cpus.h"
#include "node/machine.h"

const char *const node_kind_names[NODE_KINDS] = {"package", "numa", "l3", "core", "thread"};

static const hwloc_obj_type_t types[NODE_KINDS] = {
    HWLOC_OBJ_PACKAGE, HWLOC_OBJ_NUMANODE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_CORE, HWLOC_OBJ_PU,
};

struct making {
    const struct node *node;
    hwloc_bitmap_t *worker; /* the CPUs of each, where they are bound */
    int workers;
    struct node_tree *tree;
    bool short_of_memory;
};

bool node_tree_add(struct node_tree *tree, struct node_object object)
{
    /* At every power of two there is room for as many again. */
    if ((tree->count & (tree->count - 1)) == 0) {
        size_t room = tree->count ? 2 * (size_t)tree->count : 1;
        struct node_object *larger = realloc(tree->object, room * sizeof *larger);
        if (!larger)
            return false;
        tree->object = larger;
    }
    tree->object[tree->count++] = object;
    return true;
}

static int user_of(const struct making *making, unsigned cpu)
{
    if (!hwloc_bitmap_isset(making->node->usable, cpu))
        return NODE_FORBIDDEN;
    for (int i = 0; i < making->workers; i++)
        if (hwloc_bitmap_isset(making->worker[i], cpu))
            return i + 1;
    return NODE_UNUSED;
}

/* Caches may have no number of the system's. */
static int index_of(hwloc_obj_t object)
{
    return (int)(object->os_index == HWLOC_UNKNOWN_INDEX ? object->logical_index : object->os_index);
}

/* True where it has a line of its own. */
static bool add(struct making *making, hwloc_obj_t object, int depth)
{
    for (int kind = 0; kind < NODE_KINDS; kind++) {
        if (object->type != types[kind])
            continue;
        struct node_object line = {.depth = depth, .kind = (enum node_kind)kind, .index = index_of(object)};
        if (kind == NODE_THREAD)
            line.worker = user_of(making, object->os_index);
        making->short_of_memory |= !node_tree_add(making->tree, line);
        return true;
    }
    return false;
}

/* Memory stands beside what it is local to; in the tree it holds that. */
static void walk(struct making *making, hwloc_obj_t object, int depth)
{
    depth += add(making, object, depth);
    hwloc_obj_t memory = object->memory_first_child;
    while (memory && memory->type != HWLOC_OBJ_NUMANODE)
        memory = memory->memory_first_child; /* a cache before it */
    if (memory && !hwloc_bitmap_iszero(memory->cpuset))
        depth += add(making, memory, depth);
    for (hwloc_obj_t child = object->first_child; child; child = child->next_sibling)
        walk(making, child, depth);
}

static bool places_read(struct making *making, const struct node_plan *plan)
{
    making->worker = calloc((size_t)plan->place_count + 1, sizeof *making->worker);
    bool read = making->worker;
    for (int i = 0; read && plan->bind && i < plan->place_count; i++, making->workers = i)
        read = (making->worker[i] = node_cpus_parse(plan->places[i].cpus));
    return read;
}

rp_status node_tree_make(const struct node *node, const struct node_plan *plan, struct node_tree *tree,
                         struct error *error)
{
    struct node_tree made = {0};
    struct making making = {.node = node, .tree = &made};
    making.short_of_memory = !places_read(&making, plan);
    if (!making.short_of_memory)
        walk(&making, hwloc_get_root_obj(node->topology), 0);
    for (int i = 0; making.worker && i < making.workers; i++)
        hwloc_bitmap_free(making.worker[i]);
    free(making.worker);
    if (making.short_of_memory) {
        node_tree_free(&made);
        return error_set(error, RP_NO_MEMORY, "no memory to describe this machine");
    }
    *tree = made;
    return RP_OK;
}

void node_tree_free(struct node_tree *tree)
{
    free(tree->object);
    *tree = (struct node_tree){0};
}
