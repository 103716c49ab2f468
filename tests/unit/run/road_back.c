/* Nodes that answer, or give back what they have got: nothing of it is lost, and nothing counts twice. */
#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "work.h"

TEST_CASE(a_node_that_answers_has_its_part)
{
    envoy_begin(1, envoy_answer_all);
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 2000);
    CHECK(envoy.acts > 0);
    CHECK_STR(envoy_why(), "");
    CHECK_UINT(manager_count_done(&envoy_realm.gang.manager, 1) +
                   manager_count_done(&envoy_realm.gang.manager, 2),
               2000);
    envoy_end();
}

static void answer_in_pieces_backwards(struct envoy_block *got)
{
    for (uint32_t i = got->block.items; i-- > 0;)
        envoy_answer(got, i, 1);
}

TEST_CASE(notes_may_come_in_any_order)
{
    envoy_begin(1, answer_in_pieces_backwards);
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 1000);
    CHECK(envoy.acts > 0);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

/* ---- Given back -------------------------------------------------------------------------- */

static void give_back(struct envoy_block *got)
{
    envoy_say(
        (struct wire_message){.type = WIRE_RECALLED, .recalled = {got->block.block, 0, got->block.items}});
}

TEST_CASE(what_a_node_gives_back_without_being_asked_runs_elsewhere)
{
    envoy_begin(1, give_back);
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 400);
    CHECK(envoy.acts > 0);
    CHECK_STR(envoy_why(), "");
    CHECK_UINT(manager_count_done(&envoy_realm.gang.manager, 1), 400);
    envoy_end();
}

static void give_half_back(struct envoy_block *got)
{
    uint32_t half = got->block.items / 2;
    envoy_say((struct wire_message){.type = WIRE_RECALLED,
                                    .recalled = {got->block.block, half, got->block.items - half}});
    if (half)
        envoy_answer(got, 0, half);
}

TEST_CASE(of_a_block_that_is_given_back_the_begun_items_count_once)
{
    envoy_begin(1, give_half_back);
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 800);
    CHECK(envoy.acts > 0);
    CHECK_STR(envoy_why(), "");
    envoy_end();
}

/* Says nothing until it is asked for a block, then gives that back whole. */
static void wait_to_be_asked(const char *place)
{
    envoy_listen(place);
    if (!envoy.messages[WIRE_RECALL])
        return;
    envoy.messages[WIRE_RECALL] = 0;
    uint64_t number = envoy.last[WIRE_RECALL].recall.block;
    for (int i = 0; i < envoy.count; i++)
        if (envoy.got[i].block.block == number)
            give_back(&envoy.got[i]);
}

TEST_CASE(a_node_that_does_nothing_is_asked_for_what_others_could_do)
{
    envoy_begin(2, NULL);
    board_step = wait_to_be_asked;
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_slow_square}, 400);
    CHECK_STR(envoy_why(), "");
    CHECK(envoy.count > 0);
    CHECK_UINT(manager_count_done(&envoy_realm.gang.manager, 1) +
                   manager_count_done(&envoy_realm.gang.manager, 2),
               400);
    envoy_end();
}
