#include "api/nodes.h"

#include <stdlib.h>

#include "check.h"

static struct nodes make(const uint64_t *keys, int ranks, int manager, int size)
{
    struct nodes nodes;
    REQUIRE_STATUS(nodes_make(&nodes, keys, ranks, manager, size, NULL), RP_OK);
    return nodes;
}

static void check_ranks(const struct nodes *nodes, const int *node, const int *worker, const int *member)
{
    for (int rank = 0; rank < nodes->ranks; rank++) {
        check_note("rank %d", rank);
        CHECK_INT(nodes->node[rank], node[rank]);
        CHECK_INT(nodes->worker[rank], worker[rank]);
        CHECK_INT(nodes_member(nodes, rank), member[rank]);
    }
}

TEST_CASE(on_one_node_the_manager_leads_and_workers_are_its_members_by_rank)
{
    struct nodes nodes = make((uint64_t[]){7, 7, 7, 7}, 4, 2, 0);
    CHECK_INT(nodes.count, 1);
    CHECK_INT(nodes.one[0].leader, 2);
    CHECK_INT(nodes.one[0].workers, 3);
    check_ranks(&nodes, (int[]){0, 0, 0, 0}, (int[]){1, 2, 0, 3}, (int[]){1, 2, 0, 3});
    nodes_free(&nodes);
}

TEST_CASE(the_managers_node_is_the_first_and_others_follow_by_their_lowest_rank)
{
    struct nodes nodes = make((uint64_t[]){5, 6, 5, 6, 9, 9}, 6, 4, 0);
    CHECK_INT(nodes.count, 3);
    check_ranks(&nodes, (int[]){1, 2, 1, 2, 0, 0}, (int[]){2, 4, 3, 5, 0, 1}, (int[]){0, 0, 2, 2, 0, 1});
    nodes_free(&nodes);
}

TEST_CASE(the_lowest_rank_leads_and_is_the_first_worker_of_its_node)
{
    struct nodes nodes = make((uint64_t[]){1, 2, 2, 1, 2}, 5, 0, 0);
    CHECK_INT(nodes.one[1].leader, 1);
    CHECK_INT(nodes.one[1].first, nodes.worker[1]);
    CHECK_INT(nodes.one[1].workers, 3);
    nodes_free(&nodes);
}

TEST_CASE(a_manager_alone_on_its_node_has_no_workers_there)
{
    struct nodes nodes = make((uint64_t[]){1, 2, 2}, 3, 0, 0);
    CHECK_INT(nodes.one[0].workers, 0);
    CHECK_INT(nodes.one[1].first, 1);
    check_ranks(&nodes, (int[]){0, 1, 1}, (int[]){0, 1, 2}, (int[]){0, 0, 2});
    nodes_free(&nodes);
}

TEST_CASE(nodes_of_a_size_end_where_machines_do)
{
    struct nodes nodes = make((uint64_t[]){1, 1, 1, 2, 2, 2}, 6, 0, 2);
    check_ranks(&nodes, (int[]){0, 0, 1, 2, 3, 3}, (int[]){0, 1, 2, 3, 4, 5}, (int[]){0, 1, 0, 0, 0, 2});
    nodes_free(&nodes);
}

TEST_CASE(many_nodes_are_found_whatever_the_order_of_their_ranks)
{
    enum { NODES = 500, EACH = 3 };
    static uint64_t keys[NODES * EACH];
    for (int i = 0; i < NODES * EACH; i++)
        keys[i] = (uint64_t)(i * 7 % NODES);
    struct nodes nodes = make(keys, NODES * EACH, 0, 0);
    CHECK_INT(nodes.count, NODES);
    for (int i = 0; i < NODES; i++)
        CHECK_INT(nodes.one[i].workers, EACH - (i == 0));
    CHECK_INT(nodes.one[NODES - 1].first + nodes.one[NODES - 1].workers, NODES * EACH);
    nodes_free(&nodes);
}

/* ---- The tree ----------------------------------------------------------------------------- */

