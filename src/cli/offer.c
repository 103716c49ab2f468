#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/where.h"

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

/* What this node offers, for the rankpool that has started this one here. */
int command_offer(int count, char **arguments)
{
    static const struct argp_child children[] = {{&where_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {NULL,     parse, NULL, "Says what this node offers, for other nodes.",
                                     children, NULL,  NULL};
    struct where where;
    struct error error;
    struct offer offer;
    if (where_begin(&where, &error))
        return command_fail(&error);
    int ended = command_read(&argp, count, arguments, NULL, &where);
    if (ended >= 0)
        return ended;
    if (offer_make(&where.request, &offer, &error))
        return command_fail(&error);
    offer_write(&offer, stdout);
    offer_free(&offer);
    return fflush(stdout) ? EX_IOERR : EXIT_SUCCESS;
}
