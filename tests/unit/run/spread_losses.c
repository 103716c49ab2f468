/* What all nodes are to have reaches each of them also where leaders of the tree are lost, refuse the pool,
 * or keep silent. */
#include <sched.h>

#include "base/clock.h"
#include "check.h"
#include "run/holding.h"
#include "run/leader_state.h"
#include "run/map.h"
#include "run/relay_state.h"
#include "spread.h"
#include "wire/message.h"

/* ---- Losses -------------------------------------------------------------------------------- */

/* What the manager says does not reach it, so that it has nothing to hand on. */
static void hold_3(void)
{
    net_loop_hold(spread_realm.end[3], 0, true);
}

static void lose_3(void)
{
    net_loop_cut(spread_realm.end[3], 0);
}

TEST_CASE(nodes_below_one_that_is_lost_have_it_from_the_manager)
{
    spread_start(0, 1);
    spread_realm.may_lose = true;
    spread_sent.at_first = hold_3;
    spread_sent.at_block = lose_3;
    uint64_t deadline = clock_deadline(SPREAD_SOON_S);
    spread_map(SPREAD_LARGE);
    CHECK(clock_ns() < deadline);
    CHECK(spread_sent.bodies[4] == 1 && spread_sent.bodies[5] == 1);
    CHECK_INT(spread_sent.bodies[2] + spread_sent.bodies[6], 0);
    spread_map(SPREAD_SIZE - 1); /* by what is left of the tree */
    CHECK_INT(spread_sent.bodies[6], 0);
    rp_share_id id = spread_share(SPREAD_SIZE);
    for (int i = 0; i < SPREAD_NODES; i++)
        if (i != 3)
            CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, i), id), SPREAD_SIZE);
    spread_end();
}

/* The leader of node 3 refuses the pool. */
static void refuse_at_3(void)
{
    unsigned char head[64];
    struct wire_message nonsense = {.type = WIRE_CLOSED, .pool = spread_realm.gang.manager.setup.pool};
    size_t size = wire_message_pack(&nonsense, head, sizeof head);
    CHECK_STATUS(spread_sent.ops->send(spread_realm.net, 3, head, size, NULL, 0, NULL, NULL), RP_OK);
}

TEST_CASE(nodes_below_one_that_refuses_have_it_from_the_manager_at_once)
{
    spread_start(0, 1);
    spread_sent.at_first = refuse_at_3;
    uint64_t deadline = clock_deadline(SPREAD_SOON_S);
    spread_map(SPREAD_LARGE);
    CHECK(clock_ns() < deadline);
    CHECK(spread_sent.bodies[4] == 1 && spread_sent.bodies[5] == 1);
    CHECK_INT(spread_sent.bodies[2] + spread_sent.bodies[6], 0);
    rp_share_id id = spread_share(SPREAD_LARGE); /* by what is left of the tree */
    CHECK_INT(spread_sent.bodies[3], 2);
    CHECK_INT(spread_sent.bodies[6], 0);
    for (int i = 0; i < SPREAD_NODES; i++)
        if (i != 3)
            CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, i), id), SPREAD_LARGE);
    CHECK(clock_ns() < deadline);
    spread_end();
}

static void hold_3_to_5(void)
{
    net_loop_hold(spread_realm.end[5], spread_peer(5, 3), true);
}

static void part_3_and_5(void)
{
    net_loop_cut(spread_realm.end[3], spread_peer(3, 5));
}

TEST_CASE(a_node_that_cannot_reach_the_one_above_it_asks_the_manager)
{
    spread_start(0, 1);
    spread_sent.at_first = hold_3_to_5;
    spread_sent.at_block = part_3_and_5;
    uint64_t deadline = clock_deadline(SPREAD_SOON_S);
    spread_map(SPREAD_LARGE);
    CHECK(clock_ns() < deadline);
    CHECK_INT(spread_sent.bodies[5], 1);
    CHECK_INT(spread_count_bodies(), 4);
    spread_ask_all(spread_share(SPREAD_SIZE), SPREAD_SIZE);
    CHECK_INT(spread_sent.bodies[5], 2);
    CHECK_INT(spread_count_bodies(), 8);
    spread_end();
}

