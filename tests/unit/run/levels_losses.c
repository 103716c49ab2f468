/* Two levels, of which something is lost: node 0 leads the others, but is led itself. What is broken shows
 * where the harm comes in the middle of what it breaks; what is right bears it at any time. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "net/loop.h"
#include "realm.h"
#include "run/agent.h"
#include "run/submit.h"
#include "work.h"

static struct realm realm;

static void turn_for(double seconds)
{
    for (uint64_t until = clock_deadline(seconds); !clock_has_passed(until);)
        road_turn(realm.road);
}

/* ---- A reduction --------------------------------------------------------------------------- */

/* The process that the gate names stays in an item until it is killed. */
static int number(rp_call *call, const void *in, size_t size)
{
    (void)size;
    while (atomic_load(&gang_tally->gate) == (uint32_t)getpid()) {
        atomic_store(&gang_tally->waiting, 1);
        usleep(200);
    }
    usleep(1000);
    return rp_return(call, in, sizeof(uint64_t));
}

static void add(void *into, const void *from, size_t size)
{
    uint64_t sum, more;
    (void)size;
    memcpy(&sum, into, sizeof sum);
    memcpy(&more, from, sizeof more);
    sum += more;
    memcpy(into, &sum, sizeof sum);
}

static void *kill_the_other(void *unused)
{
    enum { LATER_US = 1000000 }; /* parts have gathered */
    while (!atomic_load(&gang_tally->waiting))
        usleep(1000);
    usleep(LATER_US);
    gang_kill(&realm.node[0].gang, 2);
    return unused;
}

TEST_CASE(parts_are_combined_when_the_last_beside_one_who_leads_others_dies)
{
    enum { ITEMS = 1000 };
    pthread_t thread;
    uint64_t sum = 0;
    struct error error;
    struct map_work work = {.fn = number,
                            .combine = add,
                            .range = true,
                            .in_size = sizeof sum,
                            .n = ITEMS,
                            .out = &sum,
                            .out_size = sizeof sum,
                            .retries = 3};
    realm_start_deep(&realm, 0, 2, 2, 1);
    realm_open(&realm, NULL);
    work_tasks(&realm.gang, gang_slow_square, 200, 200, false);
    atomic_store(&gang_tally->waiting, 0);
    atomic_store(&gang_tally->gate, (uint32_t)realm.node[0].gang.pid[2]);
    REQUIRE(!pthread_create(&thread, NULL, kill_the_other, NULL));
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    CHECK_UINT(sum, (uint64_t)ITEMS * (ITEMS - 1) / 2);
    pthread_join(thread, NULL);
    realm_end(&realm);
}

/* ---- Long results -------------------------------------------------------------------------- */

enum { WIDE = 100000, ITEMS = 120, COLOURS = 199 };

static int paint(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    (void)size;
    memcpy(&item, in, sizeof item);
    unsigned char *out = rp_reserve(call, WIDE);
    memset(out, (int)(item % COLOURS) + 1, WIDE);
    usleep(2000);
    return rp_return(call, out, WIDE);
}

/* What the lost node had sent comes on for a while. */
static void *cut_in_the_middle(void *unused)
{
    enum { BEGUN_US = 40000, LATE_US = 30000 };
    usleep(BEGUN_US);
    net_loop_cling(realm.node[0].net, true);
    net_loop_cut(realm.node[0].net, 0);
    net_loop_delay(realm.node[0].net, 0, 0);
    usleep(LATE_US);
    net_loop_cling(realm.node[0].net, false);
    return unused;
}

static bool is_painted(const unsigned char *out, int item)
{
    for (int i = 0; i < WIDE; i++)
        if (out[i] != item % COLOURS + 1)
            return false;
    return true;
}

TEST_CASE(late_bytes_of_a_lost_node_go_over_no_results_at_who_leads_it)
{
    enum { BYTES = 1500 }; /* a poll */
    static unsigned char out[ITEMS][WIDE];
    pthread_t thread;
    struct error error;
    struct map_work work = {
        .fn = paint, .range = true, .in_size = 8, .n = ITEMS, .out = out, .out_size = WIDE};
    realm_start_deep(&realm, 0, 6, 1, 2);
    realm.may_lose = true;
    realm_open(&realm, NULL);
    net_loop_delay(realm.node[0].net, 0, BYTES);
    net_loop_delay(realm.net, 0, BYTES);
    REQUIRE(!pthread_create(&thread, NULL, cut_in_the_middle, NULL));
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    for (int i = 0; i < ITEMS; i++)
        CHECK(is_painted(out[i], i));
    pthread_join(thread, NULL);
    realm_end(&realm);
}

/* ---- Cancellations ------------------------------------------------------------------------- */

static void *open_the_gate(void *unused)
{
    enum { HELD_US = 100000, LATER_US = 400000 };
    usleep(HELD_US);
    net_loop_hold(realm.node[0].net, 0, false);
    usleep(LATER_US);
    atomic_store(&gang_tally->gate, 0);
    return unused;
}

TEST_CASE(a_cancellation_that_meets_what_is_asked_back_is_answered)
{
    enum { TASKS = 60, GATED = 3 };
    pthread_t thread;
    struct task *task[TASKS];
    struct error error;
    const uint64_t item = GATED;
    struct manager *manager = &realm.gang.manager;
    realm_start_deep(&realm, 0, 2, 4, 1);
    realm_open(&realm, NULL);
    work_tasks(&realm.gang, gang_slow_square, 200, 200, false);
    atomic_store(&gang_tally->gate, 1u << GATED);
    atomic_store(&gang_tally->waiting, 0);
    for (int i = 0; i < TASKS; i++) {
        REQUIRE(task[i] = calloc(1, sizeof *task[i]));
        task[i]->fn = gang_gated_square;
        task[i]->kept = true;
        REQUIRE_STATUS(submit_task(manager, task[i], &item, sizeof item, &error), RP_OK);
    }
    turn_for(0.005);
    net_loop_hold(realm.node[0].net, 0, true);
    road_recall(manager, NULL);
    REQUIRE(!pthread_create(&thread, NULL, open_the_gate, NULL));
    for (int i = 0; i < TASKS; i++)
        submit_cancel(manager, task[i]);
    for (int i = 0; i < TASKS; i++) {
        submit_wait(manager, task[i], CLOCK_NEVER);
        task[i]->kept = false;
        submit_let_go(manager, task[i]);
        submit_drop(manager, task[i]);
    }
    pthread_join(thread, NULL);
    for (uint64_t until = clock_deadline(5); manager->agents->agent[0].asked && !clock_has_passed(until);)
        road_turn(realm.road);
    CHECK_UINT(manager->agents->agent[0].asked, 0);
    realm_end(&realm);
}
