#define _GNU_SOURCE
#include "node/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads to the end into a buffer that doubles: such files tell no size. */
static char *text_read(int fd)
{
    size_t size = 0, capacity = 4096;
    char *text = malloc(capacity);
    while (text) {
        ssize_t got = read(fd, text + size, capacity - size - 1);
        if (got < 0)
            break;
        if (got == 0) {
            text[size] = '\0';
            return text;
        }
        size += (size_t)got;
        if (capacity - size > 1)
            continue;
        char *larger = realloc(text, capacity *= 2);
        if (!larger)
            break;
        text = larger;
    }
    free(text);
    return NULL;
}

char *node_file_read(const char *root, const char *path)
{
    char full[PATH_MAX];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    if (length < 0 || (size_t)length >= sizeof full)
        return NULL;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = text_read(fd);
    close(fd);
    return text;
}

const char *node_file_field(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0)
            return line + length + strspn(line + length, " \t");
    }
    return NULL;
}
