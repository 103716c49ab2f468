/* What a node gets next, rule by rule. */
#include "blocks_known.h"

TEST_CASE(until_something_is_known_a_node_gets_a_few_items_a_worker)
{
    struct blocks blocks = open_blocks(3, 8, 0);
    struct blocks_view view = view_of(1000000, 1000000, 0);
    CHECK_UINT(want(&blocks, 0, view), 16);
    blocks_sent(&blocks, 0, 15, 0);
    CHECK_UINT(want(&blocks, 0, view), 16);
    blocks_sent(&blocks, 0, 16, 0);
    CHECK_UINT(want(&blocks, 0, view), 0);
    blocks_close(&blocks);
}

TEST_CASE(a_block_is_half_of_the_node_s_share_by_the_measured_speeds)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 3000, &now, 1000 * MS);
    make_known(&blocks, 1, 1000, &now, 1000 * MS);
    CHECK_UINT(want(&blocks, 0, view_of(80, 80, now)), 30);
    CHECK_UINT(want(&blocks, 1, view_of(80, 80, now)), 10);
    blocks_close(&blocks);
}

TEST_CASE(who_is_not_known_is_taken_to_be_as_fast_as_the_others)
{
    struct blocks blocks = open_blocks(3, 2, 2);
    double now = 0;
    make_known(&blocks, 0, 1000, &now, 1000 * MS);
    CHECK_UINT(want(&blocks, 0, view_of(80, 80, now)), 10);
    CHECK_UINT(want(&blocks, 1, view_of(16, 16, now)), 4); /* two a worker, of two workers */
    blocks_close(&blocks);
}

TEST_CASE(a_second_block_follows_when_less_than_it_is_left_of_the_first)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 1000, &now, 10000 * MS);
    make_known(&blocks, 1, 1000, &now, 10000 * MS);
    CHECK_UINT(want(&blocks, 0, view_of(40, 40, now)), 10);
    blocks_sent(&blocks, 0, 10, now);
    CHECK_UINT(want(&blocks, 0, view_of(40, 30, now)), 0);
    blocks_ended(&blocks, 0, 3, now + 30 * MS);
    CHECK_UINT(want(&blocks, 0, view_of(40, 30, now)), 8);
    blocks_close(&blocks);
}

TEST_CASE(where_much_remains_a_block_makes_a_tenth_of_a_second)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 100000, &now, 1000 * MS);
    CHECK_UINT(want(&blocks, 0, view_of(1u << 30, 1u << 30, now)), 10000);
    blocks_close(&blocks);
}

TEST_CASE(a_node_has_no_more_than_four_times_what_it_has_done)
{
    struct blocks blocks = open_blocks(2, 4, 0);
    struct blocks_view view = view_of(1u << 30, 1u << 30, 0);
    double now = 0;
    make_known(&blocks, 0, 8, &now, 1000); /* what looks like nothing at all */
    for (uint64_t items; (items = want(&blocks, 0, view));)
        blocks_sent(&blocks, 0, items, now);
    CHECK(blocks.nodes[0].in_flight >= 2 * 8 && blocks.nodes[0].in_flight <= 4 * 8 + 4 * 4);
    blocks_close(&blocks);
}

TEST_CASE(what_is_in_flight_covers_two_round_trips_and_two_items_a_worker)
{
    struct blocks blocks = open_blocks(2, 2, 0);
    double now = 0;
    make_known(&blocks, 0, 2000, &now, 10000 * MS); /* 0.2 a millisecond */
    struct blocks_view stream = view_of(0, 100000, now);
    CHECK_UINT(want(&blocks, 0, stream), 5);
    blocks_trip(&blocks, 0, 40 * MS);
    CHECK_UINT(want(&blocks, 0, stream), 21); /* 80.4 ms, and 4 */
    blocks_trip(&blocks, 0, 90 * MS);
    CHECK_UINT(want(&blocks, 0, stream), 21); /* the shortest counts */
    blocks_sent(&blocks, 0, 21, now);
    CHECK_UINT(want(&blocks, 0, stream), 0);
    blocks_close(&blocks);
}

