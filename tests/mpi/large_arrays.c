/* Arrays of 2^31 + 1 items of a byte, whose results are all looked at. */
#include "suite/suite.h"

#include <stdlib.h>

#define MANY  (((size_t)1 << 31) + 1)
#define BLOCK ((size_t)1 << 20)
#define GIB   ((size_t)1 << 30)

/* Items of a block are equal, and their results count through it. */
static unsigned char item_of(size_t block)
{
    return (unsigned char)data_mix(block);
}

static void fill(unsigned char *in)
{
    for (size_t at = 0; at < MANY; at += BLOCK)
        memset(in + at, item_of(at / BLOCK), MANY - at < BLOCK ? MANY - at : BLOCK);
}

/* Blocks whose results are not those of a loop. */
static size_t count_wrong(const unsigned char *out)
{
    unsigned char *wanted = malloc(BLOCK);
    size_t wrong = 0;
    REQUIRE(wanted);
    for (size_t at = 0; at < MANY; at += BLOCK) {
        unsigned char first = item_of(at / BLOCK);
        for (size_t i = 0; i < BLOCK; i++)
            wanted[i] = (unsigned char)(first + i);
        wrong += memcmp(out + at, wanted, MANY - at < BLOCK ? MANY - at : BLOCK) != 0;
    }
    free(wanted);
    return wrong;
}

static int add_index(rp_call *call, const void *in, size_t size)
{
    unsigned char value = (unsigned char)(*(const unsigned char *)in + rp_call_index(call));
    return size == 1 ? rp_return(call, &value, 1) : rp_fail(call, "%zu bytes", size);
}

static rp_pool *open_large(size_t gib)
{
    check_seconds(240);
    suite_need_memory(gib * GIB);
    return suite_open(NULL);
}

TEST_CASE(an_array_of_2_to_the_31_and_1_items_is_mapped)
{
    rp_pool *pool = open_large(5);
    unsigned char *in = malloc(MANY), *out = calloc(MANY, 1);
    rp_map_report report;
    REQUIRE(in && out);
    fill(in);
    CHECK_STATUS(rp_map_with(pool, add_index, in, 1, MANY, out, 1, NULL, &report), RP_OK);
    CHECK_UINT(report.done, MANY);
    CHECK_UINT(report.first_failed, MANY);
    CHECK_UINT(count_wrong(out), 0);
    free(in);
    free(out);
    suite_close(pool);
}

/* The last item fails, behind 2^31 good ones. */
static int add_index_or_fail(rp_call *call, const void *in, size_t size)
{
    return rp_call_index(call) == MANY - 1 ? rp_fail(call, "the last") : add_index(call, in, size);
}

TEST_CASE(the_same_array_in_memory_of_the_pool_is_mapped_in_place_and_its_last_item_may_fail)
{
    rp_pool *pool = open_large(5);
    unsigned char *in = rp_alloc(pool, MANY), *out = rp_alloc(pool, MANY);
    rp_map_report report;
    REQUIRE(in && out);
    fill(in);
    CHECK_STATUS(rp_map_with(pool, add_index_or_fail, in, 1, MANY, out, 1, NULL, &report), RP_TASK_FAILED);
    CHECK_UINT(report.done, MANY - 1);
    CHECK_UINT(report.failed, 1);
    CHECK_UINT(report.first_failed, MANY - 1);
    CHECK_HAS(report.message, "item 2147483648 failed");
    out[MANY - 1] = item_of((MANY - 1) / BLOCK); /* what it would have answered */
    CHECK_UINT(count_wrong(out), 0);
    rp_free(pool, in);
    rp_free(pool, out);
    suite_close(pool);
}
