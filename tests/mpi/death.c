/* Workers that die: what they held runs elsewhere, and nothing hangs. Started alone, with ten
 * workers, since a launcher ends a job that loses a rank. The cases go on with those that the
 * earlier ones have left alive. Over nodes who leads one takes its others along. */
#define _GNU_SOURCE
#include "reduce.h"

#include <limits.h>
#include <signal.h>

static int alive(rp_pool *pool)
{
    int count = 0;
    for (int i = 1; i <= rp_workers(pool); i++) {
        rp_worker_info info;
        REQUIRE_STATUS(rp_worker(pool, i, &info), RP_OK);
        count += info.alive;
    }
    return count;
}

/* Waits until those that died are known to be dead: the calls of the pool see to that. Over nodes one death
 * more may be needed to tell which item of several was why. */
static void await_deaths(rp_pool *pool, int before, int deaths)
{
    double end = suite_seconds() + 30;
    while (alive(pool) > before - deaths && suite_seconds() < end) {
        rp_future *future = suite_submit_mark(pool, STAGE_ITEMS - 1);
        rp_wait(future, 1);
        rp_release(&future);
    }
    int cost = before - alive(pool), most = suite_is_split() ? (deaths + 1) * suite_node_workers() : deaths;
    if (!CHECK(cost >= deaths && cost <= most))
        check_note("%d workers were lost by %d deaths", cost, deaths);
}

/* Leaves the case where so many deaths could leave nobody. */
static void need_alive(rp_pool *pool, int deaths)
{
    int needed = suite_is_split() ? (deaths + 1) * suite_node_workers() + 1 : deaths + 1;
    suite_need_workers(pool, alive(pool) >= needed ? 1 : INT_MAX);
}

/* Ends its process if it is the first try of item 100 and the gate is closed; else it marks. */
static int die_once(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    struct stage *stage = stage_at(ticket->stage);
    if (stage && ticket->number == 100 && !atomic_exchange(&stage->gate, 1))
        raise(SIGKILL);
    return task_mark(call, in, size);
}

TEST_CASE(a_killed_worker_costs_no_submitted_task)
{
    enum { n = 2000 };
    static rp_future *futures[n];
    rp_pool *pool = suite_open(NULL);
    need_alive(pool, 1);
    int before = alive(pool);
    stage_reset();
    for (size_t i = 0; i < n; i++) {
        struct ticket ticket = ticket_of(i);
        REQUIRE_STATUS(rp_submit(pool, die_once, &ticket, sizeof ticket, &futures[i]), RP_OK);
    }
    for (size_t i = 0; i < n; i++) {
        rp_view view;
        if (CHECK_STATUS(rp_result(futures[i], &view), RP_OK))
            CHECK_UINT(*(const size_t *)view.data, i);
    }
    rp_task_info info;
    CHECK_STATUS(rp_info(futures[100], &info), RP_OK);
    CHECK_INT(info.attempts, 2);
    suite_release(futures, n);
    await_deaths(pool, before, 1);
    suite_close(pool);
}

TEST_CASE(a_killed_worker_costs_no_item_of_a_map)
{
    enum { n = 5000 };
    static struct ticket in[n];
    static size_t out[n];
    rp_pool *pool = suite_open(NULL);
    need_alive(pool, 1);
    int before = alive(pool);
    stage_reset();
    memset(out, 0xee, sizeof out);
    for (size_t i = 0; i < n; i++)
        in[i] = ticket_of(i);
    CHECK_STATUS(rp_map_with(pool, die_once, in, sizeof *in, n, out, sizeof *out,
                             RP_MAP_OPTIONS(.schedule = "static"), NULL),
                 RP_OK);
    for (size_t i = 0; i < n; i++)
        if (!CHECK_UINT(out[i], i))
            break;
    await_deaths(pool, before, 1);
    suite_close(pool);
}

static int answer_number_or_die(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    int done = die_once(call, in, size);
    double x;
    reduce_sum.leaf(ticket->number, &x);
    return done ? done : rp_return(call, &x, sizeof x);
}

TEST_CASE(a_killed_worker_costs_no_bit_of_a_reduction)
{
    enum { n = 5000 };
    static struct ticket in[n];
    double out = 0, wanted;
    rp_pool *pool = suite_open(NULL);
    need_alive(pool, 1);
    int before = alive(pool);
    stage_reset();
    reduce_serially(&reduce_sum, 0, n, &wanted);
    for (size_t i = 0; i < n; i++)
        in[i] = ticket_of(i);
    CHECK_STATUS(rp_map_reduce(pool, answer_number_or_die, in, sizeof *in, n, reduce_add, &out, sizeof out,
                               RP_MAP_OPTIONS(.chunk = 70), NULL),
                 RP_OK);
    CHECK_MEM(&out, &wanted, sizeof out);
    await_deaths(pool, before, 1);
    suite_close(pool);
}

/* ---- Items that kill their workers ------------------------------------------------------- */

enum { KILLER = 100 };

/* Item 100 ends its process, whenever it is tried; the others answer their attempt. */
static int die_always(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    int attempt = rp_call_attempt(call);
    if (ticket->number == KILLER)
        raise(SIGKILL);
    task_mark(call, in, size);
    return rp_return(call, &attempt, sizeof attempt);
}

