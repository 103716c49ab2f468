/* Notes that come to a leader from a node that it leads, of more workers than a message has notes. The test
 * is that node, and the manager above. */
#include <sched.h>

#include "check.h"
#include "gang.h"
#include "outpost.h"

#define LONG_US  100000000u /* of patience: nothing leaves because of it */
#define SHORT_US 2000u

enum { FAR = 2000, ITEMS = 1500, MANY = 3000, AT_ONCE = 200, BLOCKS = 64 };

static struct outpost post;

/* What the node has been sent. */
static struct below {
    uint64_t pool;
    struct wire_block block[BLOCKS];
    int blocks;
    uint32_t items;
    bool closes;
} below;

/* ---- The node ---------------------------------------------------------------------------- */

static void say(struct wire_message message, const void *body, size_t size)
{
    _Alignas(16) unsigned char head[NET_HEAD];
    message.pool = below.pool;
    message.body = body;
    message.body_size = size;
    size_t head_size = wire_message_pack(&message, head, sizeof head);
    REQUIRE(head_size);
    REQUIRE_STATUS(net_send(post.far, 0, head, head_size, NULL, 0, NULL, NULL), RP_OK);
}

static void take(const struct net_event *event)
{
    struct wire_message message;
    struct error error;
    REQUIRE_STATUS(
        wire_message_unpack(&message, event->head, event->head_size, event->size, event->segments, &error),
        RP_OK);
    below.pool = message.pool ? message.pool : below.pool;
    if (event->segments)
        net_receive(post.far, event, (void *[NET_SEGMENTS]){NULL}, &below);
    if (message.type == WIRE_BLOCK) {
        REQUIRE(below.blocks < BLOCKS);
        below.block[below.blocks++] = message.block;
        below.items += message.block.items;
    } else if (message.type == WIRE_CLOSE) {
        say((struct wire_message){.type = WIRE_CLOSED}, NULL, 0);
    }
}

static void poll_all(void)
{
    struct net_event event;
    outpost_poll(&post);
    while (net_poll(post.far, &event))
        if (event.kind == NET_HEADED)
            take(&event);
    sched_yield();
}

static const struct wire_block *find_block(uint32_t item)
{
    for (int i = 0; i < below.blocks; i++)
        if (item - below.block[i].first < below.block[i].items)
            return &below.block[i];
    CHECK_FAILED("nobody was sent item %u", item);
    return below.block;
}

/* That of an item of the map which has run there. */
static struct wire_note note_of(uint32_t item, uint32_t told)
{
    const struct wire_block *block = find_block(item);
    return (struct wire_note){.block = block->block,
                              .size = sizeof(uint64_t),
                              .bytes = sizeof(uint64_t),
                              .from = (uint32_t)(item - block->first),
                              .count = 1,
                              .told = told,
                              .worker = OUTPOST_FIRST + 1,
                              .flags = NOTE_FIRST | NOTE_PLACED};
}

/* Each other item from `from` on: none of them has a neighbour. */
static void say_each_other(uint32_t from, uint32_t items, uint32_t told)
{
    unsigned char body[NET_HEAD];
    size_t used = 0;
    uint32_t count = 0;
    for (uint32_t item = from; item < items; item += 2) {
        uint64_t answer = gang_answer(item);
        struct wire_note note = note_of(item, told);
        used += wire_note_put(&note, &answer, body + used, sizeof body - used);
        if (++count < AT_ONCE && item + 2 < items)
            continue;
        say((struct wire_message){.type = WIRE_NOTES, .notes = {count}}, body, used);
        used = count = 0;
    }
}

static void say_note(struct wire_note note, const void *payload)
{
    unsigned char body[256];
    size_t size = wire_note_put(&note, payload, body, sizeof body);
    say((struct wire_message){.type = WIRE_NOTES, .notes = {1}}, body, size);
}

/* ---- The manager ------------------------------------------------------------------------- */

