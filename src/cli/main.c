#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"

static int help(FILE *out)
{
    fprintf(out,
            "Usage: rankpool COMMAND [OPTION...] [ARGUMENT...]\n"
            "Runs programs that map functions over a pool of MPI ranks, from a laptop to a cluster.\n\n");
    for (const struct command *command = commands; command->name; command++)
        if (command->summary)
            fprintf(out, "  %-8s %s\n", command->name, command->summary);
    fprintf(out, "\n  rankpool COMMAND --help   the options of a command\n"
                 "  rankpool --version        which rankpool this is\n");
    return out == stdout ? EXIT_SUCCESS : EX_USAGE;
}

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "";
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(name, command->name) != 0)
            continue;
        char called[32];
        snprintf(called, sizeof called, "rankpool %s", name);
        arguments[1] = called;
        return command->run(count - 1, arguments + 1);
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return printf("rankpool %s\n", command_version) < 0;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(stdout);
    if (*name)
        fprintf(stderr, "rankpool: there is no command \"%s\"\n\n", name);
    return help(stderr);
}
