#define _GNU_SOURCE
#include "config/options.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "config/table.h"

/* No option in the environment, whatever this test was started with. */
static void clear_environment(void)
{
    for (const struct option *option = option_table; option->name; option++)
        if (option->variable)
            unsetenv(option->variable);
}

/* Resolves with one variable set; the caller frees. */
static rp_status resolve_with(const char *variable, const char *value, const rp_options *given,
                              struct options *out, struct error *error)
{
    clear_environment();
    setenv(variable, value, 1);
    rp_status status = options_resolve(given, out, error);
    clear_environment();
    return status;
}

static int some_task(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

TEST_CASE(nothing_given_is_all_defaults)
{
    struct options options;
    clear_environment();
    REQUIRE_STATUS(options_resolve(NULL, &options, NULL), RP_OK);
    CHECK_INT(options.workers, 0);
    CHECK_STR(options.per, "core");
    CHECK_INT(options.schedule, SCHEDULE_AUTO);
    CHECK_UINT(options.memory_per_worker, 0);
    CHECK_UINT(options.chunk, 0);
    CHECK_UINT(options.window, 0);
    CHECK(!options.isolate);
    CHECK_NEAR(options.timeout, 0, 0);
    CHECK_INT(options.retries, 0);
    CHECK_UINT(options.seed, 0);
    CHECK(options.journal == NULL);
    CHECK_INT(options.progress, 0);
    CHECK(options.initializer == NULL && options.finalizer == NULL && options.initarg == NULL);
    options_free(&options);
}

TEST_CASE(code_beats_environment_beats_default)
{
    struct options options;
    REQUIRE_STATUS(resolve_with("RANKPOOL_WORKERS", "3", NULL, &options, NULL), RP_OK);
    CHECK_INT(options.workers, 3);
    REQUIRE_STATUS(resolve_with("RANKPOOL_WORKERS", "3", RP_OPTIONS(.workers = 5), &options, NULL), RP_OK);
    CHECK_INT(options.workers, 5);
    REQUIRE_STATUS(resolve_with("RANKPOOL_SCHEDULE", "guided", NULL, &options, NULL), RP_OK);
    CHECK_INT(options.schedule, SCHEDULE_GUIDED);
    REQUIRE_STATUS(
        resolve_with("RANKPOOL_SCHEDULE", "guided", RP_OPTIONS(.schedule = "static"), &options, NULL), RP_OK);
    CHECK_INT(options.schedule, SCHEDULE_STATIC);
    REQUIRE_STATUS(resolve_with("RANKPOOL_PER", "", NULL, &options, NULL), RP_OK);
    CHECK_STR(options.per, "core");
}

TEST_CASE(a_negative_number_in_the_code_turns_off_what_the_environment_turns_on)
{
    struct options options;
    const rp_options *off = RP_OPTIONS(.chunk = (size_t)-1, .isolate = -1, .timeout = -1, .retries = -2,
                                       .task_memory = (size_t)-1, .journal = "", .progress = -7);
    clear_environment();
    setenv("RANKPOOL_CHUNK", "64", 1);
    setenv("RANKPOOL_ISOLATE", "on", 1);
    setenv("RANKPOOL_TIMEOUT", "2.5", 1);
    setenv("RANKPOOL_RETRIES", "2", 1);
    setenv("RANKPOOL_TASK_MEMORY", "1G", 1);
    setenv("RANKPOOL_JOURNAL", "a/file", 1);
    setenv("RANKPOOL_PROGRESS", "on", 1);
    struct error error = {0};
    rp_status status = options_resolve(off, &options, &error);
    clear_environment();
    check_note("%s", error.text);
    REQUIRE_STATUS(status, RP_OK);
    CHECK_UINT(options.chunk, 0);
    CHECK(!options.isolate);
    CHECK_NEAR(options.timeout, 0, 0);
    CHECK_INT(options.retries, -2);
    CHECK_UINT(options.task_memory, 0);
    CHECK(options.journal == NULL);
    CHECK_INT(options.progress, -1);
}

TEST_CASE(the_environment_can_turn_off_as_well)
{
    static const char *const variables[] = {"RANKPOOL_ISOLATE",     "RANKPOOL_TIMEOUT", "RANKPOOL_RETRIES",
                                            "RANKPOOL_TASK_MEMORY", "RANKPOOL_CHUNK",   "RANKPOOL_PROGRESS"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        struct options options;
        check_note("%s", variables[i]);
        CHECK_STATUS(resolve_with(variables[i], "-1", NULL, &options, NULL), RP_OK);
        CHECK_INT(options.progress, strcmp(variables[i], "RANKPOOL_PROGRESS") ? 0 : -1);
    }
}

TEST_CASE(values_in_text_are_read)
{
    static const struct {
        const char *variable, *text;
        uint64_t value;
    } cases[] = {
        {"RANKPOOL_MEMORY_PER_WORKER", "12", 12},
        {"RANKPOOL_MEMORY_PER_WORKER", "3K", 3 << 10},
        {"RANKPOOL_MEMORY_PER_WORKER", "3m", 3 << 20},
        {"RANKPOOL_MEMORY_PER_WORKER", "5G", UINT64_C(5) << 30},
        {"RANKPOOL_MEMORY_PER_WORKER", "2T", UINT64_C(2) << 40},
        {"RANKPOOL_MEMORY_PER_WORKER", "8388607T", UINT64_C(8388607) << 40},
        {"RANKPOOL_CHUNK", "010", 10},
        {"RANKPOOL_WINDOW", "4096", 4096},
        {"RANKPOOL_SEED", "18446744073709551615", UINT64_MAX},
        {"RANKPOOL_SEED", "0xFf", 255},
        {"RANKPOOL_WORKERS", "2147483647", INT32_MAX},
        {"RANKPOOL_PROGRESS", "on", 1},
        {"RANKPOOL_PROGRESS", "auto", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options;
        check_note("%s=%s", cases[i].variable, cases[i].text);
        REQUIRE_STATUS(resolve_with(cases[i].variable, cases[i].text, NULL, &options, NULL), RP_OK);
        uint64_t found = options.memory_per_worker + options.chunk + options.window + options.seed +
                         (uint64_t)options.workers + (uint64_t)options.progress;
        CHECK_UINT(found, cases[i].value);
    }
}

TEST_CASE(garbage_in_the_environment_is_refused_with_variable_value_and_what_is_allowed)
{
    static const struct {
        const char *variable, *text, *part;
    } cases[] = {
        {"RANKPOOL_WORKERS", "abc", "not a whole number; it takes a whole number from 0 up"},
        {"RANKPOOL_WORKERS", "-3", "a request below 0"},
        {"RANKPOOL_WORKERS", "4 ", "not a whole number"},
        {"RANKPOOL_WORKERS", " 4", "not a whole number"},
        {"RANKPOOL_WORKERS", "1e3", "not a whole number"},
        {"RANKPOOL_WORKERS", "--1", "not a whole number"},
        {"RANKPOOL_WORKERS", "2147483648", "too large"},
        {"RANKPOOL_CHUNK", "64K", "not a whole number"},
        {"RANKPOOL_CHUNK", "18446744073709551616", "too large"},
        {"RANKPOOL_CHUNK", "9223372036854775808", "too large"},
        {"RANKPOOL_MEMORY_PER_WORKER", "1.5G", "K, M, G or T"},
        {"RANKPOOL_MEMORY_PER_WORKER", "3KB", "not a number of bytes"},
        {"RANKPOOL_MEMORY_PER_WORKER", "K", "not a whole number"},
        {"RANKPOOL_MEMORY_PER_WORKER", "8388608T", "too large"},
        {"RANKPOOL_SEED", "-1", "not a whole number"},
        {"RANKPOOL_SEED", "0x", "not a whole number"},
        {"RANKPOOL_SEED", "18446744073709551616", "too large"},
        {"RANKPOOL_TIMEOUT", "soon", "not a number; it takes a number of seconds"},
        {"RANKPOOL_TIMEOUT", "inf", "not a finite number"},
        {"RANKPOOL_TIMEOUT", "nan", "not a finite number"},
        {"RANKPOOL_PROGRESS", "yes", "on (1), off (-1) or auto (0)"},
        {"RANKPOOL_PER", "socket", "core, thread, l3, numa or package"},
        {"RANKPOOL_SCHEDULE", "Static", "auto, static, dynamic, guided, factoring or adaptive"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options = {.workers = 77};
        struct error error = {0};
        char origin[64];
        snprintf(origin, sizeof origin, "%s=%s: ", cases[i].variable, cases[i].text);
        CHECK_STATUS(resolve_with(cases[i].variable, cases[i].text, NULL, &options, &error), RP_INVALID);
        CHECK_HAS(error.text, origin);
        CHECK_HAS(error.text, cases[i].part);
        CHECK_INT(options.workers, 77);
        CHECK_STATUS(resolve_with(cases[i].variable, cases[i].text, NULL, &options, NULL), RP_INVALID);
    }
}

TEST_CASE(wrong_values_in_the_code_are_refused_with_field_and_value)
{
    const struct {
        const rp_options *given;
        const char *part;
    } cases[] = {
        {RP_OPTIONS(.workers = -3), "rp_options.workers = -3: a request below 0"},
        {RP_OPTIONS(.per = "socket"), "rp_options.per = \"socket\": no such name; it takes core, "},
        {RP_OPTIONS(.per = ""), "rp_options.per = \"\": no such name"},
        {RP_OPTIONS(.schedule = "fair"), "rp_options.schedule = \"fair\": no such name; it takes auto, "},
        {RP_OPTIONS(.timeout = NAN), "rp_options.timeout = nan"},
        {RP_OPTIONS(.initarg_size = 4), "initarg is NULL"},
    };
    clear_environment();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options;
        struct error error = {0};
        CHECK_STATUS(options_resolve(cases[i].given, &options, &error), RP_INVALID);
        CHECK_HAS(error.text, cases[i].part);
    }
}

TEST_CASE(limits_of_tasks_need_isolation)
{
    struct options options;
    struct error error = {0};
    clear_environment();
    CHECK_STATUS(options_resolve(RP_OPTIONS(.timeout = 0.5), &options, &error), RP_INVALID);
    CHECK_HAS(error.text, "timeout");
    CHECK_HAS(error.text, "isolate");
    CHECK_STATUS(resolve_with("RANKPOOL_TASK_MEMORY", "1M", NULL, &options, &error), RP_INVALID);
    CHECK_HAS(error.text, "task_memory");
    CHECK_STATUS(resolve_with("RANKPOOL_TIMEOUT", "2", RP_OPTIONS(.isolate = 1), &options, &error), RP_OK);
    CHECK(options.isolate);
    CHECK_NEAR(options.timeout, 2, 0);
}

TEST_CASE(the_resolved_options_own_their_contents)
{
    char per[] = "numa", argument[] = "hello";
    rp_options given = {.size = sizeof given};
    struct options options;
    clear_environment();
    given.per = per;
    given.initarg = argument;
    given.initarg_size = sizeof argument;
    given.initializer = some_task;
    given.finalizer = some_task;
    REQUIRE_STATUS(options_resolve(&given, &options, NULL), RP_OK);
    memset(per, 'x', sizeof per);
    memset(argument, 'x', sizeof argument);
    CHECK_STR(options.per, "numa");
    CHECK_UINT(options.initarg_size, sizeof argument);
    CHECK_MEM(options.initarg, "hello", sizeof argument);
    CHECK(options.initializer == some_task && options.finalizer == some_task);
    options_free(&options);
    CHECK(options.initarg == NULL);
    options_free(&options);
}

/* Goes over to a locale with a decimal comma: one of the machine's, or one made in `folder`. */
static bool set_comma_locale(const char *folder)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    char command[256];
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
        if (setlocale(LC_ALL, locales[i]))
            return true;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >'%s/log' 2>&1", folder,
             folder);
    return system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 && setlocale(LC_ALL, "de_DE.UTF-8");
}

