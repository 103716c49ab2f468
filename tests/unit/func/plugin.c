/* Libraries that come, go, and come back as another build. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "func/func.h"
#include "workshop.h"

/* Loads a plugin as a user's program does. */
static void *plugin_open(const char *path, rp_fn **fn)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        check_note("%s", dlerror());
    REQUIRE(handle);
    rp_fn *(*get)(void);
    void *symbol = dlsym(handle, "plugin_task");
    REQUIRE(symbol);
    memcpy(&get, &symbol, sizeof get);
    *fn = get();
    return handle;
}

/* The name of a plugin's task; the plugin is not loaded afterwards. */
static struct func_ref name_of_plugin(const char *path)
{
    struct func_cache cache = {0};
    struct func_ref ref;
    rp_fn *fn;
    void *handle = plugin_open(path, &fn);
    REQUIRE_STATUS(func_encode(&cache, fn, &ref, NULL), RP_OK);
    REQUIRE(dlclose(handle) == 0);
    return ref;
}

static int call(rp_fn *fn)
{
    return fn(NULL, NULL, 0);
}

TEST_CASE(a_function_of_a_plugin_is_found_in_it)
{
    struct workshop shop;
    struct func_cache sender = {0}, receiver = {0};
    struct func_ref ref;
    rp_fn *fn, *back;
    char path[FUNC_PATH_MAX];
    workshop_open(&shop);
    workshop_plugin(&shop, "plugin.so", "-DANSWER=7");
    void *handle = plugin_open(workshop_path(&shop, "plugin.so"), &fn);
    for (int i = 0; i < 3; i++) {
        REQUIRE_STATUS(func_encode(&sender, fn, &ref, NULL), RP_OK);
        REQUIRE_STATUS(func_decode(&receiver, ref, NULL, &back, NULL), RP_OK);
        CHECK(back == fn);
    }
    CHECK(ref.module != func_program(NULL));
    REQUIRE_STATUS(func_module_path(ref.module, path, NULL), RP_OK);
    CHECK_STR(path, workshop_path(&shop, "plugin.so"));
    dlclose(handle);
    workshop_close(&shop);
}

TEST_CASE(a_plugin_that_is_not_loaded_is_loaded_by_its_path_for_good)
{
    struct workshop shop;
    struct func_cache cache = {0};
    struct error error = {0};
    rp_fn *fn = NULL, *again;
    workshop_open(&shop);
    workshop_plugin(&shop, "plugin.so", "-DANSWER=11");
    struct func_ref ref = name_of_plugin(workshop_path(&shop, "plugin.so"));
    CHECK_STATUS(func_decode(&cache, ref, NULL, &fn, &error), RP_MISMATCH);
    check_note("%s", error.text);
    REQUIRE_STATUS(func_decode(&cache, ref, workshop_path(&shop, "plugin.so"), &fn, &error), RP_OK);
    CHECK_INT(call(fn), 11);
    workshop_close(&shop);
    REQUIRE_STATUS(func_decode(&cache, ref, NULL, &again, &error), RP_OK);
    CHECK(again == fn);
}

TEST_CASE(two_builds_of_one_plugin_keep_apart)
{
    struct workshop shop;
    struct func_cache cache = {0};
    rp_fn *old, *new;
    workshop_open(&shop);
    const char *path = workshop_path(&shop, "plugin.so");
    workshop_plugin(&shop, "plugin.so", "-DANSWER=21");
    struct func_ref old_ref = name_of_plugin(path);
    REQUIRE_STATUS(func_decode(&cache, old_ref, path, &old, NULL), RP_OK);

    workshop_plugin(&shop, "plugin.so", "-DANSWER=22");
    workshop_plugin(&shop, "copy.so", "-DANSWER=22");
    struct func_ref new_ref = name_of_plugin(workshop_path(&shop, "copy.so"));
    CHECK(new_ref.module != old_ref.module);
    struct error error = {0};
    REQUIRE_STATUS(func_decode(&cache, new_ref, path, &new, &error), RP_OK);
    CHECK_INT(call(old), 21);
    CHECK_INT(call(new), 22);
    REQUIRE_STATUS(func_decode(&cache, old_ref, NULL, &old, NULL), RP_OK);
    CHECK_INT(call(old), 21);
    workshop_close(&shop);
}

/* The loader puts the second build where the first one was, so that a cache which did not notice
 * would give the first one's name. */
