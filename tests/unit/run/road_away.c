/* Nodes that nobody serves at present take nothing of what they were sent: nobody waits for that. */
#include "check.h"
#include "envoy.h"
#include "run/holding.h"

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
    say_visit(true);
    while (road_is_sending(&envoy_realm.gang.manager)) {
        envoy_listen("manager: sleeps");
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

/* MPI says nothing more of what was sent without a token than that it has left. */
TEST_CASE(who_settles_wakes_up_when_the_last_message_has_left_without_a_word)
{
    static const struct net_ops silent = {.poll = look_in_vain, .is_quiet = has_sent_all};
    struct net net = {&silent, 1};
    envoy_begin(1, NULL);
    struct road *road = envoy_realm.road;
    struct net *before = road->net;
    road->net = &net;
    is_sending = true;
    road_settle(road);
    CHECK(!is_sending);
    road->net = before;
    envoy_end();
}