TEST_CASE(seconds_are_written_with_a_point_in_every_locale)
{
    char folder[] = "/tmp/rankpool-locale-XXXXXX", command[64];
    REQUIRE(mkdtemp(folder));
    bool comma = set_comma_locale(folder);
    struct options options;
    struct error error = {0};
    rp_status status = resolve_with("RANKPOOL_TIMEOUT", "-0.5", NULL, &options, &error);
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    CHECK_INT(system(command), 0);
    if (!comma)
        SKIP_CASE("there is no locale with a decimal comma, nor can one be made");
    CHECK_STATUS(status, RP_OK);
}

TEST_CASE(an_older_programs_shorter_struct_is_fine)
{
    struct options options;
    clear_environment();
    rp_options *given = malloc(sizeof *given);
    REQUIRE(given);
    memset(given, 'x', sizeof *given); /* what follows a shorter struct is not ours */
    memset(given, 0, offsetof(rp_options, seed));
    given->size = offsetof(rp_options, seed);
    given->workers = 3;
    CHECK_STATUS(options_resolve(given, &options, NULL), RP_OK);
    CHECK_INT(options.workers, 3);
    CHECK_UINT(options.seed, 0);
    CHECK(options.initializer == NULL);

    struct error error = {0};
    CHECK_STATUS(options_set(given, "workers", "4", &error), RP_OK);
    CHECK_INT(given->workers, 4);
    CHECK_STATUS(options_set(given, "seed", "4", &error), RP_INVALID);
    CHECK_HAS(error.text, "newer than the header");
    free(given);
}

