/* Nodes that are lost in the middle of work, give it back, or say what cannot be: nothing of it is lost, and
 * nothing counts twice. The test speaks for them, whenever the manager sleeps. */
#include "run/road.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/step.h"
#include "check.h"
#include "realm.h"
#include "reduction.h"
#include "run/agent.h"
#include "run/holding.h"
#include "run/submit.h"
#include "wire/message.h"
#include "work.h"

static struct realm realm;

/* ---- The node's end ---------------------------------------------------------------------- */

/* A block as it has come, with its body. */
struct got {
    struct wire_block block;
    unsigned char table[NET_HEAD], inputs[NET_HEAD];
    struct wire_parts parts;
    bool whole, said;
};

enum { BLOCKS = 512 };

static struct {
    struct got got[BLOCKS];
    int count;
    int messages[64];
    uint64_t pool;
    void (*act)(struct got *got); /* with each block that is whole, once */
    int acts;                     /* how often, yet */
    struct wire_message last[64];
} peer;

static void say_with(struct wire_message message, const void *body, size_t size)
{
    _Alignas(16) unsigned char head[NET_HEAD];
    message.pool = message.type == WIRE_LOST ? 0 : message.pool ? message.pool : peer.pool;
    message.body = body;
    message.body_size = size;
    size_t head_size = wire_message_pack(&message, head, sizeof head);
    REQUIRE(head_size);
    CHECK_STATUS(net_send(realm.end[0], 0, head, head_size, NULL, 0, NULL, NULL), RP_OK);
}

static void say(struct wire_message message)
{
    say_with(message, NULL, 0);
}

static void say_note(const struct wire_note *note, const void *payload)
{
    static unsigned char body[NET_HEAD];
    size_t size = wire_note_put(note, payload, body, sizeof body - 64);
    REQUIRE(size);
    say_with((struct wire_message){.type = WIRE_NOTES, .notes = {1}}, body, size);
}

/* What is right to say of items of squares. */
static struct wire_note note_of(const struct got *got, uint32_t from, uint32_t count, uint64_t answers[])
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t item;
        memcpy(&item, got->inputs + (from + i) * sizeof item, sizeof item);
        answers[i] = gang_answer(item);
    }
    return (struct wire_note){.block = got->block.block,
                              .size = sizeof *answers,
                              .bytes = count * sizeof *answers,
                              .from = from,
                              .count = count,
                              .worker = (uint32_t)realm_first(&realm, 0),
                              .flags = NOTE_FIRST | NOTE_PLACED};
}

static void answer(struct got *got, uint32_t from, uint32_t count)
{
    static uint64_t answers[GANG_ITEMS];
    struct wire_note note = note_of(got, from, count, answers);
    say_note(&note, answers);
}

static void take_block(const struct net_event *event, const struct wire_message *message)
{
    REQUIRE(peer.count < BLOCKS);
    struct got *got = &peer.got[peer.count++];
    got->block = message->block;
    got->said = false;
    REQUIRE(wire_block_parts(&message->block, &got->parts));
    REQUIRE(got->parts.table <= NET_HEAD && got->parts.inputs <= NET_HEAD);
    got->whole = !event->segments;
    if (event->segments) {
        void *to[2] = {got->parts.table ? got->table : got->inputs, got->inputs};
        net_receive(realm.end[0], event, to, got);
        return;
    }
    const unsigned char *body = message->body;
    if (got->parts.table)
        memcpy(got->table, body, got->parts.table);
    if (got->parts.inputs)
        memcpy(got->inputs, body + message->body_size - got->parts.inputs, got->parts.inputs);
}

static void take_head(const struct net_event *event)
{
    struct wire_message message;
    struct error error;
    REQUIRE_STATUS(
        wire_message_unpack(&message, event->head, event->head_size, event->size, event->segments, &error),
        RP_OK);
    peer.messages[message.type]++;
    peer.last[message.type] = message;
    if (message.pool)
        peer.pool = message.pool;
    if (message.type == WIRE_BLOCK)
        take_block(event, &message);
    else if (event->segments)
        net_receive(realm.end[0], event, (void *[]){NULL}, &peer);
}

