#include "calls.h"

static rp_queue *open_queue(rp_pool *pool, size_t capacity)
{
    rp_queue *queue = NULL;
    REQUIRE_STATUS(rp_queue_open(pool, capacity, &queue), RP_OK);
    return queue;
}

static void close_queue(rp_queue *queue)
{
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
}

TEST_CASE(a_queue_is_opened)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_queue_open]
    rp_queue *queue = NULL;
    if (rp_queue_open(pool, 100, &queue)) /* of at most 100 items */
        fprintf(stderr, "%s\n", rp_last_error(pool));
    //! [rp_queue_open]
    CHECK(queue);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(items_are_put_in)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    //! [rp_put]
    for (int i = 0; i < 3; i++)
        if (rp_put(queue, &i, sizeof i, 10)) /* copied; waits for 10 seconds at most */
            fprintf(stderr, "%s\n", rp_last_error(pool));
    //! [rp_put]
    rp_view view;
    CHECK_STATUS(rp_get(queue, &view, 0), RP_OK);
    CHECK_INT(*(const int *)view.data, 0);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(items_are_taken_out)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    CHECK_STATUS(rp_put(queue, &(int){3}, sizeof(int), 0), RP_OK);
    CHECK_STATUS(rp_put(queue, &(int){4}, sizeof(int), 0), RP_OK);
    //! [rp_get]
    int sum = 0;
    rp_view view;
    while (rp_get(queue, &view, 0) == RP_OK) /* what is there; RP_FOREVER waits for more */
        sum += *(const int *)view.data;
    //! [rp_get]
    CHECK_INT(sum, 7);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_queue_is_closed)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    //! [rp_queue_close]
    if (rp_queue_close(&queue)) /* tasks that use its number get RP_CLOSED from now on */
        fprintf(stderr, "%s\n", rp_last_error(pool));
    //! [rp_queue_close]
    CHECK(!queue);
    suite_close(pool);
}

//! [rp_call_put]
static int produce(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue = *(const rp_queue_id *)in; /* of rp_queue_id_of */
    for (int i = 1; i <= 4; i++) {
        rp_status status = rp_call_put(call, queue, &i, sizeof i, RP_FOREVER);
        if (status)
            return rp_fail(call, "item %d: %s", i, rp_strerror(status));
    }
    return 0;
}
//! [rp_call_put]

TEST_CASE(a_task_gets_the_number_of_a_queue)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    //! [rp_queue_id_of]
    int sum = 0;
    rp_queue_id id = rp_queue_id_of(queue); /* a plain value, for inputs */
    if (rp_submit(pool, produce, &id, sizeof id, NULL))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    for (rp_view view; rp_get(queue, &view, RP_FOREVER) == RP_OK;) /* until nobody can put any more */
        sum += *(const int *)view.data;
    //! [rp_queue_id_of]
    CHECK_INT(sum, 10);
    close_queue(queue);
    suite_close(pool);
}

//! [rp_call_get]
static int consume(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue = *(const rp_queue_id *)in; /* of rp_queue_id_of */
    rp_view view;
    int sum = 0;
    while (rp_call_get(call, queue, &view, 0) == RP_OK)
        sum += *(const int *)view.data;
    return rp_return(call, &sum, sizeof sum);
}
//! [rp_call_get]

TEST_CASE(tasks_empty_a_queue)
{
    int sums[2];
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    rp_queue_id in[2] = {rp_queue_id_of(queue), rp_queue_id_of(queue)};
    for (int i = 1; i <= 4; i++)
        CHECK_STATUS(rp_put(queue, &i, sizeof i, 0), RP_OK);
    CHECK_STATUS(rp_map(pool, consume, in, sizeof *in, 2, sums, sizeof *sums), RP_OK);
    CHECK_INT(sums[0] + sums[1], 10);
    close_queue(queue);
    suite_close(pool);
}