/* Kills 3. */
TEST_CASE(an_item_that_kills_its_workers_is_given_up_and_the_others_complete)
{
    enum { n = 2000 };
    static struct ticket in[n];
    static int out[n];
    rp_status statuses[n];
    rp_map_report report;
    rp_pool *pool = suite_open(NULL);
    need_alive(pool, 3);
    int before = alive(pool);
    stage_reset();
    for (size_t i = 0; i < n; i++)
        in[i] = ticket_of(i);
    CHECK_STATUS(rp_map_with(pool, die_always, in, sizeof *in, n, out, sizeof *out,
                             RP_MAP_OPTIONS(.chunk = 50, .statuses = statuses), &report),
                 RP_WORKER_LOST);
    for (size_t i = 0; i < n; i++) {
        CHECK_STATUS(statuses[i], i == KILLER ? RP_WORKER_LOST : RP_OK);
        if (i != KILLER && !CHECK_INT(out[i], 1)) /* those that were held with it are not charged */
            break;
    }
    CHECK_UINT(report.done, n - 1);
    CHECK_UINT(report.failed, 1);
    CHECK_UINT(report.first_failed, KILLER);
    CHECK_HAS(report.message, "attempt 3: the worker died");
    await_deaths(pool, before, 3);
    suite_close(pool);
}

/* Kills 1. */
TEST_CASE(with_no_retries_a_task_that_kills_its_worker_is_not_tried_again)
{
    rp_pool *pool = suite_open(NULL);
    need_alive(pool, 1);
    int before = alive(pool);
    rp_future *killer, *other;
    rp_task_info info;
    struct ticket ticket = ticket_of(KILLER), mark = ticket_of(1);
    stage_reset();
    REQUIRE_STATUS(
        rp_submit_with(pool, die_always, &ticket, sizeof ticket, RP_TASK_OPTIONS(.retries = -1), &killer),
        RP_OK);
    REQUIRE_STATUS(rp_submit(pool, die_always, &mark, sizeof mark, &other), RP_OK);
    CHECK_STATUS(rp_result(killer, NULL), RP_WORKER_LOST);
    CHECK_HAS(rp_error(killer), "attempt 1: the worker died");
    CHECK_STATUS(rp_info(killer, &info), RP_OK);
    CHECK_INT(info.attempts, 1);
    CHECK(info.worker >= 1 && info.pid > 0);
    CHECK_STATUS(rp_result(other, NULL), RP_OK);
    rp_release(&killer);
    rp_release(&other);
    await_deaths(pool, before, 1);
    suite_close(pool);
}

struct feed {
    struct ticket ticket;
    size_t drawn, given, lost;
};

static int draw(void *state, rp_view *item)
{
    struct feed *feed = state;
    feed->ticket = ticket_of(feed->drawn);
    *item = (rp_view){&feed->ticket, sizeof feed->ticket};
    return feed->drawn++ < 300;
}

static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct feed *feed = state;
    feed->given++;
    feed->lost += status == RP_WORKER_LOST;
    CHECK_STATUS(status, index == KILLER ? RP_WORKER_LOST : RP_OK);
    if (status)
        CHECK_HAS(error, "attempt 2: the worker died");
    else if (CHECK_UINT(result.size, sizeof(int)))
        CHECK_INT(*(const int *)result.data, 1); /* what was held with the other one is not charged */
    return 0;
}

/* Kills 2. */
TEST_CASE(a_stream_gives_an_item_up_after_its_retries_and_goes_on)
{
    rp_pool *pool = suite_open(RP_OPTIONS(.retries = 1));
    need_alive(pool, 2);
    int before = alive(pool);
    struct feed feed = {.drawn = 0};
    stage_reset();
    CHECK_STATUS(rp_stream(pool, die_always, draw, give, &feed, NULL), RP_OK);
    CHECK_UINT(feed.given, 300);
    CHECK_UINT(feed.lost, 1);
    await_deaths(pool, before, 2);
    suite_close(pool);
}

TEST_CASE(when_nobody_is_left_everything_pending_and_later_fails)
{
    rp_pool *pool = suite_open(NULL), *later;
    suite_need_workers(pool, 1);
    REQUIRE(rp_workers(pool) <= 64);
    rp_future *pending[50];
    stage_reset();
    int left = alive(pool);
    for (size_t i = 0; i < 50; i++) {
        struct ticket ticket = ticket_of(i);
        REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &pending[i]), RP_OK);
    }
    REQUIRE(stage_await_with(&stage()->started, (size_t)left, pending[0]));
    suite_kill(pool, 0);
    for (size_t i = 0; i < 50; i++) {
        CHECK_STATUS(rp_wait(pending[i], 30), RP_OK);
        CHECK_STATUS(rp_result(pending[i], NULL), RP_POOL_BROKEN);
        CHECK_HAS(rp_error(pending[i]), "died");
        rp_release(&pending[i]);
    }
    rp_future *future = NULL;
    struct ticket ticket = ticket_of(1);
    CHECK_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, &future), RP_POOL_BROKEN);
    CHECK_STATUS(rp_map(pool, task_mark, &ticket, sizeof ticket, 1, NULL, 0), RP_POOL_BROKEN);
    CHECK_STATUS(rp_close(&pool), RP_POOL_BROKEN);
    CHECK(!pool);
    /* A later pool has nobody, either, and says so at the latest when it is used. */
    if (rp_open(NULL, &later) == RP_OK) {
        rp_status status = rp_map(later, task_mark, &ticket, sizeof ticket, 1, NULL, 0);
        CHECK_STATUS(status, RP_POOL_BROKEN);
        rp_close(&later);
    }
}