static void listen(const char *place)
{
    struct net_event event;
    if (strcmp(place, "manager: sleeps") != 0)
        return;
    while (net_poll(realm.end[0], &event)) {
        if (event.kind == NET_HEADED)
            take_head(&event);
        else if (event.kind == NET_BODY && event.token != &peer)
            ((struct got *)event.token)->whole = true;
    }
    for (int i = 0; i < peer.count; i++) {
        if (!peer.got[i].whole || peer.got[i].said || !peer.act)
            continue;
        peer.got[i].said = true;
        peer.acts++;
        peer.act(&peer.got[i]);
    }
}

/* A node of two workers beside `workers` here. */
static void begin(int workers, void (*act)(struct got *got))
{
    memset(&peer, 0, sizeof peer);
    realm_start_mute(&realm, workers, 1, 2);
    realm.may_lose = true;
    realm_open(&realm, NULL);
    peer.act = act;
    board_step = listen;
}

static void end(void)
{
    board_step = NULL;
    realm_end(&realm);
}

static void answer_all(struct got *got)
{
    answer(got, 0, got->block.items);
}

static const char *why(void)
{
    const char *said = road_why(realm.road, realm_first(&realm, 0));
    return said ? said : "";
}

TEST_CASE(a_node_that_answers_has_its_part)
{
    begin(1, answer_all);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 2000);
    CHECK(peer.acts > 0);
    CHECK_STR(why(), "");
    CHECK_UINT(manager_count_done(&realm.gang.manager, 1) + manager_count_done(&realm.gang.manager, 2), 2000);
    end();
}

static void answer_in_pieces_backwards(struct got *got)
{
    for (uint32_t i = got->block.items; i-- > 0;)
        answer(got, i, 1);
}

TEST_CASE(notes_may_come_in_any_order)
{
    begin(1, answer_in_pieces_backwards);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 1000);
    CHECK(peer.acts > 0);
    CHECK_STR(why(), "");
    end();
}

/* ---- What cannot be ---------------------------------------------------------------------- */

static void answer_twice(struct got *got)
{
    answer(got, 0, 1);
    answer(got, 0, 1);
}

static void answer_what_overlaps(struct got *got)
{
    answer(got, 0, got->block.items);
    answer(got, got->block.items - 1, 1);
}

/* A note with one thing wrong. */
static void wrong(struct got *got, void (*spoil)(struct wire_note *note))
{
    static uint64_t answers[8];
    struct wire_note note = note_of(got, 0, 1, answers);
    spoil(&note);
    say_note(&note, note.bytes ? answers : NULL);
}

