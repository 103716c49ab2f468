/* Nodes that say what cannot be: nothing is lost by that, and nothing counts twice. */
#include "check.h"
#include "envoy.h"
#include "run/road.h"
#include "work.h"

static void answer_twice(struct envoy_block *got)
{
    envoy_answer(got, 0, 1);
    envoy_answer(got, 0, 1);
}

static void answer_what_overlaps(struct envoy_block *got)
{
    envoy_answer(got, 0, got->block.items);
    envoy_answer(got, got->block.items - 1, 1);
}

/* A note with one thing wrong. */
static void wrong(struct envoy_block *got, void (*spoil)(struct wire_note *note))
{
    static uint64_t answers[8];
    struct wire_note note = envoy_note(got, 0, 1, answers);
    spoil(&note);
    envoy_say_note(&note, note.bytes ? answers : NULL);
}

#define WRONG(name, change)                                                                                  \
    static void spoil_##name(struct wire_note *note)                                                         \
    {                                                                                                        \
        change;                                                                                              \
    }                                                                                                        \
    static void say_##name(struct envoy_block *got)                                                          \
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

static void recall_another(struct envoy_block *got)
{
    envoy_say((struct wire_message){.type = WIRE_RECALLED,
                                    .recalled = {got->block.block + 100 * AGENT_BLOCKS, 0, 1}});
}

static void recall_too_far(struct envoy_block *got)
{
    envoy_say((struct wire_message){.type = WIRE_RECALLED,
                                    .recalled = {got->block.block, 0, got->block.items + 1}});
}

static void start_another(struct envoy_block *got)
{
    envoy_say((struct wire_message){.type = WIRE_STARTED, .started = {got->block.block + 7, 0, 2}});
}

static void answer_nobody(struct envoy_block *got)
{
    envoy_say((struct wire_message){.type = WIRE_ANSWER, .answer = {got->block.block, 0, 1}});
}

static void give_orders(struct envoy_block *got)
{
    envoy_say((struct wire_message){.type = WIRE_RECALL, .recall = {got->block.block}});
}

static void lose_another(struct envoy_block *got)
{
    (void)got;
    envoy_say((struct wire_message){.type = WIRE_LOST, .lost = {1}});
}

static void refuse_for_another(struct envoy_block *got)
{
    (void)got;
    envoy_say((struct wire_message){.type = WIRE_REFUSED, .refused = {1}});
}

static void speak_of_another_pool(struct envoy_block *got)
{
    (void)got;
    envoy_say((struct wire_message){.type = WIRE_CLOSED, .pool = envoy.pool + 9});
}

static void close_early(struct envoy_block *got)
{
    (void)got;
    envoy_say((struct wire_message){.type = WIRE_CLOSED});
}

static void babble(struct envoy_block *got)
{
    static const char nonsense[64] = "what a day";
    (void)got;
    CHECK_STATUS(net_send(envoy_realm.end[0], 0, nonsense, sizeof nonsense,
                          &(struct net_segment){.data = nonsense, .size = sizeof nonsense}, 1, &envoy, NULL),
                 RP_OK);
}

TEST_CASE(a_node_that_says_what_cannot_be_is_lost_with_a_sentence_and_its_items_run_elsewhere)
{
    static const struct {
        void (*act)(struct envoy_block *got);
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
        envoy_begin(1, faults[i].act);
        work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 400);
        CHECK(envoy.acts > 0);
        CHECK_HAS(envoy_why(), faults[i].sentence);
        CHECK(!envoy_realm.crew->member[1].dead);
        CHECK(envoy_realm.crew->member[2].dead || !*faults[i].sentence);
        CHECK(!road_is_laden(&envoy_realm.gang.manager));
        envoy_end();
    }
}
