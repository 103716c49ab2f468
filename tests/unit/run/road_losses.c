/* Nodes that are lost in the middle of work: all of it is done once. */
#include "run/road.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "run/holding.h"
#include "run/submit.h"
#include "work.h"

static void vanish(struct envoy_block *got)
{
    (void)got;
    net_loop_cut(envoy_realm.end[0], 0);
}

static void vanish_after_some(struct envoy_block *got)
{
    envoy_answer(got, 0, 1);
    if (envoy.acts == 3)
        net_loop_cut(envoy_realm.end[0], 0);
}

TEST_CASE(what_a_lost_node_held_runs_elsewhere)
{
    static void (*const ways[])(struct envoy_block *) = {vanish, vanish_after_some};
    for (int i = 0; i < 2; i++) {
        check_note("way %d", i);
        envoy_begin(2, ways[i]);
        work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 1000);
        CHECK(envoy.acts > 0);
        CHECK_HAS(envoy_why(), "cannot be reached any more");
        for (int worker = 3; worker <= 4; worker++)
            CHECK(envoy_realm.crew->member[worker].dead);
        work_map(&envoy_realm.gang, &(struct map_work){0}, 1000);
        envoy_end();
    }
}

/* A message that only a manager sends. */
static void talk_nonsense(struct envoy_block *got)
{
    (void)got;
    envoy_say((struct wire_message){.type = WIRE_CLOSE});
}

TEST_CASE(of_a_node_that_was_given_up_nobody_is_taken_for_dead_who_may_live)
{
    static const struct {
        void (*act)(struct envoy_block *got);
        bool given_up;
    } ways[] = {{vanish, false}, {talk_nonsense, true}};
    for (int i = 0; i < 2; i++) {
        check_note("way %d", i);
        envoy_begin(2, ways[i].act);
        work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 1000);
        const char *why = road_gave_up(envoy_realm.road, realm_first(&envoy_realm, 0));
        CHECK_INT(why != NULL, ways[i].given_up);
        if (why)
            CHECK_STR(why, envoy_why());
        CHECK(!road_gave_up(envoy_realm.road, 1));
        envoy_end();
    }
}

TEST_CASE(a_pool_whose_last_node_is_lost_says_so)
{
    static uint64_t in[400], out[400];
    struct error error;
    envoy_begin(0, vanish);
    struct map_work work = {.fn = gang_square, .in = in, .in_size = 8, .n = 400, .out = out, .out_size = 8};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "no worker is left: all 2 have died; the node there is lost: ");
    envoy_end();
}

/* Tasks that it has begun, and those that it has not. */
static void begin_and_vanish(struct envoy_block *got)
{
    envoy_say((struct wire_message){
        .type = WIRE_STARTED, .started = {got->block.block, 0, (uint32_t)realm_first(&envoy_realm, 0)}});
    if (envoy.acts == 1)
        return;
    net_loop_cut(envoy_realm.end[0], 0);
    envoy.act = NULL;
}

TEST_CASE(tasks_that_ran_on_a_lost_node_are_tried_again)
{
    envoy_begin(1, begin_and_vanish);
    work_tasks(&envoy_realm.gang, gang_slow_square, 300, 300, false);
    CHECK(envoy.acts > 1);
    CHECK_HAS(envoy_why(), "cannot be reached any more");
    envoy_end();
}

