/* Items that a node has counted before their notes come: the manager knows at each moment how many it has
 * left there. */
#include <string.h>

#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "work.h"

static uint64_t count_in_flight(void)
{
    const struct agents *pool = envoy_realm.gang.manager.agents;
    return pool->paces->blocks.nodes[0].in_flight;
}

static uint64_t count_sent(void)
{
    uint64_t items = 0;
    for (int i = 0; i < envoy.count; i++)
        items += envoy.got[i].block.items;
    return items;
}

static void say(struct envoy_block *got, uint32_t from, uint32_t count, uint32_t told)
{
    static uint64_t answers[GANG_ITEMS];
    struct wire_note note = envoy_note(got, from, count, answers);
    note.told = told;
    envoy_say_note(&note, answers);
}

static void say_tally(struct envoy_block *got, uint32_t count)
{
    static uint64_t answers[GANG_ITEMS];
    struct wire_note note = envoy_note(got, 0, count, answers);
    note.flags = WIRE_TALLY;
    note.size = note.bytes = 0;
    envoy_say_note(&note, NULL);
}

static int seen;

/* The first block in three steps, between which the manager takes in what was said; the others at once. */
static void speak(const char *place)
{
    envoy_listen(place);
    struct envoy_block *got = &envoy.got[0];
    if (strcmp(place, "manager: sleeps") != 0 || !envoy.count || !got->whole)
        return;
    if (seen == 0) {
        REQUIRE(got->block.items >= 4);
        say_tally(got, 2); /* items 1 and 2, which wait */
        say(got, 0, 1, 0);
        seen = 1;
    } else if (seen == 1) {
        CHECK_UINT(count_in_flight(), count_sent() - 3);
        say(got, 1, 2, 2);
        seen = 2;
    } else if (seen == 2) {
        CHECK_UINT(count_in_flight(), count_sent() - 3);
        say(got, 3, got->block.items - 3, 0);
        seen = 3;
    }
    for (int i = 1; i < envoy.count && seen == 3; i++)
        if (envoy.got[i].whole && !envoy.got[i].said) {
            envoy.got[i].said = true;
            envoy_answer_all(&envoy.got[i]);
        }
}

TEST_CASE(a_note_of_items_that_no_tally_counted_counts_beside_those_that_one_has)
{
    seen = 0;
    envoy_begin(0, NULL);
    board_step = speak;
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_square}, 400);
    CHECK_INT(seen, 3);
    CHECK_UINT(count_in_flight(), 0);
    envoy_end();
}

/* ---- Paces ---- */

static bool is_known(const struct pace *pace)
{
    const struct pace *known = envoy_realm.gang.manager.agents->paces;
    while (known && known != pace)
        known = known->behind;
    return known;
}

/* More functions are used meanwhile than there is room for where nothing is measured any more. */
static void use_others(void)
{
    for (uint64_t i = 1; i <= 20; i++) {
        struct post post = {.function = {77, i}};
        atomic_store(&post.map, 99);
        REQUIRE(agents_find_pace(envoy_realm.gang.manager.agents, &post));
    }
}

static void tally_all(const char *place)
{
    struct agents *pool = envoy_realm.gang.manager.agents;
    envoy_listen(place);
    if (strcmp(place, "manager: sleeps") != 0)
        return;
    for (int i = 0; i < envoy.count && !seen; i++)
        if (envoy.got[i].whole && !envoy.got[i].said) {
            envoy.got[i].said = true;
            say_tally(&envoy.got[i], envoy.got[i].block.items);
        }
    if (seen || !envoy.count || count_in_flight())
        return;
    seen = 1;
    use_others();
    for (uint32_t i = 0; i < pool->agent[0].room; i++)
        CHECK(!pool->agent[0].block[i] || is_known(pool->agent[0].block[i]->pace));
    for (int i = 0; i < envoy.count; i++)
        envoy_answer_all(&envoy.got[i]);
    envoy.act = envoy_answer_all;
}

TEST_CASE(what_is_known_of_a_function_stays_until_its_blocks_have_ended)
{
    seen = 0;
    envoy_begin(0, NULL);
    board_step = tally_all;
    work_map(&envoy_realm.gang, &(struct map_work){.fn = gang_square}, 400);
    CHECK_INT(seen, 1);
    envoy_end();
}
