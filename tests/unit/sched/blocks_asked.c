/* What a node gets next by what the program asks for. */
#include "blocks_known.h"
#include "sched/tree.h"

static uint64_t want_by(enum schedule schedule, uint64_t chunk, uint64_t total, uint64_t remaining)
{
    struct blocks blocks = open_blocks(3, 4, 4);
    double now = 0;
    make_known(&blocks, 1, 100000, &now, 1000 * MS);
    make_known(&blocks, 0, 50000, &now, 1000 * MS);
    struct blocks_view view = view_of(total, remaining, now);
    view.schedule = schedule;
    view.chunk = chunk;
    uint64_t items = want(&blocks, 0, view);
    blocks_close(&blocks);
    return items;
}

TEST_CASE(static_gives_the_node_s_part_of_all_items)
{
    CHECK_UINT(want_by(SCHEDULE_STATIC, 0, 160000, 160000), 40000);
    CHECK_UINT(want_by(SCHEDULE_STATIC, 0, 160000, 60000), 40000);
    CHECK_UINT(want_by(SCHEDULE_STATIC, 0, 160000, 10000), 10000);
}

TEST_CASE(guided_gives_the_node_s_part_of_what_remains)
{
    CHECK_UINT(want_by(SCHEDULE_GUIDED, 0, 160000, 80000), 20000);
    CHECK_UINT(want_by(SCHEDULE_GUIDED, 50, 160000, 400), 200);
}

TEST_CASE(factoring_gives_batches_by_workers)
{
    CHECK_UINT(want_by(SCHEDULE_FACTORING, 0, 160000, 160000), 20000);
    CHECK_UINT(want_by(SCHEDULE_FACTORING, 0, 160000, 100000), 20000);
    CHECK_UINT(want_by(SCHEDULE_FACTORING, 0, 160000, 80000), 10000);
}

TEST_CASE(adaptive_gives_batches_by_speed)
{
    CHECK_UINT(want_by(SCHEDULE_ADAPTIVE, 0, 160000, 160000), 13333); /* 20,000 of 50 over 75 */
}

TEST_CASE(dynamic_gives_what_keeps_the_cover_full)
{
    CHECK_UINT(want_by(SCHEDULE_DYNAMIC, 0, 160000, 160000), 28); /* of 400 us, and 8 */
}

TEST_CASE(blocks_hold_whole_chunks)
{
    static const enum schedule schedules[] = {SCHEDULE_AUTO, SCHEDULE_DYNAMIC};
    for (size_t i = 0; i < 2; i++) {
        uint64_t items = want_by(schedules[i], 24, 160000, 160000);
        CHECK(items >= 24 && items % 24 == 0);
        CHECK_UINT(want_by(schedules[i], 1000000, 160000, 100), 100);
    }
}

/* Workers claim by chunks: a node with two of them has work for two. */
TEST_CASE(each_worker_of_a_node_has_chunks_of_its_own)
{
    static const enum schedule schedules[] = {SCHEDULE_AUTO, SCHEDULE_DYNAMIC};
    for (size_t i = 0; i < 2; i++) {
        struct blocks blocks = open_blocks(2, 8, 0);
        struct blocks_view view = view_of(160000, 160000, 0);
        uint64_t items;
        view.schedule = schedules[i];
        view.chunk = 100;
        int node = blocks_next(&blocks, &view, &items);
        REQUIRE(node >= 0);
        CHECK(items >= 8 * 100);
        blocks_sent(&blocks, (uint32_t)node, items, 0);
        blocks_ended(&blocks, (uint32_t)node, 100, 100 * MS); /* the first that is heard of */
        CHECK(blocks.nodes[node].in_flight + want(&blocks, (uint32_t)node, view) >= 8 * 100);
        blocks_close(&blocks);
    }
}

TEST_CASE(blocks_of_reductions_end_at_multiples_of_the_tree_s_grain)
{
    struct blocks blocks = open_blocks(2, 1, 0);
    double now = 0;
    make_known(&blocks, 0, 100000, &now, 1000 * MS);
    for (uint64_t at = 0; at < 5000; at += 37) {
        struct blocks_view view = view_of(100000, 50000, now);
        view.at = at;
        uint64_t plain = want(&blocks, 0, view);
        view.reduces = true;
        uint64_t items = want(&blocks, 0, view);
        check_note("at %llu", (unsigned long long)at);
        CHECK(items <= plain && items > plain / 2);
        CHECK_UINT((at + items) % tree_grain(plain), 0);
    }
    blocks_close(&blocks);
}