TEST_CASE(a_task_that_may_not_be_tried_again_is_lost_with_its_node)
{
    struct error error;
    uint64_t item = 3;
    envoy_begin(1, begin_and_vanish);
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = gang_square;
    task->kept = true;
    task->owner = realm_first(&envoy_realm, 0);
    task->retries = -1;
    REQUIRE_STATUS(submit_task(&envoy_realm.gang.manager, task, &item, sizeof item, &error), RP_OK);
    while (!submit_is_running(&envoy_realm.gang.manager, task))
        submit_round(&envoy_realm.gang.manager, clock_deadline(1e-3));
    net_loop_cut(envoy_realm.end[0], 0);
    CHECK_STATUS(submit_wait(&envoy_realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    CHECK_STATUS(task->status, RP_WORKER_LOST);
    CHECK_HAS(task->sentence, "was lost with worker 2 (there, ");
    task->kept = false;
    submit_drop(&envoy_realm.gang.manager, task);
    envoy_end();
}

enum { LONG = 40000, LONG_ITEMS = 30 };

/* A long result that begins to come, and does not end. */
static void send_half(struct envoy_block *got)
{
    envoy_say_long(got, 1, LONG);
    gang_tally->hooks[0] = 1;
}

/* While what was on its way is computed again, and its result stands there. */
static void write_meanwhile(const char *place)
{
    if (strcmp(place, "manager: sleeps") != 0 || !gang_tally->waiting || gang_tally->gate)
        return;
    net_loop_cling(envoy_realm.net, false);
    gang_tally->gate = 1;
}

static void cut_later(const char *place)
{
    static int naps;
    envoy_listen(place);
    if (strcmp(place, "manager: sleeps") != 0 || !envoy.acts || ++naps < 5)
        return;
    naps = 0;
    for (int i = 0; i < envoy.acts; i++)
        gang_tally->runs[envoy.got[i].block.first] = 1;
    net_loop_cut(envoy_realm.end[0], 0);
    board_step = write_meanwhile;
}

static int answer_long(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    unsigned char *out = rp_reserve(call, LONG);
    if (!out || size != sizeof item)
        return 1;
    memset(out, (int)item % 200, LONG);
    gang_await(&gang_tally->hooks[0], 1); /* or nothing might be left for the node */
    if (gang_tally->runs[item]) {
        atomic_fetch_add(&gang_tally->waiting, 1);
        gang_await(&gang_tally->gate, 1);
    }
    return rp_return(call, out, LONG);
}

/* A map of long results, of which some are on their way when their node is lost. A net that clings to their
 * places writes there while they are computed again, or after the map: then `out` is an array of the board.
 */
static void lose_on_the_way(bool clings, bool late, const double *cost)
{
    static uint64_t in[LONG_ITEMS];
    static unsigned char own[LONG_ITEMS * LONG];
    struct error error;
    for (uint64_t i = 0; i < LONG_ITEMS; i++)
        in[i] = i;
    envoy_begin(1, send_half);
    gang_reset_tally();
    gang_tally->waiting = gang_tally->hooks[0] = 0;
    gang_tally->gate = late;
    unsigned char *out = late ? holding_alloc(&envoy_realm.gang.manager, sizeof own) : own;
    REQUIRE(out);
    net_loop_cling(envoy_realm.net, clings);
    net_loop_delay(envoy_realm.net, 0, 1000000); /* the bodies never come */
    board_step = cut_later;
    struct map_work work = {.fn = answer_long,
                            .in = in,
                            .in_size = 8,
                            .n = LONG_ITEMS,
                            .cost = cost,
                            .out = out,
                            .out_size = LONG};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_OK);
    CHECK(gang_tally->waiting > 0);
    net_loop_cling(envoy_realm.net, false);
    while (road_turn(envoy_realm.road))
        ;
    for (size_t i = 0; i < LONG_ITEMS; i++)
        for (size_t k = 0; k < LONG; k += LONG - 1)
            CHECK_UINT(out[i * LONG + k], i);
    work_map(&envoy_realm.gang, &(struct map_work){0}, 100);
    envoy_end();
}

TEST_CASE(a_result_that_was_on_its_way_from_a_lost_node_is_computed_again)
{
    lose_on_the_way(false, false, NULL);
    lose_on_the_way(false, true, NULL);
}

TEST_CASE(the_same_where_the_net_writes_to_the_place_of_the_first_one_meanwhile_or_later)
{
    static double cost[LONG_ITEMS];
    for (size_t i = 0; i < LONG_ITEMS; i++)
        cost[i] = (double)(LONG_ITEMS - i);
    lose_on_the_way(true, false, NULL);
    lose_on_the_way(true, true, NULL);
    lose_on_the_way(true, false, cost);
}

/* A block whose inputs the node never takes. */
static void cut_what_is_sent(const char *place)
{
    if (strcmp(place, "manager: sleeps") != 0 || !envoy_is_sent_to())
        return;
    net_loop_cut(envoy_realm.end[0], 0);
    board_step = NULL;
    gang_tally->gate = 1;
}

/* Once the node is lost. */
static int measure(rp_call *call, const void *in, size_t size)
{
    uint64_t sum = size;
    gang_await(&gang_tally->gate, 1);
    for (size_t i = 0; i < size; i++)
        sum += ((const unsigned char *)in)[i];
    return rp_return(call, &sum, sizeof sum);
}

TEST_CASE(nobody_waits_for_what_the_net_may_read_for_a_lost_node)
{
    static unsigned char in[LONG_ITEMS * LONG], common[LONG];
    uint64_t out[LONG_ITEMS];
    struct error error;
    envoy_begin(1, NULL);
    gang_tally->gate = 0;
    net_loop_cling(envoy_realm.net, true);
    board_step = cut_what_is_sent;
    struct map_work work = {.fn = measure,
                            .in = in,
                            .in_size = LONG,
                            .n = LONG_ITEMS,
                            .out = out,
                            .out_size = 8,
                            .common = common,
                            .common_size = sizeof common};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_OK);
    CHECK_HAS(envoy_why(), "cannot be reached any more");
    for (size_t i = 0; i < LONG_ITEMS; i++)
        CHECK_UINT(out[i], LONG);
    net_loop_cling(envoy_realm.net, false);
    while (road_turn(envoy_realm.road))
        ;
    envoy_end();
}