#define WRONG(name, change)                                                                                  \
    static void spoil_##name(struct wire_note *note)                                                         \
    {                                                                                                        \
        change;                                                                                              \
    }                                                                                                        \
    static void say_##name(struct got *got)                                                                  \
    {                                                                                                        \
        wrong(got, spoil_##name);                                                                            \
    }

WRONG(block, note->block += AGENT_BLOCKS)
WRONG(place, note->block++)
WRONG(item, note->from = GANG_ITEMS)
WRONG(many, note->count = GANG_ITEMS; note->size = note->bytes = 0)
WRONG(worker, note->worker = 1)
WRONG(flags, note->flags |= NOTE_SKIPPED)
WRONG(packed, note->flags = NOTE_PACKED)
WRONG(unplaced, note->flags = 0)
WRONG(size, note->size = 9)
WRONG(bytes, note->bytes = 16)
WRONG(status, note->status = 99; note->flags = 0)
WRONG(cancelled, note->status = RP_CANCELLED; note->flags = 0; note->count = 2; note->size = note->bytes = 0)
WRONG(failures, note->status = RP_TASK_FAILED; note->flags = 0; note->count = 2)
WRONG(sentence, note->status = RP_TASK_FAILED; note->flags = 0; note->size = 60; note->bytes = 8)

static void recall_another(struct got *got)
{
    say((struct wire_message){.type = WIRE_RECALLED, .recalled = {got->block.block + 100 * AGENT_BLOCKS, 0}});
}

static void recall_too_far(struct got *got)
{
    say((struct wire_message){.type = WIRE_RECALLED, .recalled = {got->block.block, got->block.items + 1}});
}

static void start_another(struct got *got)
{
    say((struct wire_message){.type = WIRE_STARTED, .started = {got->block.block + 7, 0, 2}});
}

static void answer_nobody(struct got *got)
{
    say((struct wire_message){.type = WIRE_ANSWER, .answer = {got->block.block, 0, 1}});
}

static void give_orders(struct got *got)
{
    say((struct wire_message){.type = WIRE_RECALL, .recall = {got->block.block}});
}

static void lose_another(struct got *got)
{
    (void)got;
    say((struct wire_message){.type = WIRE_LOST, .lost = {1}});
}

static void refuse_for_another(struct got *got)
{
    (void)got;
    say((struct wire_message){.type = WIRE_REFUSED, .refused = {1}});
}

static void speak_of_another_pool(struct got *got)
{
    (void)got;
    say((struct wire_message){.type = WIRE_CLOSED, .pool = peer.pool + 9});
}

static void close_early(struct got *got)
{
    (void)got;
    say((struct wire_message){.type = WIRE_CLOSED});
}

static void babble(struct got *got)
{
    static const char nonsense[64] = "what a day";
    (void)got;
    CHECK_STATUS(net_send(realm.end[0], 0, nonsense, sizeof nonsense,
                          &(struct net_segment){nonsense, sizeof nonsense}, 1, &peer, NULL),
                 RP_OK);
}

TEST_CASE(a_node_that_says_what_cannot_be_is_lost_with_a_sentence_and_its_items_run_elsewhere)
{
    static const struct {
        void (*act)(struct got *got);
        const char *sentence;
    } faults[] = {
        {answer_twice, "of items that have ended"},
        {answer_what_overlaps, ""},
        {say_block, "of a block that it does not have"},
        {say_place, "of a block that it does not have"},
        {say_item, "of items that its block does not have"},
        {say_many, "of items that its block does not have"},
        {say_worker, "of a worker who is not there"},
        {say_flags, "with flags that there are not"},
        {say_packed, "with results that are not its map's"},
        {say_unplaced, "with results that are not its map's"},
        {say_size, "with results that are not its map's"},
        {say_bytes, "with results that are not its map's"},
        {say_status, "of a failure that there cannot be"},
        {say_cancelled, "of a failure that there cannot be"},
        {say_failures, "of a failure that there cannot be"},
        {say_sentence, "of a failure with a sentence"},
        {recall_another, "which it does not have"},
        {recall_too_far, "which it does not have"},
        {start_another, "which it does not have"},
        {answer_nobody, "it answers what it was not asked"},
        {give_orders, "the manager's to send"},
        {lose_another, "worker 1 died, who is not there"},
        {refuse_for_another, "worker 1 refuses, who is not there"},
        {speak_of_another_pool, "which there is not"},
        {close_early, "it has closed a pool that is open"},
        {babble, "the node there is lost: "},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        check_note("fault %zu", i);
        begin(1, faults[i].act);
        work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 400);
        CHECK(peer.acts > 0);
        CHECK_HAS(why(), faults[i].sentence);
        CHECK(!realm.crew->member[1].dead);
        CHECK(realm.crew->member[2].dead || !*faults[i].sentence);
        CHECK(!road_is_laden(&realm.gang.manager));
        end();
    }
}

/* ---- Given back -------------------------------------------------------------------------- */

static void give_back(struct got *got)
{
    say((struct wire_message){.type = WIRE_RECALLED, .recalled = {got->block.block, 0}});
}

TEST_CASE(what_a_node_gives_back_without_being_asked_runs_elsewhere)
{
    begin(1, give_back);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 400);
    CHECK(peer.acts > 0);
    CHECK_STR(why(), "");
    CHECK_UINT(manager_count_done(&realm.gang.manager, 1), 400);
    end();
}

static void give_half_back(struct got *got)
{
    uint32_t half = got->block.items / 2;
    say((struct wire_message){.type = WIRE_RECALLED, .recalled = {got->block.block, half}});
    if (half)
        answer(got, 0, half);
}

TEST_CASE(of_a_block_that_is_given_back_the_begun_items_count_once)
{
    begin(1, give_half_back);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 800);
    CHECK(peer.acts > 0);
    CHECK_STR(why(), "");
    end();
}

/* Says nothing until it is asked for a block, then gives that back whole. */
static void wait_to_be_asked(const char *place)
{
    listen(place);
    if (!peer.messages[WIRE_RECALL])
        return;
    peer.messages[WIRE_RECALL] = 0;
    say((struct wire_message){.type = WIRE_RECALLED, .recalled = {peer.last[WIRE_RECALL].recall.block, 0}});
}

TEST_CASE(a_node_that_does_nothing_is_asked_for_what_others_could_do)
{
    begin(2, NULL);
    board_step = wait_to_be_asked;
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 400);
    CHECK_STR(why(), "");
    CHECK(peer.count > 0);
    CHECK_UINT(manager_count_done(&realm.gang.manager, 1) + manager_count_done(&realm.gang.manager, 2), 400);
    end();
}

