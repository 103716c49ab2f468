/* Reductions: in whatever order parts come in, the result has the bits of the tree, and no part of it is
 * left in anybody's memory. */

#include "check.h"
#include "reduction.h"
#include "sched/tree.h"

/* ---- Orders of arrival ----------------------------------------------------------------------- */

TEST_CASE(parts_of_two_workers_are_combined_and_none_is_left)
{
    static const size_t chunks[] = {1, 3, 16, 1000};
    for (int s = 0; s < REDUCTION_SIZES; s++)
        for (int c = 0; c < 4; c++) {
            struct puppets puppets;
            check_note("chunk %zu, %zu bytes", chunks[c], reduction_sizes[s]);
            puppets_open(&puppets, 2, NULL);
            puppets_at("manager: sleeps", 1, reduction_in_turns, &puppets);
            reduction_check(&puppets.gang,
                            &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = chunks[c]}, 300,
                            reduction_sizes[s]);
            reduction_check_nothing_left(&puppets);
            puppets_close(&puppets);
        }
}

TEST_CASE(parts_by_cost_come_in_any_order)
{
    double cost[600];
    for (uint64_t i = 0; i < 600; i++)
        cost[i] = (double)(reduction_mix(i) % 1000);
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        struct puppets puppets;
        check_note("%zu bytes", reduction_sizes[s]);
        puppets_open(&puppets, 2, NULL);
        puppets_at("manager: sleeps", 1, reduction_in_turns, &puppets);
        reduction_check(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_AUTO, .cost = cost}, 600,
                        reduction_sizes[s]);
        reduction_check_nothing_left(&puppets);
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
        cost[i] = (double)(reduction_mix(i) % 1000);
    for (int i = 0; i < 4; i++) {
        struct gang gang;
        check_note("way %d", i);
        gang_start(&gang, 2, MEMORY_POSIX, NULL);
        memory_forget_name(&gang.roster.memory);
        gang_open(&gang, &(struct manager_setup){.memory = MEMORY_POSIX});
        reduction_check(&gang, &ways[i], GANG_ITEMS, REDUCTION_LONGEST);
        gang_end(&gang);
    }
}

/* Notes that find no room in the outbox go out later. */
static void spill(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_work(&puppets->worker[1], OUTBOX_NOTES + 100) > OUTBOX_NOTES);
    CHECK(puppets->worker[1].station->spill_first != NULL);
    puppets_at("manager: sleeps", 1, reduction_in_turns, puppets);
}

TEST_CASE(more_parts_than_an_outbox_holds_arrive_all)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, spill, &puppets);
    reduction_check(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 1}, 4000, 104);
    reduction_check_nothing_left(&puppets);
    puppets_close(&puppets);
}

static size_t ahead;

static void run_ahead(void *state)
{
    struct puppets *puppets = state;
    ahead = (size_t)puppet_work(&puppets->worker[1], GANG_ITEMS) * REDUCTION_LONGEST;
    reduction_in_turns(state);
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
        reduction_check(&puppets.gang, &ways[i], GANG_ITEMS, REDUCTION_LONGEST);
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
    CHECK_UINT(claim_after(puppets, 1e6, 0), 1); /* one item alone says too little */
    CHECK(claim_after(puppets, 1e6, 0) > 1);     /* to measure */
    CHECK(known->combine_ns > 0);
    CHECK_UINT(claim_after(puppets, 1e6, 1000), 1);
    uint32_t run = claim_after(puppets, 1e6, 1e6);
    CHECK(run > 8 && run <= 16);
    run = claim_after(puppets, 1e6, 4e6);
    CHECK(run > 32 && run <= 64);
    reduction_in_turns(puppets);
}

TEST_CASE(claims_are_as_long_as_combining_takes_in_items)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, claim_variously, &puppets);
    reduction_check(&puppets.gang, &(struct map_work){.schedule = SCHEDULE_AUTO}, 4000, 8);
    puppets_close(&puppets);
}