TEST_CASE(a_newer_programs_longer_struct_is_fine_while_it_asks_nothing_new)
{
    struct {
        rp_options known;
        double unknown;
    } given = {.known = {.size = sizeof given, .workers = 3}};
    struct options options;
    struct error error = {0};
    clear_environment();
    CHECK_STATUS(options_resolve(&given.known, &options, NULL), RP_OK);
    CHECK_INT(options.workers, 3);
    given.unknown = 1;
    CHECK_STATUS(options_resolve(&given.known, &options, &error), RP_INVALID);
    CHECK_HAS(error.text, "RP_OPTIONS");
}

TEST_CASE(a_size_that_no_header_gave_is_refused)
{
    static const size_t sizes[] = {0, 1, sizeof(rp_options) + 4, SIZE_MAX, SIZE_MAX - 7, 1 << 20};
    clear_environment();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rp_options given = {.size = sizes[i]};
        struct options options;
        struct error error = {0};
        check_note("size %zu", sizes[i]);
        CHECK_STATUS(options_resolve(&given, &options, &error), RP_INVALID);
        CHECK_HAS(error.text, "RP_OPTIONS(...)");
        CHECK_STATUS(options_set(&given, "workers", "1", &error), RP_INVALID);
        CHECK_INT(given.workers, 0);
    }
}

