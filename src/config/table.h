/* The table of options, and what the types of its rows can do. */
#ifndef RANKPOOL_CONFIG_TABLE_H
#define RANKPOOL_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <rankpool/rankpool.h>

/* A row says all there is to say of an option, but what its resolved value is used for. */
struct option {
    const char *name;     /* the field of rp_options */
    const char *variable; /* of the environment; NULL: set by code alone */
    const struct value_type *type;
    size_t offset;              /* of the field in rp_options */
    const char *fallback;       /* the default, in text; NULL: zero */
    const char *const *choices; /* of a name, ended by NULL */
    bool never_negative;        /* a negative number is a mistake, rather than "off" */
    const char *help;
};

/* The rows, ended by one without a name. */
extern const struct option option_table[];

/* The row of that name, or NULL. */
const struct option *option_find(const char *name);

/* The field of a row in a whole rp_options. */
void *option_field(const struct option *option, rp_options *options);

#endif
