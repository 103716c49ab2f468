/* Reductions beside deaths: whatever is lost, and in whatever order parts come in, the result has the
 * bits of the tree, and no part of it is left in anybody's memory. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "board/outbox.h"
#include "check.h"
#include "puppets.h"
#include "run/map.h"
#include "sched/tree.h"
#include "work.h"

/* ---- What is reduced ------------------------------------------------------------------------- */

/* Results of several sizes: in the note, copied by the manager, left where the worker has put them. */
static const size_t sizes[] = {8, 24, 104, 20000};
enum { SIZES = sizeof sizes / sizeof *sizes, LONGEST = 20000 };

static uint64_t in[100000];

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 27);
}

static void fill(uint64_t *words, size_t size, uint64_t item)
{
    for (size_t k = 0; k < size / sizeof *words; k++)
        words[k] = mix(item + 1000 * k);
}

static void combine(void *into, const void *from, size_t size)
{
    uint64_t *left = into;
    const uint64_t *right = from;
    for (size_t k = 0; k < size / sizeof *left; k++)
        left[k] = mix(3 * left[k] + mix(right[k] + k));
}

static int item_of(rp_call *call, const void *input, size_t size)
{
    uint64_t item, *room = rp_reserve(call, call->capacity);
    if (!room || size != sizeof item)
        return 1;
    memcpy(&item, input, sizeof item);
    if (item < GANG_ITEMS)
        atomic_fetch_add(&gang_tally->runs[item], 1);
    fill(room, call->capacity, item);
    return 0;
}

/* The result of items from..from+n-1 as a recursion has it. */
static void reduce_serially(uint64_t from, uint64_t n, uint64_t *out, size_t size)
{
    uint64_t half = 1;
    if (n == 1) {
        fill(out, size, from);
        return;
    }
    while (2 * half < n)
        half *= 2;
    uint64_t *right = malloc(size);
    REQUIRE(right);
    reduce_serially(from, half, out, size);
    reduce_serially(from + half, n - half, right, size);
    combine(out, right, size);
    free(right);
}

static struct map_work work_of(const struct map_work *like, size_t n, size_t size, void *out)
{
    struct map_work work = *like;
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    work.fn = work.fn ? work.fn : item_of;
    work.combine = work.combine ? work.combine : combine;
    work.in = in;
    work.in_size = sizeof *in;
    work.n = n;
    work.out = out;
    work.out_size = size;
    return work;
}

static void check_reduction(struct gang *gang, const struct map_work *like, size_t n, size_t size)
{
    static uint64_t out[LONGEST / 8], wanted[LONGEST / 8];
    struct error error;
    rp_map_report report;
    struct map_work work = work_of(like, n, size, out);
    memset(out, 0, sizeof out);
    reduce_serially(0, n, wanted, size);
    if (!CHECK_STATUS(map_run(&gang->manager, &work, &report, &error), RP_OK))
        CHECK_FAILED("%s", error.text);
    CHECK_MEM(out, wanted, size);
    CHECK_UINT(report.done, n);
}

/* ---- Orders of arrival ----------------------------------------------------------------------- */

static int parcels_left(const struct station *station)
{
    int left = 0;
    for (size_t i = station->parcels.first; i < station->parcels.end; i++) {
        const struct parcel *parcel =
            (const struct parcel *)board_at(&station->board, station->parcels.sent[i].offset) - 1;
        left += !atomic_load(&parcel->taken);
    }
    return left;
}

static void check_nothing_is_left(const struct puppets *puppets)
{
    for (int i = 1; i <= puppets->gang.workers; i++)
        CHECK_INT(parcels_left(puppets->worker[i].station), 0);
}

/* Both claim in turn and perform in the other order. */
static void work_in_turns(void *state)
{
    struct puppets *puppets = state;
    for (;;) {
        bool first = puppet_claim(&puppets->worker[1]), second = puppet_claim(&puppets->worker[2]);
        if (second)
            puppet_perform(&puppets->worker[2]);
        if (first)
            puppet_perform(&puppets->worker[1]);
        for (int i = 1; i <= 2; i++)
            station_must_attend(puppets->worker[i].station);
        if (!first && !second)
            break;
    }
    puppets_at("manager: sleeps", 1, work_in_turns, puppets);
}

