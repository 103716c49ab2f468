#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/where.h"

struct request {
    struct where where;
    const char *program;
};

enum { KEY_PROGRAM = 300 };

static const struct argp_option options[] = {
    {"program", KEY_PROGRAM, "PROG", 0, "end with another status where this program is missing", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &request->where;
        return 0;
    case KEY_PROGRAM:
        request->program = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What this node offers, for the rankpool that has started this one here. */
int command_offer(int count, char **arguments)
{
    static const struct argp_child children[] = {{&where_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,  parse, NULL, "Says what this node offers, for other nodes.",
                                     children, NULL,  NULL};
    struct request request = {0};
    struct error error;
    struct offer offer;
    if (where_begin(&request.where, &error))
        return command_fail(&error);
    int ended = command_read(&argp, count, arguments, NULL, &request);
    if (ended >= 0)
        return ended;
    if (request.program && access(request.program, X_OK))
        return PROBE_NO_PROGRAM;
    if (offer_make(&request.where.request, &offer, &error))
        return command_fail(&error);
    offer_write(&offer, stdout);
    offer_free(&offer);
    return fflush(stdout) ? EX_IOERR : EXIT_SUCCESS;
}
