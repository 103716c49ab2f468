/* Tallies: of items that have run while their notes wait for company, here or on a node that is led from
 * here, the manager is told how many they are. A tally leaves before the notes of the moment, and each note
 * says how many of its items one has counted. */
#include "run/relay_state.h"
#include "run/road.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void relay_count_run(struct relay_block *block, uint32_t items, float ran, uint64_t ended)
{
    struct relay_tally *tally = &block->tally;
    if (!tally->items) {
        tally->ran = ran;
        tally->ended = ended;
    }
    tally->items += smaller(items, block->told.items - tally->items);
    block->relay->counts = true;
}

static void send_tally(struct relay_block *block)
{
    struct wire_note note = {.block = block->told.block,
                             .count = block->tally.items,
                             .ran = block->tally.ran,
                             .worker = (uint32_t)block->relay->home->crew->member[1].number,
                             .flags = WIRE_TALLY};
    block->tally.items = 0;
    if (note.count && block->state != BLOCK_ENDED) /* else all that it is about leaves now, or has left */
        relay_send_note(block, &note, block->tally.ended, NULL, 0);
}

void relay_send_tallies(struct relay *relay)
{
    for (struct relay_block *block = relay->counts ? relay->blocks : NULL; block; block = block->behind)
        send_tally(block);
    relay->counts = false;
}

/* ---- What is led from here --------------------------------------------------------------- */

static void count_below(struct relay_block *block, uint32_t more, uint32_t less)
{
    block->below += more - less;
    block->relay->below += more;
    block->relay->below -= less;
}

/* Parts of a reduction are counted when they come. */
void relay_hear_tally(struct relay_block *block, uint32_t items, float ran, uint64_t ended)
{
    if (block->told.flags & POST_REDUCE)
        return;
    relay_expect(block->relay, block, road_heard(block->relay->home->road));
    relay_count_run(block, items, ran, ended);
    count_below(block, smaller(items, block->open - block->below), 0);
    if (relay_waits_for_long(block))
        block->relay->fresh += items;
}

void relay_hear_told(struct relay_block *block, uint32_t items)
{
    count_below(block, 0, smaller(items, block->below));
}

void relay_trim_below(struct relay_block *block)
{
    if (block->below > block->open)
        count_below(block, 0, block->below - block->open);
}
