/* The parts of a machine that get a worker each, and in which order they get one. */
#ifndef RANKPOOL_NODE_UNIT_H
#define RANKPOOL_NODE_UNIT_H

#include <hwloc.h>
#include <stdbool.h>

#include "base/error.h"

/* A row of the table of `per`. */
struct node_per {
    const char *name;
    hwloc_obj_type_t type;
    const char *one, *many; /* in words */
};

/* NULL is "core". RP_INVALID: there is no such name. */
rp_status node_per_find(const char *name, const struct node_per **per, struct error *error);

/* What workers beside each other compete for, the worst first. */
enum node_domain { DOMAIN_CORE, DOMAIN_PACKAGE, DOMAIN_NUMA, DOMAIN_L3, DOMAIN_COUNT };

struct node_unit {
    hwloc_bitmap_t cpus;      /* those that may be used, at least one */
    int numa_node;            /* -1: in several */
    int kind;                 /* 0 for the fastest kind of core that the machine has, 1 for the next */
    int domain[DOMAIN_COUNT]; /* which core, package, NUMA node, L3 cache its first CPU is in */
    bool placed;              /* a worker has it */
};

struct node_units {
    const struct node_per *per; /* another one than asked for where the machine has none of those */
    struct node_unit *unit;
    int count;
    int total;   /* with those that may not be used */
    int domains; /* a domain's number is below this */
};

struct node;

/* In hwloc's order. A part of which only some CPUs may be used is a unit of these. */
rp_status node_units_make(const struct node *node, const struct node_per *per, struct node_units *units,
                          struct error *error);

/* Keeps the units that a pool of so many workers takes, at most `count`, in the order in which it
 * takes them. Each next one is the free unit whose core has the fewest workers yet, then of the
 * fastest kind, then whose package, NUMA node and L3 cache have the fewest: no two on a core while
 * another is free, and each beginning of the order spread as widely as it can be. */
rp_status node_units_pick(struct node_units *units, int workers, struct error *error);

void node_units_free(struct node_units *units);

/* The NUMA node that all of `cpus` are local to, -1 if there is none. */
int node_numa_of(const struct node *node, hwloc_const_bitmap_t cpus);

#endif
