#include <string.h>

#include "run/collect.h"
#include "run/relay_state.h"

_Static_assert((int)WIRE_RANGE == (int)POST_RANGE && (int)WIRE_PACKED == (int)POST_PACKED,
               "a block has the flags of its post");

static struct board_function function_of(struct wire_function function)
{
    return (struct board_function){function.module, function.offset};
}

/* Who may claim it, in the crew; 0: anybody. */
static int owner_of(const struct relay_block *block)
{
    const struct wire_block *told = &block->told;
    int owner = told->worker ? (int)(told->worker - block->relay->home->roster->shared->first) + 1 : 0;
    return manager_has(&block->relay->manager, owner) ? owner : 0;
}

/* Parts are combined on this node; by who leads it where it leads others, too: it is aloof, and would not
 * notice that the last one beside it is gone. */
static int owner_of_parts(const struct relay_block *block)
{
    return block->relay->manager.agents ? 1 : 0;
}

/* What is the same for a post and for one that repeats a part of it: items from `from` of the block. */
static void describe_post(const struct relay_block *block, int number, uint32_t from, int owner)
{
    struct manager *manager = &block->relay->manager;
    struct post *post = &manager->board.post[number];
    const struct wire_block *told = &block->told;
    uint64_t at = block->memory->offset;
    posting_own(manager, number, owner);
    manager->postings[number].suspicious |= relay_is_telling(block) && told->map;
    atomic_store_explicit(&post->priority, told->priority, memory_order_relaxed);
    atomic_store_explicit(&post->map, told->map, memory_order_relaxed);
    atomic_store_explicit(&post->behind, told->behind, memory_order_relaxed);
    atomic_store_explicit(&post->total, told->total, memory_order_relaxed);
    bool single = relay_is_telling(block); /* the first one of a claim alone could be told of */
    atomic_store_explicit(&post->chunk, single ? 1 : told->chunk, memory_order_relaxed);
    atomic_store_explicit(&post->schedule, single ? SCHEDULE_DYNAMIC : told->schedule, memory_order_relaxed);
    post->function = function_of(told->function);
    post->combine = function_of(told->combine);
    post->first = told->first + from;
    post->in_size = told->in_size;
    post->out_size = told->out_size;
    post->in = at + block->in + (told->flags & (POST_RANGE | POST_PACKED) ? 0 : from * told->in_size);
    post->out =
        at + block->out + (told->flags & (POST_REDUCE | POST_DROP_RESULTS) ? 0 : from * told->out_size);
    post->indices = 0;
    if (told->flags & POST_PACKED)
        post->indices = at + block->indices + from * sizeof(struct packed_input);
    else if (told->flags & WIRE_INDICES)
        post->indices = at + block->indices + from * sizeof(uint64_t);
    if (!told->map) /* records */
        post->in = at + block->indices + from * sizeof(struct task_record);
    post->common = block->common ? block->common->offset : 0;
    post->common_size = told->common_size;
    post->begin = told->begin;
    post->limit_ns = told->limit_ns;
    post->flags = told->flags & ~(uint32_t)(WIRE_INDICES | WIRE_TELLING);
    post->attempt = told->attempt;
}

/* Tasks that have begun, or were at another node, begin again; what was cancelled stays so. */
static void reset_records(struct relay_block *block, uint32_t from, uint32_t count, bool charged)
{
    for (uint32_t i = from; i < from + count; i++) {
        struct task_record *record = relay_records(block) + i;
        uint32_t next = relay_answer_asking(block, i, true) ? RECORD_CANCELLED : RECORD_PENDING;
        if (atomic_load(&record->state) != RECORD_CANCELLED)
            atomic_store(&record->state, next);
        record->attempt += charged;
    }
}

/* Items from `from` of the block, for the first time or instead of a post that was `before`. The number of
 * the post; -1: there is no room at present. */
static int publish(struct relay_block *block, uint32_t from, uint32_t count, const struct post *before,
                   bool charged)
{
    struct manager *manager = &block->relay->manager;
    int number = posting_take(manager, &relay_posting_ops, block, count, count, 0, block->memory);
    if (number < 0)
        return -1;
    struct post *post = &manager->board.post[number];
    manager->postings[number].first = from;
    describe_post(block, number, from, owner_of(block));
    if (before)
        post->attempt = before->attempt + charged;
    if (!block->told.map)
        reset_records(block, from, count, charged);
    post_publish(&manager->board, number, count, false);
    manager_ring(manager, (int)atomic_load_explicit(&post->owner, memory_order_relaxed));
    return number;
}

