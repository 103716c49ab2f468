#include "base/clock.h"
#include "run/relay_state.h"

#define BEGIN_NS UINT64_C(1000000) /* that the first claim of a block has, before it is given back whole */

static void say_recalled(struct relay *relay, uint64_t block, uint32_t from)
{
    relay_flush(relay);
    relay_send(relay->home, &(struct wire_message){.type = WIRE_RECALLED,
                                                   .pool = relay->pool,
                                                   .recalled = {.block = block, .from = from}});
}

/* The post of a block's first posting; NULL: it has ended. */
static struct posting *first_posting(const struct relay_block *block)
{
    struct posting *posting = &block->relay->manager.postings[block->post];
    return posting->ops && posting->serial == block->serial ? posting : NULL;
}

/* Posts that repeat a part are of what somebody had begun. */
void relay_give_back(struct relay_block *block)
{
    struct relay *relay = block->relay;
    uint32_t from = 0, items = block->told.items;
    if (block->state == BLOCK_POSTED) {
        struct posting *posting = first_posting(block);
        from = posting ? post_freeze(&relay->manager.board, block->post) : items;
        if (from < items) {
            lease_end_run(&posting->lease, from, items - from);
            relay_leave_post(relay, block->post);
        }
    }
    say_recalled(relay, block->told.block, from);
    if (from < items)
        relay_end_items(block, items - from);
}

static bool is_begun(const struct relay_block *block)
{
    return block->state == BLOCK_POSTED &&
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
        say_recalled(relay, block->told.block, from);
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

void relay_take_cancel(struct relay *relay, uint64_t number, uint32_t item)
{
    struct relay_block *block = relay_find_block(relay, number);
    bool ok = block && !block->told.map && item < block->told.items && cancel(block, item);
    relay_send(relay->home, &(struct wire_message){.type = WIRE_ANSWER,
                                                   .pool = relay->pool,
                                                   .answer = {.block = number, .item = item, .ok = ok}});
}
