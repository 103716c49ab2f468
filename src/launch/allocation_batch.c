#define _GNU_SOURCE
#include "launch/allocation_batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/list.h"

/* ---- Words ------------------------------------------------------------------------------- */

static rp_status add_words(struct hosts *hosts, char *text, const char *blanks, struct error *error)
{
    rp_status status = RP_OK;
    char *rest = text, *word;
    while (!status && (word = strtok_r(rest, blanks, &rest)))
        status = hosts_add(hosts, word, 1, error);
    return status;
}

/* The file that a variable names, which the batch system wrote. */
static rp_status read_named(char *const *environment, const char *variable, char **text, struct error *error)
{
    size_t size;
    const char *path = list_value(environment, variable);
    *text = list_read_file(path, &size);
    return *text ? RP_OK
                 : error_set(error, RP_LAUNCH, "%s names %s, which cannot be read: %s", variable, path,
                             strerror(errno));
}

/* ---- PBS --------------------------------------------------------------------------------- */

/* A line for each process that the user wants. Where nobody asked for several on a node, PBS Pro writes
 * each node once, and how many CPUs it has there stands in NCPUS. */
rp_status batch_read_pbs(char *const *environment, struct hosts *hosts, struct error *error)
{
    char *text;
    const char *ncpus = list_value(environment, "NCPUS");
    int each = ncpus ? atoi(ncpus) : 0, most = 0;
    rp_status status = read_named(environment, "PBS_NODEFILE", &text, error);
    if (!status)
        status = add_words(hosts, text, " \t\r\n", error);
    free(text);
    for (int i = 0; i < hosts->count; i++)
        most = hosts->one[i].slots > most ? hosts->one[i].slots : most;
    for (int i = 0; i < hosts->count && most == 1 && each > 1; i++)
        hosts->one[i].slots = each;
    return status;
}

/* ---- LSF --------------------------------------------------------------------------------- */

/* "a 4 b 8" */
rp_status batch_read_lsf_counts(char *const *environment, struct hosts *hosts, struct error *error)
{
    const char *value = list_value(environment, "LSB_MCPU_HOSTS");
    char *copy = strdup(value), *rest = copy, *name, *count;
    rp_status status = copy ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for a list of hosts");
    while (!status && (name = strtok_r(rest, " ", &rest))) {
        count = strtok_r(rest, " ", &rest);
        int slots = count ? atoi(count) : 0;
        status = slots > 0
                     ? hosts_add(hosts, name, slots, error)
                     : error_set(error, RP_LAUNCH,
                                 "LSB_MCPU_HOSTS is \"%s\", not hosts each with its number of slots", value);
    }
    free(copy);
    return status;
}

/* A line for each slot. */
rp_status batch_read_lsf_file(char *const *environment, struct hosts *hosts, struct error *error)
{
    char *text;
    rp_status status = read_named(environment, "LSB_DJOB_HOSTFILE", &text, error);
    if (!status)
        status = add_words(hosts, text, " \t\r\n", error);
    free(text);
    return status;
}

/* "a a b" */
rp_status batch_read_lsf_hosts(char *const *environment, struct hosts *hosts, struct error *error)
{
    char *copy = strdup(list_value(environment, "LSB_HOSTS"));
    rp_status status = copy ? add_words(hosts, copy, " ", error)
                            : error_set(error, RP_NO_MEMORY, "no memory for a list of hosts");
    free(copy);
    return status;
}

/* ---- Grid Engine ------------------------------------------------------------------------- */

/* Lines of host, slots, queue and processors; a host has a line for each queue. */
rp_status batch_read_sge(char *const *environment, struct hosts *hosts, struct error *error)
{
    char *text, *rest, *line;
    rp_status status = read_named(environment, "PE_HOSTFILE", &text, error);
    for (rest = text; !status && (line = strsep(&rest, "\n"));) {
        char *at = line, *name = strtok_r(at, " \t\r", &at),
             *count = name ? strtok_r(NULL, " \t\r", &at) : NULL;
        int slots = count ? atoi(count) : 0;
        if (name)
            status = slots > 0 ? hosts_add(hosts, name, slots, error)
                               : error_set(error, RP_LAUNCH,
                                           "PE_HOSTFILE has host %s without a number of slots", name);
    }
    free(text);
    return status;
}
