#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include <rankpool/version.h>

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)

const char command_version[] =
    NUMBER(RANKPOOL_VERSION_MAJOR) "." NUMBER(RANKPOOL_VERSION_MINOR) "." NUMBER(RANKPOOL_VERSION_PATCH);

const struct command commands[] = {
    {"run", "start a program on all cores of a job, of hosts, or of this machine", command_run},
    {"topo", "draw what each node offers, and which cores workers would use", command_topo},
    {"doctor", "check what goes wrong in practice on the nodes and between them", command_doctor},
    {"offer", NULL, command_offer},
    {"seat", NULL, command_seat},
    {"facts", NULL, command_facts},
    {"reach", NULL, command_reach},
    {NULL, NULL, NULL},
};

int command_read(const struct argp *argp, int count, char **arguments, int *first, void *input)
{
    argp_err_exit_status = EX_USAGE;
    return argp_parse(argp, count, arguments, ARGP_IN_ORDER, first, input) ? EX_USAGE : -1;
}

int command_fail(const struct error *error)
{
    fprintf(stderr, "rankpool: %s\n", error->text);
    return EXIT_FAILURE;
}
