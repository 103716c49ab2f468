/* Notes of uneven work, on a node among many: they wait for their neighbours, and are counted meanwhile.
 * Items 0 and 2 wait at the gate, so that item 1 has no neighbour. */
#include <sched.h>

#include "check.h"
#include "gang.h"
#include "outpost.h"

#define LONG_US  100000000u /* of patience: nothing leaves because of it */
#define SHORT_US 2000u

enum { ITEMS = 200, FAILING = 60, GATED = 2 };

static struct outpost post;

static void open_pool(bool drains)
{
    struct wire_message message = {.type = WIRE_OPEN, .pool = OUTPOST_POOL, .open = {.drains = drains}};
    outpost_start(&post, 4, NULL);
    outpost_send(&post, &message, NULL, 0);
}

static void start_items(uint32_t items, rp_fn *fn, uint32_t patience_us, uint64_t total, uint32_t flags)
{
    gang_tally->gate = 5;
    struct wire_message block = outpost_squares(1, items);
    block.block.flags |= flags;
    block.block.function = outpost_name(fn);
    block.block.chunk = 1;
    block.block.total = total;
    block.block.patience_us = patience_us;
    outpost_send_squares(&post, &block, 0);
}

static void start(uint32_t patience_us, uint64_t total)
{
    open_pool(false);
    start_items(ITEMS, gang_gated_square, patience_us, total, 0);
}

/* So many have been said, or counted. */
static void await_some(uint64_t items)
{
    while (post.items + post.tallied < items && !post.lost) {
        outpost_poll(&post);
        sched_yield();
    }
}

static void await_others(void)
{
    await_some(ITEMS - GATED);
}

static void end(void)
{
    gang_tally->gate = 0;
    outpost_await_items(&post, ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++)
        CHECK_UINT(gang_tally->runs[i], 1);
    outpost_end(&post);
}

TEST_CASE(notes_of_half_of_what_a_node_has_leave_before_their_time)
{
    start(LONG_US, ITEMS);
    await_others();
    CHECK(post.items >= ITEMS / 2 - GATED);
    end();
}

TEST_CASE(notes_of_half_of_what_a_node_has_leave_before_their_time_also_where_items_fail)
{
    open_pool(false);
    start_items(FAILING, gang_gated_failure, LONG_US, FAILING, 0);
    await_some(FAILING / 2);
    gang_tally->gate = 0;
    outpost_await_items(&post, FAILING);
    outpost_end(&post);
}

TEST_CASE(a_note_that_waits_for_its_neighbours_is_counted_and_leaves_as_one_with_them)
{
    start(LONG_US, ITEMS);
    await_others();
    CHECK(!outpost_find(&post, 1, 1));
    CHECK(post.tallied >= 1);
    end();
    const struct outpost_note *said = outpost_find(&post, 1, 1);
    if (CHECK(said)) {
        CHECK_UINT(said->note.from, 0);
        CHECK_UINT(said->note.count, 3);
    }
}

TEST_CASE(a_note_without_neighbours_does_not_wait_for_ever)
{
    start(SHORT_US, ITEMS);
    outpost_await_items(&post, ITEMS - GATED);
    CHECK(outpost_find(&post, 1, 1));
    end();
}

TEST_CASE(notes_that_somebody_may_watch_for_do_not_wait_for_their_neighbours)
{
    start(SHORT_US, 0);
    outpost_await_items(&post, ITEMS - GATED);
    CHECK_UINT(post.tallied, 0);
    end();
}

TEST_CASE(notes_that_a_journal_is_to_have_do_not_wait_for_their_neighbours)
{
    open_pool(true);
    start_items(ITEMS, gang_gated_square, SHORT_US, ITEMS, 0);
    outpost_await_items(&post, ITEMS - GATED);
    CHECK_UINT(post.tallied, 0);
    end();
}

TEST_CASE(a_failure_that_stops_a_map_is_told_at_once)
{
    open_pool(false);
    start_items(ITEMS, gang_gated_failure, LONG_US, 0, POST_STOP);
    await_some(1);
    gang_tally->gate = 0;
    outpost_await_items(&post, ITEMS);
    outpost_end(&post);
}
