#define _GNU_SOURCE
#include "launch/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nameless.h"

#define HEAD "rankpool ground 1\n"

/* ---- Surveying --------------------------------------------------------------------------- */

/* A node alone is told how many workers are wanted, and says for these why it has them where; then its slots
 * do not matter. Several are asked for what they have. */
rp_status ground_survey(struct allocation *allocation, const struct probe_setting *setting,
                        struct ground *ground, struct error *error)
{
    struct ground made = {.allocation = *allocation};
    struct probe_setting each = *setting;
    bool alone = made.allocation.hosts.count == 1;
    *allocation = (struct allocation){0};
    snprintf(made.command, sizeof made.command, "%s", setting->command);
    if (alone && each.request.workers)
        made.allocation.hosts.one[0].slots = 0;
    made.workers = alone ? 0 : each.request.workers;
    each.request.workers = alone ? each.request.workers : 0;
    rp_status status = probe_nodes(&made.allocation, &each, &made.offers, error);
    if (status)
        ground_free(&made);
    else
        *ground = made;
    return status;
}

void ground_free(struct ground *ground)
{
    for (int i = 0; ground->offers && i < ground->allocation.hosts.count; i++)
        offer_free(&ground->offers[i]);
    free(ground->offers);
    allocation_free(&ground->allocation);
    *ground = (struct ground){0};
}

/* ---- Giving ------------------------------------------------------------------------------ */

static void write_ground(const struct ground *ground, FILE *out)
{
    const struct allocation *allocation = &ground->allocation;
    fprintf(out, HEAD "%d %d %d\n%s\n%s\n", allocation->means, ground->workers, allocation->hosts.count,
            allocation->source, ground->command);
    for (int i = 0; i < allocation->hosts.count; i++) {
        fprintf(out, "%d %s\n", allocation->hosts.one[i].slots, allocation->hosts.one[i].name);
        offer_write(&ground->offers[i], out);
    }
}

rp_status ground_give(const struct ground *ground, struct error *error)
{
    char value[64];
    int file = nameless_file(), high = file < 0 ? -1 : fcntl(file, F_DUPFD, 100);
    FILE *out = high < 0 ? NULL : fdopen(file, "w");
    if (out)
        write_ground(ground, out);
    snprintf(value, sizeof value, "%ld:%d", (long)getpid(), high);
    if (!out || fclose(out) || setenv(GROUND_VARIABLE, value, 1))
        return error_set(error, RP_LAUNCH, "no memory file for the plan: %s", strerror(errno));
    return RP_OK;
}

/* ---- Taking ------------------------------------------------------------------------------ */

/* A line, ended; NULL: there is none. */
static char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return line;
}

static bool read_node(struct ground *ground, int i, char **text)
{
    char *line = next_line(text), *name = line ? strchr(line, ' ') : NULL;
    char *end = name ? strstr(*text, "\nend\n") : NULL;
    if (!end)
        return false;
    char *offer = *text;
    *text = end + strlen("\nend\n");
    char kept = **text;
    **text = '\0';
    bool read = !hosts_add(&ground->allocation.hosts, name + 1, atoi(line), NULL) &&
                !offer_read(offer, &ground->offers[i], NULL);
    **text = kept;
    return read;
}

static bool read_ground(char *text, struct ground *ground)
{
    int means, count;
    if (strncmp(text, HEAD, strlen(HEAD)) != 0)
        return false;
    text += strlen(HEAD);
    char *numbers = next_line(&text), *source = next_line(&text), *command = source ? next_line(&text) : NULL;
    if (!command || sscanf(numbers, "%d %d %d", &means, &ground->workers, &count) != 3 || count < 1)
        return false;
    ground->allocation.means = (enum means)means;
    snprintf(ground->allocation.source, sizeof ground->allocation.source, "%s", source);
    snprintf(ground->command, sizeof ground->command, "%s", command);
    ground->offers = calloc((size_t)count, sizeof *ground->offers);
    for (int i = 0; i < count; i++)
        if (!ground->offers || !read_node(ground, i, &text))
            return false;
    return true;
}

static char *read_file(int file)
{
    struct stat about;
    if (fstat(file, &about) || about.st_size <= 0)
        return NULL;
    char *text = malloc((size_t)about.st_size + 1);
    ssize_t got = text ? pread(file, text, (size_t)about.st_size, 0) : -1;
    if (got < 0) {
        free(text);
        return NULL;
    }
    text[got] = '\0';
    return text;
}

bool ground_taken(struct ground *ground)
{
    const char *value = getenv(GROUND_VARIABLE), *number = value ? strchr(value, ':') : NULL;
    if (!number || strtol(value, NULL, 10) != (long)getpid())
        return false;
    struct ground read = {0};
    int file = atoi(number + 1);
    char *text = read_file(file);
    bool taken = text && read_ground(text, &read);
    free(text);
    if (!taken) {
        ground_free(&read);
        return false;
    }
    unsetenv(GROUND_VARIABLE);
    close(file);
    *ground = read;
    return true;
}
