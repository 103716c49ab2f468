#define _GNU_SOURCE
#include "launch/hosts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/list.h"

#define SLOTS_MOST 65536
#define HOSTS_MOST 100000

/* ---- One --------------------------------------------------------------------------------- */

/* A name is given to ssh and mpirun as an argument: no option, and nothing that a shell or a list of hosts
 * takes for something else. */
static bool is_name(const char *name)
{
    static const char usable[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    return *name && *name != '-' && *name != '.' && !name[strspn(name, usable)] && strlen(name) < 256;
}

rp_status hosts_add(struct hosts *hosts, const char *name, int slots, struct error *error)
{
    if (!is_name(name))
        return error_set(error, RP_INVALID, "\"%s\" is not the name of a host", name);
    for (int i = 0; i < hosts->count; i++) {
        if (strcmp(hosts->one[i].name, name) != 0)
            continue;
        hosts->one[i].slots = slots && hosts->one[i].slots ? hosts->one[i].slots + slots : 0;
        return RP_OK;
    }
    struct host *larger =
        hosts->count < HOSTS_MOST ? realloc(hosts->one, ((size_t)hosts->count + 1) * sizeof *larger) : NULL;
    if (larger)
        hosts->one = larger;
    char *copy = larger ? strdup(name) : NULL;
    if (!copy)
        return error_set(error, RP_NO_MEMORY, "no memory for a list of %d hosts", hosts->count + 1);
    larger[hosts->count++] = (struct host){copy, slots};
    return RP_OK;
}

void hosts_free(struct hosts *hosts)
{
    for (int i = 0; i < hosts->count; i++)
        free(hosts->one[i].name);
    free(hosts->one);
    *hosts = (struct hosts){0};
}

/* ---- Lists ------------------------------------------------------------------------------- */

static bool read_slots(const char *text, int *slots)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    *slots = (int)value;
    return end != text && !*end && !errno && value >= 0 && value <= SLOTS_MOST;
}

static rp_status refuse_slots(const char *name, const char *text, struct error *error)
{
    return error_set(error, RP_INVALID, "host %s has \"%s\" slots: give a number from 1 to %d, or none", name,
                     text, SLOTS_MOST);
}

/* One of "b" and "b:8", which is changed. */
static rp_status add_with_slots(struct hosts *hosts, char *word, struct error *error)
{
    char *colon = strchr(word, ':');
    int slots = 0;
    if (colon)
        *colon = '\0';
    if (colon && (!read_slots(colon + 1, &slots) || !slots)) {
        if (slots || strcmp(colon + 1, "0") != 0)
            return refuse_slots(word, colon + 1, error);
        return error_set(error, RP_INVALID, "host %s has no slots: nothing can run there", word);
    }
    return hosts_add(hosts, word, slots, error);
}

rp_status hosts_add_list(struct hosts *hosts, const char *list, struct error *error)
{
    char *copy = strdup(list), *rest = copy, *word;
    rp_status status = copy ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for a list of hosts");
    if (!*list)
        status = error_set(error, RP_INVALID, "the list of hosts is empty");
    while (!status && (word = strsep(&rest, ",")))
        status = add_with_slots(hosts, word, error);
    free(copy);
    return status;
}

/* ---- Files ------------------------------------------------------------------------------- */

/* The slots of a host by the word behind it; others say nothing of them. */
static rp_status slots_of_word(const char *name, const char *word, int *slots, struct error *error)
{
    const char *number = strncmp(word, "slots=", 6) == 0 ? word + 6 : word;
    if (number == word && (*word < '0' || *word > '9'))
        return RP_OK;
    if (!read_slots(number, slots))
        return refuse_slots(name, number, error);
    return *slots ? RP_OK : error_set(error, RP_INVALID, "host %s has no slots: nothing can run there", name);
}

static rp_status add_line(struct hosts *hosts, char *line, struct error *error)
{
    static const char blanks[] = " \t\r";
    line[strcspn(line, "#")] = '\0';
    char *rest = line, *name = strtok_r(line, blanks, &rest),
         *word = name ? strtok_r(NULL, blanks, &rest) : NULL;
    int slots = 0;
    if (!name)
        return RP_OK;
    rp_status status = word ? slots_of_word(name, word, &slots, error) : RP_OK;
    if (!status)
        status = slots ? hosts_add(hosts, name, slots, error) : add_with_slots(hosts, name, error);
    return status;
}

rp_status hosts_add_file(struct hosts *hosts, const char *path, struct error *error)
{
    size_t size;
    char *text = list_read_file(path, &size), *rest = text, *line;
    if (!text)
        return error_set(error, RP_INVALID, "the list of hosts in %s cannot be read: %s", path,
                         strerror(errno));
    rp_status status = RP_OK;
    int before = hosts->count;
    while (!status && (line = strsep(&rest, "\n")))
        status = add_line(hosts, line, error);
    if (!status && hosts->count == before && before == 0)
        status = error_set(error, RP_INVALID, "there is no host in %s", path);
    free(text);
    return status;
}
