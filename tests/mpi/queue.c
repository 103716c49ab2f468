/* Queues: order, sizes and views. */
#define _GNU_SOURCE
#include "queue_work.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- Order ------------------------------------------------------------------------------------ */

TEST_CASE(items_come_out_in_the_order_in_which_they_went_in)
{
    enum { n = 3000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    char data[n];
    data_fill(data, sizeof data, 1);
    for (size_t i = 0; i < n; i++)
        REQUIRE_STATUS(rp_put(queue, data, i % 7 ? i : 0, RP_FOREVER), RP_OK);
    for (size_t i = 0; i < n; i++) {
        rp_view view;
        REQUIRE_STATUS(rp_get(queue, &view, 0), RP_OK);
        REQUIRE(CHECK_UINT(view.size, i % 7 ? i : 0) && CHECK_MEM(view.data, data, view.size));
    }
    CHECK_STATUS(rp_get(queue, NULL, 0), RP_TIMEOUT);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_task_fills_a_queue_that_the_manager_empties_meanwhile)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    rp_future *future = submit(pool, produce, (struct job){.to = rp_queue_id_of(queue), .count = n});
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_UINT(get_number(queue), i));
    finish(future);
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_task_empties_a_queue_that_the_manager_fills_meanwhile)
{
    enum { n = 20000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0);
    stage_reset();
    rp_future *future = submit(pool, consume, (struct job){.from = rp_queue_id_of(queue)});
    for (uint64_t i = 0; i < n; i++)
        put_number(queue, i);
    CHECK_STATUS(rp_put(queue, NULL, 0, 0), RP_OK);
    finish(future);
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_INT(stage()->runs[i], 1));
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(a_bounded_queue_gives_each_item_of_many_producers_to_one_of_many_consumers)
{
    enum { n = 100000, most = 8 };
    rp_pool *pool = suite_open(NULL);
    int pairs = suite_is_alone(pool) || rp_workers(pool) < 2 ? 1 : rp_workers(pool) / 2;
    pairs = pairs < most ? pairs : most;
    rp_queue *queue = open_queue(pool, rp_workers(pool) < 2 ? 0 : 50);
    rp_future *producers[most], *consumers[most];
    uint64_t each = n / (uint64_t)pairs, taken = 0;
    stage_reset();
    for (int i = 0; i < pairs; i++)
        producers[i] =
            submit(pool, produce,
                   (struct job){.to = rp_queue_id_of(queue), .first = (uint64_t)i * each, .count = each});
    for (int i = 0; i < pairs; i++)
        consumers[i] = submit(pool, consume, (struct job){.from = rp_queue_id_of(queue)});
    for (int i = 0; i < pairs; i++)
        finish(producers[i]);
    for (int i = 0; i < pairs; i++)
        CHECK_STATUS(rp_put(queue, NULL, 0, RP_FOREVER), RP_OK);
    for (int i = 0; i < pairs; i++) {
        rp_view view;
        if (CHECK_STATUS(rp_result(consumers[i], &view), RP_OK))
            taken += number_in(view);
        rp_release(&consumers[i]);
    }
    CHECK_UINT(taken, each * (uint64_t)pairs);
    for (uint64_t i = 0; i < each * (uint64_t)pairs; i++)
        REQUIRE(CHECK_INT(stage()->runs[i], 1));
    close_queue(queue);
    suite_close(pool);
}

TEST_CASE(tasks_form_a_pipeline)
{
    enum { n = 5000 };
    rp_pool *pool = suite_open(NULL);
    rp_queue *first = open_queue(pool, 0), *second = open_queue(pool, 0);
    rp_future *producer =
        submit(pool, produce_to_the_end, (struct job){.to = rp_queue_id_of(first), .count = n});
    rp_future *squarer =
        submit(pool, square_on, (struct job){.from = rp_queue_id_of(first), .to = rp_queue_id_of(second)});
    for (uint64_t i = 0; i < n; i++)
        REQUIRE(CHECK_UINT(get_number(second), i * i));
    rp_view end;
    CHECK_STATUS(rp_get(second, &end, 30), RP_OK);
    CHECK_UINT(end.size, 0);
    finish(producer);
    finish(squarer);
    close_queue(first);
    close_queue(second);
    suite_close(pool);
}

/* ---- Sizes ------------------------------------------------------------------------------------ */

static int echo_item(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    rp_view view;
    (void)size;
    rp_status status = rp_call_get(call, job->from, &view, RP_FOREVER);
    if (!status)
        status = rp_call_put(call, job->to, view.data, view.size, RP_FOREVER);
    return status ? rp_fail(call, "%s", rp_strerror(status)) : 0;
}

TEST_CASE(items_of_any_size_pass_from_the_manager_to_a_task_and_back)
{
    static const size_t sizes[] = {0, 1, 24, 25, 63, 64, 65, 4096, 100001, (size_t)64 << 20};
    enum { n = sizeof sizes / sizeof *sizes };
    rp_pool *pool = suite_open(NULL);
    rp_queue *there = open_queue(pool, 0), *back = open_queue(pool, 0);
    for (size_t i = 0; i < n; i++) {
        char *data = malloc(sizes[i] ? sizes[i] : 1);
        rp_view view;
        REQUIRE(data);
        data_fill(data, sizes[i], i);
        rp_future *future =
            submit(pool, echo_item, (struct job){.from = rp_queue_id_of(there), .to = rp_queue_id_of(back)});
        CHECK_STATUS(rp_put(there, data, sizes[i], RP_FOREVER), RP_OK);
        REQUIRE_STATUS(rp_get(back, &view, 60), RP_OK);
        CHECK_UINT((uintptr_t)view.data % 16, 0);
        if (CHECK_UINT(view.size, sizes[i]))
            CHECK(memcmp(view.data, data, sizes[i]) == 0);
        finish(future);
        free(data);
    }
    close_queue(there);
    close_queue(back);
    suite_close(pool);
}

TEST_CASE(the_memory_of_items_is_used_again)
{
    enum { n = 300 };
    size_t size = (size_t)4 << 20;
    char *data = calloc(1, size);
    rp_pool *pool = suite_open(NULL);
    rp_queue *there = open_queue(pool, 0), *back = open_queue(pool, 0);
    REQUIRE(data);
    size_t before = 0;
    for (int i = 0; i < n; i++) {
        rp_view view;
        rp_future *future =
            submit(pool, echo_item, (struct job){.from = rp_queue_id_of(there), .to = rp_queue_id_of(back)});
        REQUIRE_STATUS(rp_put(there, data, size, RP_FOREVER), RP_OK);
        REQUIRE_STATUS(rp_get(back, &view, 60), RP_OK);
        finish(future);
        if (i == 10)
            before = process_resident();
    }
    if (!process_is_inspected())
        CHECK(process_resident() < before + 16 * size);
    free(data);
    close_queue(there);
    close_queue(back);
    suite_close(pool);
}

TEST_CASE(a_view_lives_until_the_next_one_also_beyond_the_pool)
{
    rp_pool *pool = suite_open(NULL);
    rp_queue *queue = open_queue(pool, 0), *other = open_queue(pool, 0);
    rp_view view, second;
    put_number(queue, 5);
    put_number(other, 6);
    REQUIRE_STATUS(rp_get(queue, &view, 0), RP_OK);
    put_number(queue, 7);
    REQUIRE_STATUS(rp_get(other, &second, 0), RP_OK);
    suite_close(pool);
    CHECK_UINT(number_in(view), 5);
    CHECK_UINT(number_in(second), 6);
    close_queue(queue);
    close_queue(other);
}
