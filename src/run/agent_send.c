/* A claim as blocks. Items of maps go from where they lie on the board, or copied into the head where they
 * are few bytes; packed inputs and submitted tasks, which lie here and there, are gathered into the head, or
 * go alone where they are large. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "run/agent.h"
#include "run/collect.h"
#include "run/posting.h"

#define COPIED ((size_t)16 << 10) /* bytes of a map's items that are copied into the head */

_Static_assert((int)WIRE_RANGE == (int)POST_RANGE && (int)WIRE_PACKED == (int)POST_PACKED,
               "a block's flags are its post's");

/* ---- What stands in it ------------------------------------------------------------------- */

static uint64_t count_behind(const struct agent *agent, const struct post *post)
{
    uint64_t behind = atomic_load_explicit(&post->behind, memory_order_relaxed);
    uint64_t workers = (uint64_t)(agent->pool->manager->crew->count - 1);
    return behind / workers * (uint64_t)agent->node->count;
}

/* Of a map only the end is watched for. What a journal does not have yet is lost with the manager. */
static double patience_of(const struct agent_block *block, const struct post *post)
{
    const struct blocks *blocks = &block->pace->blocks;
    bool is_stored = atomic_load(&block->agent->pool->manager->board.shared->drains) != DRAINS_NOT;
    bool is_of_map =
        atomic_load_explicit(&post->total, memory_order_relaxed) > 0 && !(post->flags & POST_PACKED);
    return is_of_map && !is_stored ? blocks_patience_of(blocks, agent_number(block->agent))
                                   : blocks_patience(blocks);
}

static struct wire_message describe(const struct agent_block *block, const struct post *post)
{
    const struct agent *agent = block->agent;
    const struct posting *posting = &agent->pool->manager->postings[block->post];
    uint64_t map = atomic_load_explicit(&post->map, memory_order_relaxed);
    struct wire_message message = {
        .type = WIRE_BLOCK,
        .pool = agent->pool->manager->setup.pool,
        .block = {.block = block->number,
                  .map = map,
                  .items = block->count,
                  .limit_ns = post->limit_ns,
                  .priority = atomic_load_explicit(&post->priority, memory_order_relaxed),
                  .worker = road_number(agent->node->road,
                                        atomic_load_explicit(&post->owner, memory_order_relaxed)),
                  .patience_us = (uint32_t)(patience_of(block, post) * 1e-3),
                  .visit = agent->node->visit}};
    struct wire_block *to = &message.block;
    if (!map)
        return message;
    to->first = post->first + block->from;
    to->begin = post->begin;
    to->total = atomic_load_explicit(&post->total, memory_order_relaxed);
    to->behind = count_behind(agent, post);
    to->chunk = atomic_load_explicit(&post->chunk, memory_order_relaxed);
    to->schedule = atomic_load_explicit(&post->schedule, memory_order_relaxed);
    to->function = (struct wire_function){post->function.module, post->function.offset};
    if (post->flags & POST_REDUCE)
        to->combine = (struct wire_function){post->combine.module, post->combine.offset};
    to->in_size = post->in_size;
    to->out_size = post->out_size;
    to->common = post->common_size ? map : 0;
    to->common_size = post->common_size;
    to->flags = post->flags;
    if (block->telling)
        to->flags |= WIRE_TELLING;
    to->attempt = post->attempt;
    to->retries = posting->ops->tell(posting->work, block->post, block->from).retries;
    return message;
}

static void send_map(struct agent_block *block, struct wire_message *message, const struct post *post)
{
    _Alignas(WIRE_ALIGN) unsigned char head[NET_HEAD];
    const struct board *board = &block->agent->pool->manager->board;
    struct wire_block *to = &message->block;
    struct wire_parts parts;
    if (!(post->flags & POST_RANGE))
        to->bytes = (uint64_t)block->count * post->in_size;
    if (post->indices)
        to->flags |= WIRE_INDICES;
    if (!wire_block_parts(to, &parts)) {
        road_give_up(block->agent->node, "a block of %u items cannot be told", block->count);
        return;
    }
    const char *table =
        parts.table ? (char *)board_at(board, post->indices) + block->from * sizeof(uint64_t) : NULL;
    const char *inputs =
        parts.inputs ? (char *)board_at(board, post->in) + block->from * post->in_size : NULL;
    uint64_t together = wire_parts_together(&parts);
    bool is_long = together > COPIED;
    message->body_size = is_long ? 0 : together;
    size_t size = wire_message_pack(message, head, sizeof head);
    if (!is_long) {
        unsigned char *body = head + wire_message_body(WIRE_BLOCK);
        memset(body, 0, together);
        if (table)
            memcpy(body, table, parts.table);
        if (inputs)
            memcpy(body + together - parts.inputs, inputs, parts.inputs);
        agent_send_block(block, head, size, NULL, 0);
        return;
    }
    struct net_segment segment[2];
    int segments = 0;
    if (table)
        segment[segments++] = (struct net_segment){.data = table, .size = parts.table};
    if (inputs)
        segment[segments++] = (struct net_segment){inputs, parts.inputs, .copied = !board_has(board, inputs)};
    agent_send_block(block, head, size, segment, segments);
}

