#define _GNU_SOURCE
#include "node/hierarchy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether `word` is one of those that commas divide in the `length` bytes at `list`. An empty
 * list holds the empty word. */
static bool list_has(const char *list, size_t length, const char *word)
{
    size_t size = strlen(word);
    for (const char *end = list + length;; list++) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma ? comma : end;
        if ((size_t)(stop - list) == size && memcmp(list, word, size) == 0)
            return true;
        if (!comma)
            return false;
        list = comma;
    }
}

/* The group of the calling process in the controller's hierarchy, from lines such as
 * "4:cpu,cpuacct:/batch/job7" (v1) and "0::/batch/job7" (v2). To be freed; NULL if in none. */
static char *group_find(const char *groups, const char *controller)
{
    for (const char *line = groups; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *list = strchr(line, ':');
        const char *path = list ? strchr(list + 1, ':') : NULL;
        if (path && list_has(list + 1, (size_t)(path - list - 1), controller))
            return strndup(path + 1, strcspn(path + 1, "\n"));
    }
    return NULL;
}

/* A line of mountinfo: what of the file system is mounted, where, and of which kind. */
struct mount {
    char *shown; /* the part of the hierarchy, "/" for all of it */
    char *point;
    const char *type;
    const char *options;
};

/* mountinfo writes blanks, newlines and backslashes in names as \ and three octal digits. */
static void octal_undo(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned byte;
        if (*from == '\\' && sscanf(from + 1, "%3o", &byte) == 1 && strlen(from) >= 4) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "31 23 0:28 /shown /point rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct": the fields
 * before the dash vary in number. Cuts the line up. */
static bool mount_parse(char *line, struct mount *mount)
{
    char *dash = strstr(line, " - ");
    if (!dash)
        return false;
    *dash = '\0';
    char *state, *before[5], *after[3];
    before[0] = strtok_r(line, " ", &state);
    for (int i = 1; i < 5; i++)
        before[i] = before[i - 1] ? strtok_r(NULL, " ", &state) : NULL;
    after[0] = strtok_r(dash + 3, " ", &state);
    for (int i = 1; i < 3; i++)
        after[i] = after[i - 1] ? strtok_r(NULL, " ", &state) : NULL;
    if (!before[4] || !after[2])
        return false;
    *mount = (struct mount){before[3], before[4], after[0], after[2]};
    octal_undo(mount->shown);
    octal_undo(mount->point);
    return true;
}

static bool mount_serves(const struct mount *mount, const char *controller)
{
    if (controller[0] == '\0')
        return strcmp(mount->type, "cgroup2") == 0;
    return strcmp(mount->type, "cgroup") == 0 && list_has(mount->options, strlen(mount->options), controller);
}

/* What follows `shown` in `group`, "" if they are the same; NULL if the group lies elsewhere. */
static const char *path_below(const char *group, const char *shown)
{
    size_t length = strcmp(shown, "/") == 0 ? 0 : strlen(shown);
    if (strncmp(group, shown, length) != 0 || (group[length] != '\0' && group[length] != '/'))
        return NULL;
    return strcmp(group + length, "/") == 0 ? "" : group + length;
}

/* The directory of `group`, with in *top the length of its part that is the mount point. Cuts
 * `mounts` up. */
static char *directory_find(char *mounts, const char *controller, const char *group, size_t *top)
{
    char *fallback = NULL, *directory = NULL, *state;
    bool usable = strstr(group, "/..") == NULL;
    for (char *line = strtok_r(mounts, "\n", &state); line && !directory;
         line = strtok_r(NULL, "\n", &state)) {
        struct mount mount;
        if (!mount_parse(line, &mount) || !mount_serves(&mount, controller))
            continue;
        *top = strlen(mount.point);
        const char *below = usable ? path_below(group, mount.shown) : NULL;
        if (below && asprintf(&directory, "%s%s", mount.point, below) < 0)
            directory = NULL;
        else if (!below && !fallback)
            fallback = strdup(mount.point);
    }
    if (directory) {
        free(fallback);
        return directory;
    }
    *top = fallback ? strlen(fallback) : 0;
    return fallback;
}

char *node_hierarchy_find(const char *groups, const char *mountinfo, const char *controller, size_t *top)
{
    char *group = group_find(groups, controller);
    char *mounts = strdup(mountinfo);
    char *directory = group && mounts ? directory_find(mounts, controller, group, top) : NULL;
    free(mounts);
    free(group);
    return directory;
}
