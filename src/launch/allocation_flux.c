/* Flux: a job that it started is an instance of its own, which knows its nodes, and the cores that it has on
 * each. Flux's RFC 20 has what it says of them:
 *
 *     {"version": 1, "execution": {"R_lite": [{"rank": "0-2", "children": {"core": "0-7"}}, ...],
 *                                  "nodelist": ["fluke[4-6]", ...], ...}}
 *
 * `flux resource R` says that: the cores of nodes, which are numbered as they stand in the list. Where it is
 * not known, `flux getattr hostlist` says the nodes alone: "fluke[4-6]". */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/allocation_batch.h"

/* ---- Asking ------------------------------------------------------------------------------ */

/* What a command says, to be freed; NULL: it fails. */
static char *ask(const char *command)
{
    char *said = NULL, some[4096];
    size_t size, got;
    FILE *flux = popen(command, "re"), *out = flux ? open_memstream(&said, &size) : NULL;
    while (out && (got = fread(some, 1, sizeof some, flux)) > 0)
        fwrite(some, 1, got, out);
    bool failed = !out || fclose(out);
    if ((flux && pclose(flux)) || failed) {
        free(said);
        return NULL;
    }
    return said;
}

/* ---- R ----------------------------------------------------------------------------------- */

/* The value behind a name in JSON, from its first letter on; NULL: there is none before `end`. */
static char *value_of(char *text, const char *end, const char *name)
{
    char quoted[32];
    int length = snprintf(quoted, sizeof quoted, "\"%s\"", name);
    for (char *at = text; (at = strstr(at, quoted)) && at < end; at += length) {
        char *value = at + length + strspn(at + length, " \t\r\n");
        if (*value != ':')
            continue;
        value++;
        return value + strspn(value, " \t\r\n");
    }
    return NULL;
}

/* The end of the object or the list that begins there; NULL: it has none. */
static char *end_of(char *text)
{
    int depth = 0;
    bool quoted = false;
    for (char *at = text; *at; at++) {
        if (*at == '"')
            quoted = !quoted;
        depth += !quoted && (*at == '{' || *at == '[');
        depth -= !quoted && (*at == '}' || *at == ']');
        if (!depth)
            return at;
    }
    return NULL;
}

/* The next "a" or "a-b" of a quoted set, "0-3,8" or "[0-3,8]"; false: there is no more. */
static bool next_range(const char **set, long *first, long *last)
{
    char *end;
    *set += strspn(*set, "\"[,");
    *first = *last = strtol(*set, &end, 10);
    if (end == *set)
        return false;
    if (*end == '-')
        *last = strtol(end + 1, &end, 10);
    *set = end;
    return *last >= *first;
}

static int count_set(const char *set)
{
    int count = 0;
    for (long first, last; next_range(&set, &first, &last);)
        count += (int)(last - first + 1);
    return count;
}

static rp_status add_names(char *list, const char *end, struct hosts *hosts, struct error *error)
{
    rp_status status = RP_OK;
    for (char *at = list; !status && (at = strchr(at, '"')) && at < end;) {
        char *name = at + 1, *stop = strchr(name, '"');
        if (!stop)
            break;
        *stop = '\0';
        status = hosts_add_compressed(hosts, name, error);
        at = stop + 1;
    }
    return status;
}

/* An object of R_lite: its nodes have so many cores each. */
static void add_slots(char *object, const char *end, struct hosts *hosts)
{
    const char *ranks = value_of(object, end, "rank"), *cores = value_of(object, end, "core");
    for (long first, last; ranks && cores && next_range(&ranks, &first, &last);)
        for (long rank = first; rank <= last && rank < hosts->count; rank++)
            hosts->one[rank].slots = count_set(cores);
}

/* False: that is no R, or one without nodes. */
static bool read_resources(char *text, struct hosts *hosts)
{
    char *last = text + strlen(text);
    char *lite = value_of(text, last, "R_lite"), *lite_end = lite ? end_of(lite) : NULL;
    char *names = value_of(text, last, "nodelist"), *names_end = names ? end_of(names) : NULL;
    if (!lite_end || !names_end || add_names(names, names_end, hosts, NULL) || !hosts->count)
        return false;
    for (int i = 0; i < hosts->count; i++)
        hosts->one[i].slots = 0;
    for (char *object = lite; (object = strchr(object, '{')) && object < lite_end;) {
        char *end = end_of(object);
        if (!end)
            break;
        add_slots(object, end, hosts);
        object = end;
    }
    return true;
}

/* ---- The whole --------------------------------------------------------------------------- */

rp_status batch_read_flux(char *const *environment, struct hosts *hosts, struct error *error)
{
    (void)environment;
    struct hosts read = {0};
    char *said = ask("flux resource R 2>/dev/null");
    bool known = said && read_resources(said, &read);
    free(said);
    if (known) {
        *hosts = read;
        return RP_OK;
    }
    hosts_free(&read);
    said = ask("flux getattr hostlist");
    if (!said)
        return error_set(error, RP_LAUNCH,
                         "FLUX_URI is set, but `flux getattr hostlist` does not say which nodes there are");
    said[strcspn(said, "\n")] = '\0';
    rp_status status = hosts_add_compressed(hosts, said, error);
    free(said);
    return status;
}
