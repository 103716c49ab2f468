/* Who waits for whom over nodes: only where all do, and without end, does a pool stand still. */
#include "run/standstill.h"

#include "base/clock.h"
#include "board/queue.h"
#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "run/queue.h"
#include "run/submit.h"
#include "run/wait.h"
#include "work.h"

static struct queueing queue, far;

static void begin(int workers)
{
    struct error error;
    envoy_begin(workers, NULL);
    board_step = NULL; /* it takes in what it has to be told alone */
    envoy.pool = envoy_realm.gang.manager.setup.pool;
    REQUIRE_STATUS(queueing_open(&envoy_realm.gang.manager, 0, &queue, &error), RP_OK);
    REQUIRE_STATUS(queueing_open(&envoy_realm.gang.manager, 0, &far, &error), RP_OK);
}

static void end(void)
{
    CHECK_STR(envoy_why(), "");
    queueing_free(&queue);
    queueing_free(&far);
    envoy_end();
}

/* The worker there that does not lead waits at `far`. */
static void wish_to_get(uint64_t patience)
{
    uint32_t worker = (uint32_t)realm_first(&envoy_realm, 0) + 1;
    envoy_say((struct wire_message){
        .type = WIRE_WISH,
        .wish = {.id = 1, .queue = far.number, .patience_ns = patience, .worker = worker, .kind = WIRE_GET}});
    while (!envoy_realm.gang.manager.agents->agent->wishes)
        road_turn(envoy_realm.road);
}

TEST_CASE(a_pool_stands_still_where_all_wait_without_end)
{
    struct manager *manager = &envoy_realm.gang.manager;
    begin(0);
    CHECK_UINT(standstill_of(manager), 0);
    wish_to_get(UINT64_MAX);
    CHECK(standstill_of(manager) > 0);
    end();
}

TEST_CASE(who_waits_for_a_time_alone_is_no_standstill)
{
    begin(0);
    wish_to_get(UINT64_C(60000000000));
    CHECK_UINT(standstill_of(&envoy_realm.gang.manager), 0);
    end();
}

/* As a worker here says it. */
static void say_waits(uint64_t waits)
{
    struct slot *slot = &envoy_realm.gang.manager.board.slot[1];
    atomic_store(&slot->waits_for, queue.number << 1 | QUEUE_GET);
    atomic_store(&slot->waits, waits);
}

TEST_CASE(who_may_pass_here_does_not_stand_still)
{
    struct manager *manager = &envoy_realm.gang.manager;
    struct error error;
    begin(1);
    wish_to_get(UINT64_MAX);
    CHECK_UINT(standstill_of(manager), 0);
    say_waits(1);
    CHECK(standstill_of(manager) > 0);
    CHECK_STATUS(queueing_put(&queue, NULL, 0, 0, &error), RP_OK);
    CHECK_UINT(standstill_of(manager), 0);
    say_waits(2);
    end();
}

/* The node takes no part: all are here. */
static void leave(void)
{
    envoy.pool = 0;
    envoy_say((struct wire_message){.type = WIRE_VISIT, .visit = {1, false, 0, 0}});
    while (!envoy_realm.road->node[0].away)
        road_turn(envoy_realm.road);
}

static void look_for(double seconds)
{
    struct manager *manager = &envoy_realm.gang.manager;
    uint64_t until = clock_deadline(seconds);
    while (!clock_has_passed(until)) {
        manager->looked = 0;
        wait_watch(manager);
    }
}

TEST_CASE(what_lies_behind_somebody_who_works_is_left_to_leaders_only_once_all_stand_still)
{
    struct gang *gang = &envoy_realm.gang;
    begin(1);
    leave();
    gang_reset_tally();
    gang_tally->waiting = 0;
    gang_tally->gate = 1;
    struct task *works = work_submit(gang, gang_gated_square, 0);
    gang_await(&gang_tally->waiting, 1);
    struct task *lies = work_submit(gang, gang_square, 1);
    submit_feed(&gang->manager);
    look_for(0.01);
    CHECK(!gang->manager.lies_still);
    say_waits(1);
    while (!gang->manager.lies_still)
        look_for(0.001);
    say_waits(2);
    gang_tally->gate = 0;
    CHECK_STATUS(submit_wait(&gang->manager, works, CLOCK_NEVER), RP_OK);
    CHECK_STATUS(submit_wait(&gang->manager, lies, CLOCK_NEVER), RP_OK);
    CHECK_PTR(submit_next(&gang->manager, 0), works);
    CHECK_PTR(submit_next(&gang->manager, 0), lies);
    work_check(gang, works, 0);
    work_check(gang, lies, 1);
    end();
}

TEST_CASE(the_end_of_a_standstill_is_looked_into_only_where_work_lay_for_it)
{
    struct manager *manager = &envoy_realm.gang.manager;
    begin(1);
    for (int i = 0; i < 2; i++) {
        manager->still = 7; /* it is none any more */
        manager->lying = true;
        manager->lies_still = i;
        manager->looked = clock_deadline(60);
        CHECK_INT(wait_watch(manager), i);
    }
    end();
}
