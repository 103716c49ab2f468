#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/relay_state.h"

#define FLAGS                                                                                                \
    (POST_RANGE | POST_DROP_RESULTS | POST_STOP | POST_PACKED | POST_REDUCE | POST_RETRY |                   \
     (uint32_t)WIRE_INDICES)

/* ---- What makes sense -------------------------------------------------------------------- */

static struct relay_block *find(const struct relay *relay, uint64_t number)
{
    struct relay_block *block = relay->blocks;
    while (block && (block->told.block != number || block->state == BLOCK_ENDED))
        block = block->behind;
    return block;
}

static bool names_worker(const struct relay *relay, uint32_t worker)
{
    const struct roster_shared *shared = relay->home->roster->shared;
    return !worker || (worker >= shared->first && worker - shared->first < shared->members - 1);
}

static bool names_common(const struct relay *relay, const struct wire_block *told)
{
    const struct relay_common *common = told->common ? relay_find_common(relay, told->common) : NULL;
    return common ? common->size == told->common_size : !told->common && !told->common_size;
}

/* Results of a block that are placed. */
static uint64_t out_bytes(const struct wire_block *told)
{
    bool placed = told->map && !(told->flags & (POST_PACKED | POST_REDUCE | POST_DROP_RESULTS));
    return placed ? told->items * told->out_size : 0;
}

static const char *find_fault(const struct relay *relay, const struct wire_block *told)
{
    bool reduces = told->flags & POST_REDUCE;
    const struct {
        bool held;
        const char *else_;
    } rules[] = {
        {!find(relay, told->block), "its number is another one's"},
        {told->items > 0 && told->items <= BOARD_POST_ITEMS, "it has no items, or too many"},
        {!(told->flags & ~FLAGS), "its flags are unknown"},
        {told->map || !told->flags, "submitted tasks have no flags"},
        {told->schedule < SCHEDULES, "its schedule is unknown"},
        {!told->map || told->function.module, "it has no function"},
        {!reduces || (told->combine.module && told->out_size && !(told->flags & POST_PACKED)),
         "it cannot be combined"},
        {!reduces || (told->first <= told->total && told->items <= told->total - told->first),
         "it reaches beyond its map"},
        {told->out_size <= PTRDIFF_MAX / BOARD_POST_ITEMS, "its results are too long"},
        {names_worker(relay, told->worker), "it is for no worker of this node"},
        {names_common(relay, told), "what its items have in common is not here"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].held)
            return rules[i].else_;
    return NULL;
}

static void refuse_block(struct relay *relay, const struct wire_block *told, const char *what)
{
    char why[256];
    snprintf(why, sizeof why, "block %" PRIu64 " of pool %" PRIu64 " cannot be taken: %s", told->block,
             relay->pool, what);
    relay_refuse(relay, why);
}

/* ---- Life -------------------------------------------------------------------------------- */