/* `nodes` nodes of `each` ranks. */
static struct nodes plant(int count, int each, int fanout)
{
    uint64_t *keys = calloc((size_t)(count * each), sizeof *keys);
    for (int i = 0; i < count * each; i++)
        keys[i] = (uint64_t)(i / each);
    struct nodes nodes = make(keys, count * each, 0, 0);
    free(keys);
    nodes_plant(&nodes, fanout);
    return nodes;
}

static int count_below(const struct nodes *nodes, int node)
{
    int count = 0;
    for (int at = nodes_first_below(nodes, node); at < nodes->count; at = nodes_next_beside(nodes, at)) {
        CHECK_INT(nodes->one[at].above, node);
        CHECK_INT(nodes->one[at].depth, nodes->one[node].depth + 1);
        count++;
    }
    return count;
}

TEST_CASE(without_a_fanout_the_managers_node_is_above_all)
{
    struct nodes nodes = plant(9, 2, 0);
    CHECK_INT(nodes.levels, 1);
    CHECK_INT(count_below(&nodes, 0), 8);
    for (int node = 1; node < 9; node++)
        CHECK_INT(count_below(&nodes, node), 0);
    nodes_free(&nodes);
}

TEST_CASE(six_nodes_by_two_are_two_branches_of_three)
{
    struct nodes nodes = plant(7, 1, 2);
    static const int above[] = {-1, 0, 1, 1, 0, 4, 4};
    for (int node = 0; node < 7; node++)
        CHECK_INT(nodes.one[node].above, above[node]);
    CHECK_INT(nodes.levels, 2);
    CHECK_INT(nodes_workers_of_branch(&nodes, 4), 3);
    nodes_free(&nodes);
}

TEST_CASE(one_node_has_no_levels)
{
    struct nodes nodes = plant(1, 4, 2);
    CHECK_INT(nodes.levels, 0);
    CHECK_INT(count_below(&nodes, 0), 0);
    nodes_free(&nodes);
}

TEST_CASE(nobody_leads_more_than_the_fanout_and_everybody_is_led_by_one)
{
    for (int fanout = 2; fanout < 8; fanout++)
        for (int count = 2; count < 90; count += 3) {
            struct nodes nodes = plant(count, 1, fanout);
            int led = 0;
            check_note("%d nodes by %d", count, fanout);
            for (int node = 0; node < count; node++) {
                int below = count_below(&nodes, node);
                CHECK(below <= fanout);
                led += below;
            }
            CHECK_INT(led, count - 1);
            nodes_free(&nodes);
        }
}

TEST_CASE(the_workers_of_a_branch_follow_each_other)
{
    struct nodes nodes = plant(40, 3, 3);
    for (int node = 0; node < 40; node++) {
        int workers = nodes.one[node].workers;
        check_note("node %d", node);
        for (int at = nodes_first_below(&nodes, node); at < 40; at = nodes_next_beside(&nodes, at)) {
            CHECK_INT(nodes.one[at].first, nodes.one[node].first + workers);
            workers += nodes_workers_of_branch(&nodes, at);
        }
        CHECK_INT(nodes_workers_of_branch(&nodes, node), workers);
    }
    nodes_free(&nodes);
}

TEST_CASE(one_manager_leads_up_to_a_thousand_nodes_and_beyond_two_levels_are_of_one_width)
{
    static const int flat[] = {1, 2, 300, NODES_FLAT + 1}, deep[] = {NODES_FLAT + 2, 1025, 1026, 2500, 4000};
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++)
        CHECK_INT(nodes_fanout(flat[i]), 0);
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        int fanout = nodes_fanout(deep[i]);
        struct nodes nodes = plant(deep[i], 1, fanout);
        check_note("%d nodes by %d", deep[i], fanout);
        CHECK_INT(nodes.levels, 2);
        CHECK(fanout * fanout >= deep[i] - 1 && (fanout - 1) * (fanout - 1) < deep[i] - 1);
        CHECK_INT(count_below(&nodes, 0), fanout);
        nodes_free(&nodes);
    }
}
