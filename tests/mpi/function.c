/* Any function of the program or of a library it has loaded is a task, whenever that was. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGINS 6 /* more than a process remembers the places of at a time */

/* ---- Of the program -------------------------------------------------------------------------------- */

#define TASK(number)                                                                                         \
    static int task_##number(rp_call *call, const void *in, size_t size)                                     \
    {                                                                                                        \
        int answer = number;                                                                                 \
        (void)in, (void)size;                                                                                \
        return rp_return(call, &answer, sizeof answer);                                                      \
    }                                                                                                        \
    static rp_fn task_##number

TASK(0);
TASK(1);
TASK(2);
TASK(3);
TASK(4);
TASK(5);
TASK(6);
TASK(7);

static rp_fn *const tasks[] = {task_0, task_1, task_2, task_3, task_4, task_5, task_6, task_7};

int exported_task(rp_call *call, const void *in, size_t size);
int exported_task(rp_call *call, const void *in, size_t size)
{
    return task_7(call, in, size);
}

static int ask(rp_pool *pool, rp_fn *fn)
{
    rp_future *future;
    rp_view view;
    int answer = -1;
    if (!CHECK_STATUS(rp_submit(pool, fn, NULL, 0, &future), RP_OK))
        return -1;
    if (CHECK_STATUS(rp_result(future, &view), RP_OK))
        memcpy(&answer, view.data, sizeof answer);
    rp_release(&future);
    return answer;
}

/* Every process answers the same. */
static void ask_all(rp_pool *pool, rp_fn *fn, int wanted)
{
    int out[200];
    CHECK_STATUS(rp_map_with(pool, fn, NULL, 0, 200, out, sizeof *out, RP_MAP_OPTIONS(.chunk = 1), NULL),
                 RP_OK);
    for (int i = 0; i < 200; i++)
        if (!CHECK_INT(out[i], wanted))
            break;
    CHECK_INT(ask(pool, fn), wanted);
}

TEST_CASE(static_and_exported_functions_of_the_program_are_tasks)
{
    rp_pool *pool = suite_open(NULL);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 8; i++)
            ask_all(pool, tasks[i], i);
    ask_all(pool, exported_task, 7);
    suite_close(pool);
}

TEST_CASE(tasks_of_different_functions_may_be_under_way_at_once)
{
    rp_pool *pool = suite_open(NULL);
    for (int i = 0; i < 4000; i++)
        REQUIRE_STATUS(rp_submit(pool, tasks[i * 5 % 8], NULL, 0, NULL), RP_OK);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        int answer;
        REQUIRE_STATUS(rp_result(future, &view), RP_OK);
        memcpy(&answer, view.data, sizeof answer);
        if (!CHECK_UINT(answer, rp_index(future) * 5 % 8))
            break;
    }
    suite_close(pool);
}

/* ---- Of libraries ----------------------------------------------------------------------------------- */

static void plugin_path(char *path, size_t size, int number)
{
    snprintf(path, size, "%s/librankpool_plugin%d.so", PLUGIN_FOLDER, number);
}

static void *plugin_load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        CHECK_FAILED("%s", dlerror());
        check_leave();
    }
    return library;
}

/* A function pointer from dlsym, as POSIX has it. */
static rp_fn *plugin_task(void *library)
{
    rp_fn *fn;
    *(void **)&fn = dlsym(library, "plugin_task");
    REQUIRE(fn);
    return fn;
}

static rp_fn *plugin_hidden(void *library)
{
    rp_fn *(*hidden)(void);
    *(void **)&hidden = dlsym(library, "plugin_hidden");
    REQUIRE(hidden);
    return hidden();
}

TEST_CASE(functions_of_libraries_loaded_later_are_tasks)
{
    void *library[PLUGINS];
    char path[4096];
    rp_pool *pool = suite_open(NULL);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < PLUGINS; i++) {
            check_note("round %d, plugin %d", round, i);
            plugin_path(path, sizeof path, i);
            if (round == 0)
                library[i] = plugin_load(path);
            ask_all(pool, plugin_task(library[i]), i);
            ask_all(pool, plugin_hidden(library[i]), i);
            ask_all(pool, tasks[i], i);
        }
    suite_close(pool);
    pool = suite_open(NULL);
    ask_all(pool, plugin_task(library[1]), 1);
    suite_close(pool);
}

