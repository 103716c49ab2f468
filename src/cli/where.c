#define _GNU_SOURCE
#include "cli/where.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/options.h"
#include "launch/launch.h"

#define PATIENCE_MOST_S 3600

enum { KEY_HOSTS = 256, KEY_HOSTFILE, KEY_PER, KEY_MEMORY, KEY_PATIENCE };

static const struct argp_option options[] = {
    {"hosts", KEY_HOSTS, "HOST[:SLOTS],...", 0, "run on these hosts, over ssh", 0},
    {"hostfile", KEY_HOSTFILE, "FILE", 0, "run on the hosts in FILE, one a line", 0},
    {"per", KEY_PER, "UNIT", 0, "a worker for each core (default), thread, l3, numa or package", 0},
    {"memory-per-worker", KEY_MEMORY, "SIZE", 0,
     "no more workers on a node than its memory has room for (2G)", 0},
    {"patience", KEY_PATIENCE, "SECONDS", 0, "how long a node may take to answer, 30 by default", 0},
    {0},
};

static void set(struct where *where, struct argp_state *state, const char *name, const char *value)
{
    struct error error;
    if (options_set(&where->options, name, value, &error))
        argp_error(state, "%s", error.text);
}

static int read_patience(struct argp_state *state, const char *value)
{
    char *end;
    long seconds = strtol(value, &end, 10);
    if (end == value || *end || seconds < 1 || seconds > PATIENCE_MOST_S)
        argp_error(state, "--patience=%s: it takes 1 to %d seconds", value, PATIENCE_MOST_S);
    return (int)seconds;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct where *where = state->input;
    switch (key) {
    case KEY_HOSTS:
        where->hosts = value;
        return 0;
    case KEY_HOSTFILE:
        where->hostfile = value;
        return 0;
    case KEY_PER:
        set(where, state, "per", value);
        return 0;
    case KEY_MEMORY:
        set(where, state, "memory_per_worker", value);
        return 0;
    case KEY_PATIENCE:
        where->patience_s = read_patience(state, value);
        return 0;
    case ARGP_KEY_END:
        where->request.per = where->options.per;
        where->request.memory_per_worker = where->options.memory_per_worker;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp where_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

rp_status where_begin(struct where *where, struct error *error)
{
    struct options from_environment;
    *where = (struct where){.options = RP_OPTIONS_INIT, .patience_s = PROBE_S};
    rp_status status = options_resolve(NULL, &from_environment, error);
    if (status)
        return status;
    where->options.per = from_environment.per; /* one of the table's names */
    where->options.memory_per_worker = from_environment.memory_per_worker;
    options_free(&from_environment);
    return RP_OK;
}

static rp_status find_hosts(const struct where *where, struct allocation *allocation, struct error *error)
{
    static char *const none[] = {NULL};
    if (where->hosts || where->hostfile)
        return allocation_of_hosts(where->hosts, where->hostfile, allocation, error);
    return allocation_find(environ ? environ : none, "/proc", allocation, error);
}

/* This program, as it is to be found on other nodes. */
static rp_status find_itself(char path[PATH_MAX], struct error *error)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length < 0)
        return error_set(error, RP_LAUNCH, "/proc is not mounted: rankpool does not find itself");
    path[length] = '\0';
    return RP_OK;
}

rp_status where_name(const struct where *where, struct allocation *allocation, char command[PATH_MAX],
                     char mpirun[PATH_MAX], struct error *error)
{
    rp_status status = find_itself(command, error);
    launch_find_mpirun(environ, mpirun);
    return status ? status : find_hosts(where, allocation, error);
}

rp_status where_survey(const struct where *where, struct ground *ground, char mpirun[PATH_MAX],
                       struct error *error)
{
    struct allocation allocation;
    char command[PATH_MAX];
    rp_status status = where_name(where, &allocation, command, mpirun, error);
    struct probe_setting setting = {.command = command,
                                    .program = where->program,
                                    .mpirun = mpirun,
                                    .seconds = where->patience_s,
                                    .request = where->request};
    return status ? status : ground_survey(&allocation, &setting, ground, error);
}