TEST_CASE(fields_are_set_by_name)
{
    rp_options options = {.size = sizeof options};
    CHECK_STATUS(options_set(&options, "workers", "8", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "per", "l3", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "memory_per_worker", "2G", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "schedule", "factoring", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "chunk", "64", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "window", "9", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "isolate", "off", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "timeout", "-1", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "task_memory", "0", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "retries", "0", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "seed", "77", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "journal", "", NULL), RP_OK);
    CHECK_STATUS(options_set(&options, "progress", "on", NULL), RP_OK);
    CHECK_INT(options.workers, 8);
    CHECK_STR(options.per, "l3");
    CHECK_UINT(options.memory_per_worker, (size_t)2 << 30);
    CHECK_STR(options.schedule, "factoring");
    CHECK_UINT(options.chunk, 64);
    CHECK_UINT(options.window, 9);
    CHECK_INT(options.isolate, -1);
    CHECK_NEAR(options.timeout, -1, 0);
    CHECK_UINT(options.seed, 77);
    CHECK_INT(options.progress, 1);
    CHECK_UINT(options.size, sizeof options);
}

TEST_CASE(what_cannot_be_set_by_name_is_refused_and_nothing_changes)
{
    static const struct {
        const char *name, *value;
        rp_status status;
        const char *part;
    } cases[] = {
        {"worker", "8", RP_INVALID, "no option \"worker\"; known are workers, per, "},
        {"size", "8", RP_INVALID, "no option"},
        {"", "8", RP_INVALID, "no option"},
        {"workers", "many", RP_INVALID, "option workers=many: not a whole number"},
        {"workers", "", RP_INVALID, "not a whole number"},
        {"workers", "-1", RP_INVALID, "below 0"},
        {"schedule", "fair", RP_INVALID, "option schedule=fair: no such name"},
        {"initializer", "f", RP_INVALID, "in the code"},
        {"initarg_size", "8", RP_INVALID, "in the code"},
        {NULL, "8", RP_INVALID, "the name is NULL"},
        {"workers", NULL, RP_INVALID, "the value is NULL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rp_options options = {.size = sizeof options}, before = options;
        struct error error = {0};
        check_note("case %zu", i);
        CHECK_STATUS(options_set(&options, cases[i].name, cases[i].value, &error), cases[i].status);
        CHECK_HAS(error.text, cases[i].part);
        CHECK_MEM(&options, &before, sizeof options);
    }
    struct error error = {0};
    CHECK_STATUS(options_set(NULL, "workers", "8", &error), RP_INVALID);
    CHECK_HAS(error.text, "options is NULL");
}

TEST_CASE(a_long_value_does_not_hide_what_is_allowed)
{
    char value[5000];
    struct options options;
    struct error error = {0};
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    CHECK_STATUS(resolve_with("RANKPOOL_SCHEDULE", value, NULL, &options, &error), RP_INVALID);
    CHECK_HAS(error.text, "adaptive");
}

/* Every field of rp_options must have its row: the offsets grow and leave no gap but padding. */
TEST_CASE(every_field_has_a_row)
{
    size_t end = sizeof(size_t);
    for (const struct option *option = option_table; option->name; option++) {
        check_note("%s", option->name);
        CHECK(option->offset >= end);
        CHECK(option->offset - end <= sizeof(int));
        end = option->offset + sizeof(int);
        if (option->variable)
            CHECK_INT(strncmp(option->variable, "RANKPOOL_", 9), 0);
    }
    CHECK(sizeof(rp_options) - end <= sizeof(int));
}

TEST_CASE(the_help_names_every_variable_with_default_and_choices)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    options_help(out);
    fclose(out);
    for (const struct option *option = option_table; option->name; option++)
        if (option->variable)
            CHECK_HAS(text, option->variable);
    CHECK_HAS(text, "auto, static, dynamic, guided, factoring, adaptive (default auto)");
    CHECK_HAS(text, "RANKPOOL_CHUNK=NUMBER");
    free(text);
}

TEST_CASE(schedules_are_found_by_name_both_ways)
{
    for (int i = 0; i < SCHEDULES; i++) {
        enum schedule found = SCHEDULE_AUTO;
        CHECK(schedule_find(schedule_name((enum schedule)i), &found));
        CHECK_INT(found, i);
    }
    enum schedule found = SCHEDULE_GUIDED;
    CHECK(!schedule_find("no", &found));
    CHECK(!schedule_find("", &found));
    CHECK(!schedule_find(NULL, &found));
    CHECK_INT(found, SCHEDULE_GUIDED);
}
