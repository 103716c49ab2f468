/* What nodes give back at the end, and nodes that are gone. */
#include <stdlib.h>

#include "blocks_known.h"

TEST_CASE(whose_items_wait_longest_gives_some_back)
{
    struct blocks blocks = open_blocks(3, 2, 0);
    double now = 0;
    for (uint32_t i = 0; i < 3; i++)
        make_known(&blocks, i, 100, &now, i == 1 ? 10000 * MS : 1000 * MS);
    blocks_sent(&blocks, 0, 10, now);
    blocks_sent(&blocks, 1, 5, now); /* at a tenth of the speed */
    CHECK_INT(blocks_recall_candidate(&blocks, 0), 1);
    CHECK_INT(blocks_recall_candidate(&blocks, 1000 * MS), -1); /* not worth the way */
    blocks_recalling(&blocks, 1);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), 0);
    blocks_recalled(&blocks, 1, 1);
    CHECK_UINT(blocks.nodes[1].in_flight, 4);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), 1);
    blocks_close(&blocks);
}

TEST_CASE(who_had_nothing_to_give_back_is_not_asked_again_until_it_has_more)
{
    struct blocks blocks = open_blocks(2, 2, 0);
    blocks_sent(&blocks, 0, 5, 0);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), 0);
    blocks_recalling(&blocks, 0);
    blocks_recalled(&blocks, 0, 0);
    blocks_ended(&blocks, 0, 1, MS);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), -1);
    blocks_sent(&blocks, 0, 1, MS);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), 0);
    blocks_close(&blocks);
}

TEST_CASE(items_that_workers_have_begun_are_not_asked_for)
{
    struct blocks blocks = open_blocks(2, 2, 0);
    blocks_sent(&blocks, 0, 2, 0);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), -1);
    blocks_close(&blocks);
}

TEST_CASE(a_node_that_is_gone_gets_nothing_and_has_no_share)
{
    struct blocks blocks = open_blocks(2, 2, 0);
    struct blocks_view view = view_of(8, 8, 0);
    uint64_t items;
    blocks_sent(&blocks, 0, 4, 0);
    blocks_remove_node(&blocks, 0);
    blocks_remove_node(&blocks, 0);
    CHECK_UINT(blocks.in_flight, 0);
    CHECK_UINT(want(&blocks, 0, view), 0);
    CHECK_INT(blocks_recall_candidate(&blocks, 0), -1);
    CHECK_INT(blocks_next(&blocks, &view, &items), 1);
    CHECK_UINT(items, 4);
    blocks_close(&blocks);
}

TEST_CASE(a_node_that_loses_workers_loses_their_part_of_its_speed)
{
    struct blocks blocks = open_blocks(2, 4, 0);
    double now = 0;
    make_known(&blocks, 0, 400, &now, 100 * MS);
    blocks_set_workers(&blocks, 0, 1);
    CHECK_NEAR(blocks.nodes[0].speed * MS, 1, 1e-9);
    CHECK_NEAR(blocks.speeds * MS, 1, 1e-9);
    CHECK_UINT(blocks.known, 1);
    CHECK_UINT(blocks.other, 4);
    blocks_close(&blocks);
}

/* Whatever happens in whatever order: answers fit the question, and the sums are those of the nodes. */
TEST_CASE(any_order_of_events_leaves_the_books_right)
{
    enum { NODES = 7 };
    srand(5);
    for (int round = 0; round < 300; round++) {
        struct blocks blocks = open_blocks(NODES, 1 + (uint32_t)rand() % 9, (uint32_t)rand() % 3);
        double now = 0;
        for (int step = 0; step < 400; step++) {
            uint32_t number = (uint32_t)rand() % NODES;
            struct blocks_node *node = &blocks.nodes[number];
            uint64_t some = node->in_flight ? (uint64_t)rand() % node->in_flight + 1 : 0, items;
            now += rand() % 4 ? rand() % 1000 : rand();
            struct blocks_view view = {.schedule = (enum schedule)(rand() % SCHEDULES),
                                       .chunk = rand() % 3 ? 0 : (uint64_t)rand() % 50,
                                       .total = rand() % 2 ? 1u << 30 : 0,
                                       .remaining = 1 + (uint64_t)rand() % (rand() % 2 ? 1u << 29 : 9),
                                       .reduces = rand() % 2,
                                       .at = (uint64_t)rand(),
                                       .is_pinned = rand() % 9 == 0,
                                       .now = now};
            view.available = 1 + (uint64_t)rand() % view.remaining;
            int next = -1;
            if (step % 2) {
                next = blocks_next(&blocks, &view, &items);
            } else if (node->workers && (items = blocks_want(&blocks, number, &view))) {
                next = (int)number;
            }
            if (next >= 0) {
                REQUIRE(items >= 1 && items <= view.available && blocks.nodes[next].workers);
                blocks_sent(&blocks, (uint32_t)next, items, now);
            }
            if (some && rand() % 2)
                blocks_ended(&blocks, number, some, now);
            else if (some && rand() % 9 == 0)
                blocks_recalled(&blocks, number, some);
            else if (rand() % 100 == 0)
                blocks_remove_node(&blocks, number);
            else if (node->workers && rand() % 50 == 0)
                blocks_set_workers(&blocks, number, 1 + (uint32_t)rand() % 5);
            if (node->workers && rand() % 20 == 0)
                blocks_trip(&blocks, number, rand());
            int candidate = blocks_recall_candidate(&blocks, rand() % 2 ? 0 : rand());
            REQUIRE(candidate < 0 || blocks.nodes[candidate].in_flight > blocks.nodes[candidate].workers);
            if (candidate >= 0 && rand() % 5 == 0)
                blocks_recalling(&blocks, (uint32_t)candidate);
        }
        uint64_t in_flight = 0, known = 0, other = 0;
        double speeds = 0, trips = 0;
        for (int i = 0; i < NODES; i++) {
            trips += blocks.nodes[i].speed * blocks.nodes[i].trip;
            in_flight += blocks.nodes[i].in_flight;
            speeds += blocks.nodes[i].speed;
            *(blocks.nodes[i].speed > 0 ? &known : &other) += blocks.nodes[i].workers;
        }
        CHECK_UINT(blocks.in_flight, in_flight);
        CHECK_UINT(blocks.known, known);
        CHECK_UINT(blocks.other, other);
        CHECK_NEAR(blocks.speeds, speeds, 1e-6 * speeds + 1e-12);
        CHECK_NEAR(blocks.trips, trips, 1e-6 * trips + 1e-3);
        blocks_close(&blocks);
    }
}
