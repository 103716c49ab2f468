#include "calls.h"

TEST_CASE(a_pool_is_opened)
{
    //! [rp_open]
    rp_pool *pool;
    if (rp_open(RP_OPTIONS(.per = "core", .schedule = "dynamic"), &pool)) {
        fprintf(stderr, "%s\n", rp_last_error(NULL));
        exit(1);
    }
    //! [rp_open]
    suite_close(pool);
}

TEST_CASE(a_pool_is_closed)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_close]
    if (rp_close(&pool)) /* finishes what is queued, and sets pool to NULL */
        fprintf(stderr, "some work is not done: %s\n", rp_last_error(NULL));
    //! [rp_close]
    CHECK(!pool);
}

TEST_CASE(what_has_not_started_is_cancelled)
{
    rp_pool *pool = suite_open(NULL);
    double x = 3;
    for (int i = 0; i < 100; i++)
        CHECK_STATUS(rp_submit(pool, square, &x, sizeof x, NULL), RP_OK);
    //! [rp_cancel_all]
    size_t cancelled = 0;
    size_t left_out = rp_cancel_all(pool);
    fprintf(stderr, "%zu tasks will not run\n", left_out);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
        if (rp_result(future, NULL) == RP_CANCELLED)
            cancelled++;
    //! [rp_cancel_all]
    CHECK_UINT(cancelled, left_out);
    suite_close(pool);
}

TEST_CASE(the_manager_knows_itself)
{
    rp_pool *pool = suite_open(NULL);
    bool said = false;
    //! [rp_is_manager]
    if (rp_is_manager(pool)) /* in other ranks of rp_open_comm: rp_serve(pool) */
        said = printf("%d workers\n", rp_workers(pool)) > 0;
    //! [rp_is_manager]
    CHECK(said);
    suite_close(pool);
}

TEST_CASE(a_pool_is_described)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_describe]
    const char *sizing = rp_describe(pool);
    fprintf(stderr, "%s\n", sizing); /* "2 cores, 2 usable: 2 workers, one per core, bound" */
    //! [rp_describe]
    CHECK(*sizing);
    suite_close(pool);
}

TEST_CASE(the_last_error_is_a_sentence)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_last_error]
    if (rp_map_range(pool, square, 10, 0, NULL, 0))
        fprintf(stderr, "%s\n", rp_last_error(pool)); /* "rp_map_range: it ends at 0, before its begin 10" */
    //! [rp_last_error]
    CHECK_STR(rp_last_error(pool), "rp_map_range: it ends at 0, before its begin 10");
    suite_close(pool);
}
