/* Lists of strings: arguments and environments, "NAME=value". Adding to a list that ran out of
 * memory does nothing; `short_of_memory` is looked at once, after the last addition. */
#ifndef RANKPOOL_LAUNCH_LIST_H
#define RANKPOOL_LAUNCH_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <rankpool/rankpool.h>

struct list {
    char **items; /* NULL-terminated; NULL while nothing was added */
    size_t count, capacity;
    bool short_of_memory;
};

/* Adds a copy. */
void list_add(struct list *list, const char *text);
void list_addf(struct list *list, const char *format, ...) RP_PRINTF(2, 3);
void list_free(struct list *list);

/* The value of `name` in a NULL-terminated environment; NULL if it is not in there. */
const char *list_value(char *const *environment, const char *name);

/* Whether "NAME=value" begins with one of these prefixes, the last of which is NULL. */
bool list_has_prefix(const char *item, const char *const *prefixes);

/* Adds the strings of a block of memory, each of which ends in a zero byte. */
void list_add_block(struct list *list, const char *block, size_t size);

/* Reads a file to its end into memory to be freed, with a zero byte behind it; NULL with errno. */
char *list_read_file(const char *path, size_t *size);

#endif
