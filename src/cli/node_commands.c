/* The commands that rankpool starts on nodes, for the doctor here. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/facts.h"
#include "cli/listen.h"
#include "cli/where.h"

static int say(struct list *facts)
{
    facts_write(facts, stdout);
    list_free(facts);
    return fflush(stdout) ? EX_IOERR : EXIT_SUCCESS;
}

/* ---- facts ------------------------------------------------------------------------------- */

struct inquiry {
    struct where where;
    bool listens;
};

enum { KEY_LISTEN = 300 };

static const struct argp_option options[] = {
    {"listen", KEY_LISTEN, NULL, 0, "stay, and let others connect", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct inquiry *inquiry = state->input;
    (void)value;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &inquiry->where;
        return 0;
    case KEY_LISTEN:
        inquiry->listens = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_facts(int count, char **arguments)
{
    static const struct argp_child children[] = {{&where_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options, parse, "PROG", "Says what there is on this node, for other nodes.", children, NULL, NULL};
    struct inquiry inquiry = {0};
    struct list facts = {0};
    struct error error;
    int first = count;
    if (where_begin(&inquiry.where, &error))
        return command_fail(&error);
    int ended = command_read(&argp, count, arguments, &first, &inquiry);
    if (ended >= 0)
        return ended;
    facts_gather(first < count ? arguments[first] : "", &inquiry.where.request, &facts);
    struct listener listener;
    if (inquiry.listens && listen_open(&listener, &facts, &error))
        return command_fail(&error);
    int status = say(&facts);
    if (inquiry.listens && !status)
        listen_serve(&listener);
    return status;
}

/* ---- reach ------------------------------------------------------------------------------- */

/* "NODE,ADDRESS,PORT,COOKIE", which is cut into its parts. */
static bool read_place(char *text, struct listen_place *place)
{
    char *rest = NULL;
    const char *node = strtok_r(text, ",", &rest);
    place->address = strtok_r(NULL, ",", &rest);
    const char *port = strtok_r(NULL, ",", &rest);
    place->cookie = strtok_r(NULL, ",", &rest);
    place->port = port ? atoi(port) : 0;
    return node && place->cookie && place->port > 0;
}

int command_reach(int count, char **arguments)
{
    struct list facts = {0};
    struct listen_place *places = calloc((size_t)count, sizeof *places);
    if (!places)
        return EX_OSERR;
    for (int i = 1; i < count; i++)
        if (!read_place(arguments[i], &places[i]))
            return EX_USAGE;
    listen_reach(places + 1, count - 1);
    for (int i = 1; i < count; i++)
        list_addf(&facts, "reach=%s %s %d", arguments[i], places[i].address, (int)places[i].answer);
    free(places);
    return say(&facts);
}