/* ---- Lost -------------------------------------------------------------------------------- */

static void vanish(struct got *got)
{
    (void)got;
    net_loop_cut(realm.end[0], 0);
}

static void vanish_after_some(struct got *got)
{
    answer(got, 0, 1);
    if (peer.acts == 3)
        net_loop_cut(realm.end[0], 0);
}

TEST_CASE(what_a_lost_node_held_runs_elsewhere)
{
    static void (*const ways[])(struct got *) = {vanish, vanish_after_some};
    for (int i = 0; i < 2; i++) {
        check_note("way %d", i);
        begin(2, ways[i]);
        work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 1000);
        CHECK(peer.acts > 0);
        CHECK_HAS(why(), "cannot be reached any more");
        for (int worker = 3; worker <= 4; worker++)
            CHECK(realm.crew->member[worker].dead);
        work_map(&realm.gang, &(struct map_work){0}, 1000);
        end();
    }
}

TEST_CASE(a_pool_whose_last_node_is_lost_says_so)
{
    static uint64_t in[400], out[400];
    struct error error;
    begin(0, vanish);
    struct map_work work = {.fn = gang_square, .in = in, .in_size = 8, .n = 400, .out = out, .out_size = 8};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "no worker is left: all 2 have died; the node there is lost: ");
    end();
}

/* Tasks that it has begun, and those that it has not. */
static void begin_and_vanish(struct got *got)
{
    say((struct wire_message){.type = WIRE_STARTED,
                              .started = {got->block.block, 0, (uint32_t)realm_first(&realm, 0)}});
    if (peer.acts == 1)
        return;
    net_loop_cut(realm.end[0], 0);
    peer.act = NULL;
}

TEST_CASE(tasks_that_ran_on_a_lost_node_are_tried_again)
{
    begin(1, begin_and_vanish);
    work_tasks(&realm.gang, gang_slow_square, 300, 300, false);
    CHECK(peer.acts > 1);
    CHECK_HAS(why(), "cannot be reached any more");
    end();
}

TEST_CASE(a_task_that_may_not_be_tried_again_is_lost_with_its_node)
{
    struct error error;
    uint64_t item = 3;
    begin(1, begin_and_vanish);
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = gang_square;
    task->kept = true;
    task->owner = realm_first(&realm, 0);
    task->retries = -1;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &item, sizeof item, &error), RP_OK);
    while (!submit_is_running(&realm.gang.manager, task))
        submit_round(&realm.gang.manager, clock_deadline(1e-3));
    net_loop_cut(realm.end[0], 0);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    CHECK_STATUS(task->status, RP_WORKER_LOST);
    CHECK_HAS(task->sentence, "was lost with worker 2 (there, ");
    task->kept = false;
    submit_drop(&realm.gang.manager, task);
    end();
}

enum { LONG = 40000, LONG_ITEMS = 30 };

/* A long result that begins to come, and does not end. */
static void send_half(struct got *got)
{
    static unsigned char body[WIRE_NOTE_SIZE], result[LONG];
    _Alignas(16) unsigned char head[NET_HEAD];
    struct wire_note note = {.block = got->block.block,
                             .size = sizeof result,
                             .bytes = sizeof result,
                             .count = 1,
                             .worker = (uint32_t)realm_first(&realm, 0),
                             .flags = NOTE_FIRST | NOTE_PLACED};
    memset(result, 0xee, sizeof result);
    REQUIRE(wire_note_put(&note, NULL, body, sizeof body));
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = peer.pool, .notes = {1}, .body = body, .body_size = sizeof body};
    size_t size = wire_message_pack(&message, head, sizeof head);
    CHECK_STATUS(
        net_send(realm.end[0], 0, head, size, &(struct net_segment){result, sizeof result}, 1, &peer, NULL),
        RP_OK);
    gang_tally->hooks[0] = 1;
}

/* While what was on its way is computed again, and its result stands there. */
static void write_meanwhile(const char *place)
{
    if (strcmp(place, "manager: sleeps") != 0 || !gang_tally->waiting || gang_tally->gate)
        return;
    net_loop_cling(realm.net, false);
    gang_tally->gate = 1;
}

