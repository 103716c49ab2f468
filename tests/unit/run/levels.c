/* A tree of nodes, whose leaders lead others: what differs from one level. What does not is seen by the cases
 * of road.c, road_tasks.c and realm_queue.c, which run over trees, too. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "realm.h"
#include "run/holding.h"
#include "run/submit.h"
#include "work.h"

static struct realm realm;

/* ---- Tasks that wait for each other ------------------------------------------------------ */

static int wait_for_all(rp_call *call, const void *in, size_t size)
{
    uint32_t all;
    memcpy(&all, in, sizeof all);
    (void)size;
    atomic_fetch_add(&gang_tally->waiting, 1);
    gang_await(&gang_tally->waiting, all);
    return rp_return(call, "", 0);
}

/* One for each worker. */
static void check_that_all_work(int nodes, int each, int fanout)
{
    uint64_t count = (uint64_t)(nodes * each);
    size_t before[REALM_NODES * GANG_WORKERS + 1];
    realm_start_deep(&realm, 0, nodes, each, fanout);
    realm_open(&realm, NULL);
    work_tasks(&realm.gang, gang_slow_square, 200, 200, false); /* so that it is known how fast each is */
    for (int worker = 1; worker <= (int)count; worker++)
        before[worker] = manager_count_done(&realm.gang.manager, worker);
    atomic_store(&gang_tally->waiting, 0);
    for (uint64_t i = 0; i < count; i++)
        work_submit(&realm.gang, wait_for_all, count);
    for (uint64_t i = 0; i < count; i++) {
        struct task *task = submit_next(&realm.gang.manager, CLOCK_NEVER);
        CHECK_STATUS(task->status, RP_OK);
        realm.gang.manager.setup.dispose(task);
    }
    for (int worker = 1; worker <= (int)count; worker++)
        CHECK_UINT(manager_count_done(&realm.gang.manager, worker) - before[worker], 1);
    realm_end(&realm);
}

TEST_CASE(each_worker_of_a_tree_runs_one_of_tasks_that_wait_for_each_other)
{
    static const struct {
        int nodes, each, fanout;
    } trees[] = {{3, 1, 1}, {3, 2, 1}, {6, 1, 2}, {6, 2, 2}};
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        check_note("%d nodes of %d by %d", trees[i].nodes, trees[i].each, trees[i].fanout);
        check_that_all_work(trees[i].nodes, trees[i].each, trees[i].fanout);
    }
}

/* ---- Deaths ------------------------------------------------------------------------------ */

TEST_CASE(a_death_two_levels_below_is_known_to_the_manager_and_costs_no_item)
{
    realm_start_deep(&realm, 0, 3, 2, 1);
    realm_open(&realm, NULL);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 500);
    gang_kill(&realm.node[2].gang, 2);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 2000);
    CHECK(realm.crew->member[realm_first(&realm, 2) + 1].dead);
    for (int worker = 1; worker < realm.crew->count; worker++)
        if (worker != realm_first(&realm, 2) + 1)
            CHECK(!realm.crew->member[worker].dead);
    realm_end(&realm);
}

/* ---- What is asked back ------------------------------------------------------------------ */

static int refuse(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "not today");
}

/* At once, since the pool is broken: also what has only begun to go down the tree. */
TEST_CASE(all_levels_give_back_what_a_map_asks_back_that_has_just_begun)
{
    static uint64_t in[300];
    struct error error;
    for (int round = 0; round < 30; round++) {
        realm_start_deep(&realm, 0, 8, 1, 2);
        realm_open(&realm, &(struct manager_setup){.memory = MEMORY_MEMFD, .initializer = refuse});
        struct map_work work = {.fn = gang_square, .in = in, .in_size = sizeof *in, .n = 300};
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_POOL_BROKEN);
        CHECK_HAS(error.text, "not today");
        realm_end(&realm);
    }
}

static int wait_for_gate(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    atomic_fetch_add(&gang_tally->waiting, 1);
    gang_await(&gang_tally->gate, 1);
    return rp_return(call, "", 0);
}

static struct task *submit_to(rp_fn *fn, int owner)
{
    struct error error;
    uint64_t item = 0;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->kept = true;
    task->owner = owner;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &item, sizeof item, &error), RP_OK);
    return task;
}

