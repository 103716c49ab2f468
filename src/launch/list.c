#define _GNU_SOURCE
#include "launch/list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes `text`, which may be NULL for want of memory. */
static void list_take(struct list *list, char *text)
{
    if (text && list->count + 2 > list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        char **items = realloc(list->items, capacity * sizeof *items);
        if (items) {
            list->items = items;
            list->capacity = capacity;
        }
    }
    if (!text || list->count + 2 > list->capacity) {
        free(text);
        list->short_of_memory = true;
        return;
    }
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}

void list_add(struct list *list, const char *text)
{
    list_take(list, strdup(text));
}

void list_addf(struct list *list, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, format);
    if (vasprintf(&text, format, values) < 0)
        text = NULL;
    va_end(values);
    list_take(list, text);
}

void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct list){0};
}

const char *list_value(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

bool list_has_prefix(const char *item, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (strncmp(item, *prefixes, strlen(*prefixes)) == 0)
            return true;
    return false;
}

void list_add_block(struct list *list, const char *block, size_t size)
{
    for (size_t at = 0; at < size; at += strlen(block + at) + 1)
        list_add(list, block + at);
}

char *list_read_file(const char *path, size_t *size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    size_t capacity = 4096, length = 0;
    char *text = malloc(capacity);
    for (ssize_t got = 1; text && got;) {
        if (length + 1 == capacity) {
            char *larger = realloc(text, capacity *= 2);
            if (!larger)
                break;
            text = larger;
        }
        got = read(file, text + length, capacity - 1 - length);
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
        if (got == 0) {
            close(file);
            text[length] = '\0';
            *size = length;
            return text;
        }
    }
    int why = text ? errno : ENOMEM;
    close(file);
    free(text);
    errno = why;
    return NULL;
}
