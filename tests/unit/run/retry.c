/* When items are tried again, how often, and what becomes of those that wait: see retry.h. */
#include "run/retry.h"

#include "base/clock.h"
#include "check.h"
#include "puppets.h"
#include "run/queue.h"
#include "run/stuck.h"

/* A kind of work with one item on post 0. */
struct work {
    struct gang gang;
    struct posting_item item;
    bool full; /* there is no room to post it again */
    int reposts, charged, notes;
    rp_status status; /* of the last note */
};

static bool take_note(void *work, int post, const struct note *note, const void *payload, int worker)
{
    struct work *own = work;
    (void)payload, (void)worker;
    if (retry_note(&own->gang.manager, post, note))
        return false;
    own->notes++;
    own->status = (rp_status)note->status;
    return false;
}

static bool repost(void *work, int post, uint32_t from, uint32_t count, bool charged)
{
    struct work *own = work;
    if (own->full)
        return false;
    (void)post;
    CHECK_UINT(from, 0);
    CHECK_UINT(count, 1);
    own->reposts++;
    own->charged += charged;
    return true;
}

static struct posting_item tell(void *work, int post, uint32_t item)
{
    const struct work *own = work;
    (void)post, (void)item;
    return own->item;
}

static const struct posting_ops ops = {.take_note = take_note, .repost = repost, .tell = tell};

static struct work *open_work(int attempt, int retries)
{
    static struct work work;
    work = (struct work){.item = {.attempt = attempt, .retries = retries}};
    gang_start_idle(&work.gang, 1);
    gang_open(&work.gang, NULL);
    struct posting *posting = &work.gang.manager.postings[0];
    posting->ops = &ops;
    posting->work = &work;
    posting->serial = 1;
    REQUIRE(!lease_begin(&posting->lease, 1, 1));
    return &work;
}

static void close_work(struct work *work)
{
    work->gang.manager.postings[0].ops = NULL;
    gang_end(&work->gang);
}

static void note_end(struct work *work, rp_status status)
{
    struct note note = {.status = status, .count = 1};
    take_note(work, 0, &note, NULL, 1);
}

/* ---- Whether, and when ------------------------------------------------------------------- */

TEST_CASE(a_lost_worker_alone_is_tried_again_where_nobody_asked)
{
    CHECK(retry_may(RP_WORKER_LOST, 1, 0));
    CHECK(retry_may(RP_WORKER_LOST, RETRIES_LOST, 0));
    CHECK(!retry_may(RP_WORKER_LOST, RETRIES_LOST + 1, 0));
    CHECK(!retry_may(RP_TASK_CRASHED, 1, 0));
    CHECK(!retry_may(RP_TASK_TIMEOUT, 1, 0));
}

TEST_CASE(what_was_asked_for_holds_for_every_way_to_end)
{
    static const rp_status ways[] = {RP_WORKER_LOST, RP_TASK_CRASHED, RP_TASK_TIMEOUT};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        check_note("%s", rp_strerror(ways[i]));
        CHECK(retry_may(ways[i], 3, 3));
        CHECK(!retry_may(ways[i], 4, 3));
        CHECK(!retry_may(ways[i], 1, -1));
    }
}

TEST_CASE(what_a_task_says_itself_is_final)
{
    static const rp_status ends[] = {RP_OK,       RP_TASK_FAILED, RP_NO_MEMORY,
                                     RP_MISMATCH, RP_CANCELLED,   RP_POOL_BROKEN};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        CHECK(!retry_may(ends[i], 1, 5));
}

TEST_CASE(pauses_double_up_to_the_longest)
{
    uint64_t wanted = RETRY_PAUSE_NS;
    for (int attempt = 1; attempt <= 40; attempt++) {
        uint64_t before = clock_ns(), due = retry_time(attempt), after = clock_ns();
        check_note("attempt %d", attempt);
        CHECK(due >= before + wanted && due <= after + wanted);
        wanted = 2 * wanted < RETRY_LONGEST_NS ? 2 * wanted : RETRY_LONGEST_NS;
    }
}

/* ---- What waits -------------------------------------------------------------------------- */

static void check_pause(struct work *work, uint64_t before)
{
    struct manager *manager = &work->gang.manager;
    uint64_t due = retry_due(manager);
    CHECK(retry_waits(manager, 0, 0));
    CHECK(due >= before + RETRY_PAUSE_NS && due <= clock_ns() + RETRY_PAUSE_NS);
    while (!work->reposts)
        retry_post(manager);
    CHECK(clock_ns() >= due);
    CHECK_INT(work->charged, 1);
    CHECK_INT(work->notes, 0);
    CHECK(!retry_waits(manager, 0, 0));
    CHECK_UINT(retry_due(manager), CLOCK_NEVER);
}

TEST_CASE(an_item_that_crashed_is_posted_again_when_its_pause_is_over)
{
    struct work *work = open_work(1, 1);
    uint64_t before = clock_ns();
    note_end(work, RP_TASK_CRASHED);
    check_pause(work, before);
    close_work(work);
}

