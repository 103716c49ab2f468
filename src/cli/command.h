/* The command `rankpool`: a table of subcommands, each a row in commands.c with a function that takes its
 * own arguments, of which the first is "rankpool NAME".
 *
 * A subcommand reads its arguments with argp, does its work through the layers below and returns its exit
 * status. What is for people or for scripts goes to standard output, what is said beside it to standard
 * error. A failure is one sentence, said by command_fail where it is known, and EXIT_FAILURE; wrong arguments
 * are argp's, and EX_USAGE. */
#ifndef RANKPOOL_CLI_COMMAND_H
#define RANKPOOL_CLI_COMMAND_H

#include <argp.h>
#include <stdbool.h>

#include "base/error.h"

struct command {
    const char *name;
    const char *summary; /* a line for the list of commands; NULL: started by rankpool itself, not listed */
    int (*run)(int count, char **arguments);
};

/* Ended by one without a name. */
extern const struct command commands[];

extern const char command_version[];

int command_run(int count, char **arguments);
int command_topo(int count, char **arguments);
int command_doctor(int count, char **arguments);
int command_offer(int count, char **arguments);
int command_seat(int count, char **arguments);
int command_facts(int count, char **arguments);
int command_reach(int count, char **arguments);

/* Reads a subcommand's arguments; `first` becomes the index of the first that is no option. The status to
 * end with where that is all there is to do (--help, a mistake), else -1. */
int command_read(const struct argp *argp, int count, char **arguments, int *first, void *input);

/* Says the sentence on standard error; EXIT_FAILURE. */
int command_fail(const struct error *error);

#endif
