/* Each schedule's sequence of runs against its definition in the literature, written down here once
 * more as a loop over the whole map. */
#include "sched/policy.h"

#include <stdlib.h>

#include "check.h"

enum { RUNS = 4096 };

struct runs {
    uint64_t size[RUNS];
    size_t count;
};

static void add(struct runs *runs, uint64_t size)
{
    REQUIRE(runs->count < RUNS);
    runs->size[runs->count++] = size;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the policy gives for a map that one claim after the other empties. */
static struct runs runs_of(struct policy_view view)
{
    struct runs runs = {.count = 0};
    for (view.remaining = view.total; view.remaining;) {
        uint64_t run = policy_run(&view);
        REQUIRE(run >= 1 && run <= view.remaining);
        add(&runs, run);
        view.remaining -= run;
    }
    return runs;
}

static void check_same(const struct runs *got, const struct runs *wanted)
{
    CHECK_UINT(got->count, wanted->count);
    for (size_t i = 0; i < got->count && i < wanted->count; i++)
        if (!CHECK_UINT(got->size[i], wanted->size[i]))
            return;
}

static const uint64_t totals[] = {1, 2, 3, 7, 8, 9, 64, 100, 1000, 1001, 4095};
static const uint32_t crowds[] = {1, 2, 3, 5, 16, 128, 1023};

#define EACH(i, array) (size_t i = 0; i < sizeof(array) / sizeof *(array); i++)

/* Calls `define` for many sizes and compares what it says with the policy. */
static void compare(enum schedule schedule, uint64_t chunk,
                    void (*define)(struct runs *, uint64_t n, uint64_t p, uint64_t chunk))
{
    for
        EACH(i, totals)
        for
            EACH(j, crowds)
            {
                check_note("n %llu, P %u", (unsigned long long)totals[i], crowds[j]);
                struct runs wanted = {.count = 0}, got = runs_of((struct policy_view){.schedule = schedule,
                                                                                      .chunk = chunk,
                                                                                      .total = totals[i],
                                                                                      .workers = crowds[j],
                                                                                      .weight = 1});
                define(&wanted, totals[i], crowds[j], chunk);
                check_same(&got, &wanted);
            }
}

static void shares(struct runs *runs, uint64_t n, uint64_t p, uint64_t chunk)
{
    (void)chunk;
    uint64_t each = (n + p - 1) / p;
    for (uint64_t left = n; left; left -= least(each, left))
        add(runs, least(each, left));
}

TEST_CASE(static_gives_each_worker_its_share_in_one_run)
{
    compare(SCHEDULE_STATIC, 0, shares);
}

static void chunks(struct runs *runs, uint64_t n, uint64_t p, uint64_t chunk)
{
    (void)p;
    for (uint64_t left = n; left; left -= least(chunk ? chunk : 1, left))
        add(runs, least(chunk ? chunk : 1, left));
}

TEST_CASE(dynamic_gives_one_item_or_a_chunk)
{
    compare(SCHEDULE_DYNAMIC, 0, chunks);
    compare(SCHEDULE_DYNAMIC, 7, chunks);
    compare(SCHEDULE_DYNAMIC, 100000, chunks);
}

/* Polychronopoulos and Kuck 1987: x_i = ceil(R_i / P), R_{i+1} = R_i - x_i. */
static void guided(struct runs *runs, uint64_t n, uint64_t p, uint64_t chunk)
{
    for (uint64_t left = n, run; left; left -= run) {
        run = (left + p - 1) / p;
        run = least(run < chunk ? chunk : run, left);
        add(runs, run);
    }
}

TEST_CASE(guided_gives_a_worker_s_part_of_what_remains)
{
    compare(SCHEDULE_GUIDED, 0, guided);
}

TEST_CASE(guided_takes_the_chunk_as_its_smallest_run)
{
    compare(SCHEDULE_GUIDED, 10, guided);
}

/* Hummel, Schonberg and Flynn 1992, FAC2: batches of P chunks of ceil(R_j / (2P)) each. */
static void factoring(struct runs *runs, uint64_t n, uint64_t p, uint64_t chunk)
{
    for (uint64_t left = n; left;) {
        uint64_t run = (left + 2 * p - 1) / (2 * p);
        run = run < chunk ? chunk : run;
        for (uint64_t i = 0; i < p && left; i++) {
            add(runs, least(run, left));
            left -= least(run, left);
        }
    }
}

TEST_CASE(factoring_gives_batches_of_equal_chunks_each_half_of_what_remains)
{
    compare(SCHEDULE_FACTORING, 0, factoring);
}

TEST_CASE(factoring_takes_the_chunk_as_its_smallest_run)
{
    compare(SCHEDULE_FACTORING, 10, factoring);
}

TEST_CASE(factoring_halves_a_hundred_items_for_four_workers_batch_by_batch)
{
    static const uint64_t batches[] = {13, 13, 13, 13, 6, 6, 6, 6, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1};
    struct runs wanted = {.count = 0};
    for
        EACH(i, batches)
    add(&wanted, batches[i]);
    struct runs got = runs_of(
        (struct policy_view){.schedule = SCHEDULE_FACTORING, .total = 100, .workers = 4, .weight = 1});
    check_same(&got, &wanted);
}

TEST_CASE(adaptive_with_equal_workers_is_factoring)
{
    compare(SCHEDULE_ADAPTIVE, 0, factoring);
}

TEST_CASE(adaptive_weighs_a_run_by_the_worker_s_speed_within_bounds)
{
    struct policy_view view = {
        .schedule = SCHEDULE_ADAPTIVE, .total = 8000, .remaining = 8000, .workers = 4, .weight = 1};
    CHECK_UINT(policy_run(&view), 1000);
    view.weight = 1.5;
    CHECK_UINT(policy_run(&view), 1500);
    view.weight = 0.25;
    CHECK_UINT(policy_run(&view), 250);
    view.weight = 1e-9; /* a worker that stood still once is not starved for ever */
    CHECK_UINT(policy_run(&view), 100);
    view.weight = 1e9;
    CHECK_UINT(policy_run(&view), 8000);
}

TEST_CASE(auto_takes_one_item_until_it_knows_their_time)
{
    struct policy_view view = {.schedule = SCHEDULE_AUTO, .total = 1000, .remaining = 1000, .workers = 2};
    CHECK_UINT(policy_run(&view), 1);
}

TEST_CASE(auto_takes_some_twenty_microseconds_of_work)
{
    struct policy_view view = {
        .schedule = SCHEDULE_AUTO, .total = 1000000, .remaining = 1000000, .workers = 2, .item_ns = 100};
    uint64_t run = policy_run(&view);
    CHECK(run >= 100 && run <= 400);
    view.item_ns = 1000;
    CHECK_UINT(policy_run(&view), run / 10);
    view.item_ns = 1e9;
    CHECK_UINT(policy_run(&view), 1);
}

/* What the first item took may be far less than what others take. */
TEST_CASE(auto_takes_no_more_than_four_times_as_many_as_were_measured_behind_the_first_one)
{
    struct policy_view view = {.schedule = SCHEDULE_AUTO, .total = 1000000, .workers = 2, .item_ns = 10};
    uint64_t claims = 0;
    view.remaining = view.total;
    for (view.measured = 1; policy_run(&view) < 2000; claims++) {
        CHECK_UINT(policy_run(&view), view.measured == 1 ? 1 : 4 * (view.measured - 1));
        view.measured += policy_run(&view);
    }
    CHECK(claims <= 6); /* soon they are as long as they should */
    CHECK_UINT(policy_run(&view), 2000);
    view.measured = UINT64_MAX;
    CHECK_UINT(policy_run(&view), 2000);
    view.least = 5000; /* of a reduction no more than that, either */
    view.measured = 3;
    CHECK_UINT(policy_run(&view), 8);
    view.remaining = 8;
    CHECK_UINT(policy_run(&view), 2);
}

TEST_CASE(auto_never_takes_more_than_half_of_a_worker_s_part_of_what_remains)
{
    for
        EACH(i, totals)
        for
            EACH(j, crowds)
            {
                struct policy_view view = {.schedule = SCHEDULE_AUTO,
                                           .total = totals[i],
                                           .workers = crowds[j],
                                           .item_ns = 0.001,
                                           .weight = 1};
                for (view.remaining = totals[i]; view.remaining; view.remaining -= policy_run(&view)) {
                    uint64_t cap = (view.remaining + 2 * view.workers - 1) / (2 * view.workers);
                    CHECK_UINT(policy_run(&view), cap);
                }
            }
}

TEST_CASE(auto_takes_the_chunk_that_was_asked_for)
{
    struct policy_view view = {
        .schedule = SCHEDULE_AUTO, .chunk = 9, .total = 100, .remaining = 100, .workers = 8, .item_ns = 1};
    CHECK_UINT(policy_run(&view), 9);
    view.remaining = 4;
    CHECK_UINT(policy_run(&view), 4);
}

TEST_CASE(claims_of_a_reduction_leave_the_manager_time_to_combine_them)
{
    static const double times[] = {10, 1000, 1e6, 1e9};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (size_t k = 0; k < sizeof times / sizeof *times; k++)
            for (size_t p = 0; p < sizeof crowds / sizeof *crowds; p++) {
                uint64_t least = policy_least_reduced(crowds[p], times[i], times[k]);
                check_note("items of %g ns, combined in %g, P %u", times[i], times[k], crowds[p]);
                /* two combinations a claim of each worker, in a quarter of the time of a claim */
                double claim = (double)(least + 1) * times[i];
                CHECK(2 * crowds[p] * times[k] <= claim / 4 || least >= UINT32_MAX);
                /* and no longer ones than that */
                CHECK(least <= 1 || 2 * crowds[p] * times[k] >= (double)(least - 1) * times[i] / 4 ||
                      least >= UINT32_MAX);
            }
    CHECK_UINT(policy_least_reduced(5, 0, 0), 4);
    CHECK_UINT(policy_least_reduced(5, 100, 0), 4);
    CHECK_UINT(policy_least_reduced(5, 0, 100), 4);
}

TEST_CASE(auto_takes_the_least_of_a_reduction_as_long_as_enough_remain)
{
    struct policy_view view = {.schedule = SCHEDULE_AUTO,
                               .total = 1000,
                               .remaining = 1000,
                               .workers = 4,
                               .item_ns = 1e6,
                               .weight = 1};
    CHECK_UINT(policy_run(&view), 1);
    view.least = 50;
    CHECK_UINT(policy_run(&view), 50);
    view.remaining = 200;
    CHECK_UINT(policy_run(&view), 25);
    view.item_ns = 100; /* 200 items make the time of a claim */
    view.remaining = 5000;
    CHECK_UINT(policy_run(&view), 200);
    view.chunk = 7;
    CHECK_UINT(policy_run(&view), 7);
}

/* Whatever it is asked, also what makes no sense, a claim takes 1..remaining items. */
TEST_CASE(every_run_is_at_least_one_item_and_at_most_what_remains)
{
    static const double times[] = {0, -1, 1e-300, 0.5, 20000, 1e300};
    srand(11);
    for (int round = 0; round < 200000; round++) {
        uint64_t total = 1 + (uint64_t)rand() % (round % 2 ? 50 : 1u << 30);
        struct policy_view view = {
            .schedule = (enum schedule)(rand() % SCHEDULES),
            .chunk = rand() % 3 ? 0 : (uint64_t)rand() * (uint64_t)rand(),
            .total = total,
            .remaining = 1 + (uint64_t)rand() % total,
            .workers = 1 + (uint32_t)rand() % 1023,
            .item_ns = times[rand() % 6],
            .weight = times[rand() % 6],
        };
        uint64_t run = policy_run(&view);
        check_note("schedule %s, remaining %llu", schedule_name(view.schedule),
                   (unsigned long long)view.remaining);
        REQUIRE(run >= 1 && run <= view.remaining);
    }
}

TEST_CASE(runs_of_maps_beyond_32_bits_are_not_cut)
{
    struct policy_view view = {.total = UINT64_C(1) << 40,
                               .remaining = UINT64_C(1) << 40,
                               .workers = 4,
                               .item_ns = 1e-9,
                               .weight = 1};
    view.schedule = SCHEDULE_STATIC;
    CHECK_UINT(policy_run(&view), UINT64_C(1) << 38);
    view.schedule = SCHEDULE_GUIDED;
    CHECK_UINT(policy_run(&view), UINT64_C(1) << 38);
    view.schedule = SCHEDULE_FACTORING;
    CHECK_UINT(policy_run(&view), UINT64_C(1) << 37);
    view.schedule = SCHEDULE_ADAPTIVE;
    CHECK_UINT(policy_run(&view), UINT64_C(1) << 37);
    view.schedule = SCHEDULE_AUTO;
    CHECK_UINT(policy_run(&view), UINT64_C(1) << 37);
}

TEST_CASE(an_estimate_rises_at_once_and_falls_slowly)
{
    double item_ns = policy_learn(0, 100);
    CHECK_NEAR(item_ns, 100, 0);
    item_ns = policy_learn(item_ns, 5000);
    CHECK_NEAR(item_ns, 5000, 0);
    double lowered = policy_learn(item_ns, 100);
    CHECK(lowered < 5000 && lowered > 1000);
    for (int i = 0; i < 100; i++)
        lowered = policy_learn(lowered, 100);
    CHECK_NEAR(lowered, 100, 1);
}

TEST_CASE(an_estimate_of_combining_falls_at_once_and_is_doubled_at_most)
{
    CHECK_NEAR(policy_learn_combined(0, 500), 500, 0);
    CHECK_NEAR(policy_learn_combined(500, 20), 20, 0);
    CHECK_NEAR(policy_learn_combined(20, 4e6), 40, 0);
    CHECK_NEAR(policy_learn_combined(20, 30), 30, 0);
}
