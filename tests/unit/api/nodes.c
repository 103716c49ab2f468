#include "api/nodes.h"

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