TEST_CASE(a_librarys_function_may_be_an_initializer)
{
    char path[4096];
    plugin_path(path, sizeof path, 2);
    void *library = plugin_load(path);
    rp_pool *pool =
        suite_open(RP_OPTIONS(.initializer = plugin_task(library), .finalizer = plugin_hidden(library)));
    ask_all(pool, task_3, 3);
    suite_close(pool);
}

static bool copy_file(const char *from, const char *to)
{
    char buffer[65536];
    size_t length;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    bool good = in && out;
    while (good && (length = fread(buffer, 1, sizeof buffer, in)))
        good = fwrite(buffer, 1, length, out) == length;
    if (in)
        fclose(in);
    return (!out || fclose(out) == 0) && good;
}

TEST_CASE(a_library_whose_file_is_gone_fails_its_tasks_with_a_sentence)
{
    char path[4096], folder[] = "/tmp/rankpool-plugin-XXXXXX", copy[64];
    rp_pool *pool = suite_open(NULL);
    suite_need_workers(pool, 1);
    plugin_path(path, sizeof path, PLUGINS); /* one that no other case loads */
    REQUIRE(mkdtemp(folder));
    snprintf(copy, sizeof copy, "%s/plugin.so", folder);
    REQUIRE(copy_file(path, copy));
    void *library = plugin_load(copy);
    unlink(copy);
    rmdir(folder);

    rp_future *future;
    rp_status status = rp_submit(pool, plugin_task(library), NULL, 0, &future);
    if (!status) {
        status = rp_result(future, NULL);
        CHECK_HAS(rp_error(future), copy);
        rp_release(&future);
    }
    CHECK(status == RP_MISMATCH || status == RP_INVALID);
    CHECK_HAS(rp_last_error(pool), copy);
    rp_map_report report = {.done = 0};
    status = rp_map_with(pool, plugin_task(library), NULL, 0, 1000, NULL, 0, NULL, &report);
    if (suite_executors(pool) == rp_workers(pool)) /* the manager itself could have run all of them */
        CHECK(status == RP_MISMATCH || status == RP_INVALID);
    ask_all(pool, task_1, 1);
    suite_close(pool);
}

/* ---- What is no function ---------------------------------------------------------------------------- */

static int data = 7;

static void refuse(rp_pool *pool, const void *address)
{
    rp_fn *fn;
    rp_future *future = NULL;
    memcpy(&fn, &address, sizeof fn);
    CHECK_STATUS(rp_submit(pool, fn, NULL, 0, &future), RP_INVALID);
    CHECK(!future);
    CHECK(rp_last_error(pool)[0]);
    CHECK_STATUS(rp_map(pool, fn, NULL, 0, 10, NULL, 0), RP_INVALID);
    CHECK_STATUS(rp_map_range(pool, fn, 0, 10, NULL, 0), RP_INVALID);
    rp_pool *none = NULL;
    rp_status status = rp_open(RP_OPTIONS(.initializer = fn), &none);
    CHECK_STATUS(status, fn ? RP_INVALID : RP_OK);
    rp_close(&none);
    status = rp_open(RP_OPTIONS(.finalizer = fn), &none);
    CHECK_STATUS(status, fn ? RP_INVALID : RP_OK);
    rp_close(&none);
}

TEST_CASE(pointers_that_are_no_function_are_refused)
{
    rp_pool *pool = suite_open(NULL);
    char *heap = malloc(100), stack[100] = "";
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check_note("NULL");
    refuse(pool, NULL);
    check_note("heap");
    refuse(pool, heap);
    check_note("stack");
    refuse(pool, stack);
    check_note("a page");
    refuse(pool, page);
    check_note("data");
    refuse(pool, &data);
    check_note("a number");
    refuse(pool, (void *)(uintptr_t)1);
    check_note("the highest address");
    refuse(pool, (void *)UINTPTR_MAX);
    ask_all(pool, task_1, 1);
    munmap(page, 4096);
    free(heap);
    suite_close(pool);
}