static void cut_later(const char *place)
{
    static int naps;
    listen(place);
    if (strcmp(place, "manager: sleeps") != 0 || !peer.acts || ++naps < 5)
        return;
    naps = 0;
    for (int i = 0; i < peer.acts; i++)
        gang_tally->runs[peer.got[i].block.first] = 1;
    net_loop_cut(realm.end[0], 0);
    board_step = write_meanwhile;
}

static int answer_long(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    unsigned char *out = rp_reserve(call, LONG);
    if (!out || size != sizeof item)
        return 1;
    memset(out, (int)item % 200, LONG);
    gang_await(&gang_tally->hooks[0], 1); /* or nothing might be left for the node */
    if (gang_tally->runs[item]) {
        atomic_fetch_add(&gang_tally->waiting, 1);
        gang_await(&gang_tally->gate, 1);
    }
    return rp_return(call, out, LONG);
}

/* A map of long results, of which some are on their way when their node is lost. A net that clings to their
 * places writes there while they are computed again, or after the map: then `out` is an array of the board.
 */
static void lose_on_the_way(bool clings, bool late, const double *cost)
{
    static uint64_t in[LONG_ITEMS];
    static unsigned char own[LONG_ITEMS * LONG];
    struct error error;
    for (uint64_t i = 0; i < LONG_ITEMS; i++)
        in[i] = i;
    begin(1, send_half);
    gang_reset_tally();
    gang_tally->waiting = gang_tally->hooks[0] = 0;
    gang_tally->gate = late;
    unsigned char *out = late ? holding_alloc(&realm.gang.manager, sizeof own) : own;
    REQUIRE(out);
    net_loop_cling(realm.net, clings);
    net_loop_delay(realm.net, 0, 1000000); /* the bodies never come */
    board_step = cut_later;
    struct map_work work = {.fn = answer_long,
                            .in = in,
                            .in_size = 8,
                            .n = LONG_ITEMS,
                            .cost = cost,
                            .out = out,
                            .out_size = LONG};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    CHECK(gang_tally->waiting > 0);
    net_loop_cling(realm.net, false);
    while (road_turn(realm.road))
        ;
    for (size_t i = 0; i < LONG_ITEMS; i++)
        for (size_t k = 0; k < LONG; k += LONG - 1)
            CHECK_UINT(out[i * LONG + k], i);
    work_map(&realm.gang, &(struct map_work){0}, 100);
    end();
}

TEST_CASE(a_result_that_was_on_its_way_from_a_lost_node_is_computed_again)
{
    lose_on_the_way(false, false, NULL);
    lose_on_the_way(false, true, NULL);
}

TEST_CASE(the_same_where_the_net_writes_to_the_place_of_the_first_one_meanwhile_or_later)
{
    static double cost[LONG_ITEMS];
    for (size_t i = 0; i < LONG_ITEMS; i++)
        cost[i] = (double)(LONG_ITEMS - i);
    lose_on_the_way(true, false, NULL);
    lose_on_the_way(true, true, NULL);
    lose_on_the_way(true, false, cost);
}

/* A block whose inputs the node never takes. */
static void cut_what_is_sent(const char *place)
{
    if (strcmp(place, "manager: sleeps") != 0 || !road_is_sending(&realm.gang.manager))
        return;
    net_loop_cut(realm.end[0], 0);
    board_step = NULL;
    gang_tally->gate = 1;
}

/* Once the node is lost. */
static int measure(rp_call *call, const void *in, size_t size)
{
    uint64_t sum = size;
    gang_await(&gang_tally->gate, 1);
    for (size_t i = 0; i < size; i++)
        sum += ((const unsigned char *)in)[i];
    return rp_return(call, &sum, sizeof sum);
}

TEST_CASE(nobody_waits_for_what_the_net_may_read_for_a_lost_node)
{
    static unsigned char in[LONG_ITEMS * LONG], common[LONG];
    uint64_t out[LONG_ITEMS];
    struct error error;
    begin(1, NULL);
    gang_tally->gate = 0;
    net_loop_cling(realm.net, true);
    board_step = cut_what_is_sent;
    struct map_work work = {.fn = measure,
                            .in = in,
                            .in_size = LONG,
                            .n = LONG_ITEMS,
                            .out = out,
                            .out_size = 8,
                            .common = common,
                            .common_size = sizeof common};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    CHECK_HAS(why(), "cannot be reached any more");
    for (size_t i = 0; i < LONG_ITEMS; i++)
        CHECK_UINT(out[i], LONG);
    net_loop_cling(realm.net, false);
    while (road_turn(realm.road))
        ;
    end();
}
