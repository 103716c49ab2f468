#include <stdlib.h>
#include <string.h>

#include "run/road.h"
#include "run/stream_state.h"

#define BLOCK_SIZE ((size_t)64 << 10)
#define BLOCK_MOST 4096u /* items of a block */
#define GATHERED   128u  /* items that are published at once while nobody is hungry */

/* Where an input of `size` bytes begins that ends before `high`: aligned for any type of that size. */
static uint64_t place_below(uint64_t high, uint64_t size)
{
    uint64_t align = size & -size;
    if (!align || align > PACKED_ALIGN)
        align = PACKED_ALIGN;
    return (high - size) & -align;
}

/* A block holds the table of its inputs from its start up, and the inputs from its end down. */
static bool has_room(const struct stream *stream, size_t size)
{
    uint64_t low = stream->low + sizeof(struct packed_input) + PACKED_ALIGN;
    return stream->open >= 0 && stream->items < BLOCK_MOST && low + size <= stream->high &&
           stream->manager->postings[stream->open].first + stream->items == stream->drawn;
}

static void describe_post(const struct stream *stream, struct post *post, uint64_t first)
{
    const struct stream_work *work = stream->work;
    atomic_store_explicit(&post->map, stream->id, memory_order_relaxed);
    /* How much more will come is not known: a claim takes up to its part of a block. */
    atomic_store_explicit(&post->behind, BLOCK_MOST, memory_order_relaxed);
    atomic_store_explicit(&post->total, UINT32_MAX, memory_order_relaxed);
    atomic_store_explicit(&post->chunk, work->chunk, memory_order_relaxed);
    atomic_store_explicit(&post->schedule, work->schedule, memory_order_relaxed);
    post->function = stream->function;
    post->first = first;
    post->in = post->in_size = 0;
    post->out = post->out_size = 0;
    post->common = stream->common;
    post->common_size = work->common_size;
    post->begin = 0;
    post->limit_ns = work->limit_ns;
    post->flags = POST_PACKED;
    post->attempt = 1;
}

static bool open_block(struct stream *stream, size_t size)
{
    struct manager *manager = stream->manager;
    size_t needed = sizeof(struct packed_input) + size + 2 * PACKED_ALIGN;
    size_t bytes = needed > BLOCK_SIZE ? needed : BLOCK_SIZE;
    stream_close_block(stream);
    int number = posting_take(manager, &stream_posting_ops, stream, 0, BLOCK_MOST, bytes, NULL);
    if (number < 0)
        return false;
    struct posting *posting = &manager->postings[number];
    struct post *post = &manager->board.post[number];
    posting->first = stream->drawn;
    describe_post(stream, post, stream->drawn);
    post->indices = posting->block->offset;
    stream->bytes += posting->block->size;
    stream->open = number;
    stream->items = stream->unpublished = 0;
    stream->low = posting->block->offset;
    stream->high = (posting->block->offset + bytes) / PACKED_ALIGN * PACKED_ALIGN;
    post_publish(&manager->board, number, 0, true);
    return true;
}

bool stream_post(struct stream *stream, const rp_view *input)
{
    if (input->size > SIZE_MAX / 2 || (!has_room(stream, input->size) && !open_block(stream, input->size)))
        return false;
    struct board *board = &stream->manager->board;
    stream->high = place_below(stream->high, input->size);
    if (input->size)
        memcpy(board_at(board, stream->high), input->data, input->size);
    *(struct packed_input *)board_at(board, stream->low) = (struct packed_input){stream->high, input->size};
    stream->low += sizeof(struct packed_input);
    stream->items++;
    if (++stream->unpublished >= GATHERED || roster_is_hungry(stream->manager->setup.roster))
        stream_publish(stream);
    return true;
}

void stream_publish(struct stream *stream)
{
    struct manager *manager = stream->manager;
    if (stream->open < 0 || !stream->unpublished)
        return;
    lease_grow(&manager->postings[stream->open].lease, stream->items);
    post_extend(&manager->board, stream->open, stream->items);
    roster_ring(manager->setup.roster);
    stream->unpublished = 0;
}

static void leave_post(struct stream *stream, int post)
{
    const struct posting *posting = &stream->manager->postings[post];
    if (post == stream->open || posting->lease.open)
        return;
    if (posting->block->users == 1)
        stream->bytes -= posting->block->size;
    posting_retire(stream->manager, post);
}

void stream_close_block(struct stream *stream)
{
    int post = stream->open;
    if (post < 0)
        return;
    stream_publish(stream);
    stream->open = -1;
    post_close(&stream->manager->board, post);
    leave_post(stream, post);
}

void stream_withdraw(struct stream *stream)
{
    struct manager *manager = stream->manager;
    stream_close_block(stream);
    for (int i = 0; i < BOARD_POSTS; i++) {
        struct posting *posting = &manager->postings[i];
        if (!posting->ops || posting->work != stream)
            continue;
        uint32_t from = post_freeze(&manager->board, i);
        if (from == posting->lease.items)
            continue;
        stream->given += posting->lease.items - from;
        lease_end_run(&posting->lease, from, posting->lease.items - from);
        leave_post(stream, i);
    }
    if (manager->agents)
        road_recall(manager, stream);
    retry_give_up(manager, stream);
}

/* ---- Notes and deaths -------------------------------------------------------------------- */

static bool take_note(void *work, int post, const struct note *note, const void *payload, int worker)
{
    struct stream *stream = work;
    struct posting *posting = &stream->manager->postings[post];
    if (note->from > posting->lease.items || note->count > posting->lease.items - note->from)
        return false;
    if (retry_note(stream->manager, post, note))
        return false;
    stream_store_note(stream, post, note, payload, worker);
    bool kept = stream_arrive(stream, post, note, worker);
    lease_end_run(&posting->lease, note->from, note->count);
    leave_post(stream, post);
    return kept;
}

static bool repost(void *work, int old_number, uint32_t from, uint32_t count, bool charged)
{
    struct stream *stream = work;
    struct manager *manager = stream->manager;
    struct posting *old = &manager->postings[old_number];
    if (stream->stopped) {
        stream->given += count;
    } else {
        int number = posting_take(manager, &stream_posting_ops, stream, count, count, 0, old->block);
        if (number < 0)
            return false;
        const struct post *before = &manager->board.post[old_number];
        struct post *post = &manager->board.post[number];
        manager->postings[number].first = old->first + from;
        describe_post(stream, post, old->first + from);
        post->indices = before->indices + from * sizeof(struct packed_input);
        post->attempt = before->attempt + charged;
        post_publish(&manager->board, number, count, false);
        roster_ring(manager->setup.roster);
    }
    lease_end_run(&old->lease, from, count);
    leave_post(stream, old_number);
    return true;
}

static struct posting_item tell(void *work, int number, uint32_t item)
{
    const struct stream *stream = work;
    return (struct posting_item){.index = stream->manager->postings[number].first + item,
                                 .attempt = (int)stream->manager->board.post[number].attempt,
                                 .retries = stream->work->retries,
                                 .stopped = stream->stopped != RP_OK};
}

const struct posting_ops stream_posting_ops = {
    .take_note = take_note,
    .repost = repost,
    .tell = tell,
};