TEST_CASE(parts_of_two_workers_are_combined_and_none_is_left)
{
    static const size_t chunks[] = {1, 3, 16, 1000};
    for (int s = 0; s < SIZES; s++)
        for (int c = 0; c < 4; c++) {
            struct puppets puppets;
            check_note("chunk %zu, %zu bytes", chunks[c], sizes[s]);
            puppets_open(&puppets, 2, NULL);
            puppets_at("manager: sleeps", 1, work_in_turns, &puppets);
            check_reduction(&puppets.gang,
                            &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = chunks[c]}, 300,
                            sizes[s]);
            check_nothing_is_left(&puppets);
            puppets_close(&puppets);
        }
}

TEST_CASE(parts_by_cost_come_in_any_order)
{
    double cost[600];
    for (uint64_t i = 0; i < 600; i++)
        cost[i] = (double)(mix(i) % 1000);
    for (int s = 0; s < SIZES; s++) {
        struct puppets puppets;
        check_note("%zu bytes", sizes[s]);
        puppets_open(&puppets, 2, NULL);
        puppets_at("manager: sleeps", 1, work_in_turns, &puppets);
        check_reduction(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_AUTO, .cost = cost}, 600,
                        sizes[s]);
        check_nothing_is_left(&puppets);
        puppets_close(&puppets);
    }
}

/* A worker has 2 MiB there. */
TEST_CASE(small_regions_are_enough_for_many_results)
{
    static double cost[GANG_ITEMS];
    static const struct map_work ways[] = {{.schedule = SCHEDULE_AUTO},
                                           {.schedule = SCHEDULE_DYNAMIC},
                                           {.schedule = SCHEDULE_AUTO, .chunk = 7},
                                           {.schedule = SCHEDULE_AUTO, .cost = cost}};
    for (uint64_t i = 0; i < GANG_ITEMS; i++)
        cost[i] = (double)(mix(i) % 1000);
    for (int i = 0; i < 4; i++) {
        struct gang gang;
        check_note("way %d", i);
        gang_start(&gang, 2, MEMORY_POSIX, NULL);
        memory_forget_name(&gang.roster.memory);
        gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
        check_reduction(&gang, &ways[i], GANG_ITEMS, LONGEST);
        gang_end(&gang);
    }
}

/* Notes that find no room in the outbox go out later. */
static void spill(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_work(&puppets->worker[1], OUTBOX_NOTES + 100) > OUTBOX_NOTES);
    CHECK(puppets->worker[1].station->spill_first != NULL);
    puppets_at("manager: sleeps", 1, work_in_turns, puppets);
}

TEST_CASE(more_parts_than_an_outbox_holds_arrive_all)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, spill, &puppets);
    check_reduction(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 1}, 4000, 104);
    check_nothing_is_left(&puppets);
    puppets_close(&puppets);
}

static size_t ahead;

static void run_ahead(void *state)
{
    struct puppets *puppets = state;
    ahead = (size_t)puppet_work(&puppets->worker[1], GANG_ITEMS) * LONGEST;
    work_in_turns(state);
}

TEST_CASE(workers_do_not_fill_the_memory_where_the_manager_is_slow_to_combine)
{
    static double cost[GANG_ITEMS];
    static const struct map_work ways[] = {{.schedule = SCHEDULE_DYNAMIC},
                                           {.schedule = SCHEDULE_AUTO, .chunk = 2},
                                           {.schedule = SCHEDULE_AUTO, .cost = cost}};
    for (int i = 0; i < 3; i++) {
        struct puppets puppets;
        check_note("way %d", i);
        puppets_open(&puppets, 2, NULL);
        puppets_at("manager: sleeps", 1, run_ahead, &puppets);
        check_reduction(&puppets.gang, &ways[i], GANG_ITEMS, LONGEST);
        CHECK(ahead > 0 && ahead < (size_t)4 << 20);
        puppets_close(&puppets);
    }
}

/* ---- Claims ---------------------------------------------------------------------------------- */

/* The next claim of worker 1, had it measured these times. */
static uint32_t claim_after(struct puppets *puppets, double item_ns, double combine_ns)
{
    struct puppet *puppet = &puppets->worker[1];
    puppet->station->maps[0].item_ns = item_ns;
    puppet->station->maps[0].combine_ns = combine_ns;
    REQUIRE(puppet_claim(puppet));
    uint32_t run = puppet->claim.run;
    CHECK(run == 1 || (puppet->claim.offer.next + run) % tree_grain(run) == 0);
    puppet_perform(puppet);
    return run;
}

