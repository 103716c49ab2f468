/* What is to run before what, over several nodes: the longest items of a map, and tasks of a higher priority;
 * and what is to leave before what. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/step.h"
#include "check.h"
#include "outpost.h"
#include "realm.h"
#include "reduction.h"
#include "run/agent.h"
#include "run/submit.h"
#include "work.h"

static struct realm realm;

/* ---- Costs --------------------------------------------------------------------------------- */

/* So many items begin one after the other, the longest first, and all others behind them. */
enum { ITEMS = 400, FIRST = 8 };

static double cost[ITEMS];

static uint32_t rank_of(uint64_t item)
{
    uint32_t longer = 0;
    for (int i = 0; i < ITEMS; i++)
        longer += cost[i] > cost[item];
    return longer;
}

/* Who runs it too early waits for ever. `waiting`: of the first ones, those that have begun. */
static int begin_in_order(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    uint32_t rank = rank_of(item);
    while (atomic_load(&gang_tally->waiting) < (rank < FIRST ? rank : FIRST))
        sched_yield();
    if (rank < FIRST)
        atomic_fetch_add(&gang_tally->waiting, 1);
    return gang_square(call, in, size);
}

TEST_CASE(the_longest_items_begin_first_whichever_nodes_have_them)
{
    static const enum schedule schedules[] = {SCHEDULE_AUTO, SCHEDULE_DYNAMIC};
    for (uint64_t i = 0; i < ITEMS; i++)
        cost[i] = (double)(reduction_mix(i) >> 16);
    for (int k = 0; k < 2; k++) {
        realm_start(&realm, 1, 2, 3);
        realm_open(&realm, NULL);
        work_map(&realm.gang,
                 &(struct map_work){.fn = begin_in_order, .cost = cost, .schedule = schedules[k]}, ITEMS);
        CHECK_UINT(gang_tally->waiting, FIRST);
        for (int i = 0; i < ITEMS; i++)
            CHECK_UINT(gang_tally->runs[i], 1);
        realm_end(&realm);
    }
}

/* ---- Priorities ---------------------------------------------------------------------------- */

/* Items below FREE run at once, and those beyond all others; the rest wait until the gate is open. So
 * however slow this machine is, the nodes have shown no more than FREE when what is urgent comes, and by that
 * they have few of all (sched/blocks.h: four times as much). While it is on its way to one of them, another
 * one gets and does more: so half of all is what counts. */
enum { TASKS = 8000, URGENT = 5, FREE = 20, BEYOND = 2 * TASKS, AHEAD = TASKS / 2 };

/* Tells how many have begun before. */
static int tell_place(rp_call *call, const void *in, size_t size)
{
    uint64_t item, place = atomic_fetch_add(&gang_tally->waiting, 1);
    (void)size;
    memcpy(&item, in, sizeof item);
    while (item >= FREE && item < BEYOND && atomic_load(&gang_tally->gate))
        sched_yield();
    return rp_return(call, &place, sizeof place);
}

static struct task *submit(uint64_t item, int priority)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = tell_place;
    task->kept = true;
    task->priority = priority;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &item, sizeof item, &error), RP_OK);
    return task;
}

static uint64_t await_place(struct task *task)
{
    uint64_t place = UINT64_MAX;
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    if (CHECK_STATUS(task->status, RP_OK))
        memcpy(&place, task->result, sizeof place);
    task->kept = false;
    submit_let_go(&realm.gang.manager, task);
    submit_drop(&realm.gang.manager, task);
    return place;
}

