/* Two levels, of which something is lost: node 0 leads the others, but is led itself. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "envoy.h"
#include "net/loop.h"
#include "work.h"

static struct realm realm;

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

enum { WIDE = 100000, ITEMS = 8, COLOURS = 199 };

static _Atomic uint64_t late; /* the item whose result is on its way when its node is lost */
static _Atomic bool is_cut;

/* Where it runs again, what was on its way is written when its result stands there. */
static int paint(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    (void)size;
    memcpy(&item, in, sizeof item);
    unsigned char *out = rp_reserve(call, WIDE);
    memset(out, (int)(item % COLOURS) + 1, WIDE);
    if (item == atomic_load(&late))
        net_loop_cling(envoy_realm.node[0].net, false);
    return rp_return(call, out, WIDE);
}

/* The answer to a message says that who leads it has taken in those before. */
static void vanish_in_the_middle(struct envoy_block *got)
{
    envoy.act = NULL;
    atomic_store(&late, got->block.first);
    envoy_say_long(got, 1, WIDE);
    envoy_say((struct wire_message){.type = WIRE_PAUSE, .pause = {1, 1}});
    while (!envoy.messages[WIRE_PAUSED])
        envoy_listen("manager: sleeps");
    net_loop_cling(envoy_realm.node[0].net, true);
    net_loop_cut(envoy_realm.node[0].net, 0);
    atomic_store(&is_cut, true);
}

static void *speak(void *unused)
{
    for (; !atomic_load(&is_cut); sched_yield())
        envoy_listen("manager: sleeps");
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
    enum { NEVER = 1 << 30 }; /* polls */
    static unsigned char out[ITEMS][WIDE];
    pthread_t thread;
    struct error error;
    struct map_work work = {
        .fn = paint, .range = true, .in_size = 8, .n = ITEMS, .out = out, .out_size = WIDE};
    atomic_store(&is_cut, false);
    envoy_begin_below(vanish_in_the_middle);
    net_loop_delay(envoy_realm.node[0].net, 0, NEVER);
    REQUIRE(!pthread_create(&thread, NULL, speak, NULL));
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_OK);
    pthread_join(thread, NULL);
    for (int i = 0; i < ITEMS; i++)
        CHECK(is_painted(out[i], i));
    envoy_end();
}
