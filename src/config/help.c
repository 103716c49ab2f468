/* options_help. */
#include <string.h>

#include "config/options.h"
#include "config/table.h"
#include "config/value.h"

static void print_choices(FILE *out, const char *const *choices)
{
    for (const char *const *choice = choices; *choice; choice++)
        fprintf(out, "%s%s", choice == choices ? ": " : ", ", *choice);
}

static void print_row(FILE *out, const struct option *option)
{
    int room = 36 - (int)strlen(option->variable);
    fprintf(out, "  %s=%-*s %s", option->variable, room - 1, option->type->shown, option->help);
    if (option->choices)
        print_choices(out, option->choices);
    if (option->fallback)
        fprintf(out, " (default %s)", option->fallback);
    fputc('\n', out);
}

void options_help(FILE *out)
{
    fputs("Options of a pool, as environment variables. In the code they are fields of rp_options, in\n"
          "small letters without RANKPOOL_, and beat the environment. 0 or nothing means the default,\n"
          "a number below 0 means off.\n\n",
          out);
    for (const struct option *option = option_table; option->name; option++)
        if (option->variable)
            print_row(out, option);
}
