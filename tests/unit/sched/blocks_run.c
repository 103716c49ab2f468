/* Whole maps through simulated nodes: how far each makespan is from its bound. */
#include <stdlib.h>

#include "check.h"
#include "cluster.h"

#define MS           1e6
#define COUNT(array) (uint32_t)(sizeof(array) / sizeof *(array))

static struct cluster_run run_costs(struct cluster cluster, double *cost)
{
    cluster.cost = cost;
    struct cluster_run run = cluster_run(&cluster);
    free(cost);
    check_note("makespan %.2f ms, bound %.2f ms, listed %.2f ms, %llu blocks, %llu items recalled",
               run.makespan / MS, run.bound / MS, run.listed / MS, (unsigned long long)run.blocks,
               (unsigned long long)run.recalled);
    return run;
}

static const struct cluster_node equal[] = {
    {4, 1, 0.05 * MS, 0, 0}, {4, 1, 0.05 * MS, 0, 0}, {4, 1, 0.05 * MS, 0, 0}, {4, 1, 0.05 * MS, 0, 0}};
static const struct cluster_node unequal[] = {{4, 1, 0.05 * MS, 0, 0}, {4, 4, 0.05 * MS, 0, 0}};
static const struct cluster_node one_slow[] = {
    {4, 1, 0.05 * MS, 0, 0}, {4, 1, 0.05 * MS, 0, 0}, {4, 0.1, 0.05 * MS, 0, 0}, {4, 1, 0.05 * MS, 0, 0}};
static const struct cluster_node far[] = {{2, 1, 40 * MS, 0, 0}, {2, 1, 40 * MS, 0, 0}};

static struct cluster of(const struct cluster_node *nodes, uint32_t count, uint64_t items)
{
    return (struct cluster){.nodes = nodes, .count = count, .items = items};
}

TEST_CASE(equal_items_on_equal_nodes_end_together)
{
    struct cluster_run run = run_costs(of(equal, 4, 16000), cluster_equal(16000, MS));
    CHECK(run.makespan <= 1.01 * run.bound);
}

TEST_CASE(a_node_of_four_times_the_speed_does_four_times_the_work)
{
    struct cluster_run run = run_costs(of(unequal, 2, 16000), cluster_equal(16000, MS));
    CHECK(run.makespan <= 1.02 * run.bound);
}

TEST_CASE(a_node_ten_times_slower_delays_the_others_by_less_than_two_items_of_its)
{
    struct cluster_run run = run_costs(of(one_slow, 4, 4000), cluster_equal(4000, MS));
    CHECK(run.makespan <= 1.03 * run.bound + 10 * MS);
    run = run_costs(of(one_slow, 4, 100), cluster_equal(100, 10 * MS));
    CHECK(run.makespan <= run.bound + 100 * MS);
}

TEST_CASE(lognormal_items_end_as_if_taken_one_by_one_without_links)
{
    struct cluster_run run = run_costs(of(equal, 4, 16000), cluster_lognormal(16000, MS, 1.5));
    CHECK(run.makespan <= 1.02 * run.listed);
    run = run_costs(of(unequal, 2, 16000), cluster_lognormal(16000, MS, 1.5));
    CHECK(run.makespan <= 1.02 * run.listed);
}

TEST_CASE(falling_costs_end_near_the_bound)
{
    struct cluster_run run = run_costs(of(equal, 4, 16000), cluster_falling(16000, MS));
    CHECK(run.makespan <= 1.02 * run.bound);
    run = run_costs(of(one_slow, 4, 16000), cluster_falling(16000, MS));
    CHECK(run.makespan <= 1.02 * run.bound);
}

TEST_CASE(links_of_twenty_milliseconds_each_way_cost_less_than_a_tenth)
{
    struct cluster_run run = run_costs(of(far, 2, 1000), cluster_equal(1000, 10 * MS));
    CHECK(run.makespan <= run.bound / 0.9);
}

TEST_CASE(a_node_that_becomes_slow_gives_back_what_it_has_not_begun)
{
    static const struct cluster_node nodes[] = {{4, 1, 0.05 * MS, 0, 0}, {4, 1, 0.05 * MS, 300 * MS, 0.01}};
    struct cluster cluster = of(nodes, 2, 4000);
    struct cluster_run run = run_costs(cluster, cluster_equal(4000, MS));
    CHECK(run.makespan <= 800 * MS); /* 700 the first one's, 100 an item of the second */
    CHECK(run.recalled > 0);
}

TEST_CASE(one_item_takes_its_time_and_one_trip)
{
    struct cluster_run run = run_costs(of(far, 2, 1), cluster_equal(1, 10 * MS));
    CHECK_NEAR(run.makespan, 50 * MS, 1);
}

TEST_CASE(fewer_items_than_workers_take_the_time_of_one)
{
    for (uint64_t n = 2; n <= 16; n++) {
        struct cluster_run run = run_costs(of(equal, 4, n), cluster_equal(n, 10 * MS));
        CHECK_NEAR(run.makespan, 10.05 * MS, 1);
    }
}

TEST_CASE(a_map_without_items_sends_nothing)
{
    struct cluster_run run = run_costs(of(equal, 4, 0), cluster_equal(0, MS));
    CHECK_UINT(run.blocks, 0);
}

TEST_CASE(before_anything_came_back_a_worker_has_four_items_at_most)
{
    struct cluster_run run = run_costs(of(far, 2, 100000), cluster_equal(100000, MS / 100));
    CHECK(run.most_before_notes >= 2 && run.most_before_notes <= 4);
}

TEST_CASE(short_items_go_out_in_blocks_that_leave_the_manager_time)
{
    enum { NODES = 500, ITEMS = 1000000 };
    static struct cluster_node nodes[NODES];
    for (int i = 0; i < NODES; i++)
        nodes[i] = (struct cluster_node){8, 1, 0.05 * MS, 0, 0};
    struct cluster_run run = run_costs(of(nodes, NODES, ITEMS), cluster_equal(ITEMS, MS));
    CHECK(run.makespan <= 1.1 * run.bound);
    CHECK((double)run.blocks * BLOCKS_COST_NS <= run.makespan / 4);
}
