/* Options that cannot be are refused by the open, in the code and in the environment. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <stdlib.h>

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

static void refuse_options(const rp_options *options, rp_status wanted, const char *part)
{
    rp_pool *none = NULL;
    check_note("%s", part);
    rp_status status = rp_open(options, &none);
    CHECK_STATUS(status, wanted);
    CHECK_HAS(rp_last_error(NULL), part);
    CHECK(!none);
    rp_close(&none);
    check_note("%s", "");
}

TEST_CASE(wrong_option_values_are_refused)
{
    refuse_options(RP_OPTIONS(.workers = -1), RP_INVALID, "workers");
    refuse_options(RP_OPTIONS(.per = "planet"), RP_INVALID, "planet");
    refuse_options(RP_OPTIONS(.per = ""), RP_INVALID, "per");
    refuse_options(RP_OPTIONS(.schedule = "fair"), RP_INVALID, "fair");
    refuse_options(RP_OPTIONS(.initializer = nothing, .initarg_size = 8), RP_INVALID, "initarg");
}

TEST_CASE(limits_without_isolation_are_refused)
{
    refuse_options(RP_OPTIONS(.timeout = 2.5), RP_INVALID, "timeout");
    refuse_options(RP_OPTIONS(.task_memory = 1 << 20), RP_INVALID, "task_memory");
}

TEST_CASE(what_is_off_may_be_said_to_be_off)
{
    rp_pool *pool =
        suite_open(RP_OPTIONS(.isolate = -1, .timeout = -1, .retries = -1, .progress = -1)); /* off */
    suite_close(pool);
}

TEST_CASE(structs_of_a_wrong_size_are_refused)
{
    rp_pool *none = NULL;
    rp_options options = RP_OPTIONS_INIT;
    static const size_t sizes[] = {0, 1, 7, 9, SIZE_MAX, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        options.size = sizes[i];
        refuse_options(&options, RP_INVALID, "rp_options");
    }
    CHECK(!none);
    rp_pool *pool = suite_open(NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rp_map_options map = RP_MAP_OPTIONS_INIT;
        map.size = sizes[i];
        CHECK_STATUS(rp_map_with(pool, nothing, NULL, 0, 5, NULL, 0, &map, NULL), RP_INVALID);
        CHECK_HAS(rp_last_error(pool), "rp_map_options");
    }
    CHECK_STATUS(rp_map(pool, nothing, NULL, 0, 5, NULL, 0), RP_OK);
    suite_close(pool);
}

TEST_CASE(structs_of_older_and_newer_headers_are_taken)
{
    struct {
        rp_options known;
        size_t unknown;
    } newer = {RP_OPTIONS_INIT, 0};
    newer.known.size = sizeof newer;
    newer.known.seed = 5;
    suite_close(suite_open(&newer.known));
    newer.unknown = 1;
    refuse_options(&newer.known, RP_INVALID, "newer");
    rp_options older = RP_OPTIONS_INIT;
    older.size = offsetof(rp_options, per);
    suite_close(suite_open(&older));
}

TEST_CASE(options_are_set_by_name_or_refused)
{
    rp_options options = RP_OPTIONS_INIT;
    CHECK_STATUS(rp_options_set(&options, "chunk", "64"), RP_OK);
    CHECK_UINT(options.chunk, 64);
    CHECK_STATUS(rp_options_set(&options, "memory_per_worker", "2G"), RP_OK);
    CHECK_UINT(options.memory_per_worker, (size_t)2 << 30);
    static const char *const wrong[][2] = {
        {"chunks", "64"},        {"workers", "abc"},         {"workers", "-2"}, {"workers", "1e3"},
        {"workers", ""},         {"workers", "99999999999"}, {"schedule", "x"}, {"seed", "-1"},
        {"progress", "perhaps"}, {"initializer", "f"},       {"", ""}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_note("%s=%s", wrong[i][0], wrong[i][1]);
        CHECK_STATUS(rp_options_set(&options, wrong[i][0], wrong[i][1]), RP_INVALID);
        CHECK_HAS(rp_last_error(NULL), wrong[i][0]);
    }
    CHECK_STATUS(rp_options_set(NULL, "chunk", "1"), RP_INVALID);
    CHECK_STATUS(rp_options_set(&options, NULL, "1"), RP_INVALID);
    CHECK_STATUS(rp_options_set(&options, "chunk", NULL), RP_INVALID);
    CHECK_UINT(options.chunk, 64);
    CHECK_INT(options.workers, 0);
}

static void refuse_variable(const char *name, const char *value, rp_status status)
{
    setenv(name, value, 1);
    refuse_options(NULL, status, name);
    unsetenv(name);
}

TEST_CASE(wrong_values_in_the_environment_are_refused)
{
    refuse_variable("RANKPOOL_WORKERS", "abc", RP_INVALID);
    refuse_variable("RANKPOOL_WORKERS", "-1", RP_INVALID);
    refuse_variable("RANKPOOL_CHUNK", "12x", RP_INVALID);
    refuse_variable("RANKPOOL_SCHEDULE", "fair", RP_INVALID);
    refuse_variable("RANKPOOL_PER", "planet", RP_INVALID);
    refuse_variable("RANKPOOL_SEED", "many", RP_INVALID);
    refuse_variable("RANKPOOL_TIMEOUT", "1", RP_INVALID);
    /* What the code sets beats it. */
    setenv("RANKPOOL_SCHEDULE", "fair", 1);
    suite_close(suite_open(RP_OPTIONS(.schedule = "guided")));
    unsetenv("RANKPOOL_SCHEDULE");
}
