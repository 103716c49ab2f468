/* Items of 2.5 GiB in maps: from and to memory of the program, and in place. */
#include "suite/large.h"

TEST_CASE(a_map_takes_and_gives_an_item_of_2_and_a_half_gibibytes)
{
    rp_pool *pool = large_open(11);
    unsigned char *in = large_make(), *out = calloc(1, ITEM);
    size_t size = 0;
    REQUIRE(out);
    CHECK_STATUS(
        rp_map_with(pool, large_answer, in, ITEM, 1, out, ITEM, RP_MAP_OPTIONS(.sizes = &size), NULL), RP_OK);
    CHECK_STR(rp_last_error(pool), "");
    CHECK_UINT(size, ITEM);
    CHECK_UINT(large_count_wrong(out, 100), 0);
    free(in);
    free(out);
    suite_close(pool);
}

/* Of three items the one in the middle is not touched, and takes no memory; the last one begins behind
 * 4 GiB. */
static int look(rp_call *call, const void *in, size_t size)
{
    size_t index = rp_call_index(call), wrong = size != ITEM;
    if (!wrong && index != 1)
        wrong = large_count_wrong(in, index);
    return wrong ? rp_fail(call, "%zu pages are wrong", wrong) : rp_return(call, &size, sizeof size);
}

TEST_CASE(items_in_memory_of_the_pool_are_found_beyond_4_gibibytes)
{
    rp_pool *pool = large_open(6);
    unsigned char *in = rp_alloc(pool, 3 * ITEM);
    size_t sizes[3] = {0, 0, 0};
    REQUIRE(in);
    for (size_t i = 0; i < 3; i += 2)
        large_mark(in + i * ITEM, i);
    CHECK_STATUS(rp_map_with(pool, look, in, ITEM, 3, sizes, sizeof *sizes,
                             RP_MAP_OPTIONS(.schedule = "static"),
                             NULL), /* the last one has a post of its own */
                 RP_OK);
    CHECK_STR(rp_last_error(pool), "");
    CHECK_UINT(sizes[0], ITEM);
    CHECK_UINT(sizes[2], ITEM);
    rp_free(pool, in);
    suite_close(pool);
}

static int produce(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    if (rp_call_index(call) == 1)
        return 0;
    unsigned char *room = rp_reserve(call, ITEM);
    if (!room)
        return rp_fail(call, "no room");
    large_mark(room, rp_call_index(call));
    return 0;
}

TEST_CASE(results_in_memory_of_the_pool_are_put_beyond_4_gibibytes)
{
    rp_pool *pool = large_open(6);
    unsigned char *out = rp_alloc(pool, 3 * ITEM);
    REQUIRE(out);
    CHECK_STATUS(rp_map_range(pool, produce, 0, 3, out, ITEM), RP_OK);
    CHECK_STR(rp_last_error(pool), "");
    for (size_t i = 0; i < 3; i += 2)
        CHECK_UINT(large_count_wrong(out + i * ITEM, i), 0);
    rp_free(pool, out);
    suite_close(pool);
}
