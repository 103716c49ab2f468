#include "api/nodes.h"

#include <stdlib.h>

static int find(const struct nodes *nodes, uint64_t key, int part)
{
    for (int i = nodes->count; i-- > 0;)
        if (nodes->one[i].key == key && nodes->one[i].part == part)
            return i;
    return -1;
}

static int part_of(int rank, int size)
{
    return size > 0 ? rank / size : 0;
}

static void add(struct nodes *nodes, uint64_t key, int rank, int size)
{
    nodes->one[nodes->count++] = (struct nodes_one){.key = key, .part = part_of(rank, size), .leader = rank};
}

static void find_nodes(struct nodes *nodes, const uint64_t *keys, int size)
{
    add(nodes, keys[nodes->manager], nodes->manager, size);
    for (int rank = 0; rank < nodes->ranks; rank++) {
        int node = find(nodes, keys[rank], part_of(rank, size));
        if (node < 0) {
            node = nodes->count;
            add(nodes, keys[rank], rank, size);
        }
        nodes->node[rank] = node;
        nodes->one[node].workers += rank != nodes->manager;
    }
}

static void number_workers(struct nodes *nodes)
{
    int next = 1;
    for (int i = 0; i < nodes->count; i++) {
        nodes->one[i].first = next;
        next += nodes->one[i].workers;
        nodes->one[i].workers = 0; /* counted again below */
    }
    for (int rank = 0; rank < nodes->ranks; rank++) {
        struct nodes_one *node = &nodes->one[nodes->node[rank]];
        nodes->worker[rank] = rank == nodes->manager ? 0 : node->first + node->workers++;
    }
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

/* Nodes from..end-1, below `head`: as many branches as there may be, of about one size. */
static void plant(struct nodes *nodes, int head, int from, int end, int fanout)
{
    int count = end - from, branches = fanout ? min(count, fanout) : count;
    for (int i = 0; i < branches; i++) {
        int first = from + (int)((int64_t)count * i / branches);
        int behind = from + (int)((int64_t)count * (i + 1) / branches);
        struct nodes_one *one = &nodes->one[first];
        one->above = head;
        one->depth = nodes->one[head].depth + 1;
        one->end = behind;
        if (one->depth > nodes->levels)
            nodes->levels = one->depth;
        plant(nodes, first, first + 1, behind, fanout);
    }
}

void nodes_plant(struct nodes *nodes, int fanout)
{
    nodes->levels = 0;
    nodes->one[0].above = -1;
    nodes->one[0].depth = 0;
    nodes->one[0].end = nodes->count;
    plant(nodes, 0, 1, nodes->count, fanout);
}

int nodes_fanout(int count)
{
    int fanout = 0, others = count - 1;
    while (others > NODES_FLAT && (int64_t)fanout * fanout < others)
        fanout++;
    return fanout;
}

int nodes_first_below(const struct nodes *nodes, int node)
{
    return node + 1 < nodes->one[node].end ? node + 1 : nodes->count;
}

int nodes_next_beside(const struct nodes *nodes, int node)
{
    int above = nodes->one[node].above, next = nodes->one[node].end;
    return above >= 0 && next < nodes->one[above].end ? next : nodes->count;
}

int nodes_workers_of_branch(const struct nodes *nodes, int node)
{
    const struct nodes_one *last = &nodes->one[nodes->one[node].end - 1];
    return last->first + last->workers - nodes->one[node].first;
}

rp_status nodes_make(struct nodes *nodes, const uint64_t *keys, int ranks, int manager, int size,
                     struct error *error)
{
    size_t count = (size_t)ranks;
    *nodes = (struct nodes){.ranks = ranks, .manager = manager};
    nodes->one = calloc(count, sizeof *nodes->one);
    nodes->node = calloc(count, sizeof *nodes->node);
    nodes->worker = calloc(count, sizeof *nodes->worker);
    if (!nodes->one || !nodes->node || !nodes->worker) {
        nodes_free(nodes);
        return error_set(error, RP_NO_MEMORY, "no memory to meet %d ranks", ranks);
    }
    find_nodes(nodes, keys, size);
    number_workers(nodes);
    nodes_plant(nodes, 0);
    return RP_OK;
}

void nodes_free(struct nodes *nodes)
{
    free(nodes->one);
    free(nodes->node);
    free(nodes->worker);
    *nodes = (struct nodes){0};
}

int nodes_member(const struct nodes *nodes, int rank)
{
    const struct nodes_one *node = &nodes->one[nodes->node[rank]];
    return rank == node->leader ? 0 : nodes->worker[rank] - node->first + 1;
}
