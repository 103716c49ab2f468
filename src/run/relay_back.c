#include "base/clock.h"
#include "run/relay_state.h"
#include "run/road.h"

#define BEGIN_NS UINT64_C(1000000) /* that the first claim of a block has, before it is given back whole */

static void say_recalled(struct relay *relay, uint64_t block, uint32_t from, uint32_t count)
{
    relay_flush(relay);
    relay_send(
        relay->home,
        &(struct wire_message){.type = WIRE_RECALLED, .pool = relay->pool, .recalled = {block, from, count}});
}

/* The post of a block's first posting; NULL: it has ended. */
static struct posting *first_posting(const struct relay_block *block)
{
    struct posting *posting = &block->relay->manager.postings[block->post];
    return posting->ops && posting->serial == block->serial ? posting : NULL;
}

/* What nobody has claimed of a post goes back: how many items. */
static uint32_t give_back_post(struct relay_block *block, int post)
{
    struct relay *relay = block->relay;
    struct posting *posting = &relay->manager.postings[post];
    uint32_t from = post_freeze(&relay->manager.board, post), items = posting->lease.items;
    if (from >= items)
        return 0;
    uint32_t first = (uint32_t)posting->first + from;
    lease_end_run(&posting->lease, from, items - from);
    relay_leave_post(relay, post);
    say_recalled(relay, block->told.block, first, items - from);
    return items - from;
}

/* Posts that repeat a part are few, if there are any. */
static uint32_t give_back_again(struct relay_block *block)
{
    struct relay *relay = block->relay;
    uint32_t count = 0;
    for (int i = 0; i < BOARD_POSTS && block->again; i++) {
        const struct posting *posting = &relay->manager.postings[i];
        if (posting->ops && posting->work == block && posting->serial != block->serial &&
            !relay_is_of_parts(relay, i))
            count += give_back_post(block, i);
    }
    return count;
}

/* There is an answer, whether there is anything to give back or not. */
void relay_give_back(struct relay_block *block)
{
    struct relay *relay = block->relay;
    uint32_t count = 0;
    if (block->state == BLOCK_POSTED) {
        count += first_posting(block) ? give_back_post(block, block->post) : 0;
        count += give_back_again(block);
    } else {
        count = block->told.items;
        say_recalled(relay, block->told.block, 0, count);
    }
    if (count)
        relay_end_items(block, count);
    else
        say_recalled(relay, block->told.block, block->told.items, 0);
}

bool relay_yield(struct relay_block *block, uint32_t from, uint32_t count, bool written)
{
    if (!written && (!block->yields || block->relay->manager.suspecting))
        return false;
    say_recalled(block->relay, block->told.block, from, count);
    relay_answer_all_asking(block, from, count);
    return true;
}

static bool is_begun(const struct relay_block *block)
{
    return block->state == BLOCK_POSTED && !block->again &&
           (!first_posting(block) ||
            post_next(&block->relay->manager.board, block->post) >= block->told.items);
}

void relay_give_back_all(struct relay *relay)
{
    relay_flush(relay); /* which ends blocks: not in the middle of what follows */
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (block->state != BLOCK_ENDED && !is_begun(block))
            relay_give_back(block);
    }
}

/* Parts that nobody has begun to combine leave as they are, once no item runs and no other part is combined.
 */
static void give_back_parts(struct relay_block *block)
{
    struct relay *relay = block->relay;
    for (int i = 0; i < BOARD_POSTS; i++) {
        struct posting *posting = &relay->manager.postings[i];
        if (!posting->ops || posting->work != block || !relay_is_of_parts(relay, i) ||
            post_freeze(&relay->manager.board, i) > 0)
            continue;
        relay_keep_parts(block, (uint32_t)posting->first, posting->lease.items);
        lease_end_run(&posting->lease, 0, posting->lease.items);
        relay_leave_post(relay, i);
    }
    relay_combine(block);
}

void relay_return(struct relay *relay)
{
    relay_give_back_all(relay);
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (block->held)
            give_back_parts(block);
    }
}

/* The first item without a note; all its posts end. */
static uint32_t end_posts(struct relay_block *block)
{
    struct relay *relay = block->relay;
    uint32_t lowest = block->told.items;
    for (int i = 0; i < BOARD_POSTS; i++) {
        struct posting *posting = &relay->manager.postings[i];
        if (!posting->ops || posting->work != block)
            continue;
        post_freeze(&relay->manager.board, i);
        for (uint32_t item = posting->lease.items; item-- > 0;)
            if (lease_end(&posting->lease, item) && posting->first + item < lowest)
                lowest = (uint32_t)posting->first + item;
        relay_leave_post(relay, i);
    }
    return lowest;
}

