#include "launch/spread.h"

#include <stdlib.h>
#include <string.h>

/* ---- Dealing ----------------------------------------------------------------------------- */

/* Whether `a` would be less full than `b` with one worker more. */
static bool is_emptier(const struct spread_node *a, const struct spread_node *b)
{
    return (int64_t)(a->workers + 1) * b->offered < (int64_t)(b->workers + 1) * a->offered;
}

/* Who gets the next worker, the first of those alike; NULL: memory has no room for it anywhere. */
static struct spread_node *emptiest(const struct spread *spread)
{
    struct spread_node *best = NULL;
    for (int i = 0; i < spread->count; i++) {
        struct spread_node *node = &spread->node[i];
        if (node->workers < node->offer->plan.most && (!best || is_emptier(node, best)))
            best = node;
    }
    return best;
}

static rp_status deal(struct spread *spread, int workers, struct error *error)
{
    for (; spread->workers < workers; spread->workers++) {
        struct spread_node *node = emptiest(spread);
        if (!node)
            return error_set(
                error, RP_INVALID,
                "%d workers are asked for, but there is memory for %d on %d node%s: ask for fewer, "
                "or for less memory for each",
                workers, spread->workers, spread->count, spread->count == 1 ? "" : "s");
        node->workers++;
    }
    return RP_OK;
}

static void take_all(struct spread *spread)
{
    for (int i = 0; i < spread->count; i++) {
        spread->node[i].workers = spread->node[i].offered;
        spread->workers += spread->node[i].offered;
    }
}

/* ---- The whole --------------------------------------------------------------------------- */

/* This machine may be listed as "localhost" and by its name. */
static rp_status want_different(const struct spread *spread, struct error *error)
{
    for (int i = 1; i < spread->count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(spread->node[i].offer->machine, spread->node[k].offer->machine) == 0)
                return error_set(error, RP_INVALID, "%s and %s are the same machine: name it once",
                                 spread->node[k].host, spread->node[i].host);
    return RP_OK;
}

static void add_node(struct spread *spread, const struct host *host, const struct offer *offer)
{
    int offered = offer->plan.workers;
    spread->node[spread->count++] = (struct spread_node){
        .host = host->name,
        .offer = offer,
        .slots = host->slots,
        .offered = host->slots && host->slots < offered ? host->slots : offered,
        .here = offer_is_here(offer),
    };
}

/* Of a part of a node, to which the batch system does not hold its jobs, nobody knows which cores are ours:
 * two jobs would bind to the same ones. */
static bool may_bind(const struct allocation *allocation, const struct spread_node *node)
{
    bool is_job = allocation->means == MEANS_SLURM || allocation->means == MEANS_BATCH;
    bool is_part = is_job && node->slots && node->slots < node->offer->plan.workers;
    return node->offer->plan.bind && node->workers <= node->offer->plan.workers && !is_part;
}

rp_status spread_make(const struct allocation *allocation, const struct offer *offers, int workers,
                      struct spread *spread, struct error *error)
{
    struct spread made = {.node = calloc((size_t)allocation->hosts.count + 1, sizeof *made.node)};
    if (!made.node)
        return error_set(error, RP_NO_MEMORY, "no memory to plan for %d nodes", allocation->hosts.count);
    for (int i = 0; i < allocation->hosts.count; i++)
        add_node(&made, &allocation->hosts.one[i], &offers[i]);
    rp_status status = want_different(&made, error);
    if (!status && workers)
        status = deal(&made, workers, error);
    else if (!status)
        take_all(&made);
    if (!status && !made.workers)
        status = error_set(error, RP_INVALID, "no node offers a worker: there is nothing to run on");
    for (int i = 0; i < made.count; i++)
        made.node[i].bind = may_bind(allocation, &made.node[i]);
    if (status)
        spread_free(&made);
    else
        *spread = made;
    return status;
}

const char *spread_seat(const struct spread_node *node, int worker)
{
    return node->bind ? node_plan_place(&node->offer->plan, worker)->cpus : "";
}

void spread_free(struct spread *spread)
{
    free(spread->node);
    *spread = (struct spread){0};
}