TEST_CASE(a_block_is_as_long_as_lets_the_manager_serve_all_nodes)
{
    enum { NODES = 1000 };
    struct blocks blocks = open_blocks(NODES, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 1000000, &now, 10000 * MS); /* 100 a millisecond */
    /* 1000 nodes take 5 ms, of which 4 times as long are 20 */
    blocks_sent(&blocks, 0, 1000, now);
    CHECK_UINT(want(&blocks, 0, view_of(0, 1u << 30, now)), 2000);
    blocks_ended(&blocks, 0, 1000, now);
    CHECK_UINT(want(&blocks, 0, view_of(4000000, 2000000, now)), 2000);
    CHECK_UINT(want(&blocks, 0, view_of(4000000, 1000000, now)), 1000); /* its share */
    CHECK_UINT(want(&blocks, 0, view_of(4000000, 1000, now)), 500);     /* what takes one round */
    blocks_close(&blocks);
}

TEST_CASE(notes_wait_the_longer_the_more_of_them_a_message_has_up_to_a_limit)
{
    struct blocks blocks = open_blocks(1000, 1, 0), few = open_blocks(3, 1, 0);
    for (int i = 0; i < 1000; i++)
        blocks_noted(&blocks, 1); /* neighbours that meet are one */
    CHECK_NEAR(blocks_patience(&blocks), 5 * MS, 1);
    for (int i = 0; i < 1000; i++)
        blocks_noted(&blocks, 30);
    CHECK_NEAR(blocks_patience(&blocks), 9.5 * MS, 2 * MS);
    for (int i = 0; i < 1000; i++)
        blocks_noted(&blocks, 10000);
    CHECK_NEAR(blocks_patience(&blocks), 20 * MS, 1);
    for (int i = 0; i < 1000; i++)
        blocks_noted(&blocks, 1);
    CHECK_NEAR(blocks_patience(&blocks), 5 * MS, 1.5 * MS);
    for (int i = 0; i < 1000; i++)
        blocks_noted(&few, 30);
    CHECK_NEAR(blocks_patience(&few), 0.1 * MS, 1); /* the manager has time for so few */
    blocks_close(&blocks);
    blocks_close(&few);
}

TEST_CASE(results_that_nobody_watches_for_wait_for_a_part_of_what_the_node_has_to_do)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 1000, &now, 100 * MS); /* 10 a millisecond */
    CHECK_NEAR(blocks_patience_of(&blocks, 0), 0.1 * MS, 1);
    CHECK_NEAR(blocks_patience_of(&blocks, 1), 0.1 * MS, 1);
    blocks_sent(&blocks, 0, 64, now);
    CHECK_NEAR(blocks_patience_of(&blocks, 0), 0.4 * MS, 0.02 * MS);
    blocks_sent(&blocks, 0, 1000, now);
    CHECK_NEAR(blocks_patience_of(&blocks, 0), 4 * MS, 1);
    blocks_close(&blocks);
}

TEST_CASE(notes_wait_the_longer_the_more_nodes_there_are)
{
    struct blocks few = open_blocks(3, 1, 0), many = open_blocks(1000, 1, 0);
    CHECK_NEAR(blocks_patience(&few), 0.1 * MS, 1);
    CHECK_NEAR(blocks_patience(&many), 5 * MS, 1);
    double now = 0;
    make_known(&many, 0, 1000000, &now, 10000 * MS);
    blocks_sent(&many, 0, 1021, now); /* twice that is covered: 100 a millisecond */
    CHECK(want(&many, 0, view_of(0, 1u << 30, now)) > 0);
    blocks_sent(&many, 0, 1, now);
    CHECK_UINT(want(&many, 0, view_of(0, 1u << 30, now)), 0);
    blocks_close(&few);
    blocks_close(&many);
}

TEST_CASE(no_node_gets_more_than_its_share_of_what_remains)
{
    struct blocks blocks = open_blocks(5, 2, 0);
    CHECK_UINT(want(&blocks, 0, view_of(0, 10, 0)), 2);
    CHECK_UINT(want(&blocks, 0, view_of(0, 1, 0)), 1);
    CHECK_UINT(want(&blocks, 0, view_of(10, 10, 0)), 2);
    blocks_close(&blocks);
}