TEST_CASE(an_item_that_was_lost_is_posted_again_when_its_pause_is_over)
{
    struct work *work = open_work(1, 0);
    uint64_t before = clock_ns();
    retry_lost(&work->gang.manager, 0, 0, 1);
    check_pause(work, before);
    close_work(work);
}

TEST_CASE(the_note_of_the_last_try_is_taken_in)
{
    struct work *work = open_work(3, 2);
    note_end(work, RP_TASK_TIMEOUT);
    CHECK_INT(work->notes, 1);
    CHECK_STATUS(work->status, RP_TASK_TIMEOUT);
    retry_lost(&work->gang.manager, 0, 0, 1);
    CHECK_INT(work->notes, 2);
    CHECK_STATUS(work->status, RP_WORKER_LOST);
    CHECK_UINT(retry_due(&work->gang.manager), CLOCK_NEVER);
    CHECK_INT(work->reposts, 0);
    close_work(work);
}

TEST_CASE(without_room_it_is_tried_again_after_another_pause)
{
    struct work *work = open_work(1, 1);
    struct manager *manager = &work->gang.manager;
    note_end(work, RP_TASK_CRASHED);
    work->full = true;
    uint64_t due = retry_due(manager);
    for (uint64_t later = due; later == due; later = retry_due(manager))
        retry_post(manager);
    CHECK(retry_due(manager) >= due + RETRY_PAUSE_NS); /* whoever sleeps until then does not spin */
    work->full = false;
    while (!work->reposts)
        retry_post(manager);
    CHECK_INT(work->charged, 1);
    close_work(work);
}

TEST_CASE(of_work_that_stops_nothing_waits)
{
    struct work *work = open_work(1, 5);
    struct manager *manager = &work->gang.manager;
    note_end(work, RP_TASK_CRASHED);
    CHECK_INT(work->reposts, 0);
    retry_give_up(manager, &ops); /* other work's matter */
    CHECK(retry_waits(manager, 0, 0));
    retry_give_up(manager, work);
    CHECK_INT(work->reposts, 1);
    work->item.stopped = true;
    note_end(work, RP_TASK_CRASHED);
    CHECK_INT(work->reposts, 2);
    CHECK_UINT(retry_due(manager), CLOCK_NEVER);
    close_work(work);
}

TEST_CASE(while_the_process_drains_nothing_is_posted_and_nobody_is_woken)
{
    struct work *work = open_work(1, 5);
    struct manager *manager = &work->gang.manager;
    note_end(work, RP_TASK_CRASHED);
    manager->draining = true;
    CHECK_UINT(retry_due(manager), CLOCK_NEVER);
    retry_give_up(manager, work);
    CHECK_INT(work->reposts, 0);
    CHECK(retry_waits(manager, 0, 0));
    manager->draining = false;
    close_work(work);
}

TEST_CASE(what_waits_of_a_post_that_is_gone_is_forgotten)
{
    struct work *work = open_work(1, 5);
    struct manager *manager = &work->gang.manager;
    note_end(work, RP_TASK_CRASHED);
    manager->postings[0].serial = 2; /* another one stands there now */
    CHECK(!retry_waits(manager, 0, 0));
    retry_give_up(manager, work);
    CHECK_INT(work->reposts, 0);
    CHECK_UINT(retry_due(manager), CLOCK_NEVER);
    close_work(work);
}

/* A worker has claimed two items; the first has crashed, the second waits at a queue for its next try. */
TEST_CASE(who_waits_at_a_queue_for_an_item_that_is_tried_again_is_not_stuck)
{
    struct puppets puppets;
    struct queueing queue;
    struct error error;
    struct posting_item item = {.attempt = 1, .retries = 1};
    struct work work = {.item = item};
    puppets_open(&puppets, 2, NULL);
    struct manager *manager = &puppets.gang.manager;
    REQUIRE_STATUS(queueing_open(manager, 0, &queue, &error), RP_OK);
    int number = posting_take(manager, &ops, &work, 2, 2, 64, NULL);
    REQUIRE(number >= 0);
    struct post *post = &manager->board.post[number];
    atomic_store(&post->map, 1);
    atomic_store(&post->chunk, 2);
    atomic_store(&post->total, 2);
    post_publish(&manager->board, number, 2, false);
    REQUIRE(puppet_claim(&puppets.worker[1]));
    CHECK_UINT(puppets.worker[1].claim.run, 2);
    struct slot *slot = &manager->board.slot[1];
    atomic_store(&slot->waits_for, queue.number << 1);
    atomic_store(&slot->waits, 1);
    CHECK(stuck_is(manager));
    CHECK(retry_note(manager, number, &(struct note){.status = RP_TASK_CRASHED, .count = 1}));
    CHECK(!stuck_is(manager));
    atomic_store(&slot->waits, 2);
    lease_end_run(&manager->postings[number].lease, 0, 2);
    posting_retire(manager, number);
    queueing_free(&queue);
    puppets_close(&puppets);
}