static void claim_variously(void *state)
{
    struct puppets *puppets = state;
    const struct station_map *known = puppets->worker[1].station->maps;
    CHECK_INT(puppet_work(&puppets->worker[1], 1), 1);
    CHECK(known->item_ns > 0);
    CHECK(!(known->combine_ns > 0));
    CHECK(claim_after(puppets, 1e6, 0) > 1); /* to measure */
    CHECK(known->combine_ns > 0);
    CHECK_UINT(claim_after(puppets, 1e6, 1000), 1);
    uint32_t run = claim_after(puppets, 1e6, 1e6);
    CHECK(run > 8 && run <= 16);
    run = claim_after(puppets, 1e6, 4e6);
    CHECK(run > 32 && run <= 64);
    work_in_turns(puppets);
}

TEST_CASE(claims_are_as_long_as_combining_takes_in_items)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, claim_variously, &puppets);
    check_reduction(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_AUTO}, 4000, 8);
    puppets_close(&puppets);
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

/* Worker 1 dies with a claim, after parts of its own have been sent: these are still good. */
static void die_between(void *state)
{
    struct puppets *puppets = state;
    CHECK_INT(puppet_work(&puppets->worker[1], 3), 3);
    CHECK(puppet_claim(&puppets->worker[2]));
    CHECK(puppet_claim(&puppets->worker[1]));
    puppet_perform(&puppets->worker[2]);
    gang_kill(&puppets->gang, 1);
    puppets->worker[1].claim.run = 0;
}

static void work_alone(void *state)
{
    struct puppets *puppets = state;
    while (puppet_work(&puppets->worker[2], 1000))
        continue;
    puppets_at("manager: sleeps", 1, work_alone, puppets);
}

static void die_between_and_go_on(void *state)
{
    die_between(state);
    puppets_at("manager: sleeps", 1, work_alone, state);
}

TEST_CASE(what_a_dead_worker_has_sent_is_combined_with_what_runs_again)
{
    for (int s = 0; s < SIZES; s++) {
        struct puppets puppets;
        check_seconds(20);
        check_note("%zu bytes", sizes[s]);
        puppets_open(&puppets, 2, NULL);
        puppets_at("manager: sleeps", 1, die_between_and_go_on, &puppets);
        check_reduction(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 7}, 300,
                        sizes[s]);
        for (int i = 0; i < 300; i++)
            CHECK_UINT(gang_tally->runs[i], 1); /* puppets do not run what they die with */
        check_nothing_is_left(&puppets);
        puppets_close(&puppets);
    }
}

static int fatal_at_first(rp_call *call, const void *input, size_t size)
{
    uint64_t item;
    memcpy(&item, input, sizeof item);
    if (item % 100 == 99 && rp_call_attempt(call) == 1)
        raise(SIGKILL);
    return item_of(call, input, size);
}

/* Dies in a combination, once. */
static void fatal_combine(void *into, const void *from, size_t size)
{
    if (atomic_exchange(&gang_tally->gate, 0))
        raise(SIGKILL);
    combine(into, from, size);
}

TEST_CASE(workers_that_die_in_items_and_in_combining_cost_no_bit)
{
    static const enum schedule schedules[] = {SCHEDULE_AUTO, SCHEDULE_STATIC, SCHEDULE_FACTORING};
    for (int s = 0; s < SIZES; s++)
        for (int k = 0; k < 3; k++) {
            struct gang gang;
            check_seconds(20);
            check_note("%s, %zu bytes", schedule_name(schedules[k]), sizes[s]);
            gang_start(&gang, 4, MEMORY_MEMFD, NULL);
            gang_open(&gang, NULL);
            check_reduction(&gang, &(struct map_work){.fn = fatal_at_first, .schedule = schedules[k]}, 250,
                            sizes[s]);
            gang_tally->gate = 1;
            check_reduction(&gang, &(struct map_work){.combine = fatal_combine, .schedule = schedules[k]},
                            1000, sizes[s]);
            CHECK_UINT(gang_tally->gate, 0);
            gang_end(&gang);
        }
}

static int fatal(rp_call *call, const void *input, size_t size)
{
    uint64_t item;
    memcpy(&item, input, sizeof item);
    if (item == 150)
        raise(SIGKILL);
    return item_of(call, input, size);
}