bool relay_post(struct relay_block *block)
{
    block->post = publish(block, 0, block->told.items, NULL, false);
    if (block->post < 0)
        return false;
    block->serial = block->relay->manager.postings[block->post].serial;
    block->state = BLOCK_POSTED;
    return true;
}

bool relay_post_parts(struct relay_block *block, uint32_t from, uint32_t count, const void *parts,
                      size_t size)
{
    struct manager *manager = &block->relay->manager;
    int number = posting_take(manager, &relay_posting_ops, block, count, count, size, NULL);
    if (number < 0)
        return false;
    struct post *post = &manager->board.post[number];
    manager->postings[number].first = from;
    describe_post(block, number, from, owner_of_parts(block));
    post->in = manager->postings[number].block->offset;
    post->flags |= POST_PARTS;
    atomic_store_explicit(&post->chunk, count, memory_order_relaxed);
    atomic_store_explicit(&post->schedule, SCHEDULE_DYNAMIC, memory_order_relaxed);
    atomic_store_explicit(&post->priority, INT32_MAX,
                          memory_order_relaxed); /* others wait for what it ends */
    memcpy(board_at(&manager->board, post->in), parts, size);
    post_publish(&manager->board, number, count, false);
    manager_ring(manager, (int)atomic_load_explicit(&post->owner, memory_order_relaxed));
    return true;
}

void relay_leave_post(struct relay *relay, int post)
{
    if (!relay->manager.postings[post].lease.open)
        posting_retire(&relay->manager, post);
}

/* ---- Notes ------------------------------------------------------------------------------- */

bool relay_is_of_parts(const struct relay *relay, int post)
{
    return relay->manager.board.post[post].flags & POST_PARTS;
}

/* A reduction's result that waits for others, or what it and others have become: their items do not end yet.
 */
static bool hold(struct relay_block *block, int post, uint32_t from, const struct note *note, int worker)
{
    if (!relay_is_of_parts(block->relay, post))
        return note->status == RP_OK && relay_hold(block, from, note, worker);
    if (note->status == RP_OK)
        relay_hold_combined(block, from, note);
    else
        relay_drop_parts(block, from, note->count);
    return note->status == RP_OK;
}

static bool take_note(void *work, int post, const struct note *note, const void *payload, int worker)
{
    struct relay_block *block = work;
    struct relay *relay = block->relay;
    struct posting *posting = &relay->manager.postings[post];
    uint32_t items = posting->lease.items, from = (uint32_t)posting->first + note->from;
    if (note->from >= items || note->count > items - note->from)
        return false;
    if (!block->told.map && lease_has_ended(&posting->lease, note->from))
        return false;
    lease_end_run(&posting->lease, note->from, note->count);
    bool held = hold(block, post, from, note, worker);
    if (!block->told.map)
        relay_answer_asking(block, from, note->flags & NOTE_SKIPPED);
    bool kept = held || (!(note->flags & NOTE_SKIPPED) && relay_tell(block, from, note, payload, worker));
    relay_leave_post(relay, post);
    if (held)
        relay_combine(block);
    else
        relay_end_items(block, note->count);
    return kept;
}

/* ---- Deaths ------------------------------------------------------------------------------ */

static bool repost(void *work, int old_number, uint32_t from, uint32_t count, bool charged)
{
    struct relay_block *block = work;
    struct manager *manager = &block->relay->manager;
    struct posting *old = &manager->postings[old_number];
    uint32_t first = (uint32_t)old->first + from;
    if (relay_is_of_parts(block->relay, old_number)) /* which may be spoilt */
        relay_drop_parts(block, first, count);
    bool yields = !charged && relay_yield(block, first, count, old->written);
    if (!yields && publish(block, first, count, &manager->board.post[old_number], charged) < 0)
        return false;
    block->again += !yields;
    lease_end_run(&old->lease, from, count);
    relay_leave_post(block->relay, old_number);
    if (yields)
        relay_end_items(block, count);
    return true;
}