static void end_task(struct task *task, rp_status status)
{
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    CHECK_STATUS(task->status, status);
    task->kept = false;
    submit_let_go(&realm.gang.manager, task);
    submit_drop(&realm.gang.manager, task);
}

/* It lies behind one that runs, wherever it is by then: mostly on the board of the lowest node. */
TEST_CASE(a_task_that_has_not_begun_two_levels_below_is_cancelled)
{
    realm_start_deep(&realm, 0, 2, 2, 1);
    realm_open(&realm, NULL);
    atomic_store(&gang_tally->gate, 0);
    atomic_store(&gang_tally->waiting, 0);
    int worker = realm_first(&realm, 1) + 1;
    struct task *runs = submit_to(wait_for_gate, worker), *lies = submit_to(gang_square, worker);
    while (!atomic_load(&gang_tally->waiting))
        submit_round(&realm.gang.manager, clock_deadline(1e-3));
    for (int i = 0; i < 50; i++)
        submit_round(&realm.gang.manager, clock_deadline(1e-3));
    CHECK_STATUS(submit_cancel(&realm.gang.manager, lies), RP_OK);
    atomic_store(&gang_tally->gate, 1);
    end_task(runs, RP_OK);
    end_task(lies, RP_CANCELLED);
    realm_end(&realm);
}

/* ---- What all have ----------------------------------------------------------------------- */

static int add_common(rp_call *call, const void *in, size_t size)
{
    size_t bytes;
    const unsigned char *common = rp_common(call, &bytes);
    uint64_t item;
    memcpy(&item, in, sizeof item);
    (void)size;
    item += common[0] + common[bytes - 1];
    return rp_return(call, &item, sizeof item);
}

static void check_common(int nodes, int fanout)
{
    static unsigned char common[300000];
    static uint64_t out[300];
    struct error error;
    realm_start_deep(&realm, 0, nodes, 1, fanout);
    realm_open(&realm, NULL);
    for (int round = 1; round <= 20; round++) {
        memset(common, round, sizeof common);
        struct map_work work = {.fn = add_common,
                                .range = true,
                                .in_size = 8,
                                .n = 300,
                                .out = out,
                                .out_size = 8,
                                .common = common,
                                .common_size = round % 2 ? sizeof common : 10};
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
        for (size_t i = 0; i < 300; i++)
            CHECK_UINT(out[i], i + 2 * (unsigned)round);
    }
    realm_end(&realm);
}

/* At each level leaders hand it on to each other, and then to those whom they lead. */
TEST_CASE(what_items_have_in_common_reaches_the_lowest_level_again_and_again)
{
    static const int trees[][2] = {{3, 1}, {6, 3}, {8, 2}};
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        check_note("%d nodes by %d", trees[i][0], trees[i][1]);
        check_common(trees[i][0], trees[i][1]);
    }
}

static int add_shared(rp_call *call, const void *in, size_t size)
{
    size_t bytes;
    uint64_t ids[2];
    if (size != sizeof ids)
        return 1;
    memcpy(ids, in, sizeof ids);
    const unsigned char *shared = rp_shared(call, ids[0], &bytes);
    if (!shared)
        return rp_fail(call, "nothing is shared");
    ids[1] += shared[0] + shared[bytes - 1];
    return rp_return(call, &ids[1], sizeof ids[1]);
}

TEST_CASE(what_is_shared_reaches_the_lowest_level_and_goes)
{
    static unsigned char bytes[300000];
    struct error error;
    realm_start_deep(&realm, 0, 8, 1, 2);
    realm_open(&realm, NULL);
    for (int round = 1; round <= 10; round++) {
        rp_share_id id;
        uint64_t in[200][2], out[200];
        memset(bytes, round, sizeof bytes);
        REQUIRE_STATUS(holding_share(&realm.gang.manager, bytes, sizeof bytes, &id, &error), RP_OK);
        for (uint64_t i = 0; i < 200; i++) {
            in[i][0] = id;
            in[i][1] = i;
        }
        struct map_work work = {
            .fn = add_shared, .in = in, .in_size = sizeof *in, .n = 200, .out = out, .out_size = 8};
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
        for (uint64_t i = 0; i < 200; i++)
            CHECK_UINT(out[i], i + 2 * (unsigned)round);
        CHECK_STATUS(holding_unshare(&realm.gang.manager, id, &error), RP_OK);
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_TASK_FAILED);
        CHECK_HAS(error.text, "nothing is shared");
    }
    realm_end(&realm);
}
