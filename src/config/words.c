/* The types whose values are words: switches, names and paths. */
#include <stdio.h>
#include <string.h>

#include "config/value.h"

static const char *nothing_wrong(const struct option *option, const void *field)
{
    (void)option, (void)field;
    return NULL;
}

/* ---- Switches ---- */

static const char *switch_parse(const struct option *option, const char *text, void *field)
{
    static const struct {
        const char *word;
        int value;
    } words[] = {{"on", 1}, {"off", -1}, {"auto", 0}, {"1", 1}, {"-1", -1}, {"0", 0}};
    (void)option;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i].word) == 0) {
            *(int *)field = words[i].value;
            return NULL;
        }
    }
    return "not a switch";
}

static bool switch_given(const void *field)
{
    return *(const int *)field != 0;
}

static bool switch_on(const void *field)
{
    return *(const int *)field > 0;
}

static void switch_show(const void *field, char *text, size_t size)
{
    snprintf(text, size, "%d", *(const int *)field);
}

const struct value_type value_switch = {
    .size = sizeof(int),
    .shown = "SWITCH",
    .allowed = "on (1), off (-1) or auto (0)",
    .parse = switch_parse,
    .given = switch_given,
    .on = switch_on,
    .check = nothing_wrong,
    .show = switch_show,
};

/* ---- Texts ---- */

static const char *text_of(const void *field)
{
    return *(const char *const *)field;
}

static bool text_given(const void *field)
{
    return text_of(field) != NULL;
}

static bool text_on(const void *field)
{
    return text_of(field) && *text_of(field);
}

static void text_show(const void *field, char *text, size_t size)
{
    snprintf(text, size, "\"%s\"", text_of(field) ? text_of(field) : "");
}

static const char *text_parse(const struct option *option, const char *text, void *field)
{
    *(const char **)field = text;
    return option->type->check(option, field);
}

static const char *name_check(const struct option *option, const void *field)
{
    for (const char *const *choice = option->choices; *choice; choice++)
        if (strcmp(text_of(field), *choice) == 0)
            return NULL;
    return "no such name";
}

const struct value_type value_name = {
    .size = sizeof(char *),
    .shown = "NAME",
    .parse = text_parse,
    .given = text_given,
    .on = text_on,
    .check = name_check,
    .show = text_show,
};

const struct value_type value_path = {
    .size = sizeof(char *),
    .shown = "FILE",
    .allowed = "the name of a file",
    .parse = text_parse,
    .given = text_given,
    .on = text_on,
    .check = nothing_wrong,
    .show = text_show,
};

const struct value_type value_code = {.shown = NULL};
