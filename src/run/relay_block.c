#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/relay_state.h"

#define FLAGS                                                                                                \
    (POST_RANGE | POST_DROP_RESULTS | POST_STOP | POST_PACKED | POST_REDUCE | POST_RETRY |                   \
     (uint32_t)WIRE_INDICES | (uint32_t)WIRE_TELLING)

/* ---- What makes sense -------------------------------------------------------------------- */

struct relay_block *relay_find_block(const struct relay *relay, uint64_t number)
{
    struct relay_block *block = relay->blocks;
    while (block && (block->told.block != number || block->state == BLOCK_ENDED))
        block = block->behind;
    return block;
}

static bool names_worker(const struct relay *relay, uint32_t worker)
{
    uint32_t first = relay->home->roster->shared->first;
    return !worker || (worker >= first && worker - first < (uint32_t)relay->home->crew->count - 1);
}

static bool names_common(const struct relay *relay, const struct wire_block *told)
{
    const struct relay_goods *common =
        told->common ? relay_find_goods(relay, WIRE_COMMON, told->common) : NULL;
    return common ? common->size == told->common_size : !told->common && !told->common_size;
}

static const char *find_fault(const struct relay *relay, const struct wire_block *told)
{
    bool reduces = told->flags & POST_REDUCE;
    const struct {
        bool held;
        const char *else_;
    } rules[] = {
        {!relay_find_block(relay, told->block), "its number is another one's"},
        {told->items > 0 && told->items <= BOARD_POST_ITEMS, "it has no items, or too many"},
        {!(told->flags & ~FLAGS), "its flags are unknown"},
        {told->map || !told->flags, "submitted tasks have no flags"},
        {told->schedule < SCHEDULES, "its schedule is unknown"},
        {!told->map || told->function.module, "it has no function"},
        {!reduces || (told->combine.module && told->out_size && !(told->flags & POST_PACKED)),
         "it cannot be combined"},
        {!reduces || (told->first <= told->total && told->items <= told->total - told->first),
         "it reaches beyond its map"},
        {told->out_size <= PTRDIFF_MAX / 2 / BOARD_POST_ITEMS, "its results are too long"},
        {told->bytes <= PTRDIFF_MAX / 2, "its inputs are too long"},
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

static void free_block(struct relay_block *block)
{
    if (block->memory)
        posting_give_block(&block->relay->manager, block->memory);
    relay_drop_goods(block->common);
    free(block->table);
    free(block->apart);
    free(block->started);
    free(block->cancelled);
    free(block->asking);
    relay_free_parts(block);
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
    relay_trim_below(block);
    if (block->open) {
        relay_combine(block);
        return;
    }
    if (block->state == BLOCK_WAITING)
        forget_waiting(block);
    bool comes = block->state == BLOCK_COMING;
    block->state = BLOCK_ENDED;
    if (!comes)
        relay_let_go(block);
}

static bool add_books(struct relay_block *block)
{
    if (!relay_is_telling(block))
        return true;
    uint32_t items = block->told.items;
    block->started = calloc(items / 64 + 1, sizeof *block->started);
    block->cancelled = calloc(items / 64 + 1, sizeof *block->cancelled);
    block->asking = calloc(items / 64 + 1, sizeof *block->asking);
    return block->started && block->cancelled && block->asking;
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
        block->common = relay_find_goods(relay, WIRE_COMMON, told->common);
        block->common->users++;
    }
    return block;
}

/* ---- Onto the board ---------------------------------------------------------------------- */

enum step { STEP_DONE, STEP_WAITS, STEP_FAULTY };

static enum step bring_to_board(struct relay_block *block)
{
    if (block->filled)
        return STEP_DONE;
    if (!relay_take_memory(block))
        return STEP_WAITS;
    if (block->apart)
        memcpy(relay_place(block, block->in), block->apart, block->parts.inputs);
    bool filled = relay_fill(block, block->table);
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
             block->told.items, (block->parts.inputs + relay_out_bytes(&block->told)) / block->told.items);
    relay_refuse(relay, why);
}

void relay_feed(struct relay *relay)
{
    if (relay->waiting && relay_owes_goods(relay))
        return;
    while (relay->waiting && !relay->refused) {
        struct relay_block *block = relay->waiting;
        if (relay->shares_awaited || (block->common && !block->common->ready))
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
    if (relay_take_memory(block))
        places[count] = relay_place(block, block->in);
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
    if (!relay_take_memory(block))
        return keep_inline(block, body);
    if (parts->inputs)
        memcpy(relay_place(block, block->in), body + wire_parts_together(parts) - parts->inputs,
               parts->inputs);
    return relay_fill(block, body);
}

void relay_take_block(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    void *places[NET_SEGMENTS] = {NULL};
    const char *fault = find_fault(relay, &message->block);
    if (fault) {
        relay_take_nothing(relay->home, event);
        refuse_block(relay, &message->block, fault);
        return;
    }
    struct relay_block *block = add(relay, &message->block);
    if (!block || !add_books(block) ||
        !(event->segments ? prepare_segments(block, places) : take_inline(block, message->body))) {
        relay_take_nothing(relay->home, event);
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

void relay_free_blocks(struct relay *relay)
{
    while (relay->blocks)
        free_block(relay->blocks);
}
