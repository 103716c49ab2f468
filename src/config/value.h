/* The types that options have: text to value, value to text, and what is wrong with a value. A
 * `field` points to a member of rp_options of the row's type.
 *
 * Sizes are unsigned, yet "negative means off" holds for them too: (size_t)-1 and all from half
 * the range up are taken as the negative numbers that the user wrote. */
#ifndef RANKPOOL_CONFIG_VALUE_H
#define RANKPOOL_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/table.h"

struct value_type {
    const char *shown;   /* in the help, "NUMBER" */
    const char *allowed; /* what a value is, to follow "it takes"; NULL: the row's choices */
    size_t size;         /* bytes of the field */
    bool negative;       /* has negative values: they mean off, unless the row forbids them */

    /* Parses the whole text; NULL, or what is wrong with it. NULL where the type has no text. */
    const char *(*parse)(const struct option *option, const char *text, void *field);

    /* Not zero, which means that the default is wanted. */
    bool (*given)(const void *field);

    /* Turned on: neither zero nor off. */
    bool (*on)(const void *field);

    /* NULL, or what is wrong with a value that may come from the code. */
    const char *(*check)(const struct option *option, const void *field);

    /* The value as it would be written in C. */
    void (*show)(const void *field, char *text, size_t size);
};

extern const struct value_type value_int;     /* int */
extern const struct value_type value_switch;  /* int: on, off, auto */
extern const struct value_type value_count;   /* size_t */
extern const struct value_type value_bytes;   /* size_t, text with K, M, G, T */
extern const struct value_type value_seed;    /* uint64_t */
extern const struct value_type value_seconds; /* double */
extern const struct value_type value_name;    /* const char *, one of the choices */
extern const struct value_type value_path;    /* const char * */
extern const struct value_type value_code;    /* set by code alone: never looked at */

#endif
