/* An item of 2.5 GiB, in and out, as a task and through a stream; and shared. */
#include "suite/large.h"

TEST_CASE(a_task_takes_and_gives_2_and_a_half_gibibytes)
{
    rp_pool *pool = large_open(11);
    unsigned char *in = large_make();
    rp_future *future;
    rp_view view = {NULL, 0};
    REQUIRE_STATUS(rp_submit(pool, large_answer, in, ITEM, &future), RP_OK);
    free(in);
    CHECK_STATUS(rp_result(future, &view), RP_OK);
    CHECK_STR(rp_error(future), "");
    suite_close(pool);
    if (CHECK_UINT(view.size, ITEM))
        CHECK_UINT(large_count_wrong(view.data, 100), 0);
    rp_release(&future);
}

struct flow {
    unsigned char *item;
    size_t drawn, given, wrong;
};

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    *item = (rp_view){flow->item, ITEM};
    return flow->drawn < 1 ? (int)++flow->drawn : 0;
}

static int take(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    flow->given++;
    CHECK_STR(status ? error : "", "");
    CHECK_UINT(result.size, ITEM);
    flow->wrong += status || result.size != ITEM || large_count_wrong(result.data, 100 + index);
    return 0;
}

TEST_CASE(a_stream_takes_and_gives_an_item_of_2_and_a_half_gibibytes)
{
    rp_pool *pool = large_open(11);
    struct flow flow = {.item = large_make()};
    CHECK_STATUS(rp_stream(pool, large_answer, draw, take, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, 1);
    CHECK_UINT(flow.wrong, 0);
    free(flow.item);
    suite_close(pool);
}

static int inspect_share(rp_call *call, const void *in, size_t size)
{
    rp_share_id id;
    size_t length, wrong = ITEM;
    memcpy(&id, in, sizeof id);
    const void *shared = size == sizeof id ? rp_shared(call, id, &length) : NULL;
    if (!shared || length != ITEM || (wrong = large_count_wrong(shared, 0)) != 0)
        return rp_fail(call, "%zu pages are wrong", wrong);
    return 0;
}

TEST_CASE(tasks_share_2_and_a_half_gibibytes)
{
    rp_pool *pool = large_open(6);
    unsigned char *table = large_make();
    rp_share_id id[2];
    REQUIRE_STATUS(rp_share(pool, table, ITEM, &id[0]), RP_OK);
    free(table);
    id[1] = id[0];
    CHECK_STATUS(rp_map(pool, inspect_share, id, sizeof *id, 2, NULL, 0), RP_OK);
    CHECK_STR(rp_last_error(pool), "");
    CHECK_STATUS(rp_unshare(pool, id[0]), RP_OK);
    suite_close(pool);
}
