/* The types whose values are numbers. */
#define _GNU_SOURCE
#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char not_whole[] = "not a whole number";
static const char too_large[] = "too large";

/* ---- Whole numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, then what *end points to. */
static const char *parse_digits(const char *text, int base, uint64_t *value, const char **end)
{
    char *stop;
    if (!is_digit(text[0]))
        return not_whole;
    errno = 0;
    *value = strtoull(text, &stop, base);
    *end = stop;
    return errno ? too_large : NULL;
}

static const char *parse_whole(const char *text, uint64_t most, uint64_t *value)
{
    const char *end, *wrong = parse_digits(text, 10, value, &end);
    if (!wrong && *end)
        wrong = not_whole;
    return wrong ? wrong : *value > most ? too_large : NULL;
}

static const char *int_parse(const struct option *option, const char *text, void *field)
{
    uint64_t value = 0;
    bool minus = text[0] == '-';
    const char *wrong = parse_whole(text + minus, INT_MAX, &value);
    (void)option;
    if (!wrong)
        *(int *)field = minus ? -(int)value : (int)value;
    return wrong;
}

static bool int_given(const void *field)
{
    return *(const int *)field != 0;
}

static bool int_on(const void *field)
{
    return *(const int *)field > 0;
}

static const char *int_check(const struct option *option, const void *field)
{
    return option->never_negative && *(const int *)field < 0 ? "a request below 0" : NULL;
}

static void int_show(const void *field, char *text, size_t size)
{
    snprintf(text, size, "%d", *(const int *)field);
}

const struct value_type value_int = {
    .size = sizeof(int),
    .shown = "NUMBER",
    .allowed = "a whole number",
    .negative = true,
    .parse = int_parse,
    .given = int_given,
    .on = int_on,
    .check = int_check,
    .show = int_show,
};

/* ---- Sizes ---- */

static const char *count_parse(const struct option *option, const char *text, void *field)
{
    uint64_t value = 0;
    bool minus = text[0] == '-';
    const char *wrong = parse_whole(text + minus, PTRDIFF_MAX, &value);
    (void)option;
    if (!wrong)
        *(size_t *)field = minus ? (size_t)0 - (size_t)value : (size_t)value;
    return wrong;
}

/* How far a suffix shifts; 0 for anything else. */
static int shift_of(char suffix)
{
    static const char suffixes[] = "KMGTkmgt";
    const char *at = suffix ? strchr(suffixes, suffix) : NULL;
    return at ? 10 * (int)((at - suffixes) % 4 + 1) : 0;
}

static const char *bytes_parse(const struct option *option, const char *text, void *field)
{
    uint64_t value = 0;
    const char *end, *wrong;
    if (text[0] == '-')
        return count_parse(option, text, field);
    wrong = parse_digits(text, 10, &value, &end);
    if (wrong)
        return wrong;
    int shift = shift_of(*end);
    if (end[shift > 0])
        return "not a number of bytes";
    if (value > (uint64_t)PTRDIFF_MAX >> shift)
        return too_large;
    *(size_t *)field = (size_t)value << shift;
    return NULL;
}

static bool size_given(const void *field)
{
    return *(const size_t *)field != 0;
}

static bool size_on(const void *field)
{
    size_t value = *(const size_t *)field;
    return value > 0 && value <= PTRDIFF_MAX;
}

static void size_show(const void *field, char *text, size_t size)
{
    snprintf(text, size, "%td", (ptrdiff_t) * (const size_t *)field);
}

static const char *nothing_wrong(const struct option *option, const void *field)
{
    (void)option, (void)field;
    return NULL;
}

const struct value_type value_count = {
    .size = sizeof(size_t),
    .shown = "NUMBER",
    .allowed = "a whole number",
    .negative = true,
    .parse = count_parse,
    .given = size_given,
    .on = size_on,
    .check = nothing_wrong,
    .show = size_show,
};

const struct value_type value_bytes = {
    .size = sizeof(size_t),
    .shown = "BYTES",
    .allowed = "a whole number of bytes, which K, M, G or T multiply by powers of 1024",
    .negative = true,
    .parse = bytes_parse,
    .given = size_given,
    .on = size_on,
    .check = nothing_wrong,
    .show = size_show,
};

/* ---- Seeds ---- */

static const char *seed_parse(const struct option *option, const char *text, void *field)
{
    uint64_t value = 0;
    const char *end, *wrong;
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    (void)option;
    wrong = parse_digits(text, hexadecimal ? 16 : 10, &value, &end);
    if (!wrong && *end)
        wrong = not_whole;
    if (!wrong)
        *(uint64_t *)field = value;
    return wrong;
}

static bool seed_given(const void *field)
{
    return *(const uint64_t *)field != 0;
}

static void seed_show(const void *field, char *text, size_t size)
{
    snprintf(text, size, "%" PRIu64, *(const uint64_t *)field);
}

const struct value_type value_seed = {
    .size = sizeof(uint64_t),
    .shown = "NUMBER",
    .allowed = "a whole number from 0 to 2^64 - 1, decimal or with 0x",
    .parse = seed_parse,
    .given = seed_given,
    .on = seed_given,
    .check = nothing_wrong,
    .show = seed_show,
};

/* ---- Seconds ---- */

/* strtod, with a point whatever the program's locale says. */
static double parse_double(const char *text, char **end)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return strtod(text, end);
    double value = strtod_l(text, end, plain);
    freelocale(plain);
    return value;
}

static const char *seconds_check(const struct option *option, const void *field)
{
    (void)option;
    return isfinite(*(const double *)field) ? NULL : "not a finite number";
}

static const char *seconds_parse(const struct option *option, const char *text, void *field)
{
    char *end;
    double value = parse_double(text, &end);
    if (end == text || *end || text[0] == ' ')
        return "not a number";
    *(double *)field = value;
    return seconds_check(option, field);
}

static bool seconds_given(const void *field)
{
    return *(const double *)field != 0;
}

static bool seconds_on(const void *field)
{
    return *(const double *)field > 0;
}

static void seconds_show(const void *field, char *text, size_t size)
{
    snprintf(text, size, "%g", *(const double *)field);
}

const struct value_type value_seconds = {
    .size = sizeof(double),
    .shown = "SECONDS",
    .allowed = "a number of seconds",
    .negative = true,
    .parse = seconds_parse,
    .given = seconds_given,
    .on = seconds_on,
    .check = seconds_check,
    .show = seconds_show,
};