static void start(uint32_t items, uint32_t patience_us, uint64_t total, uint32_t flags)
{
    below = (struct below){0};
    outpost_start_above(&post, 1, FAR);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_squares(1, items);
    block.block.patience_us = patience_us;
    block.block.total = total;
    block.block.flags |= flags;
    outpost_send_squares(&post, &block, 0);
    while (below.items < items && !post.lost)
        poll_all();
}

static void await_some(uint64_t items)
{
    while (post.items + post.tallied < items && !post.lost)
        poll_all();
}

/* Those from `from` on are squares. */
static void end(uint32_t from, uint32_t items)
{
    struct wire_message message = {.type = WIRE_CLOSE, .pool = OUTPOST_POOL};
    while (post.items < items && !post.lost)
        poll_all();
    outpost_check_squares(&post, 1, 0, from, items - from);
    outpost_send(&post, &message, NULL, 0);
    while (!post.got[WIRE_CLOSED] && !post.lost)
        poll_all();
    message = (struct wire_message){.type = WIRE_QUIT};
    outpost_send(&post, &message, NULL, 0);
    outpost_forget(&post);
}

/* ---- The cases --------------------------------------------------------------------------- */

TEST_CASE(more_notes_than_a_message_has_wait_for_their_neighbours_where_as_many_workers_are_led)
{
    start(ITEMS, LONG_US, ITEMS, 0);
    say_each_other(0, ITEMS, 0);
    await_some(ITEMS / 2);
    CHECK_UINT(post.items, 0);
    CHECK_UINT(post.tallied, ITEMS / 2);
    say_each_other(1, ITEMS, 0);
    end(0, ITEMS);
    CHECK(post.count < 20);
}

TEST_CASE(of_more_notes_than_there_is_room_for_none_is_lost)
{
    start(MANY, LONG_US, MANY, 0);
    say_each_other(0, MANY, 0);
    await_some(MANY / 2);
    CHECK(post.items > 0);
    say_each_other(1, MANY, 0);
    end(0, MANY);
}

TEST_CASE(results_of_a_led_node_that_somebody_may_watch_for_leave_without_their_neighbours)
{
    start(ITEMS, SHORT_US, 0, 0);
    say_each_other(0, ITEMS, 0);
    await_some(ITEMS / 2);
    CHECK_UINT(post.tallied, 0);
    say_each_other(1, ITEMS, 0);
    end(0, ITEMS);
}

TEST_CASE(a_failure_on_a_led_node_is_told_while_notes_wait_for_their_neighbours)
{
    start(ITEMS, LONG_US, ITEMS, POST_STOP);
    say_each_other(2, 600, 0);
    struct wire_note note = note_of(0, 0);
    note.status = RP_TASK_FAILED;
    note.flags = NOTE_FIRST;
    say_note(note, "gone bad");
    await_some(1);
    CHECK_UINT(post.items, 1);
    const struct outpost_note *said = outpost_find(&post, 1, 0);
    if (CHECK(said))
        CHECK_STATUS(said->note.status, RP_TASK_FAILED);
    say_each_other(1, ITEMS, 0);
    say_each_other(600, ITEMS, 0);
    end(1, ITEMS);
}

/* And its notes say that they have been: nothing counts twice. */
TEST_CASE(what_a_led_node_has_counted_is_counted_above_before_its_notes_come)
{
    start(ITEMS, SHORT_US, ITEMS, 0);
    struct wire_note tally = note_of(0, 0);
    tally.count = ITEMS / 2;
    tally.size = tally.bytes = tally.from = 0;
    tally.flags = WIRE_TALLY;
    say_note(tally, NULL);
    await_some(ITEMS / 2);
    CHECK_UINT(post.tallied, ITEMS / 2);
    CHECK_UINT(post.items, 0);
    say_each_other(0, ITEMS, 1);
    say_each_other(1, ITEMS, 0);
    end(0, ITEMS);
    uint64_t told = 0;
    for (int i = 0; i < post.count; i++)
        told += post.said[i].note.told;
    CHECK_UINT(told, post.tallied);
}