/* An input of a packed post or a task. */
struct piece {
    const void *data;
    uint64_t size;
};

static struct task_record *record_of(const struct agents *pool, const struct post *post, uint32_t item)
{
    return (struct task_record *)board_at(&pool->manager->board, post->in) + item;
}

static struct piece piece_of(const struct agents *pool, const struct post *post, uint32_t item)
{
    const struct board *board = &pool->manager->board;
    if (atomic_load_explicit(&post->map, memory_order_relaxed)) {
        const struct packed_input *input = (struct packed_input *)board_at(board, post->indices) + item;
        return (struct piece){board_at(board, input->offset), input->size};
    }
    const struct task_record *record = record_of(pool, post, item);
    return (struct piece){record->in_size <= NOTE_INLINE ? record->input.bytes
                                                         : board_at(board, record->input.offset),
                          record->in_size};
}

static size_t entry_size(const struct post *post)
{
    return atomic_load_explicit(&post->map, memory_order_relaxed) ? WIRE_PACKED_SIZE : WIRE_TASK_SIZE;
}

/* It would not fit into a head with its entry. */
static bool is_large(const struct agents *pool, const struct post *post, uint32_t item)
{
    size_t around = wire_message_body(WIRE_BLOCK) + WIRE_ALIGN + entry_size(post);
    return piece_of(pool, post, item).size > (NET_HEAD - around) / WIRE_ALIGN * WIRE_ALIGN;
}

uint32_t agent_fit(const struct agents *pool, const struct post_offer *offer, uint32_t most)
{
    const struct post *post = offer->post;
    uint32_t fit = 0;
    if (atomic_load_explicit(&post->map, memory_order_relaxed) && !(post->flags & POST_PACKED)) {
        uint64_t each = post->in_size + post->out_size, several = each ? AGENT_BODY / each : most;
        return several >= most ? most : several ? (uint32_t)several : 1;
    }
    size_t used = wire_message_body(WIRE_BLOCK) + WIRE_ALIGN;
    for (; fit < most && !is_large(pool, post, offer->next + fit); fit++) {
        used += entry_size(post) + wire_aligned(piece_of(pool, post, offer->next + fit).size);
        if (used > NET_HEAD)
            break;
    }
    return fit ? fit : 1;
}

/* An entry of the table. */
static void put_entry(const struct agent_block *block, const struct post *post, uint32_t item, void *at)
{
    const struct agents *pool = block->agent->pool;
    const struct posting *posting = &pool->manager->postings[block->post];
    uint32_t number = block->from + item;
    if (atomic_load_explicit(&post->map, memory_order_relaxed)) {
        wire_packed_pack(&(struct wire_packed){post->first + number, piece_of(pool, post, number).size}, at);
        return;
    }
    const struct task_record *record = record_of(pool, post, number);
    struct posting_item told = posting->ops->tell(posting->work, block->post, number);
    wire_task_pack(&(struct wire_task){record->index,
                                       {record->function.module, record->function.offset},
                                       record->in_size,
                                       (int32_t)record->attempt,
                                       told.retries},
                   at);
}

static void send_gathered(struct agent_block *block, struct wire_message *message, const struct post *post)
{
    _Alignas(WIRE_ALIGN) unsigned char head[NET_HEAD];
    const struct agents *pool = block->agent->pool;
    size_t table = block->count * entry_size(post), at = wire_aligned(table);
    unsigned char *body = head + wire_message_body(WIRE_BLOCK);
    for (uint32_t i = 0; i < block->count; i++)
        message->block.bytes += wire_aligned(piece_of(pool, post, block->from + i).size);
    message->body_size = message->block.bytes ? at + message->block.bytes : table;
    size_t size = wire_message_pack(message, head, sizeof head);
    memset(body, 0, message->body_size);
    for (uint32_t i = 0; i < block->count; i++) {
        struct piece piece = piece_of(pool, post, block->from + i);
        put_entry(block, post, i, body + i * entry_size(post));
        if (piece.size)
            memcpy(body + at, piece.data, piece.size);
        at += wire_aligned(piece.size);
    }
    agent_send_block(block, head, size, NULL, 0);
}