/* The manager of the pool hears of what a dead worker ran, and decides about another try. So only the index
 * is of use here. */
static uint64_t index_of(const struct relay_block *block, uint32_t item)
{
    const struct wire_block *told = &block->told;
    const struct board *board = &block->relay->manager.board;
    if (!told->map) {
        const struct task_record *record = relay_records(block) + item;
        return atomic_load(&record->state) == RECORD_CANCELLED ? UINT64_MAX : record->index;
    }
    const uint64_t *indices = board_at(board, block->memory->offset + block->indices);
    return told->flags & WIRE_INDICES ? indices[item] : told->first + item;
}

static struct posting_item tell(void *work, int number, uint32_t item)
{
    const struct relay_block *block = work;
    uint32_t first = (uint32_t)block->relay->manager.postings[number].first;
    return (struct posting_item){.index = index_of(block, first + item), .attempt = 1};
}

/* ---- Tasks that run ---------------------------------------------------------------------- */

static void tell_started(struct relay_block *block, uint32_t item, int worker)
{
    struct relay *relay = block->relay;
    uint64_t bit = UINT64_C(1) << (item % 64);
    if (block->started[item / 64] & bit)
        return;
    block->started[item / 64] |= bit;
    relay_send(relay->home, &(struct wire_message){
                                .type = WIRE_STARTED,
                                .pool = relay->pool,
                                .started = {.block = block->told.block,
                                            .item = item,
                                            .worker = (uint32_t)relay->home->crew->member[worker].number}});
}

/* It will not be cancelled then, which somebody may wait to know. */
static void hear_started(void *work, int post, uint32_t item, int worker)
{
    struct relay_block *block = work;
    uint32_t number = (uint32_t)block->relay->manager.postings[post].first + item;
    if (!relay_is_telling(block))
        return;
    tell_started(block, number, worker);
    relay_answer_asking(block, number, false);
}

static void hear_tally(void *work, int post, uint32_t items, float ran, uint64_t ended)
{
    struct relay_block *block = work;
    if (!relay_is_of_parts(block->relay, post))
        relay_hear_tally(block, items, ran, ended);
}

const struct posting_ops relay_posting_ops = {
    .take_note = take_note,
    .repost = repost,
    .tell = tell,
    .started = hear_started,
    .tallied = hear_tally,
};

/* A claim that was announced and is not open any more was somebody's: what is still open was claimed. */
static bool has_begun(const struct relay_block *block, const struct posting *posting, uint32_t item,
                      bool soon)
{
    uint32_t state = atomic_load(&relay_records(block)[posting->first + item].state);
    return (state == RECORD_RUNNING || (soon && state == RECORD_PENDING)) &&
           !lease_has_ended(&posting->lease, item);
}

void relay_tell_started(struct relay *relay, bool soon)
{
    struct manager *manager = &relay->manager;
    for (int i = 1; i < manager->crew->here; i++) {
        struct post_claim claim;
        if (!post_announcement_read(&manager->board, post_announcement(&manager->board, i), &claim))
            continue;
        const struct posting *posting = &manager->postings[claim.post];
        struct relay_block *block = posting->ops ? posting->work : NULL;
        if (!block || block->told.map || claim.from >= posting->lease.items)
            continue;
        uint32_t item = (uint32_t)posting->first + claim.from;
        if (has_begun(block, posting, claim.from, soon))
            tell_started(block, item, i);
    }
}

bool relay_begin(struct relay *relay, const struct post_offer *offer)
{
    const struct posting *posting = &relay->manager.postings[offer->index];
    struct relay_block *block = posting->ops ? posting->work : NULL;
    relay->called = 0;
    if (!block || (!relay_is_telling(block) && !relay->aloof) || relay_is_of_parts(relay, (int)offer->index))
        return false;
    if (!relay_is_telling(block)) {
        relay_flush(relay);
        return true;
    }
    uint32_t item = (uint32_t)posting->first + offer->next;
    relay_flush(relay);
    if (block->told.map || atomic_load(&relay_records(block)[item].state) == RECORD_PENDING)
        tell_started(block, item, 1);
    return true;
}

void relay_end(struct relay *relay)
{
    if (!relay->open)
        return;
    collect_notes(&relay->manager);
    relay_flush(relay);
}