TEST_CASE(who_has_least_is_served_first)
{
    struct blocks blocks = open_blocks(3, 2, 0);
    struct blocks_view view = view_of(0, 1, 0);
    uint64_t items;
    blocks_sent(&blocks, 0, 2, 0);
    blocks_sent(&blocks, 1, 1, 0);
    blocks_sent(&blocks, 2, 3, 0);
    CHECK_INT(blocks_next(&blocks, &view, &items), 1);
    CHECK_UINT(items, 1);
    blocks_sent(&blocks, 1, 3, 0);
    CHECK_INT(blocks_next(&blocks, &view, &items), 0);
    blocks_sent(&blocks, 0, 2, 0);
    CHECK_INT(blocks_next(&blocks, &view, &items), 2);
    blocks_sent(&blocks, 2, 2, 0);
    CHECK_INT(blocks_next(&blocks, &view, &items), -1);
    blocks_close(&blocks);
}

TEST_CASE(the_last_items_are_left_to_those_who_do_them_sooner)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    double now = 0;
    uint64_t items;
    make_known(&blocks, 0, 10, &now, 1000 * MS); /* an item in 100 ms */
    make_known(&blocks, 1, 10, &now, 100 * MS);  /* in 10 */
    struct blocks_view few = view_of(100, 4, now), many = view_of(100, 50, now);
    CHECK_UINT(want(&blocks, 0, few), 0);
    CHECK(want(&blocks, 0, many) > 0);
    CHECK_INT(blocks_next(&blocks, &few, &items), 1);
    few.is_pinned = true;
    CHECK(want(&blocks, 0, few) > 0);
    blocks_close(&blocks);
}

TEST_CASE(the_last_items_are_declined_by_those_far_away_but_not_by_all)
{
    struct blocks blocks = open_blocks(3, 1, 0);
    double now = 0;
    uint64_t items;
    for (uint32_t i = 0; i < 3; i++) {
        make_known(&blocks, i, 1000, &now, 10000 * MS);
        blocks_trip(&blocks, i, i == 2 ? 900 * MS : 100 * MS);
    }
    struct blocks_view last = view_of(100, 1, now);
    CHECK_UINT(want(&blocks, 2, last), 0);
    CHECK_INT(blocks_next(&blocks, &last, &items), 0);
    blocks_close(&blocks);
}

/* The second one, ten times as fast as the first, has something to do. */
static struct blocks open_slow_and_fast(double *now)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    *now = 0;
    make_known(&blocks, 0, 100, now, 10000 * MS);
    make_known(&blocks, 1, 100, now, 1000 * MS);
    blocks_sent(&blocks, 1, 3, *now);
    return blocks;
}

TEST_CASE(who_declined_is_asked_again_when_there_is_more_or_when_the_others_do_nothing)
{
    double now;
    uint64_t items;
    struct blocks blocks = open_slow_and_fast(&now);
    struct blocks_view few = view_of(0, 1, now);
    CHECK_INT(blocks_next(&blocks, &few, &items), -1);
    struct blocks_view many = view_of(0, 100, now);
    CHECK_INT(blocks_next(&blocks, &many, &items), 0);
    CHECK_INT(blocks_next(&blocks, &few, &items), -1);
    few.now = now + 1000 * MS; /* the other was expected to be through after 50 */
    CHECK_INT(blocks_next(&blocks, &few, &items), 0);
    blocks_close(&blocks);
}

/* How long the others would take says nothing of tasks that wait. */
TEST_CASE(nobody_declines_while_tasks_wait_at_queues)
{
    double now;
    uint64_t items;
    struct blocks blocks = open_slow_and_fast(&now);
    struct blocks_view few = view_of(0, 1, now);
    CHECK_UINT(want(&blocks, 0, few), 0);
    CHECK_INT(blocks_next(&blocks, &few, &items), -1); /* it is set aside */
    few.waits = true;
    CHECK_UINT(want(&blocks, 0, few), 1);
    CHECK_INT(blocks_next(&blocks, &few, &items), 0);
    blocks_close(&blocks);
}

TEST_CASE(nobody_leaves_anything_to_workers_of_the_manager_s_node_who_are_gone)
{
    struct blocks blocks = open_blocks(1, 1, 1);
    double now = 0;
    uint64_t items;
    make_known(&blocks, 0, 1000, &now, 10000 * MS);
    blocks_trip(&blocks, 0, 100 * MS);
    struct blocks_view last = view_of(100, 1, now);
    CHECK_INT(blocks_next(&blocks, &last, &items), -1);
    blocks_set_own(&blocks, 0);
    CHECK_INT(blocks_next(&blocks, &last, &items), 0);
    CHECK_UINT(items, 1);
    blocks_close(&blocks);
}