/* A single item whose input does not fit into a head. What fills it up to a multiple of 16 are the bytes that
 * stand behind it on the board. */
static void send_large(struct agent_block *block, struct wire_message *message, const struct post *post)
{
    unsigned char head[NET_HEAD];
    struct piece piece = piece_of(block->agent->pool, post, block->from);
    message->block.bytes = wire_aligned(piece.size);
    size_t size = wire_message_pack(message, head, sizeof head);
    block->own = malloc(entry_size(post));
    if (!block->own) {
        road_give_up(block->agent->node, "no memory to send to it");
        return;
    }
    put_entry(block, post, 0, block->own);
    agent_send_block(block, head, size,
                     (struct net_segment[]){{.data = block->own, .size = entry_size(post)},
                                            {.data = piece.data, .size = message->block.bytes}},
                     2);
}

/* ---- Claims ------------------------------------------------------------------------------ */

/* No memory anywhere could hold its results: no node takes it, and nobody says so for it. */
static bool is_beyond_memory(const struct post *post)
{
    return atomic_load_explicit(&post->map, memory_order_relaxed) &&
           post->out_size > PTRDIFF_MAX / 2 / BOARD_POST_ITEMS;
}

static void fail_one(struct agent *agent, int number, uint32_t item)
{
    struct manager *manager = agent->pool->manager;
    char why[80];
    snprintf(why, sizeof why, "no memory for a result of %zu bytes",
             (size_t)manager->board.post[number].out_size);
    struct note note = {.post = (uint16_t)number,
                        .flags = NOTE_FIRST,
                        .status = RP_NO_MEMORY,
                        .from = item,
                        .count = 1,
                        .ended = clock_ns(),
                        .size = strlen(why)};
    note.result.offset = parcel_take(&manager->parcels, note.size);
    if (note.result.offset == ARENA_NONE)
        note.size = 0;
    else
        memcpy(board_at(&manager->board, note.result.offset), why, note.size);
    collect_note(manager, agent->node->first, &note);
}

static void fail_items(struct agent *agent, int number, uint32_t from, uint32_t count)
{
    bool stops = agent->pool->manager->board.post[number].flags & POST_STOP;
    struct note unrun = {.post = (uint16_t)number,
                         .status = RP_CANCELLED,
                         .from = from + 1,
                         .count = count - 1,
                         .ended = clock_ns()};
    if (stops && unrun.count)
        collect_note(agent->pool->manager, agent->node->first, &unrun);
    for (uint32_t item = from; item < (stops ? from + 1 : from + count); item++)
        fail_one(agent, number, item);
}

static void send_block(struct agent *agent, int number, uint32_t from, uint32_t count)
{
    struct manager *manager = agent->pool->manager;
    const struct post *post = &manager->board.post[number];
    if (is_beyond_memory(post)) {
        fail_items(agent, number, from, count);
        return;
    }
    struct agent_block *block = agent->node->lost ? NULL : agent_open_block(agent, number, from, count);
    uint64_t map = atomic_load_explicit(&post->map, memory_order_relaxed);
    if (!block) {
        agent_orphan(manager, number, from + count);
        return;
    }
    agent_send_modules(agent);
    if (map && post->common_size)
        agent_send_common(agent, map, board_at(&manager->board, post->common), post->common_size);
    struct wire_message message = describe(block, post);
    if (map && !(post->flags & POST_PACKED))
        send_map(block, &message, post);
    else if (is_large(agent->pool, post, from))
        send_large(block, &message, post);
    else
        send_gathered(block, &message, post);
}

/* Submitted tasks: those that have not been cancelled. */
static void send_tasks(struct agent *agent, int number, uint32_t from, uint32_t count)
{
    struct manager *manager = agent->pool->manager;
    const struct post *post = &manager->board.post[number];
    uint32_t end = from + count, begin = from;
    for (uint32_t item = from; item < end; item++) {
        uint32_t pending = RECORD_PENDING;
        if (atomic_compare_exchange_strong(&record_of(agent->pool, post, item)->state, &pending, RECORD_AWAY))
            continue;
        if (item > begin)
            send_block(agent, number, begin, item - begin);
        begin = item + 1;
        struct note skipped = {.post = (uint16_t)number, .flags = NOTE_SKIPPED, .from = item, .count = 1};
        collect_note(manager, 0, &skipped);
    }
    if (end > begin)
        send_block(agent, number, begin, end - begin);
}

void agent_send_claim(struct agent *agent, const struct post_offer *offer, uint32_t run)
{
    if (atomic_load_explicit(&offer->post->map, memory_order_relaxed))
        send_block(agent, (int)offer->index, offer->next, run);
    else
        send_tasks(agent, (int)offer->index, offer->next, run);
}
