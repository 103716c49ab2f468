#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/hosts.h"

#define NAME_MOST 256

/* A name as far as it is written, and how the rest of its pattern goes on. */
struct pattern {
    struct hosts *hosts;
    char name[NAME_MOST];
    struct error *error;
};

static rp_status expand(struct pattern *pattern, size_t length, const char *rest, const char *end);

static rp_status refuse(const struct pattern *pattern, const char *what)
{
    return error_set(pattern->error, RP_INVALID, "\"%s\" is not a list of hosts such as \"n[01-03,7],m\"",
                     what);
}

/* "01-03" and "7": as many digits as the first number has. */
static rp_status expand_range(struct pattern *pattern, size_t length, const char *range, const char *rest,
                              const char *end)
{
    char *behind;
    errno = 0;
    unsigned long first = strtoul(range, &behind, 10), last = first;
    int digits = (int)(behind - range);
    if (*behind == '-' && behind[1] >= '0' && behind[1] <= '9')
        last = strtoul(behind + 1, &behind, 10);
    if (*range < '0' || *range > '9' || (*behind != ',' && *behind != ']') || errno || last < first ||
        last - first > 100000 || digits > 20)
        return refuse(pattern, range);
    rp_status status = RP_OK;
    for (unsigned long number = first; number <= last && !status; number++) {
        int more = snprintf(pattern->name + length, NAME_MOST - length, "%0*lu", digits, number);
        if (more < 0 || (size_t)more >= NAME_MOST - length)
            return refuse(pattern, range);
        status = expand(pattern, length + (size_t)more, rest, end);
    }
    return status;
}

/* What is left of the pattern, from `rest` to `end`, behind the first `length` bytes of the name. */
static rp_status expand(struct pattern *pattern, size_t length, const char *rest, const char *end)
{
    size_t plain = strcspn(rest, "[");
    plain = plain < (size_t)(end - rest) ? plain : (size_t)(end - rest);
    if (length + plain >= NAME_MOST)
        return refuse(pattern, rest);
    memcpy(pattern->name + length, rest, plain);
    length += plain;
    pattern->name[length] = '\0';
    rest += plain;
    if (rest == end)
        return hosts_add(pattern->hosts, pattern->name, 0, pattern->error);
    const char *close = memchr(rest, ']', (size_t)(end - rest));
    if (!close)
        return refuse(pattern, rest);
    rp_status status = RP_OK;
    for (const char *range = rest + 1; range < close && !status; range += strcspn(range, ",]") + 1)
        status = expand_range(pattern, length, range, close + 1, end);
    return status;
}

/* The comma behind this host's pattern, or the end: commas in brackets are its own. */
static const char *pattern_end(const char *pattern)
{
    bool inside = false;
    for (; *pattern && (inside || *pattern != ','); pattern++)
        inside = *pattern == '[' || (inside && *pattern != ']');
    return pattern;
}

rp_status hosts_add_compressed(struct hosts *hosts, const char *list, struct error *error)
{
    struct pattern pattern = {.hosts = hosts, .error = error};
    rp_status status = RP_OK;
    for (const char *end; *list && !status; list = end + (*end == ',')) {
        end = pattern_end(list);
        status = expand(&pattern, 0, list, end);
    }
    return status;
}
