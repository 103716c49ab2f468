#include "config/refuse.h"

#include <stdio.h>
#include <string.h>

#include "config/value.h"

#define SAID_MAX    200 /* bytes of a value that a sentence repeats */
#define ALLOWED_MAX 160

/* "RANKPOOL_WORKERS=abc", "rp_options.workers = -3" or "option workers=abc". */
static void say_origin(const struct option *option, enum origin origin, const char *text, char said[SAID_MAX])
{
    static const struct {
        const char *before, *between;
    } parts[] = {
        [ORIGIN_CODE] = {"rp_options.", " = "},
        [ORIGIN_ENVIRONMENT] = {"", "="},
        [ORIGIN_TEXT] = {"option ", "="},
    };
    snprintf(said, SAID_MAX, "%s%s%s%.100s", parts[origin].before,
             origin == ORIGIN_ENVIRONMENT ? option->variable : option->name, parts[origin].between, text);
}

static void say_allowed(const struct option *option, char said[ALLOWED_MAX])
{
    if (option->choices) {
        size_t length = 0;
        said[0] = '\0';
        for (const char *const *choice = option->choices; *choice && length < ALLOWED_MAX; choice++)
            length += (size_t)snprintf(said + length, ALLOWED_MAX - length, "%s%s",
                                       choice == option->choices ? ""
                                       : choice[1]               ? ", "
                                                                 : " or ",
                                       *choice);
        return;
    }
    const char *below = !option->type->negative  ? ""
                        : option->never_negative ? " from 0 up"
                                                 : ", below 0 for off";
    snprintf(said, ALLOWED_MAX, "%s%s", option->type->allowed, below);
}

rp_status refuse_value(const struct option *option, enum origin origin, const char *text, const char *wrong,
                       struct error *error)
{
    char said[SAID_MAX], allowed[ALLOWED_MAX];
    say_origin(option, origin, text, said);
    say_allowed(option, allowed);
    return error_set(error, RP_INVALID, "%s: %s; it takes %s", said, wrong, allowed);
}
