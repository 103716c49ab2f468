/* Nodes that nobody serves at present take nothing of what they were sent: nobody waits for that, and it
 * keeps no other memory than its own. */
#include <stdlib.h>
#include <string.h>

#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "run/holding.h"
#include "run/stream.h"
#include "run/submit.h"
#include "work.h"

enum { SIZE = 20 << 20 }; /* more than is left to itself */

static char bytes[SIZE];

static void say_visit(bool serves)
{
    const struct road_node *node = &envoy_realm.road->node[0];
    envoy.pool = 0;
    envoy_say((struct wire_message){.type = WIRE_VISIT, .visit = {node->visit + 1, serves, 0, 0}});
    while (node->away == serves)
        road_turn(envoy_realm.road);
}

static void serve_until_all_has_left(void)
{
    struct net *end = envoy_realm.end[0];
    struct net_event event;
    say_visit(true);
    while (envoy_is_sent_to()) {
        while (net_poll(end, &event))
            if (event.kind == NET_HEADED && event.segments)
                net_receive(end, &event, (void *[NET_SEGMENTS]){NULL}, &envoy);
        road_turn(envoy_realm.road);
    }
}

static rp_share_id share(void)
{
    struct error error;
    rp_share_id id;
    REQUIRE_STATUS(holding_share(&envoy_realm.gang.manager, bytes, SIZE, &id, &error), RP_OK);
    return id;
}

