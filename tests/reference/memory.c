#include "calls.h"

//! [rp_share]
struct lookup {
    rp_share_id table; /* a plain value, in the input */
    size_t at;
};

static int look_up(rp_call *call, const void *in, size_t size)
{
    const struct lookup *lookup = in;
    const double *table = rp_shared(call, lookup->table, NULL);
    return table ? rp_return(call, &table[lookup->at], sizeof *table) : rp_fail(call, "there is no table");
}

static rp_status share_table(rp_pool *pool, const double *table, size_t n, rp_share_id *id)
{
    return rp_share(pool, table, n * sizeof *table, id); /* copied: the caller's may be freed now */
}
//! [rp_share]

TEST_CASE(a_table_is_shared)
{
    double table[3] = {2, 4, 8}, out = 0;
    struct lookup lookup = {.at = 2};
    rp_pool *pool = suite_open(NULL);
    REQUIRE_STATUS(share_table(pool, table, 3, &lookup.table), RP_OK);
    CHECK_STATUS(rp_map(pool, look_up, &lookup, sizeof lookup, 1, &out, sizeof out), RP_OK);
    CHECK_NEAR(out, 8, 0);
    suite_close(pool);
}

TEST_CASE(a_share_is_given_up)
{
    double table[3] = {2, 4, 8};
    rp_share_id id;
    rp_pool *pool = suite_open(NULL);
    REQUIRE_STATUS(share_table(pool, table, 3, &id), RP_OK);
    //! [rp_unshare]
    if (rp_unshare(pool, id))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    //! [rp_unshare]
    struct lookup lookup = {.table = id};
    CHECK_STATUS(rp_map(pool, look_up, &lookup, sizeof lookup, 1, NULL, 0), RP_TASK_FAILED);
    suite_close(pool);
}

TEST_CASE(arrays_are_where_all_can_reach_them)
{
    rp_pool *pool = suite_open(NULL);
    double last = 0;
    //! [rp_alloc]
    size_t n = 1000;
    double *in = rp_alloc(pool, n * sizeof *in), *out = rp_alloc(pool, n * sizeof *out);
    for (size_t i = 0; in && i < n; i++)
        in[i] = (double)i;
    if (!in || !out || rp_map(pool, square, in, sizeof *in, n, out, sizeof *out)) /* copies nothing */
        fprintf(stderr, "%s\n", rp_last_error(pool));
    else
        last = out[n - 1];
    //! [rp_alloc]
    CHECK_NEAR(last, 999 * 999, 0);
    suite_close(pool);
}

TEST_CASE(shared_memory_is_given_back)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_free]
    for (int round = 0; round < 3; round++) {
        double *block = rp_alloc(pool, 1 << 20);
        if (!block)
            break;
        block[0] = round;
        rp_free(pool, block); /* or rp_close does */
    }
    //! [rp_free]
    CHECK_STR(rp_last_error(pool), "");
    suite_close(pool);
}