TEST_CASE(urgent_tasks_go_before_all_that_no_node_has_yet)
{
    struct task *task[TASKS], *urgent[URGENT];
    realm_start(&realm, 0, 2, 3);
    realm_open(&realm, NULL);
    gang_tally->gate = 1;
    for (uint64_t i = 0; i < TASKS; i++)
        task[i] = submit(i, 0);
    while (atomic_load(&gang_tally->waiting) < FREE)
        submit_look(&realm.gang.manager);
    for (uint64_t i = 0; i < URGENT; i++)
        urgent[i] = submit(BEYOND + i, 3);
    gang_tally->gate = 0;
    for (int i = 0; i < URGENT; i++)
        CHECK(await_place(urgent[i]) < AHEAD);
    for (int i = 0; i < TASKS; i++)
        await_place(task[i]);
    realm_end(&realm);
}

enum { WORKERS = 2 }; /* beside their leader */

/* Items from BEYOND on are urgent. Any other one stands at the gate, or, if that is open, waits until all of
 * these have begun: in vain where the workers have begun others before. */
static int begin_behind_the_urgent(rp_call *call, const void *in, size_t size)
{
    uint64_t item, give_up = clock_deadline(5);
    bool is_shut = atomic_load(&gang_tally->gate);
    memcpy(&item, in, sizeof item);
    atomic_fetch_add(&gang_tally->hooks[item >= BEYOND], 1);
    if (item < BEYOND && is_shut)
        while (atomic_load(&gang_tally->gate))
            sched_yield();
    while (item < BEYOND && !is_shut && atomic_load(&gang_tally->hooks[1]) < URGENT &&
           !gang_tally->hooks[2]) {
        gang_tally->hooks[2] = clock_ns() > give_up;
        sched_yield();
    }
    return rp_return(call, in, size);
}

TEST_CASE(a_node_runs_first_what_is_more_urgent)
{
    static struct outpost post;
    outpost_start(&post, 1 + WORKERS, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    gang_tally->gate = 1;
    struct wire_message lazy = outpost_squares(1, 200), urgent = outpost_squares(2, URGENT);
    lazy.block.function = urgent.block.function = outpost_name(begin_behind_the_urgent);
    lazy.block.chunk = urgent.block.chunk = 1;
    urgent.block.map = 2;
    urgent.block.priority = 3;
    outpost_send_squares(&post, &lazy, 0);
    outpost_send_squares(&post, &urgent, BEYOND);
    struct wire_message cancel = {.type = WIRE_CANCEL, .pool = OUTPOST_POOL, .cancel = {77, 0}};
    outpost_send(&post, &cancel, NULL, 0);
    outpost_await(&post, WIRE_ANSWER, 1); /* the block is there, too */
    gang_await(&gang_tally->hooks[0], WORKERS);
    gang_tally->gate = 0;
    outpost_await_items(&post, 200 + URGENT);
    CHECK_UINT(gang_tally->hooks[1], URGENT);
    CHECK_UINT(gang_tally->hooks[2], 0);
    outpost_end(&post);
}

/* ---- Copies -------------------------------------------------------------------------------- */

static pthread_t poster;
static uint64_t posted, sent_by_then;

static void count_what_has_left(const char *place)
{
    if (pthread_equal(pthread_self(), poster) && strcmp(place, "publish: cursor live") == 0 && ++posted == 2)
        sent_by_then = realm.gang.manager.agents->agent[0].made;
}

static int see_input(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size ? 1 : 0);
}

/* In an order of its own, or it would not be copied at all. */
TEST_CASE(a_long_item_leaves_before_the_next_one_is_copied)
{
    enum { LONG = 3, SIZE = 4 << 20 };
    struct error error;
    unsigned char *in = calloc(LONG, SIZE), out[LONG];
    REQUIRE(in);
    realm_start(&realm, 0, 1, 1);
    realm_open(&realm, NULL);
    poster = pthread_self();
    posted = sent_by_then = 0;
    board_step = count_what_has_left;
    struct map_work work = {.fn = see_input,
                            .in = in,
                            .in_size = SIZE,
                            .n = LONG,
                            .cost = (const double[LONG]){3, 2, 1},
                            .out = out,
                            .out_size = 1};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    board_step = NULL;
    CHECK_UINT(sent_by_then, 1);
    realm_end(&realm);
    free(in);
}