void relay_give_up(struct relay *relay)
{
    relay_flush(relay);
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (block->state == BLOCK_ENDED)
            continue;
        if (!relay_release_parts(block))
            continue;
        uint32_t from = block->state == BLOCK_POSTED ? end_posts(block) : 0;
        say_recalled(relay, block->told.block, from, block->told.items - from);
        relay_answer_all_asking(block, 0, block->told.items);
        relay_end_items(block, block->open);
    }
}

/* Who would begin with it at any moment does: nodes that ask each other's blocks back as fast as these come
 * would else never get anything done. */
static bool is_about_to_begin(const struct relay_block *block)
{
    const struct relay *relay = block->relay;
    return block->state == BLOCK_POSTED && first_posting(block) &&
           !post_next(&relay->manager.board, block->post) && relay->items == block->open &&
           clock_ns() < block->asked + BEGIN_NS;
}

/* From those who are led from here comes what they have not begun: not before the answer, since they may get
 * some of it until then. */
static void ask_back(struct relay_block *block)
{
    struct manager *manager = &block->relay->manager;
    if (!manager->agents || block->state != BLOCK_POSTED)
        return;
    block->yields = true;
    road_recall(manager, block);
}

void relay_answer_recalls(struct relay *relay)
{
    if (!relay->asked)
        return;
    relay_flush(relay);
    relay->asked = false;
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (!block->asked || block->state == BLOCK_ENDED)
            continue;
        if (is_about_to_begin(block)) {
            relay->asked = true;
            continue;
        }
        block->asked = 0;
        ask_back(block);
        relay_give_back(block);
    }
}

void relay_ask_back_all(struct relay *relay)
{
    relay_flush(relay); /* which ends blocks */
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (block->state == BLOCK_ENDED)
            continue;
        ask_back(block);
        relay_give_back(block);
    }
}

void relay_take_recall(struct relay *relay, uint64_t number)
{
    struct relay_block *block = relay_find_block(relay, number);
    if (!block) /* it has ended, as its notes say */
        return;
    block->asked = clock_ns();
    relay->asked = true;
    relay_answer_recalls(relay);
}

/* A task that another node has is asked for there. */
static bool ask_for(struct relay_block *block, uint32_t item)
{
    struct manager *manager = &block->relay->manager;
    for (int i = 0; i < BOARD_POSTS && manager->agents; i++) {
        const struct posting *posting = &manager->postings[i];
        uint32_t first = (uint32_t)posting->first;
        if (posting->ops && posting->work == block && item >= first && item - first < posting->lease.items &&
            !lease_has_ended(&posting->lease, item - first))
            return road_cancel(manager, i, item - first);
    }
    return false;
}

/* False: the task has begun. */
static bool cancel(struct relay_block *block, uint32_t item)
{
    if (!block->filled) {
        block->cancelled[item / 64] |= UINT64_C(1) << (item % 64);
        return true;
    }
    uint32_t state = RECORD_PENDING;
    return atomic_compare_exchange_strong(&relay_records(block)[item].state, &state, RECORD_CANCELLED) ||
           state == RECORD_CANCELLED;
}

static void answer(struct relay *relay, uint64_t number, uint32_t item, bool ok)
{
    relay_send(relay->home, &(struct wire_message){.type = WIRE_ANSWER,
                                                   .pool = relay->pool,
                                                   .answer = {.block = number, .item = item, .ok = ok}});
}

void relay_take_cancel(struct relay *relay, uint64_t number, uint32_t item)
{
    struct relay_block *block = relay_find_block(relay, number);
    bool is_task = block && !block->told.map && item < block->told.items;
    bool ok = is_task && cancel(block, item);
    if (is_task && !ok && atomic_load(&relay_records(block)[item].state) == RECORD_AWAY &&
        ask_for(block, item))
        block->asking[item / 64] |= UINT64_C(1) << (item % 64);
    else
        answer(relay, number, item, ok);
}

bool relay_answer_asking(struct relay_block *block, uint32_t item, bool ok)
{
    uint64_t bit = UINT64_C(1) << (item % 64);
    if (block->told.map || !(block->asking[item / 64] & bit))
        return false;
    block->asking[item / 64] &= ~bit;
    answer(block->relay, block->told.block, item, ok);
    return true;
}

void relay_answer_all_asking(struct relay_block *block, uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        relay_answer_asking(block, from + i, false);
}
