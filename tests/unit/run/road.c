/* Maps over several nodes, whose leaders are the library's own: what comes out is what comes out
 * on one. */
#include "run/road.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "reduction.h"
#include "road_cases.h"
#include "work.h"

/* ---- Maps -------------------------------------------------------------------------------- */

TEST_CASE(items_of_a_map_run_on_all_nodes_and_each_once)
{
    open_realm(1, 2, 2);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 2000);
    for (size_t i = 0; i < 2000; i++)
        CHECK_UINT(gang_tally->runs[i], 1);
    for (int i = 0; i < 2; i++)
        CHECK(manager_count_done(&realm.gang.manager, realm_first(&realm, i)) +
                  manager_count_done(&realm.gang.manager, realm_first(&realm, i) + 1) >
              0);
    CHECK_UINT(done_there() + manager_count_done(&realm.gang.manager, 1), 2000);
    realm_end(&realm);
}

TEST_CASE(a_manager_without_workers_of_its_own_has_those_of_other_nodes)
{
    open_realm(0, 1, 3);
    work_map(&realm.gang, &(struct map_work){.fn = gang_square}, GANG_ITEMS);
    CHECK_UINT(done_there(), GANG_ITEMS);
    realm_end(&realm);
}

TEST_CASE(each_schedule_and_order_runs_each_item_once)
{
    static double cost[2000];
    static const struct map_work ways[] = {{.schedule = SCHEDULE_STATIC},
                                           {.schedule = SCHEDULE_DYNAMIC, .chunk = 7},
                                           {.schedule = SCHEDULE_GUIDED},
                                           {.schedule = SCHEDULE_FACTORING},
                                           {.schedule = SCHEDULE_ADAPTIVE},
                                           {.schedule = SCHEDULE_AUTO, .cost = cost},
                                           {.schedule = SCHEDULE_AUTO, .chunk = 100}};
    for (uint64_t i = 0; i < 2000; i++)
        cost[i] = (double)(reduction_mix(i) % 1000);
    open_realm(1, 2, 2);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        check_note("way %zu", way);
        gang_reset_tally();
        work_map(&realm.gang, &ways[way], 2000);
        for (size_t i = 0; i < 2000; i++)
            CHECK_UINT(gang_tally->runs[i], 1);
    }
    CHECK(done_there() > 0);
    realm_end(&realm);
}

/* Its input, and after that zeros up to 100 KB. */
static int stretch_out(rp_call *call, const void *in, size_t size)
{
    unsigned char *out = rp_reserve(call, 100000);
    if (!out || size != 50000)
        return 1;
    memset(out, 0, 100000);
    memcpy(out, in, size);
    return rp_return(call, out, 100000);
}

TEST_CASE(large_items_go_and_come_as_they_are)
{
    enum { ITEMS = 40 };
    struct error error;
    unsigned char *in = malloc(ITEMS * 50000), *out = calloc(ITEMS, 100000), *zeros = calloc(1, 50000);
    REQUIRE(in && out && zeros);
    for (size_t i = 0; i < (size_t)ITEMS * 50000; i++)
        in[i] = (unsigned char)reduction_mix(i);
    open_realm(0, 2, 2);
    struct map_work work = {
        .fn = stretch_out, .in = in, .in_size = 50000, .n = ITEMS, .out = out, .out_size = 100000};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    for (size_t i = 0; i < ITEMS; i++) {
        CHECK_MEM(out + i * 100000, in + i * 50000, 50000);
        CHECK_MEM(out + i * 100000 + 50000, zeros, 50000);
    }
    realm_end(&realm);
    free(in);
    free(out);
    free(zeros);
}

static int answer_shortly(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    (void)size;
    return rp_return(call, "abcdefgh", item % 9);
}

TEST_CASE(results_may_be_shorter_than_their_places_or_dropped)
{
    static size_t sizes[600];
    static char out[600][8];
    struct error error;
    rp_map_report report;
    open_realm(0, 1, 2);
    struct map_work work = {.fn = answer_shortly,
                            .range = true,
                            .in_size = 8,
                            .begin = 5,
                            .n = 600,
                            .out = out,
                            .out_size = 8,
                            .sizes = sizes};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, &report, &error), RP_OK);
    for (size_t i = 0; i < 600; i++) {
        CHECK_UINT(sizes[i], (i + 5) % 9);
        CHECK_MEM(out[i], "abcdefgh", sizes[i]);
    }
    work.out = NULL;
    work.out_size = 0;
    CHECK_STATUS(map_run(&realm.gang.manager, &work, &report, &error), RP_OK);
    CHECK_UINT(report.done, 600);
    realm_end(&realm);
}

static int add_common(rp_call *call, const void *in, size_t size)
{
    size_t bytes;
    const unsigned char *common = rp_common(call, &bytes);
    uint64_t item;
    memcpy(&item, in, sizeof item);
    for (size_t i = 0; i < bytes; i++)
        item += common[i];
    (void)size;
    return rp_return(call, &item, sizeof item);
}

TEST_CASE(what_items_have_in_common_goes_to_each_node)
{
    static unsigned char common[100000];
    static uint64_t out[500];
    struct error error;
    memset(common, 1, sizeof common);
    open_realm(0, 2, 2);
    for (size_t size = 1; size <= sizeof common; size += sizeof common / 3) {
        struct map_work work = {.fn = add_common,
                                .range = true,
                                .in_size = 8,
                                .n = 500,
                                .out = out,
                                .out_size = 8,
                                .common = common,
                                .common_size = size};
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
        for (size_t i = 0; i < 500; i++)
            CHECK_UINT(out[i], i + size);
    }
    realm_end(&realm);
}