TEST_CASE(what_is_given_up_waits_for_no_node_that_is_away_and_what_that_was_sent_is_kept_until_it_has_left)
{
    struct manager *manager = &envoy_realm.gang.manager;
    envoy_begin(1, NULL);
    say_visit(false);
    CHECK_STATUS(holding_unshare(manager, share(), NULL), RP_OK);
    void *memory = holding_alloc(manager, SIZE);
    REQUIRE(memory);
    CHECK(holding_free(manager, memory));
    CHECK(manager->arena.in_use >= SIZE); /* the net may read the share */
    CHECK(manager->arena.in_use < 2 * (size_t)SIZE);
    serve_until_all_has_left();
    CHECK(manager->arena.in_use < SIZE);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

TEST_CASE(a_pool_may_close_although_a_node_that_is_away_has_not_taken_a_share)
{
    struct manager *manager = &envoy_realm.gang.manager;
    envoy_begin(1, NULL);
    say_visit(false);
    share();
    manager_begin_close(manager);
    CHECK(manager_is_left(manager));
    serve_until_all_has_left();
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

/* ---- What is in common ---- */

static int give_three(void *state, rp_view *input)
{
    int *drawn = state;
    *input = (rp_view){drawn, sizeof *drawn};
    return (*drawn)++ < 3;
}

static int drop(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    (void)state, (void)index, (void)result, (void)error;
    CHECK_STATUS(status, RP_OK);
    return 0;
}

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

TEST_CASE(a_map_and_a_stream_with_something_in_common_end_although_a_node_that_is_away_has_not_taken_a_share)
{
    struct manager *manager = &envoy_realm.gang.manager;
    struct error error;
    int drawn = 0;
    envoy_begin(1, NULL);
    board_step = NULL; /* it takes in nothing */
    say_visit(false);
    size_t before = manager->arena.in_use;
    share();
    work_map(&envoy_realm.gang, &(struct map_work){.common = bytes, .common_size = SIZE}, 100);
    struct stream_work work = {.fn = nothing,
                               .source = give_three,
                               .sink = drop,
                               .state = &drawn,
                               .common = bytes,
                               .common_size = SIZE};
    CHECK_STATUS(stream_run(manager, &work, &error), RP_OK);
    CHECK(envoy_is_sent_to());
    CHECK(manager->arena.in_use < before + 2 * (size_t)SIZE); /* the share's alone */
    serve_until_all_has_left();
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

/* ---- A block's body ---- */

enum { ITEMS = 8, LONG = 256 << 10 };

static void leave_when_sent(const char *place)
{
    if (strcmp(place, "manager: sleeps") != 0 || !envoy_is_sent_to())
        return;
    board_step = NULL;
    envoy.pool = 0;
    envoy_say((struct wire_message){.type = WIRE_VISIT, .visit = {1, false, 0, 0}});
    gang_tally->gate = 1;
}

static int wait_for_gate(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    gang_await(&gang_tally->gate, 1);
    return 0;
}

/* The items are run here, and one body goes on to the node; where the inputs lie. */
static void *send_body(void)
{
    struct manager *manager = &envoy_realm.gang.manager;
    struct error error;
    envoy_begin(1, NULL);
    gang_tally->gate = 0;
    void *in = holding_alloc(manager, ITEMS * LONG);
    REQUIRE(in);
    board_step = leave_when_sent;
    struct map_work work = {.fn = wait_for_gate, .in = in, .in_size = LONG, .n = ITEMS};
    CHECK_STATUS(map_run(manager, &work, NULL, &error), RP_OK);
    REQUIRE(envoy_is_sent_to());
    return in;
}

TEST_CASE(a_body_that_a_node_does_not_take_keeps_its_own_memory_alone)
{
    struct manager *manager = &envoy_realm.gang.manager;
    void *in = send_body();
    size_t before = manager->arena.in_use;
    void *other = holding_alloc(manager, SIZE);
    REQUIRE(other);
    CHECK(holding_free(manager, other));
    CHECK_UINT(manager->arena.in_use, before);
    CHECK(holding_free(manager, in));
    CHECK_UINT(manager->arena.in_use, before); /* the net may read it */
    serve_until_all_has_left();
    CHECK(manager->arena.in_use <= before - (size_t)ITEMS * LONG);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

TEST_CASE(what_the_net_may_read_for_a_lost_node_keeps_no_memory_that_is_given_up)
{
    struct manager *manager = &envoy_realm.gang.manager;
    void *in = send_body();
    size_t before = manager->arena.in_use;
    CHECK_STATUS(holding_unshare(manager, share(), NULL), RP_OK);
    CHECK(holding_free(manager, in));
    CHECK(manager->arena.in_use >= before + SIZE);
    net_loop_cling(envoy_realm.net, true);
    net_loop_cut(envoy_realm.end[0], 0);
    while (!envoy_realm.road->node[0].told)
        road_turn(envoy_realm.road);
    CHECK(manager->arena.in_use <= before - (size_t)ITEMS * LONG);
    net_loop_cling(envoy_realm.net, false);
    while (road_turn(envoy_realm.road))
        ;
    envoy_end();
}

/* Where each looked at all of them for all others, this would take minutes. */
TEST_CASE(thousands_of_shares_may_be_given_up_that_a_node_has_not_taken)
{
    enum { SHARES = 5000, SHORT = 5000 };
    struct manager *manager = &envoy_realm.gang.manager;
    struct error error;
    rp_share_id id;
    envoy_begin(1, NULL);
    size_t before = manager->arena.in_use;
    say_visit(false);
    for (int i = 0; i < SHARES; i++) {
        REQUIRE_STATUS(holding_share(manager, bytes, SHORT, &id, &error), RP_OK);
        CHECK_STATUS(holding_unshare(manager, id, NULL), RP_OK);
    }
    CHECK(manager->arena.in_use >= before + (size_t)SHARES * SHORT);
    serve_until_all_has_left();
    CHECK_UINT(manager->arena.in_use, before);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

/* ---- A net that is silent once it has been looked at ---- */

static bool is_sending;

static bool look_in_vain(struct net *net, struct net_event *event)
{
    (void)net, (void)event;
    is_sending = false;
    return false;
}

static bool has_sent_all(const struct net *net)
{
    (void)net;
    return !is_sending;
}

static void on_silent_net(void (*act)(struct road *road, struct net *net))
{
    static const struct net_ops silent = {.poll = look_in_vain, .is_quiet = has_sent_all};
    struct net net = {.ops = &silent, .peers = 1};
    envoy_begin(1, NULL);
    struct road *road = envoy_realm.road;
    struct net *before = road->net;
    road->net = &net;
    act(road, &net);
    road->net = before;
    envoy_end();
}

static void settle(struct road *road, struct net *net)
{
    (void)net;
    is_sending = true;
    road_settle(road);
    CHECK(!is_sending);
}

/* MPI says nothing more of what was sent without a token than that it has left. */
TEST_CASE(who_settles_wakes_up_when_the_last_message_has_left_without_a_word)
{
    on_silent_net(settle);
}

static void see_bytes_move(struct road *road, struct net *net)
{
    road->eventful = 1;
    road_turn(road);
    CHECK_UINT(road->eventful, 1);
    net->pieces++;
    road_turn(road);
    CHECK(road->eventful > 1);
}

/* A long message has no event before its end. */
TEST_CASE(bytes_that_move_are_seen_to_by_who_waits_for_them)
{
    on_silent_net(see_bytes_move);
}

/* ---- Cancelled meanwhile ------------------------------------------------------------------- */

static void turn_until_said(void)
{
    for (int i = 0; i < 100; i++) {
        envoy_listen("manager: sleeps");
        road_turn(envoy_realm.road);
    }
}

TEST_CASE(a_node_that_goes_away_may_answer_what_it_was_asked_before_when_it_is_back)
{
    struct manager *manager = &envoy_realm.gang.manager;
    struct task *task = calloc(1, sizeof *task);
    struct error error;
    REQUIRE(task);
    envoy_begin(1, NULL);
    task->fn = gang_square;
    task->kept = true;
    task->owner = realm_first(&envoy_realm, 0);
    REQUIRE_STATUS(submit_task(manager, task, &(uint64_t){1}, sizeof(uint64_t), &error), RP_OK);
    while (!envoy.count)
        turn_until_said();
    uint64_t block = envoy.got[0].block.block, pool = manager->setup.pool;
    const struct agent_block *held = manager->agents->agent[0].block[0];
    REQUIRE(held && road_cancel(manager, held->post, held->from));
    say_visit(false);
    CHECK_STATUS(submit_cancel(manager, task), RP_OK); /* it is here again */
    say_visit(true);
    envoy.pool = pool;
    envoy_say((struct wire_message){.type = WIRE_ANSWER, .pool = pool, .answer = {block, 0, 0}});
    turn_until_said();
    CHECK_STR(envoy_why(), "");
    task->kept = false;
    submit_let_go(manager, task);
    submit_drop(manager, task);
    envoy_end();
}
