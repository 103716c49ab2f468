#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/draw.h"
#include "cli/json.h"
#include "cli/where.h"
#include "launch/spread.h"

struct topo {
    struct where where;
    bool json;
};

enum { KEY_JSON = 300 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "write JSON instead of the drawing", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct topo *topo = state->input;
    (void)value;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &topo->where;
        return 0;
    case KEY_JSON:
        topo->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "topo takes options alone, not \"%s\"", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Draws what each node offers and how many workers that makes: of the batch system's allocation, of the "
    "hosts named, or of this machine.\v"
    "Environment: RANKPOOL_PER and RANKPOOL_MEMORY_PER_WORKER stand for the options of these names.";

/* ---- JSON -------------------------------------------------------------------------------- */

/* The tree as objects that hold objects: where a line goes is known from its depth. */
static void add_tree(struct json *to, const struct node_tree *tree)
{
    struct json *holds[NODE_KINDS + 1] = {json_add_list(to, "holds")};
    for (int i = 0; i < tree->count; i++) {
        const struct node_object *object = &tree->object[i];
        struct json *one = json_add_object(holds[object->depth], NULL);
        json_add_text(one, "type", node_kind_names[object->kind]);
        json_add_number(one, "index", object->index);
        if (object->kind != NODE_THREAD) {
            holds[object->depth + 1] = json_add_list(one, "holds");
            continue;
        }
        json_add_flag(one, "usable", object->worker != NODE_FORBIDDEN);
        if (object->worker > 0)
            json_add_number(one, "worker", object->worker);
    }
}

static void add_reason(struct json *to, const char *reason)
{
    struct json *lines = json_add_list(to, "reason");
    char *copy = strdup(reason), *rest = copy, *line;
    while (copy && (line = strtok_r(rest, "\n", &rest)))
        json_add_text(lines, NULL, line);
    free(copy);
}

static void add_node(struct json *to, const struct spread_node *node)
{
    struct json *one = json_add_object(to, NULL);
    json_add_text(one, "host", node->host);
    json_add_text(one, "name", node->offer->host);
    json_add_number(one, "workers", node->workers);
    if (node->slots)
        json_add_number(one, "slots", node->slots);
    json_add_flag(one, "bound", node->bind);
    struct json *places = json_add_list(one, "places");
    for (int worker = 1; node->bind && worker <= node->workers; worker++)
        json_add_text(places, NULL, spread_seat(node, worker));
    add_reason(one, node->offer->plan.reason);
    add_tree(one, &node->offer->tree);
}

static rp_status write_json(const struct ground *ground, const struct spread *spread, struct error *error)
{
    struct json *all = json_map();
    json_add_text(all, "source", ground->allocation.source);
    json_add_number(all, "workers", spread->workers);
    struct json *nodes = json_add_list(all, "nodes");
    for (int i = 0; i < spread->count; i++)
        add_node(nodes, &spread->node[i]);
    rp_status status = json_print(all, stdout, error);
    json_free(all);
    return status;
}

/* ---- The drawing ------------------------------------------------------------------------- */

static rp_status draw(const struct ground *ground, const struct spread *spread, struct error *error)
{
    struct draw_style style = draw_style_of(stdout);
    for (int i = 0; i < spread->count; i++)
        draw_node(&spread->node[i], &style, stdout);
    draw_legend(&style, stdout);
    if (spread->count > 1)
        printf("%s: %d workers on %d nodes\n", ground->allocation.source, spread->workers, spread->count);
    return fflush(stdout) ? error_set(error, RP_LAUNCH, "standard output cannot be written") : RP_OK;
}

int command_topo(int count, char **arguments)
{
    static const struct argp_child children[] = {{&where_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options, parse, NULL, about, children, NULL, NULL};
    struct topo topo = {0};
    struct ground ground;
    char mpirun[PATH_MAX];
    struct spread spread;
    struct error error;
    if (where_begin(&topo.where, &error))
        return command_fail(&error);
    int ended = command_read(&argp, count, arguments, NULL, &topo);
    if (ended >= 0)
        return ended;
    if ((topo.json && json_check(&error)) || where_survey(&topo.where, &ground, mpirun, &error))
        return command_fail(&error);
    rp_status status = spread_make(&ground.allocation, ground.offers, 0, &spread, &error);
    if (!status) {
        status = (topo.json ? write_json : draw)(&ground, &spread, &error);
        spread_free(&spread);
    }
    ground_free(&ground);
    return status ? command_fail(&error) : EXIT_SUCCESS;
}