TEST_CASE(a_speed_follows_what_comes_back)
{
    struct blocks blocks = open_blocks(1, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 100, &now, 1000 * MS);
    blocks_sent(&blocks, 0, 1000, now);
    for (int i = 0; i < 50; i++)
        blocks_ended(&blocks, 0, 10, now += 50 * MS);
    CHECK_NEAR(blocks.nodes[0].speed * MS, 0.2, 0.001);
    for (int i = 0; i < 49; i++)
        blocks_ended(&blocks, 0, 10, now += 200 * MS);
    CHECK_NEAR(blocks.nodes[0].speed * MS, 0.05, 0.001);
    blocks_close(&blocks);
}

TEST_CASE(the_trip_is_no_part_of_a_first_sample)
{
    struct blocks blocks = open_blocks(1, 2, 0);
    blocks_sent(&blocks, 0, 4, 0);
    blocks_trip(&blocks, 0, 40 * MS);
    blocks_ended(&blocks, 0, 2, 50 * MS);
    CHECK_NEAR(blocks.nodes[0].speed * MS, 0.2, 0.001);
    blocks_close(&blocks);
}

/* Items take 100 ns each, trips 4 us, but of so many one takes 5 ms. What the node may have at last. */
static uint64_t want_after(int every)
{
    struct blocks blocks = open_blocks(1, 1, 0);
    struct blocks_view view = view_of(0, UINT64_C(1) << 40, 0);
    for (int i = 0; i < 200 * every; i++) {
        double trip = i % every ? 0.004 * MS : 5 * MS;
        uint64_t items = want(&blocks, 0, view);
        REQUIRE(items > 0);
        blocks_sent(&blocks, 0, items, view.now);
        view.now += trip + (double)items * 100;
        blocks_trip(&blocks, 0, trip);
        blocks_ended(&blocks, 0, items, view.now);
    }
    uint64_t items = want(&blocks, 0, view);
    blocks_close(&blocks);
    return items;
}

TEST_CASE(neither_quick_trips_nor_slow_ones_among_them_leave_a_node_with_too_little)
{
    CHECK(want_after(1) > 10000);
    CHECK(want_after(3) > 2000);
    CHECK(want_after(30) > 2000);
}

TEST_CASE(a_node_that_had_too_little_is_not_taken_for_slow)
{
    struct blocks blocks = open_blocks(1, 4, 0);
    double now = 0;
    make_known(&blocks, 0, 4000, &now, 1000 * MS);
    blocks_sent(&blocks, 0, 2, now);
    for (int i = 0; i < 100; i++) {
        blocks_sent(&blocks, 0, 1, now);
        blocks_ended(&blocks, 0, 1, now += 10 * MS);
    }
    CHECK_NEAR(blocks.nodes[0].speed * MS, 4, 0.001);
    blocks_close(&blocks);
}

TEST_CASE(a_node_that_was_taken_for_fast_is_found_out)
{
    struct blocks blocks = open_blocks(1, 4, 0);
    double now = 40 * MS;
    blocks_sent(&blocks, 0, 16, 0);
    blocks_trip(&blocks, 0, 39.9 * MS);
    blocks_ended(&blocks, 0, 4, now); /* 40 ms, nearly all of them on the way */
    CHECK(blocks.nodes[0].speed * MS > 0.5);
    for (int i = 0; i < 40; i++) {
        blocks_sent(&blocks, 0, 4, now);
        blocks_ended(&blocks, 0, 4, now += 40 * MS);
    }
    CHECK_NEAR(blocks.nodes[0].speed * MS, 0.1, 0.001);
    blocks_close(&blocks);
}

TEST_CASE(a_few_items_show_the_speed_of_all_workers)
{
    struct blocks blocks = open_blocks(1, 8, 0);
    blocks_sent(&blocks, 0, 3, 0);
    blocks_ended(&blocks, 0, 3, 10 * MS);
    CHECK_NEAR(blocks.nodes[0].speed * MS, 0.8, 0.001);
    blocks_close(&blocks);
}
