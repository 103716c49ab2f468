/* What is given up where leaders lead others: these send it on, and its memory is bounded by what the manager
 * may give up, since that keeps it until they say that it has left. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "net/loop.h"
#include "run/holding.h"
#include "run/submit.h"
#include "work.h"

enum { LONG = 20 << 20, SHORT = 1 << 20 }; /* more than is left to itself, and less */

static char bytes[LONG];

static rp_share_id share(struct manager *manager, size_t size)
{
    struct error error;
    rp_share_id id;
    REQUIRE_STATUS(holding_share(manager, bytes, size, &id, &error), RP_OK);
    return id;
}

/* ---- What the manager does, with a node that says that it leads others -------------------- */

static void begin_with_one_that_leads(void (*act)(struct envoy_block *got))
{
    envoy_begin(1, act);
    envoy_realm.road->node[0].led = 1;
    envoy_listen("manager: sleeps");
}

static _Atomic bool is_handed, is_over;

static void say_handed(enum wire_type kind, uint64_t id)
{
    atomic_store(&is_handed, true);
    envoy_say((struct wire_message){.type = WIRE_HANDED, .handed = {id, (uint32_t)kind, 0}});
}

/* As a leader would, in a thread of its own. */
static void *hand_on_share(void *unused)
{
    for (; !envoy.messages[WIRE_UNSHARE]; sched_yield())
        envoy_listen("manager: sleeps");
    say_handed(WIRE_SHARE, envoy.last[WIRE_UNSHARE].unshare.number);
    for (; !atomic_load(&is_over); sched_yield())
        envoy_listen("manager: sleeps");
    return unused;
}

TEST_CASE(who_gives_up_much_waits_until_those_who_lead_others_have_handed_it_on)
{
    struct manager *manager = &envoy_realm.gang.manager;
    pthread_t thread;
    begin_with_one_that_leads(NULL);
    board_step = NULL;
    atomic_store(&is_handed, false);
    atomic_store(&is_over, false);
    size_t before = manager->arena.in_use;
    rp_share_id id = share(manager, LONG);
    REQUIRE(!pthread_create(&thread, NULL, hand_on_share, NULL));
    CHECK_STATUS(holding_unshare(manager, id, NULL), RP_OK);
    CHECK(atomic_load(&is_handed));
    CHECK(manager->arena.in_use < before + LONG);
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

static void turn_until_below(struct manager *manager, size_t in_use)
{
    while (manager->arena.in_use >= in_use) {
        road_turn(manager->setup.road);
        if (board_step)
            board_step("manager: sleeps");
    }
}

TEST_CASE(what_a_map_had_in_common_is_kept_until_those_who_lead_others_have_handed_it_on)
{
    struct manager *manager = &envoy_realm.gang.manager;
    begin_with_one_that_leads(envoy_answer_all);
    size_t before = manager->arena.in_use;
    work_map(&envoy_realm.gang,
             &(struct map_work){.fn = gang_slow_square, .common = bytes, .common_size = LONG}, 500);
    REQUIRE(envoy.messages[WIRE_COMMON]);
    CHECK(manager->arena.in_use >= before + LONG);
    say_handed(WIRE_COMMON, envoy.last[WIRE_COMMON].common.id);
    turn_until_below(manager, before + LONG);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

TEST_CASE(what_a_lost_node_has_not_handed_on_is_kept_no_longer)
{
    struct manager *manager = &envoy_realm.gang.manager;
    begin_with_one_that_leads(NULL);
    size_t before = manager->arena.in_use;
    CHECK_STATUS(holding_unshare(manager, share(manager, SHORT), NULL), RP_OK);
    CHECK(manager->arena.in_use >= before + SHORT);
    net_loop_cut(envoy_realm.end[0], 0);
    turn_until_below(manager, before + SHORT);
    envoy_end();
}

static void take_in_all(void)
{
    while (road_turn(envoy_realm.road))
        continue;
}

TEST_CASE(each_share_waits_for_its_own_word_and_a_word_too_many_changes_nothing)
{
    struct manager *manager = &envoy_realm.gang.manager;
    begin_with_one_that_leads(NULL);
    size_t before = manager->arena.in_use;
    rp_share_id first = share(manager, SHORT), second = share(manager, SHORT);
    say_handed(WIRE_SHARE, first);
    take_in_all();
    CHECK_STATUS(holding_unshare(manager, first, NULL), RP_OK);
    CHECK_STATUS(holding_unshare(manager, second, NULL), RP_OK);
    say_handed(WIRE_COMMON, 99);
    say_handed(WIRE_SHARE, second);
    turn_until_below(manager, before + 2 * (size_t)SHORT);
    take_in_all();
    CHECK(manager->arena.in_use >= before + SHORT);
    say_handed(WIRE_SHARE, first);
    turn_until_below(manager, before + SHORT);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

/* ---- What those who lead others do -------------------------------------------------------- */

static struct realm realm;

/* What its node has said before is known then. */
static void run_task_of(int worker)
{
    struct error error;
    uint64_t item = 3;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = gang_square;
    task->kept = true;
    task->owner = worker;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &item, sizeof item, &error), RP_OK);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    task->kept = false;
    submit_let_go(&realm.gang.manager, task);
    submit_drop(&realm.gang.manager, task);
}

/* Two nodes, one below the other, which takes nothing that comes while `held`. */
static void hold_lowest(bool held)
{
    net_loop_hold(realm.end[1], 0, held);
}

TEST_CASE(a_share_is_kept_until_it_has_left_for_the_lowest_level)
{
    struct manager *manager = &realm.gang.manager;
    realm_start_deep(&realm, 0, 2, 1, 1);
    realm_open(&realm, NULL);
    size_t before = manager->arena.in_use;
    hold_lowest(true);
    CHECK_STATUS(holding_unshare(manager, share(manager, SHORT), NULL), RP_OK);
    run_task_of(realm_first(&realm, 0));
    CHECK(manager->arena.in_use >= before + SHORT);
    hold_lowest(false);
    turn_until_below(manager, before + SHORT);
    realm_end(&realm);
}

TEST_CASE(shares_that_come_and_go_leave_nothing_at_those_who_lead_others)
{
    struct manager *manager = &realm.gang.manager;
    realm_start_deep(&realm, 0, 6, 1, 2);
    realm_open(&realm, NULL);
    size_t before = manager->arena.in_use;
    for (int i = 0; i < 40; i++)
        CHECK_STATUS(holding_unshare(manager, share(manager, i % 2 ? SHORT : 4 * SHORT), NULL), RP_OK);
    turn_until_below(manager, before + SHORT);
    realm_end(&realm);
}
