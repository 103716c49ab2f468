/* Callbacks, and the options of a task. */
#include "suite/suite.h"

#define HELD 64

/* ---- rp_on_done ---------------------------------------------------------------------------------------- */

struct notes {
    int count;
    int order[16];
    rp_pool *pool;
    rp_future *more;
};

struct note {
    struct notes *notes;
    int number;
};

static void take_note(rp_future *future, void *arg)
{
    struct note *note = arg;
    CHECK_INT(rp_state_of(future), RP_DONE);
    REQUIRE(note->notes->count < 16);
    note->notes->order[note->notes->count++] = note->number;
}

static void submit_more(rp_future *future, void *arg)
{
    struct notes *notes = arg;
    take_note(future, &(struct note){notes, 7});
    notes->more = suite_submit(notes->pool, task_twice, 50);
}

TEST_CASE(callbacks_run_once_in_order_for_success_failure_and_cancel)
{
    rp_pool *pool = suite_open(NULL);
    for (int kind = 0; kind < 3; kind++) {
        check_note("%s", kind == 0 ? "success" : kind == 1 ? "failure" : "cancel");
        struct notes notes = {0};
        struct note note[4] = {{&notes, 0}, {&notes, 1}, {&notes, 2}, {&notes, 3}};
        rp_future *held[HELD], *future;
        bool held_up = kind == 2 && !suite_is_alone(pool);
        stage_reset();
        if (held_up)
            suite_occupy(pool, held);
        future = suite_submit(pool, kind == 1 ? task_refuse : task_twice, 5);
        for (int i = 0; i < 3; i++)
            CHECK_STATUS(rp_on_done(future, take_note, &note[i]), RP_OK);
        if (kind == 2)
            CHECK_STATUS(rp_cancel(future), RP_OK);
        else
            CHECK_INT(notes.count, 0); /* inside a waiting call, not before */
        if (held_up)
            suite_relieve(pool, held);
        CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
        rp_state_of(future);
        CHECK_STATUS(rp_on_done(future, take_note, &note[3]), RP_OK); /* at once, since it is done */
        CHECK_INT(notes.count, 4);
        for (int i = 0; i < 4; i++)
            CHECK_INT(notes.order[i], i);
        rp_release(&future);
        CHECK_INT(notes.count, 4);
    }
    suite_close(pool);
}

TEST_CASE(the_callback_of_a_cancelled_task_runs_by_the_close)
{
    for (int round = 0; round < 2; round++) {
        rp_pool *pool = suite_open(NULL);
        struct notes notes = {0};
        struct note note = {&notes, 1};
        rp_future *future = suite_submit(pool, task_twice, 5);
        CHECK_STATUS(rp_on_done(future, take_note, &note), RP_OK);
        rp_cancel(future); /* if it has not started yet */
        if (round)
            rp_release(&future);
        suite_close(pool);
        CHECK_INT(notes.count, 1);
        rp_release(&future);
    }
}

TEST_CASE(callbacks_run_in_rp_next_that_has_nothing_to_give)
{
    rp_pool *pool = suite_open(NULL);
    struct notes notes = {0};
    struct note note = {&notes, 1};
    rp_future *future = suite_submit(pool, task_twice, 5);
    CHECK_STATUS(rp_on_done(future, take_note, &note), RP_OK);
    while (!notes.count)
        CHECK(!rp_next(pool, 0));
    CHECK_INT(rp_state_of(future), RP_DONE);
    rp_release(&future);
    suite_close(pool);
}

TEST_CASE(submitting_from_inside_a_callback_works)
{
    rp_pool *pool = suite_open(NULL);
    struct notes notes = {.pool = pool};
    rp_future *future = suite_submit(pool, task_twice, 5);
    rp_view view;
    CHECK_STATUS(rp_on_done(future, submit_more, &notes), RP_OK);
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    REQUIRE(notes.more);
    CHECK_STATUS(rp_result(notes.more, &view), RP_OK);
    CHECK_MEM(view.data, (&(uint64_t){100}), sizeof(uint64_t));
    rp_release(&future);
    rp_release(&notes.more);
    suite_close(pool);
}

TEST_CASE(the_callback_of_a_released_future_runs_before_the_pool_is_closed)
{
    rp_pool *pool = suite_open(NULL);
    struct notes notes = {0};
    struct note note = {&notes, 1};
    for (uint64_t i = 0; i < 10; i++) {
        rp_future *future = suite_submit(pool, task_twice, i);
        CHECK_STATUS(rp_on_done(future, take_note, &note), RP_OK);
        rp_release(&future);
    }
    suite_close(pool);
    CHECK_INT(notes.count, 10);
}

/* ---- rp_submit_with -------------------------------------------------------------------------------------
 */

TEST_CASE(tasks_run_on_the_worker_asked_for)
{
    enum { each = 30 };
    rp_pool *pool = suite_open(NULL);
    int workers = rp_workers(pool);
    for (int i = 0; i < each * workers; i++)
        REQUIRE_STATUS(rp_submit_with(pool, task_twice, &(uint64_t){1}, sizeof(uint64_t),
                                      RP_TASK_OPTIONS(.worker = 1 + i % workers), NULL),
                       RP_OK);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_task_info info;
        CHECK_STATUS(rp_info(future, &info), RP_OK);
        CHECK_INT(info.worker, 1 + (int)rp_index(future) % workers);
    }
    suite_close(pool);
}

TEST_CASE(tasks_of_higher_priority_start_first)
{
    enum { n = 60 };
    rp_pool *pool = suite_open(NULL);
    rp_future *held[HELD], *futures[n];
    bool alone = suite_is_alone(pool);
    if (rp_workers(pool) > 1) {
        suite_close(pool);
        SKIP_CASE("the order shows where one process runs everything");
    }
    stage_reset();
    if (!alone)
        suite_occupy(pool, held);
    for (size_t i = 0; i < n; i++) {
        struct ticket ticket = ticket_of(i);
        REQUIRE_STATUS(rp_submit_with(pool, task_mark, &ticket, sizeof ticket,
                                      RP_TASK_OPTIONS(.priority = (int)(i % 5) - 2), &futures[i]),
                       RP_OK);
    }
    if (!alone)
        suite_relieve(pool, held);
    for (size_t i = 0; i < n; i++)
        CHECK_STATUS(rp_wait(futures[i], RP_FOREVER), RP_OK);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (i % 5 > k % 5 || (i % 5 == k % 5 && i < k))
                CHECK(stage()->place[i] < stage()->place[k]);
    suite_release(futures, n);
    suite_close(pool);
}

TEST_CASE(the_users_pointer_comes_back)
{
    rp_pool *pool = suite_open(NULL);
    int thing;
    rp_future *future, *plain = suite_submit(pool, task_twice, 1);
    REQUIRE_STATUS(rp_submit_with(pool, task_refuse, NULL, 0,
                                  RP_TASK_OPTIONS(.user = &thing, .label = "thing"), &future),
                   RP_OK);
    CHECK_PTR(rp_user(future), &thing);
    CHECK(!rp_user(plain));
    CHECK_STATUS(rp_wait(future, RP_FOREVER), RP_OK);
    CHECK_PTR(rp_user(future), &thing);
    rp_release(&future);
    rp_release(&plain);
    suite_close(pool);
}
