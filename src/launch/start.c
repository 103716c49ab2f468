#define _GNU_SOURCE
#include "launch/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- In words ---------------------------------------------------------------------------- */

static bool are_alike(const struct spread_node *a, const struct spread_node *b)
{
    return a->workers == b->workers && a->slots == b->slots &&
           strcmp(a->offer->plan.reason, b->offer->plan.reason) == 0;
}

/* "n1, n2, n3", those alike with this one and behind it. */
static void name_alike(const struct spread *spread, int first, FILE *out)
{
    int more = 0;
    fprintf(out, "%s", spread->node[first].host);
    for (int i = first + 1; i < spread->count; i++) {
        if (!are_alike(&spread->node[i], &spread->node[first]))
            continue;
        if (++more < 8)
            fprintf(out, ", %s", spread->node[i].host);
    }
    if (more >= 8)
        fprintf(out, " and %d more", more - 7);
    fprintf(out, ": %d worker%s%s", spread->node[first].workers, spread->node[first].workers == 1 ? "" : "s",
            more ? " each" : "");
}

static void describe_node(const struct spread *spread, int first, FILE *out)
{
    const struct spread_node *node = &spread->node[first];
    name_alike(spread, first, out);
    if (node->workers == node->slots && node->slots < node->offer->plan.workers)
        fprintf(out, ", as many as slots");
    fprintf(out, " (");
    for (const char *at = node->offer->plan.reason; *at; at++)
        *at == '\n' ? fputs("; ", out) : fputc(*at, out);
    fprintf(out, ")\n");
}

static int count_leaders(const struct spread *spread)
{
    int leaders = 0;
    for (int i = 0; i < spread->count; i++)
        leaders += !spread->node[i].here && spread->node[i].workers;
    return leaders;
}

static void describe(const struct ground *ground, const struct spread *spread, bool leads, FILE *out)
{
    const struct spread_node *only = &spread->node[0];
    int leaders = leads ? count_leaders(spread) : 0;
    if (spread->count == 1 && only->here) {
        if (only->workers < only->offer->plan.workers)
            fprintf(out, "%d worker%s, the slots of %s\n", only->workers, only->workers == 1 ? "" : "s",
                    ground->allocation.source);
        fprintf(out, "%s\n%s", only->offer->plan.reason, ground->allocation.left);
        return;
    }
    fprintf(out, "%d worker%s on %d node%s of %s", spread->workers, spread->workers == 1 ? "" : "s",
            spread->count, spread->count == 1 ? "" : "s", ground->allocation.source);
    if (leaders)
        fprintf(out, ", and %d leader%s", leaders, leaders == 1 ? "" : "s");
    fprintf(out, "\n");
    for (int i = 0; i < spread->count; i++) {
        int before = 0;
        while (before < i && !are_alike(&spread->node[before], &spread->node[i]))
            before++;
        if (before == i)
            describe_node(spread, i, out);
    }
}

char *start_describe(const struct ground *ground, const struct spread *spread, bool leads)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        describe(ground, spread, leads, out);
    if (!out || fclose(out)) {
        free(text);
        return NULL;
    }
    text[size - 1] = '\0';
    return text;
}

/* ---- Seats ------------------------------------------------------------------------------- */

char *start_seats(const struct spread_node *node, int more)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; out && i < more; i++)
        fputs(i ? ";" : "", out);
    for (int worker = 1; out && worker <= node->workers; worker++)
        fprintf(out, "%s%s", worker > 1 || more ? ";" : "", spread_seat(node, worker));
    if (!out || fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- Starting ---------------------------------------------------------------------------- */

struct starting {
    struct launch_plan plan;
    const char **cpus;
    struct launch_far *far;
    char *text;
};

static bool add_here(struct starting *starting, const struct spread_node *node)
{
    int ranks = node ? node->workers + 1 : 1;
    starting->cpus = calloc((size_t)ranks, sizeof *starting->cpus);
    for (int worker = 1; starting->cpus && worker < ranks; worker++)
        starting->cpus[worker] = spread_seat(node, worker);
    starting->plan.ranks = ranks;
    starting->plan.cpus = starting->cpus;
    return starting->cpus;
}

static bool add_far(struct starting *starting, const struct spread_node *node)
{
    char *seats = start_seats(node, 1);
    starting->far[starting->plan.fars++] = (struct launch_far){node->host, node->workers + 1, seats};
    return seats;
}

static bool fill(struct starting *starting, const struct ground *ground, const struct spread *spread)
{
    const struct spread_node *here = NULL;
    starting->text = start_describe(ground, spread, true);
    starting->far = calloc((size_t)spread->count, sizeof *starting->far);
    bool filled = starting->text && starting->far;
    for (int i = 0; i < spread->count && filled; i++) {
        if (spread->node[i].here)
            here = &spread->node[i];
        else if (spread->node[i].workers)
            filled = add_far(starting, &spread->node[i]);
    }
    filled = filled && add_here(starting, here);
    starting->plan.far = starting->far;
    starting->plan.text = starting->text;
    starting->plan.command = ground->command;
    /* On a machine that is not of the job mpirun would start nothing: then it takes the job's nodes as hosts.
     */
    starting->plan.batch =
        here && (ground->allocation.means == MEANS_SLURM || ground->allocation.means == MEANS_BATCH);
    return filled;
}

rp_status start_again(const struct launch *launch, const struct ground *ground, const struct spread *spread,
                      struct error *error)
{
    struct starting starting = {0};
    rp_status status = fill(&starting, ground, spread)
                           ? launch_again(launch, &starting.plan, error)
                           : error_set(error, RP_NO_MEMORY, "no memory to start the ranks");
    for (int i = 0; i < starting.plan.fars; i++)
        free(starting.far[i].seats);
    free(starting.far);
    free(starting.cpus);
    free(starting.text);
    return status;
}