TEST_CASE(a_node_above_that_keeps_silent_is_not_waited_for_for_long)
{
    spread_start(0, 1);
    spread_sent.at_first = hold_3_to_5;
    spread_map(SPREAD_SIZE);
    CHECK_INT(spread_sent.bodies[5], 1);
    net_loop_hold(spread_realm.end[5], spread_peer(5, 3), false); /* what comes late is not wanted */
    spread_map(SPREAD_SIZE - 1);
    CHECK_INT(spread_sent.bodies[5], 1);
    spread_end();
}

/* Other nodes do what it would have done; then it is forgotten before it has come. */
TEST_CASE(a_map_that_ends_before_all_nodes_have_it_leaves_nothing_behind)
{
    spread_start(2, 1);
    for (int round = 0; round < 3; round++) {
        spread_sent.at_first = hold_3_to_5;
        spread_map_by(SCHEDULE_AUTO, SPREAD_SIZE);
        net_loop_hold(spread_realm.end[5], spread_peer(5, 3), false);
    }
    spread_ask_all(spread_share(SPREAD_SIZE), SPREAD_SIZE);
    spread_end();
}

/* ---- Late -------------------------------------------------------------------------------- */

/* Node 5, as its own thread sees it. */
static struct {
    struct net_ops ops;       /* what it uses ... */
    const struct net_ops *of; /* ... of the net */
    atomic_bool begun;        /* bytes are coming to it from 3 */
    _Atomic uint64_t places;  /* as many as the share's that it has in use */
} late;

static void note_and_receive(struct net *net, const struct net_event *event, void *const to[], bool copied,
                             void *token)
{
    late.of->receive(net, event, to, copied, token);
    if (event->peer == spread_peer(5, 3))
        atomic_store(&late.begun, true);
}

static bool note_and_poll(struct net *net, struct net_event *event)
{
    const struct relay *relay = spread_realm.node[5].leader->relays;
    if (relay && relay->open)
        atomic_store(&late.places, relay->manager.arena.in_use / SPREAD_LARGE);
    return late.of->poll(net, event);
}

static void be_late(struct realm *realm)
{
    struct net *net = realm->end[5];
    atomic_store(&late.begun, false);
    late.of = net->ops;
    late.ops = *net->ops;
    late.ops.receive = note_and_receive;
    late.ops.poll = note_and_poll;
    net_loop_delay(net, 0, UINT32_MAX);
    net->ops = &late.ops;
}

static void await_places(uint64_t count)
{
    while (atomic_load(&late.places) != count)
        sched_yield();
}

/* As MPI leaves it: nobody knows whether these bytes still come. */
static void cut_in_the_middle(void)
{
    struct net *net = spread_realm.end[5];
    while (!atomic_load(&late.begun))
        sched_yield();
    net_loop_cling(net, true);
    net_loop_delay(net, 0, 0);
    net_loop_cut(net, spread_peer(5, 3));
}

TEST_CASE(memory_of_a_share_that_came_elsewhere_meanwhile_is_given_back)
{
    realm_at_ends = be_late;
    spread_start(0, 1);
    rp_share_id id = spread_share(SPREAD_LARGE);
    cut_in_the_middle();
    CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, 5), id), SPREAD_LARGE);
    await_places(2);
    net_loop_cling(spread_realm.end[5], false);
    await_places(1);
    spread_ask_all(id, SPREAD_LARGE);
    spread_end();
}

/* Or the next share would lie there, be written over, and be given back by mistake. */
TEST_CASE(memory_where_bytes_may_still_come_is_kept_when_their_share_is_forgotten)
{
    realm_at_ends = be_late;
    spread_start(0, 1);
    rp_share_id id = spread_share(SPREAD_LARGE);
    cut_in_the_middle();
    CHECK_STATUS(holding_unshare(&spread_realm.gang.manager, id, NULL), RP_OK); /* before it is asked */
    id = spread_share(SPREAD_LARGE);
    CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, 5), id), SPREAD_LARGE);
    REQUIRE(CHECK_UINT(atomic_load(&late.places), 2));
    net_loop_cling(spread_realm.end[5], false);
    await_places(1);
    spread_ask_all(id, SPREAD_LARGE);
    spread_end();
}
