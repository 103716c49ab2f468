#define _GNU_SOURCE
#include "config/options.h"

#include <stdlib.h>
#include <string.h>

#include "config/refuse.h"
#include "config/sized.h"
#include "config/table.h"
#include "config/value.h"

#define SHOWN_MAX 128 /* bytes of a value in text */

/* ---- One row ---- */

/* Parses a value that came as text, and refuses what cannot be. */
static rp_status take_text(const struct option *option, enum origin origin, const char *text, void *field,
                           struct error *error)
{
    const char *wrong = option->type->parse(option, text, field);
    if (!wrong)
        wrong = option->type->check(option, field);
    return wrong ? refuse_value(option, origin, text, wrong, error) : RP_OK;
}

/* The same for a value that came in its own type. */
static rp_status take_value(const struct option *option, const void *field, struct error *error)
{
    char shown[SHOWN_MAX];
    const char *wrong = option->type->check(option, field);
    option->type->show(field, shown, sizeof shown);
    return wrong ? refuse_value(option, ORIGIN_CODE, shown, wrong, error) : RP_OK;
}

/* Code beats environment beats default. */
static rp_status settle(const struct option *option, rp_options *options, struct error *error)
{
    void *field = option_field(option, options);
    if (option->type->given(field))
        return take_value(option, field, error);
    const char *text = getenv(option->variable);
    if (text && *text) {
        rp_status status = take_text(option, ORIGIN_ENVIRONMENT, text, field, error);
        if (status || option->type->given(field))
            return status;
    }
    if (option->fallback)
        option->type->parse(option, option->fallback, field);
    return RP_OK;
}

/* ---- The whole ---- */

static size_t size_if_on(size_t size)
{
    return value_bytes.on(&size) ? size : 0;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* The known name that equals `name`: unlike the user's text it lives for ever. */
static const char *same_name(const char *const *names, const char *name)
{
    while (strcmp(*names, name) != 0)
        names++;
    return *names;
}

static void translate(const rp_options *settled, struct options *out)
{
    *out = (struct options){
        .workers = settled->workers,
        .per = same_name(options_per_names, settled->per),
        .memory_per_worker = size_if_on(settled->memory_per_worker),
        .chunk = size_if_on(settled->chunk),
        .window = size_if_on(settled->window),
        .isolate = settled->isolate > 0,
        .timeout = settled->timeout > 0 ? settled->timeout : 0,
        .task_memory = size_if_on(settled->task_memory),
        .retries = settled->retries,
        .seed = settled->seed,
        .progress = sign(settled->progress),
        .initializer = settled->initializer,
        .finalizer = settled->finalizer,
    };
    schedule_find(settled->schedule, &out->schedule);
}

/* Limits that nobody would enforce are no limits. */
static rp_status check_limits(const struct options *options, struct error *error)
{
    if (options->isolate || !(options->timeout > 0 || options->task_memory))
        return RP_OK;
    const char *name = options->timeout > 0 ? "timeout" : "task_memory";
    return error_set(error, RP_INVALID,
                     "rp_options.%s (or %s) is given without isolate: only tasks that run in a process of "
                     "their own can be stopped; set isolate, too",
                     name, option_find(name)->variable);
}

static rp_status copy_owned(const rp_options *settled, struct options *out, struct error *error)
{
    if (settled->journal && *settled->journal && !(out->journal = strdup(settled->journal)))
        return error_set(error, RP_NO_MEMORY, "no memory for the options");
    if (settled->initarg_size == 0)
        return RP_OK;
    if (!settled->initarg)
        return error_set(error, RP_INVALID, "rp_options.initarg is NULL, but initarg_size is %zu",
                         settled->initarg_size);
    out->initarg = malloc(settled->initarg_size);
    if (!out->initarg)
        return error_set(error, RP_NO_MEMORY, "no memory for the %zu bytes of rp_options.initarg",
                         settled->initarg_size);
    memcpy(out->initarg, settled->initarg, settled->initarg_size);
    out->initarg_size = settled->initarg_size;
    return RP_OK;
}

rp_status options_resolve(const rp_options *given, struct options *out, struct error *error)
{
    rp_options settled;
    struct options resolved;
    rp_status status = sized_read(given, &settled, sizeof settled, "rp_options", "RP_OPTIONS", error);
    for (const struct option *option = option_table; option->name && !status; option++)
        if (option->variable)
            status = settle(option, &settled, error);
    if (status)
        return status;
    translate(&settled, &resolved);
    status = check_limits(&resolved, error);
    if (status)
        return status;
    status = copy_owned(&settled, &resolved, error);
    if (status) {
        options_free(&resolved);
        return status;
    }
    *out = resolved;
    return RP_OK;
}

void options_free(struct options *options)
{
    free(options->journal);
    free(options->initarg);
    *options = (struct options){0};
}

/* ---- By name ---- */

static rp_status refuse_name(const char *name, struct error *error)
{
    char known[256];
    size_t length = 0;
    for (const struct option *option = option_table; option->name && length < sizeof known; option++)
        if (option->variable)
            length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "",
                                       option->name);
    return error_set(error, RP_INVALID, "there is no option \"%.100s\"; known are %s", name, known);
}

rp_status options_set(rp_options *options, const char *name, const char *value, struct error *error)
{
    rp_options checked, parsed = {0};
    if (!options || !name || !value)
        return error_set(error, RP_INVALID, "rp_options_set: %s is NULL",
                         !options ? "options"
                         : !name  ? "the name"
                                  : "the value");
    rp_status status = sized_read(options, &checked, sizeof checked, "rp_options", "RP_OPTIONS", error);
    if (status)
        return status;
    const struct option *option = option_find(name);
    if (!option)
        return refuse_name(name, error);
    if (!option->variable)
        return error_set(error, RP_INVALID, "option %s has no value in text: set rp_options.%s in the code",
                         name, name);
    if (option->offset + option->type->size > options->size)
        return error_set(
            error, RP_INVALID,
            "option %s is newer than the header that the program was built against: build it again", name);
    status = take_text(option, ORIGIN_TEXT, value, option_field(option, &parsed), error);
    if (!status)
        memcpy(option_field(option, options), option_field(option, &parsed), option->type->size);
    return status;
}
