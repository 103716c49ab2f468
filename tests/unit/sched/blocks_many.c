/* What nodes get where there are many of them. */
#include "check.h"
#include "sched/blocks.h"

#define MS    1e6
#define NODES 1000
#define SPEED 100 /* items a millisecond, of each node */

/* All nodes have done much, at the same speed, and have nothing. A block costs 1 us where `cost` is that. */
static struct blocks open_blocks(double cost, double *now)
{
    struct blocks blocks;
    REQUIRE(!blocks_open(&blocks, NODES, 0, cost));
    for (uint32_t i = 0; i < NODES; i++) {
        CHECK_UINT(blocks_add_node(&blocks, 10, 0), i);
        blocks_sent(&blocks, i, 1000 * SPEED, *now);
    }
    *now += 1000 * MS;
    for (uint32_t i = 0; i < NODES; i++)
        blocks_ended(&blocks, i, 1000 * SPEED, *now);
    return blocks;
}

static struct blocks_view map_of(uint64_t remaining, double now)
{
    return (struct blocks_view){
        .total = UINT64_C(1) << 30, .remaining = remaining, .available = remaining, .now = now};
}

/* How much of what it is sent a node has left when it is sent more. */
static uint64_t least_kept(struct blocks *blocks, struct blocks_view view)
{
    uint64_t items, kept = 20 * SPEED;
    for (uint32_t i = 0; i < NODES; i++)
        blocks_sent(blocks, i, kept, view.now);
    while (blocks_next(blocks, &view, &items) < 0) {
        kept--;
        for (uint32_t i = 0; i < NODES; i++)
            blocks_ended(blocks, i, 1, view.now);
    }
    return kept;
}

TEST_CASE(at_the_end_of_a_map_many_nodes_hold_what_they_do_in_half_of_the_patience)
{
    double now = 0;
    struct blocks blocks = open_blocks(1000, &now);
    CHECK_NEAR(blocks_patience(&blocks), 5 * MS, 1);
    uint64_t kept = least_kept(&blocks, map_of(1000, now)); /* 2.5 and 0.2 ms, and two items a worker */
    check_note("%llu", (unsigned long long)kept);
    CHECK(kept >= 285 && kept <= 290);
    blocks_close(&blocks);
}

TEST_CASE(in_streams_and_reductions_many_nodes_hold_what_they_do_in_two_patiences)
{
    struct blocks_view view[2] = {map_of(1000, 0), map_of(1000, 0)};
    view[0].total = 0;
    view[1].reduces = true;
    for (int i = 0; i < 2; i++) {
        double now = 0;
        struct blocks blocks = open_blocks(1000, &now);
        view[i].now = now;
        uint64_t kept = least_kept(&blocks, view[i]); /* 10 and 0.2 ms, and two items a worker */
        check_note("%d: %llu", i, (unsigned long long)kept);
        CHECK(kept >= 1035 && kept <= 1040);
        blocks_close(&blocks);
    }
}

/* One node has something left when nothing remains: after how many of its items nobody else wants them. */
static uint64_t least_recalled(struct blocks *blocks, struct blocks_view view)
{
    uint64_t items, left = 20 * SPEED;
    CHECK(blocks_next(blocks, &view, &items) >= 0);
    blocks_sent(blocks, 0, left, view.now);
    while (blocks_recall_candidate(blocks, 0) == 0) {
        left--;
        blocks_ended(blocks, 0, 1, view.now);
    }
    return left;
}

TEST_CASE(what_is_given_back_among_many_nodes_waits_less_in_maps_than_in_streams)
{
    double now = 0;
    struct blocks blocks = open_blocks(1000, &now);
    struct blocks_view view = map_of(1000, now);
    uint64_t left = least_recalled(&blocks, view); /* 0.625 and 0.2 ms, and an item a worker */
    check_note("%llu", (unsigned long long)left);
    CHECK(left >= 90 && left <= 95);
    blocks_ended(&blocks, 0, left, now);
    view.total = 0;
    left = least_recalled(&blocks, view); /* 5 and 0.2 ms */
    check_note("%llu", (unsigned long long)left);
    CHECK(left >= 525 && left <= 535);
    blocks_close(&blocks);
}

/* Blocks that leave one after the other. */
static void send_train(struct blocks *blocks, double *now, double each)
{
    for (uint32_t i = 0; i < NODES; i++, *now += each)
        blocks_sent(blocks, i, 1, *now);
    for (uint32_t i = 0; i < NODES; i++)
        blocks_ended(blocks, i, 1, *now);
}

TEST_CASE(blocks_that_leave_one_after_the_other_show_what_one_costs)
{
    double now = 0;
    uint64_t items;
    struct blocks blocks = open_blocks(0, &now);
    struct blocks_view view = map_of(2000 * NODES, now); /* 2000 for each; half is 1000 */
    CHECK(blocks_next(&blocks, &view, &items) >= 0);
    CHECK_UINT(items, 2000); /* 1000 times 5 us, of which 4 times as long are 20 ms */
    send_train(&blocks, &now, 3000);
    CHECK_NEAR((double)blocks_want(&blocks, 0, &view), 1200, 5);
    for (int i = 0; i < 100; i++, now += MS) { /* what happens between is no cost of theirs */
        blocks_sent(&blocks, 0, 1, now);
        blocks_ended(&blocks, 0, 1, now);
    }
    CHECK_NEAR((double)blocks_want(&blocks, 0, &view), 1200, 5);
    send_train(&blocks, &now, MS); /* the manager slept */
    CHECK_NEAR((double)blocks_want(&blocks, 0, &view), 2000, 5);
    blocks_close(&blocks);
}

TEST_CASE(notes_wait_the_longer_the_dearer_messages_are)
{
    double now = 0;
    struct blocks blocks = open_blocks(0, &now);
    blocks_noted(&blocks, 1);
    CHECK_NEAR(blocks_patience(&blocks), 5 * MS, 1);
    send_train(&blocks, &now, 4500);
    blocks_noted(&blocks, 1);
    CHECK_NEAR(blocks_patience(&blocks), 6.75 * MS, 0.2 * MS);
    blocks_close(&blocks);
}