TEST_CASE(reductions_have_the_same_bits_on_any_nodes)
{
    open_realm(1, 2, 2);
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        check_note("%zu bytes", reduction_sizes[s]);
        reduction_check(&realm.gang, &(struct map_work){.schedule = SCHEDULE_AUTO}, 3001, reduction_sizes[s]);
        reduction_check(&realm.gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 3}, 500,
                        reduction_sizes[s]);
    }
    CHECK(done_there() > 0);
    realm_end(&realm);
}

TEST_CASE(results_that_no_memory_could_hold_fail_their_items_at_other_nodes_too)
{
    struct error error;
    rp_map_report report;
    uint64_t out = 77;
    open_realm(0, 2, 1);
    struct map_work work = {.fn = reduction_item,
                            .combine = reduction_combine,
                            .range = true,
                            .in_size = 8,
                            .n = 20,
                            .out = &out,
                            .out_size = SIZE_MAX / 4};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, &report, &error), RP_NO_MEMORY);
    CHECK_UINT(report.failed, 20);
    CHECK_HAS(report.message, "no memory for a result of");
    CHECK_UINT(out, 77);
    realm_end(&realm);
}

/* ---- Failures ---------------------------------------------------------------------------- */

static int fail_at_300(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 300)
        return rp_fail(call, "three hundred is too much");
    return gang_square(call, in, size);
}

static rp_status map_300(struct map_work work, rp_map_report *report, struct error *error)
{
    static uint64_t in[GANG_ITEMS], out[GANG_ITEMS];
    for (size_t i = 0; i < GANG_ITEMS; i++)
        in[i] = i;
    work.fn = fail_at_300;
    work.in = in;
    work.out = out;
    work.in_size = work.out_size = 8;
    work.n = GANG_ITEMS;
    return map_run(&realm.gang.manager, &work, report, error);
}

TEST_CASE(a_failure_on_another_node_names_item_worker_and_host)
{
    struct error error;
    rp_map_report report;
    open_realm(0, 1, 2);
    CHECK_STATUS(map_300((struct map_work){0}, &report, &error), RP_TASK_FAILED);
    CHECK_HAS(error.text, "item 300 failed with code 1 on worker ");
    CHECK_HAS(error.text, "(there, process ");
    CHECK_HAS(error.text, "three hundred is too much");
    CHECK_UINT(report.first_failed, 300);
    CHECK_UINT(report.done, GANG_ITEMS - 1);
    realm_end(&realm);
}

TEST_CASE(a_failure_stops_the_map_on_all_nodes)
{
    struct error error;
    rp_map_report report;
    open_realm(1, 2, 2);
    CHECK_STATUS(map_300((struct map_work){.stop_at_failure = true}, &report, &error), RP_TASK_FAILED);
    CHECK_UINT(report.done + report.failed + report.cancelled, GANG_ITEMS);
    CHECK_UINT(report.failed, 1);
    work_map(&realm.gang, &(struct map_work){0}, 500);
    realm_end(&realm);
}

static int die_once(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 300 && gang_tally->runs[item] == 0 && getpid() != gang_tally->waiter) {
        atomic_fetch_add(&gang_tally->struck, 1);
        atomic_fetch_add(&gang_tally->runs[item], 1);
        raise(SIGKILL);
    }
    return gang_square(call, in, size);
}

TEST_CASE(what_a_worker_of_another_node_died_with_is_run_again)
{
    realm_start(&realm, 0, 1, 3);
    atomic_store(&gang_tally->waiter, getpid()); /* which leads, and works, must live */
    realm_open(&realm, NULL);
    work_map(&realm.gang, &(struct map_work){.fn = die_once}, 2000);
    work_map(&realm.gang, &(struct map_work){0}, 1000);
    realm_end(&realm);
}

static int refuse(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "not today");
}

static int count_entry(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->hooks[0], 1);
    return 0;
}

static int count_leave(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->hooks[1], 1);
    return 0;
}

TEST_CASE(an_initializer_that_fails_on_another_node_breaks_the_pool)
{
    struct error error;
    realm_start(&realm, 0, 1, 2);
    realm_open(&realm, &(struct manager_setup){.memory = MEMORY_MEMFD, .initializer = refuse});
    CHECK_STATUS(map_300((struct map_work){0}, NULL, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "the initializer failed with code 1 on worker ");
    CHECK_HAS(error.text, "not today");
    realm_end(&realm);
}

TEST_CASE(finalizers_have_run_on_all_nodes_when_the_pool_is_closed)
{
    realm_start(&realm, 1, 2, 2);
    realm_open(&realm, &(struct manager_setup){
                           .memory = MEMORY_MEMFD, .initializer = count_entry, .finalizer = count_leave});
    work_map(&realm.gang, &(struct map_work){0}, 2000);
    manager_close(&realm.gang.manager);
    realm.gang.open = false;
    CHECK(gang_tally->hooks[0] > 0);
    CHECK_UINT(gang_tally->hooks[1], gang_tally->hooks[0]);
    realm_end(&realm);
}