TEST_CASE(an_item_that_kills_its_workers_fails_the_reduction_and_all_others_are_done)
{
    for (int s = 0; s < SIZES; s++) {
        struct gang gang;
        struct error error;
        rp_map_report report;
        uint64_t out[LONGEST / 8] = {77};
        check_seconds(20);
        check_note("%zu bytes", sizes[s]);
        struct map_work work = work_of(&(struct map_work){.fn = fatal, .retries = 1}, 300, sizes[s], out);
        gang_start(&gang, 3, MEMORY_MEMFD, NULL);
        gang_open(&gang, NULL);
        CHECK_STATUS(map_run(&gang.manager, &work, &report, &error), RP_WORKER_LOST);
        CHECK_UINT(report.first_failed, 150);
        CHECK_UINT(report.failed, 1);
        CHECK_UINT(report.done, 299);
        CHECK_UINT(out[0], 77);
        check_reduction(&gang, &(struct map_work){0}, 300, sizes[s]); /* the pool goes on */
        gang_end(&gang);
    }
}

TEST_CASE(workers_that_die_anywhere_cost_no_bit)
{
    static const char *const places[] = {"claim: held", "note: written", "note: published",
                                         "claim: announced"};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (int s = 0; s < SIZES; s++) {
            struct gang gang;
            check_seconds(20);
            check_note("%s, %zu bytes", places[p], sizes[s]);
            gang_start(&gang, 3, MEMORY_MEMFD,
                       (struct gang_fate[]){{1, places[p], 5, SIGKILL}, {2, places[p], 20, SIGKILL}, {0}});
            gang_open(&gang, &(struct manager_setup){.computes = s % 2});
            gang_arm();
            for (int k = 0; k < 3; k++)
                check_reduction(&gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 3}, 1000,
                                sizes[s]);
            gang_end(&gang);
        }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static int failing(rp_call *call, const void *input, size_t size)
{
    uint64_t item;
    memcpy(&item, input, sizeof item);
    return item == 150 ? rp_fail(call, "no") : item_of(call, input, size);
}

TEST_CASE(a_reduction_that_fails_leaves_nothing)
{
    for (int s = 0; s < SIZES; s++)
        for (int stops = 0; stops < 2; stops++) {
            struct puppets puppets;
            struct error error;
            rp_map_report report;
            uint64_t out[LONGEST / 8] = {77};
            check_note("%zu bytes, stops %d", sizes[s], stops);
            struct map_work work = work_of(
                &(struct map_work){
                    .fn = failing, .schedule = SCHEDULE_DYNAMIC, .chunk = 5, .stop_at_failure = stops},
                300, sizes[s], out);
            puppets_open(&puppets, 2, NULL);
            puppets_at("manager: sleeps", 1, work_in_turns, &puppets);
            CHECK_STATUS(map_run(&puppets.gang.manager, &work, &report, &error), RP_TASK_FAILED);
            CHECK_UINT(report.first_failed, 150);
            CHECK_UINT(report.failed, 1);
            CHECK_UINT(report.done + report.cancelled, 299);
            CHECK(stops || report.done == 299);
            CHECK_UINT(out[0], 77);
            check_nothing_is_left(&puppets);
            puppets_close(&puppets);
        }
}

static void look_and_go_on(void *state)
{
    check_nothing_is_left(state);
    work_in_turns(state);
}

static void fail_first(void *state)
{
    struct puppets *puppets = state;
    CHECK_INT(puppet_work(&puppets->worker[1], 40), 40);
    puppets_at("manager: sleeps", 1, look_and_go_on, puppets);
}

TEST_CASE(what_has_come_before_a_failure_is_given_back_at_once)
{
    struct puppets puppets;
    struct error error;
    uint64_t out[LONGEST / 8];
    struct map_work work =
        work_of(&(struct map_work){.fn = failing, .schedule = SCHEDULE_DYNAMIC, .chunk = 5}, 300, 5000, out);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, fail_first, &puppets);
    CHECK_STATUS(map_run(&puppets.gang.manager, &work, NULL, &error), RP_TASK_FAILED);
    puppets_close(&puppets);
}

/* Worker 1 has sent some parts; then both die. */
static void die_all(void *state)
{
    struct puppets *puppets = state;
    die_between(puppets);
    gang_kill(&puppets->gang, 2);
}

TEST_CASE(a_reduction_with_nobody_left_says_so_and_leaves_nothing)
{
    struct puppets puppets;
    struct error error;
    rp_map_report report;
    uint64_t out[LONGEST / 8] = {77};
    check_seconds(20);
    struct map_work work =
        work_of(&(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 5}, 300, LONGEST, out);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, die_all, &puppets);
    CHECK_STATUS(map_run(&puppets.gang.manager, &work, &report, &error), RP_POOL_BROKEN);
    CHECK_UINT(report.done, 20);
    CHECK_UINT(report.cancelled, 280);
    CHECK_UINT(out[0], 77);
    check_nothing_is_left(&puppets);
    puppets_close(&puppets);
}