TEST_CASE(a_cache_forgets_what_was_unloaded)
{
    struct workshop shop;
    struct func_cache cache = {0};
    struct func_ref refs[2], back;
    rp_fn *fns[2], *fn;
    struct error error;
    workshop_open(&shop);
    workshop_plugin(&shop, "a.so", "-DANSWER=31");
    workshop_plugin(&shop, "b.so", "-DANSWER=32");

    void *a = plugin_open(workshop_path(&shop, "a.so"), &fns[0]);
    REQUIRE_STATUS(func_encode(&cache, fns[0], &refs[0], NULL), RP_OK);
    REQUIRE(dlclose(a) == 0);
    CHECK_STATUS(func_decode(&cache, refs[0], NULL, &fn, &error), RP_MISMATCH);
    CHECK_STATUS(func_encode(&cache, fns[0], &back, &error), RP_INVALID);

    a = plugin_open(workshop_path(&shop, "a.so"), &fns[0]);
    REQUIRE_STATUS(func_encode(&cache, fns[0], &refs[0], NULL), RP_OK);
    REQUIRE(dlclose(a) == 0);
    void *b = plugin_open(workshop_path(&shop, "b.so"), &fns[1]);
    if (fns[1] != fns[0])
        SKIP_CASE("the loader put the second plugin elsewhere");
    REQUIRE_STATUS(func_encode(&cache, fns[1], &refs[1], NULL), RP_OK);
    CHECK(refs[1].module != refs[0].module);
    CHECK_STATUS(func_decode(&cache, refs[0], NULL, &fn, &error), RP_MISMATCH);
    dlclose(b);
    workshop_close(&shop);
}

TEST_CASE(a_plugin_opened_by_a_relative_path_has_an_absolute_one)
{
    struct workshop shop;
    struct func_cache cache = {0};
    struct func_ref ref;
    rp_fn *fn;
    char path[FUNC_PATH_MAX] = "", here[FUNC_PATH_MAX];
    workshop_open(&shop);
    workshop_plugin(&shop, "odd \n(deleted) name.so", "-DANSWER=41");
    REQUIRE(getcwd(here, sizeof here));
    REQUIRE(chdir(shop.folder) == 0);
    void *handle = plugin_open("./odd \n(deleted) name.so", &fn);
    REQUIRE(chdir(here) == 0);
    REQUIRE_STATUS(func_encode(&cache, fn, &ref, NULL), RP_OK);
    CHECK_STATUS(func_module_path(ref.module, path, NULL), RP_OK);
    CHECK_STR(path, workshop_path(&shop, "odd \n(deleted) name.so"));
    unlink(path);
    CHECK_STATUS(func_module_path(ref.module, path, NULL), RP_OK);
    CHECK_STR(path, workshop_path(&shop, "odd \n(deleted) name.so"));
    dlclose(handle);
    workshop_close(&shop);
}

TEST_CASE(another_build_at_the_path_is_refused_before_it_runs)
{
    struct workshop shop;
    struct func_cache cache = {0};
    struct error error;
    rp_fn *fn = NULL;
    workshop_open(&shop);
    workshop_plugin(&shop, "plugin.so", "-DANSWER=51");
    struct func_ref ref = name_of_plugin(workshop_path(&shop, "plugin.so"));
    workshop_plugin(&shop, "plugin.so", "-DANSWER=52");
    unsetenv("PLUGIN_LOADED");
    CHECK_STATUS(func_decode(&cache, ref, workshop_path(&shop, "plugin.so"), &fn, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "another build");
    CHECK(getenv("PLUGIN_LOADED") == NULL);
    CHECK(fn == NULL);
    workshop_close(&shop);
}

TEST_CASE(a_plugin_that_cannot_be_loaded_is_told_of)
{
    struct workshop shop;
    struct func_cache cache = {0};
    struct error error;
    rp_fn *fn = NULL;
    workshop_open(&shop);
    workshop_plugin(&shop, "whole.so", "-DANSWER=61");
    struct func_ref ref = name_of_plugin(workshop_path(&shop, "whole.so"));

    CHECK_STATUS(func_decode(&cache, ref, workshop_path(&shop, "none.so"), &fn, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "No such file");
    CHECK_STATUS(func_decode(&cache, ref, "whole.so", &fn, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "not absolute");

    workshop_plugin(&shop, "bare.so", "-DANSWER=62 -Wl,--build-id=none");
    CHECK_STATUS(func_decode(&cache, ref, workshop_path(&shop, "bare.so"), &fn, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "no build-id");

    /* The same build-id by decree, so that only the loader can find the fault. */
    workshop_plugin(&shop, "whole.so", "-DANSWER=63 -Wl,--build-id=0x0123456789abcdef");
    ref = name_of_plugin(workshop_path(&shop, "whole.so"));
    workshop_plugin(&shop, "broken.so", "-DMISSING -Wl,-z,lazy -Wl,--build-id=0x0123456789abcdef");
    CHECK_STATUS(func_decode(&cache, ref, workshop_path(&shop, "broken.so"), &fn, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "missing_symbol");
    CHECK(fn == NULL);
    workshop_close(&shop);
}

TEST_CASE(a_function_of_a_plugin_without_build_id_is_refused_with_its_name)
{
    struct workshop shop;
    struct func_cache cache = {0};
    struct func_ref ref;
    struct error error;
    rp_fn *fn;
    workshop_open(&shop);
    workshop_plugin(&shop, "bare.so", "-Wl,--build-id=none");
    void *handle = plugin_open(workshop_path(&shop, "bare.so"), &fn);
    CHECK_STATUS(func_encode(&cache, fn, &ref, &error), RP_INVALID);
    CHECK_HAS(error.text, "bare.so has no build-id");
    dlclose(handle);
    workshop_close(&shop);
}
