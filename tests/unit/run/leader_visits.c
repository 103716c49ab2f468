/* A leader whose process serves when its program wants it: what is left of another pool when it goes away. */
#define _GNU_SOURCE
#include "run/leader.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "outpost.h"
#include "reduction.h"
#include "run/worker.h"

enum { OTHER = OUTPOST_POOL + 1, ITEMS = 64, GATED = 31 };

static struct outpost post;

/* Serves both pools until the other one closes, and OUTPOST_POOL when it is told to. */
static void *serve_both(void *state)
{
    struct worker worker = {0};
    struct error error;
    struct leader *leader = post.leader;
    struct roster *roster = leader_roster(leader);
    CHECK_STATUS(worker_lead(&worker, leader, &error), RP_OK);
    for (uint64_t pool = OUTPOST_POOL; pool <= OTHER; pool++) {
        CHECK_STATUS(leader_await(leader, pool, &error), RP_OK);
        CHECK_STATUS(worker_join(&worker, roster, pool, &error), RP_OK);
    }
    CHECK(worker_serve_pool(&worker, roster, OTHER));
    atomic_store(&gang_tally->hooks[0], 1);
    gang_await(&gang_tally->hooks[1], 1);
    CHECK(worker_serve_pool(&worker, roster, OUTPOST_POOL));
    worker_leave(&worker, roster);
    return state;
}

static void start(void)
{
    outpost_start_visited(&post, 1, serve_both);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message open = {.type = WIRE_OPEN, .pool = OTHER, .open = {.seed = 1}};
    outpost_send(&post, &open, NULL, 0);
    outpost_await(&post, WIRE_VISIT, 1);
    CHECK_INT(post.last[WIRE_VISIT].visit.serves, 1);
}

/* While item GATED runs. */
static void close_other(void)
{
    struct wire_message close = {.type = WIRE_CLOSE, .pool = OTHER};
    gang_await(&gang_tally->waiting, 1);
    outpost_send(&post, &close, NULL, 0);
    atomic_store(&gang_tally->gate, 0);
}

static void end(void)
{
    atomic_store(&gang_tally->hooks[1], 1);
    outpost_await(&post, WIRE_VISIT, 3);
    outpost_end(&post);
}

static int gated_item(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == GATED) {
        atomic_store(&gang_tally->waiting, 1);
        while (atomic_load(&gang_tally->gate))
            sched_yield();
    }
    return reduction_item(call, in, size);
}

static struct wire_message gated_block(size_t size)
{
    struct wire_message message = outpost_squares(1, ITEMS);
    message.block.function = outpost_name(gated_item);
    message.block.combine = outpost_name((rp_fn *)(void (*)(void))reduction_combine);
    message.block.flags = POST_REDUCE | WIRE_RANGE;
    message.block.bytes = 0;
    message.block.chunk = 1;
    message.block.out_size = size;
    message.block.visit = 1;
    return message;
}

static uint32_t count_said(void)
{
    uint32_t items = 0;
    for (int i = 0; i < post.count; i++)
        items += post.said[i].note.count;
    return items;
}

/* Its parts are right, and nothing comes behind the word that it has gone away. */
TEST_CASE(a_leader_that_goes_away_leaves_nothing_of_a_reduction_behind)
{
    static uint64_t wanted[REDUCTION_LONGEST / 8];
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        size_t size = reduction_sizes[s];
        check_note("%zu bytes", size);
        start();
        atomic_store(&gang_tally->gate, 1);
        struct wire_message block = gated_block(size);
        outpost_send(&post, &block, NULL, 0);
        close_other();
        outpost_await(&post, WIRE_VISIT, 2);
        CHECK_INT(post.last[WIRE_VISIT].visit.serves, 0);
        uint32_t ran = post.got[WIRE_RECALLED] ? post.last[WIRE_RECALLED].recalled.from : ITEMS;
        CHECK(ran > GATED);
        REQUIRE(count_said() == ran);
        outpost_await_items(&post, ran);
        int notes = post.got[WIRE_NOTES];
        for (uint32_t item = 0; item < ran; item++) {
            const struct outpost_note *said = outpost_find(&post, 1, item);
            if (!CHECK(said && said->payload) || said->note.from != item)
                continue;
            reduction_serially(item, said->note.count, wanted, size);
            CHECK_MEM(said->payload, wanted, size);
        }
        end();
        CHECK_INT(post.got[WIRE_NOTES], notes);
    }
}

/* As over a slow line: the manager listens all the time, and of the bytes nothing is seen before the last. */
TEST_CASE(a_leader_that_goes_away_waits_for_long_results_that_are_leaving)
{
    enum { LONG = 64 << 20, POLLS = 60 };
    start();
    atomic_store(&gang_tally->gate, 1);
    struct wire_message block = outpost_squares(1, 1);
    block.block.function = outpost_name(gang_gated_square);
    block.block.out_size = LONG;
    block.block.visit = 1;
    outpost_send_squares(&post, &block, 0);
    net_loop_delay(post.net, 0, POLLS);
    close_other();
    while (post.got[WIRE_VISIT] < 2) {
        outpost_poll(&post);
        usleep(5000);
    }
    CHECK_UINT(post.items, 1);
    end();
}