static uint64_t aligned(uint64_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

/* The table as the workers read it. */
static uint64_t table_bytes(const struct wire_block *told)
{
    uint64_t entry = !told->map                   ? sizeof(struct task_record)
                     : told->flags & POST_PACKED  ? sizeof(struct packed_input)
                     : told->flags & WIRE_INDICES ? sizeof(uint64_t)
                                                  : 0;
    return told->items * entry;
}

static uint64_t lay_out(struct relay_block *block)
{
    block->in = 0;
    block->out = aligned(block->parts.inputs);
    block->indices = block->out + aligned(out_bytes(&block->told));
    return block->indices + table_bytes(&block->told);
}

static void free_block(struct relay_block *block)
{
    if (block->memory)
        posting_give_block(&block->relay->manager, block->memory);
    relay_drop_common(block->common);
    free(block->table);
    free(block->apart);
    free(block->started);
    free(block->cancelled);
    *block->link = block->behind;
    if (block->behind)
        block->behind->link = block->link;
    free(block);
}

static void forget_waiting(struct relay_block *block)
{
    struct relay *relay = block->relay;
    for (struct relay_block **link = &relay->waiting; *link; link = &(*link)->next)
        if (*link == block) {
            *link = block->next;
            if (!*link)
                relay->waiting_end = link;
            return;
        }
}

void relay_let_go(struct relay_block *block)
{
    if (block->state == BLOCK_ENDED && !block->sending)
        free_block(block);
}

/* A block whose bytes are still coming ends with these. */
void relay_end_items(struct relay_block *block, uint32_t count)
{
    struct relay *relay = block->relay;
    relay->items -= count;
    relay->tasks -= block->told.map ? 0 : count;
    block->open -= count;
    if (block->open)
        return;
    if (block->state == BLOCK_WAITING)
        forget_waiting(block);
    bool comes = block->state == BLOCK_COMING;
    block->state = BLOCK_ENDED;
    if (!comes)
        relay_let_go(block);
}

static bool add_books(struct relay_block *block)
{
    if (block->told.map)
        return true;
    uint32_t items = block->told.items;
    block->started = calloc(items / 64 + 1, sizeof *block->started);
    block->cancelled = calloc(items / 64 + 1, sizeof *block->cancelled);
    return block->started && block->cancelled;
}

static void end_coming(struct delivery *delivery, bool done);

static struct relay_block *add(struct relay *relay, const struct wire_block *told)
{
    struct relay_block *block = calloc(1, sizeof *block);
    if (!block)
        return NULL;
    *block = (struct relay_block){.delivery = {end_coming}, .relay = relay, .told = *told};
    wire_block_parts(told, &block->parts); /* it has been unpacked, so it has them */
    block->open = told->items;
    block->behind = relay->blocks;
    block->link = &relay->blocks;
    if (block->behind)
        block->behind->link = &block->behind;
    relay->blocks = block;
    relay->items += told->items;
    relay->tasks += told->map ? 0 : told->items;
    if (told->common) {
        block->common = relay_find_common(relay, told->common);
        block->common->users++;
    }
    return block;
}

/* ---- Onto the board ---------------------------------------------------------------------- */

static char *place_of(const struct relay_block *block, uint64_t offset)
{
    return board_at(&block->relay->manager.board, block->memory->offset + offset);
}

static bool fill_indices(struct relay_block *block, const unsigned char *table)
{
    uint64_t *indices = (uint64_t *)(void *)place_of(block, block->indices);
    for (uint32_t i = 0; i < block->told.items; i++)
        indices[i] = wire_u64_unpack(table + i * sizeof *indices);
    return true;
}

static bool fill_packed(struct relay_block *block, const unsigned char *table)
{
    struct packed_input *inputs = (struct packed_input *)(void *)place_of(block, block->indices);
    uint64_t at = block->memory->offset + block->in;
    for (uint32_t i = 0; i < block->told.items; i++) {
        struct wire_packed item;
        wire_packed_unpack(&item, table + i * WIRE_PACKED_SIZE);
        if (item.index != block->told.first + i)
            return false;
        inputs[i] = (struct packed_input){at, item.size};
        at += wire_aligned(item.size);
    }
    return true;
}

static bool is_cancelled(const struct relay_block *block, uint32_t item)
{
    return block->cancelled[item / 64] >> (item % 64) & 1;
}

static bool fill_records(struct relay_block *block, const unsigned char *table)
{
    uint64_t at = block->in;
    for (uint32_t i = 0; i < block->told.items; i++) {
        struct task_record *record = relay_records(block) + i;
        struct wire_task task;
        wire_task_unpack(&task, table + i * WIRE_TASK_SIZE);
        if (!task.function.module)
            return false;
        if (task.in_size > NOTE_INLINE)
            record->input.offset = block->memory->offset + at;
        else if (task.in_size)
            memcpy(record->input.bytes, place_of(block, at), task.in_size);
        record->in_size = task.in_size;
        record->index = task.index;
        record->function = (struct board_function){task.function.module, task.function.offset};
        record->attempt = (uint32_t)task.attempt;
        atomic_store_explicit(&record->state, is_cancelled(block, i) ? RECORD_CANCELLED : RECORD_PENDING,
                              memory_order_relaxed);
        at += wire_aligned(task.in_size);
    }
    return true;
}

/* What stands in the table of the message is written to the board, where the inputs are; false: it makes no
 * sense. */
static bool fill(struct relay_block *block, const unsigned char *table)
{
    const struct wire_block *told = &block->told;
    if (block->parts.table && wire_block_check(told, table, NULL))
        return false;
    block->filled = true;
    if (!block->parts.table)
        return true;
    return !told->map                  ? fill_records(block, table)
           : told->flags & POST_PACKED ? fill_packed(block, table)
                                       : fill_indices(block, table);
}

static bool take_memory(struct relay_block *block)
{
    if (!block->memory)
        block->memory = posting_block(&block->relay->manager, lay_out(block));
    return block->memory;
}

enum step { STEP_DONE, STEP_WAITS, STEP_FAULTY };

static enum step bring_to_board(struct relay_block *block)
{
    if (block->filled)
        return STEP_DONE;
    if (!take_memory(block))
        return STEP_WAITS;
    if (block->apart)
        memcpy(place_of(block, block->in), block->apart, block->parts.inputs);
    bool filled = fill(block, block->table);
    free(block->table);
    free(block->apart);
    block->table = block->apart = NULL;
    if (filled)
        return STEP_DONE;
    refuse_block(block->relay, &block->told, "its table does not fit");
    return STEP_FAULTY;
}

/* Where nothing is under way whose end would make room, there will never be any. */
static bool can_wait(const struct relay *relay)
{
    for (const struct relay_block *block = relay->blocks; block; block = block->behind)
        if (block->state == BLOCK_POSTED || block->state == BLOCK_ENDED)
            return true;
    return relay->deliveries > 0;
}

static void find_no_room(struct relay *relay, const struct relay_block *block)
{
    char why[256];
    if (can_wait(relay))
        return;
    snprintf(why, sizeof why, "no shared memory for %" PRIu32 " items of %" PRIu64 " bytes at once",
             block->told.items, (block->parts.inputs + out_bytes(&block->told)) / block->told.items);
    relay_refuse(relay, why);
}

void relay_feed(struct relay *relay)
{
    while (relay->waiting && !relay->refused) {
        struct relay_block *block = relay->waiting;
        if (block->common && !block->common->ready)
            return;
        enum step step = bring_to_board(block);
        if (step == STEP_FAULTY)
            return;
        if (step == STEP_WAITS || !relay_post(block)) {
            find_no_room(relay, block);
            return;
        }
        relay->waiting = block->next;
        if (!relay->waiting)
            relay->waiting_end = &relay->waiting;
    }
}

/* ---- Coming ------------------------------------------------------------------------------ */

static void wait_for_room(struct relay_block *block)
{
    struct relay *relay = block->relay;
    block->state = BLOCK_WAITING;
    *relay->waiting_end = block;
    relay->waiting_end = &block->next;
}

static void end_coming(struct delivery *delivery, bool done)
{
    struct relay_block *block = (struct relay_block *)delivery;
    struct relay *relay = block->relay;
    relay->deliveries--;
    if (block->state == BLOCK_ENDED) {
        relay_let_go(block);
    } else if (done) {
        wait_for_room(block);
        relay_feed(relay);
    }
}

static bool prepare_segments(struct relay_block *block, void *places[NET_SEGMENTS])
{
    int count = 0;
    if (block->parts.table) {
        block->table = malloc(block->parts.table);
        if (!block->table)
            return false;
        places[count++] = block->table;
    }
    if (!block->parts.inputs)
        return true;
    if (take_memory(block))
        places[count] = place_of(block, block->in);
    else
        places[count] = block->apart = malloc(block->parts.inputs);
    return places[count];
}

static bool keep_inline(struct relay_block *block, const unsigned char *body)
{
    const struct wire_parts *parts = &block->parts;
    const unsigned char *inputs = body + wire_parts_together(parts) - parts->inputs;
    if (parts->table) {
        block->table = malloc(parts->table);
        if (!block->table)
            return false;
        memcpy(block->table, body, parts->table);
    }
    block->apart = parts->inputs ? malloc(parts->inputs) : NULL;
    if (block->apart)
        memcpy(block->apart, inputs, parts->inputs);
    return block->apart || !parts->inputs;
}

/* The body lies in the message: it goes to the board at once, or is kept until there is room. */
static bool take_inline(struct relay_block *block, const unsigned char *body)
{
    const struct wire_parts *parts = &block->parts;
    if (!take_memory(block))
        return keep_inline(block, body);
    if (parts->inputs)
        memcpy(place_of(block, block->in), body + wire_parts_together(parts) - parts->inputs, parts->inputs);
    return fill(block, body);
}

void relay_take_block(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    void *places[NET_SEGMENTS] = {NULL};
    const char *fault = find_fault(relay, &message->block);
    if (fault) {
        relay_receive_nowhere(relay->home, event);
        refuse_block(relay, &message->block, fault);
        return;
    }
    struct relay_block *block = add(relay, &message->block);
    if (!block || !add_books(block) ||
        !(event->segments ? prepare_segments(block, places) : take_inline(block, message->body))) {
        relay_receive_nowhere(relay->home, event);
        if (block)
            wait_for_room(block); /* as one that can be given back */
        refuse_block(relay, &message->block, "there is no memory for it, or its table does not fit");
        return;
    }
    if (!event->segments) {
        wait_for_room(block);
        relay_feed(relay);
        return;
    }
    relay->deliveries++;
    net_receive(relay->home->net, event, places, &block->delivery);
}

/* ---- Giving back ------------------------------------------------------------------------- */

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

void relay_give_back_all(struct relay *relay)
{
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (block->state != BLOCK_ENDED)
            relay_give_back(block);
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
    for (struct relay_block *block = relay->blocks, *behind; block; block = behind) {
        behind = block->behind;
        if (block->state == BLOCK_ENDED)
            continue;
        uint32_t from = block->state == BLOCK_POSTED ? end_posts(block) : 0;
        say_recalled(relay, block->told.block, from);
        relay_end_items(block, block->open);
    }
}

void relay_take_recall(struct relay *relay, uint64_t number)
{
    struct relay_block *block = find(relay, number);
    if (block)
        relay_give_back(block);
    else
        say_recalled(relay, number, UINT32_MAX); /* it has ended */
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
    struct relay_block *block = find(relay, number);
    bool ok = block && !block->told.map && item < block->told.items && cancel(block, item);
    relay_send(relay->home, &(struct wire_message){.type = WIRE_ANSWER,
                                                   .pool = relay->pool,
                                                   .answer = {.block = number, .item = item, .ok = ok}});
}

void relay_free_blocks(struct relay *relay)
{
    while (relay->blocks)
        free_block(relay->blocks);
}
