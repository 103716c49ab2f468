#define _GNU_SOURCE
#include "func/func.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static int one(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 1;
}

static int two(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 2;
}

/* Any pointer as a function pointer. */
static rp_fn *as_function(const void *pointer)
{
    rp_fn *fn;
    memcpy(&fn, &pointer, sizeof fn);
    return fn;
}

static rp_fn *function_of_libc(void)
{
    void *(*of_libc)(size_t) = malloc;
    rp_fn *fn;
    memcpy(&fn, &of_libc, sizeof fn);
    return fn;
}

TEST_CASE(a_function_comes_back_from_its_name)
{
    rp_fn *const functions[] = {one, two, function_of_libc(), one, function_of_libc(), two};
    struct func_cache sender = {0}, receiver = {0};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct func_ref ref;
        rp_fn *back = NULL;
        struct error error = {0};
        check_note("%zu: %s", i, error.text);
        REQUIRE_STATUS(func_encode(&sender, functions[i], &ref, &error), RP_OK);
        REQUIRE_STATUS(func_decode(&receiver, ref, NULL, &back, &error), RP_OK);
        CHECK(back == functions[i]);
    }
}

TEST_CASE(functions_of_the_program_carry_its_id)
{
    struct func_cache cache = {0};
    struct func_ref ref;
    REQUIRE_STATUS(func_encode(&cache, one, &ref, NULL), RP_OK);
    CHECK_UINT(ref.module, func_program(NULL));
    CHECK(ref.module != 0);
    struct func_ref other;
    REQUIRE_STATUS(func_encode(&cache, two, &other, NULL), RP_OK);
    CHECK(other.offset != ref.offset);
}

TEST_CASE(more_modules_than_the_cache_holds_keep_their_names)
{
    struct func_cache cache = {0};
    struct func_ref first, again;
    REQUIRE_STATUS(func_encode(&cache, one, &first, NULL), RP_OK);
    for (int i = 0; i < 3 * FUNC_CACHE_SLOTS; i++) {
        cache.slots[i % FUNC_CACHE_SLOTS] = (struct func_segment){0};
        REQUIRE_STATUS(func_encode(&cache, function_of_libc(), &again, NULL), RP_OK);
        REQUIRE_STATUS(func_encode(&cache, one, &again, NULL), RP_OK);
        CHECK_UINT(again.offset, first.offset);
    }
}

TEST_CASE(a_pointer_that_is_no_function_is_refused_with_a_sentence)
{
    static int data = 1;
    int on_stack = 0;
    void *on_heap = malloc(16);
    const struct {
        const void *pointer;
        const char *part;
    } cases[] = {
        {NULL, "NULL"},
        {on_heap, "outside the program"},
        {&on_stack, "outside the program"},
        {&data, "data of the program"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct func_cache cache = {0};
        struct func_ref ref = {5, 6};
        struct error error;
        check_note("case %zu", i);
        CHECK_STATUS(func_encode(&cache, as_function(cases[i].pointer), &ref, &error), RP_INVALID);
        CHECK_HAS(error.text, cases[i].part);
        CHECK_UINT(ref.module, 5);
        CHECK_STATUS(func_encode(&cache, as_function(cases[i].pointer), &ref, NULL), RP_INVALID);
    }
    free(on_heap);
}

TEST_CASE(an_offset_outside_the_code_is_refused_with_a_sentence)
{
    struct func_cache cache = {0};
    struct func_ref ref;
    struct error error;
    rp_fn *fn = NULL;
    REQUIRE_STATUS(func_encode(&cache, one, &ref, NULL), RP_OK);
    const uint64_t offsets[] = {0, ref.offset + (UINT64_C(1) << 32), UINT64_MAX, UINT64_C(0) - ref.offset};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        check_note("offset %#llx", (unsigned long long)offsets[i]);
        struct func_ref wrong = {ref.module, offsets[i]};
        CHECK_STATUS(func_decode(&cache, wrong, NULL, &fn, &error), RP_MISMATCH);
        CHECK_HAS(error.text, "no code");
        CHECK(fn == NULL);
    }
}

TEST_CASE(a_module_that_is_not_loaded_is_refused_with_a_sentence)
{
    struct func_cache cache = {0};
    struct error error;
    rp_fn *fn = NULL;
    CHECK_STATUS(func_decode(&cache, (struct func_ref){0x1234, 16}, NULL, &fn, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "0000000000001234");
    CHECK_STATUS(func_decode(&cache, (struct func_ref){0, 0}, NULL, &fn, &error), RP_MISMATCH);
    CHECK(fn == NULL);
}

TEST_CASE(a_loaded_module_has_an_absolute_path)
{
    struct func_cache cache = {0};
    struct func_ref ref;
    char path[FUNC_PATH_MAX], real[FUNC_PATH_MAX] = "";
    struct error error;
    REQUIRE_STATUS(func_module_path(func_program(NULL), path, &error), RP_OK);
    REQUIRE(realpath("/proc/self/exe", real));
    CHECK_STR(path, real);
    REQUIRE_STATUS(func_encode(&cache, function_of_libc(), &ref, NULL), RP_OK);
    REQUIRE_STATUS(func_module_path(ref.module, path, &error), RP_OK);
    CHECK_INT(path[0], '/');
    CHECK_STATUS(func_module_path(0x1234, path, &error), RP_INVALID);
    CHECK_HAS(error.text, "0000000000001234");
}
