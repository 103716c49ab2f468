#include <string.h>

#include "run/map_state.h"
#include "run/road.h"
#include "sched/tree.h"

#define BLOCK_SIZE  ((size_t)32 << 10)  /* of the items of a post, where they are small */
#define BLOCK_FAR   ((size_t)512 << 10) /* the same where other nodes take part: a message each time */
#define BLOCK_ITEMS ((size_t)64 << 10)  /* the same where items have no bytes at all */
#define AHEAD       ((size_t)1 << 20)   /* bytes on the board: what the second level cache holds */
#define AHEAD_EACH  ((size_t)64 << 10)  /* the same for each worker, where they are many */
#define AHEAD_LARGE ((size_t)256 << 20) /* of large items: no more than one for each worker beyond */
#define COPY_LONG   ((size_t)2 << 20)   /* bytes whose copying takes as long as sending them does */

static size_t aligned(size_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

/* Bytes of an item that a post's own block holds. */
static size_t own_in(const struct map *map)
{
    return map->work->range || map->in_place ? 0 : map->work->in_size;
}

static size_t own_out(const struct map *map)
{
    return map->out_place || map->work->combine ? 0 : map->work->out_size;
}

/* Results that a claim of so many items leaves. */
static size_t count_parts(size_t chunk)
{
    size_t parts = 1;
    while (chunk /= 2)
        parts++;
    return parts;
}

/* Bytes of results that an item of a reduction leaves to the manager where claims are short, whatever
 * their combining takes; "auto" makes longer ones then. Workers must not run ahead of the manager,
 * and not at all where their regions are small. */
static size_t part_bytes(const struct map *map)
{
    const struct map_work *work = map->work;
    bool is_small = map->manager->setup.memory != MEMORY_MEMFD;
    if (!work->combine)
        return 0;
    if (map->order || (!work->chunk && (work->schedule == SCHEDULE_DYNAMIC || is_small)))
        return work->out_size;
    return work->chunk ? work->out_size / work->chunk * count_parts(work->chunk) : 0;
}

static size_t item_bytes(const struct map *map)
{
    return own_in(map) + own_out(map) + part_bytes(map) + (map->order ? sizeof *map->order : 0);
}

uint64_t map_weigh_post(const struct map *map, const struct posting *posting)
{
    return posting->block->size + posting->lease.items * (uint64_t)part_bytes(map);
}

/* The inputs of a post of a reduction are no less than a result, so that they are many to combine. */
static size_t block_size(const struct map *map)
{
    const struct map_work *work = map->work;
    size_t size = map->manager->agents ? BLOCK_FAR : BLOCK_SIZE;
    return work->combine && work->out_size > size ? work->out_size : size;
}

/* A claim does not reach beyond its post: posts hold whole chunks where a chunk was asked for, and
 * are whole nodes of a reduction's tree elsewhere. */
static uint32_t choose_items(const struct map *map, const struct share *share)
{
    size_t bytes = item_bytes(map), chunk = map->work->chunk;
    size_t items = bytes ? block_size(map) / bytes : BLOCK_ITEMS;
    if (map->work->combine && !chunk)
        items = tree_grain(2 * items);
    if (chunk > items)
        items = chunk;
    else if (chunk)
        items -= items % chunk;
    if (items > BOARD_POST_ITEMS)
        items = BOARD_POST_ITEMS;
    if (bytes && items > AHEAD_LARGE / bytes)
        items = AHEAD_LARGE / bytes;
    size_t left = share->high - share->low;
    items = items < left ? items : left;
    return items ? (uint32_t)items : 1;
}

static bool wants_more(const struct map *map, const struct share *share)
{
    if (share->low == share->high || share->mine)
        return false;
    size_t ahead = share->workers * AHEAD_EACH;
    if (ahead < AHEAD / (unsigned)map->share_count)
        ahead = AHEAD / (unsigned)map->share_count;
    if (share->posts < share->workers)
        return true;
    if (share->posts < 2 * share->workers + 2)
        return share->in_flight < AHEAD_LARGE;
    return share->in_flight < ahead && share->posts < BOARD_POSTS / 2 / (unsigned)map->share_count;
}

static void copy_inputs(const struct map *map, size_t first, uint32_t items, char *to)
{
    const struct map_work *work = map->work;
    size_t size = work->in_size;
    if (!own_in(map))
        return;
    if (!map->order) {
        memcpy(to, (const char *)work->in + first * size, items * size);
        return;
    }
    for (uint32_t i = 0; i < items; i++)
        memcpy(to + i * size, (const char *)work->in + map->order[first + i] * size, size);
}

static uint64_t count_unposted(const struct map *map)
{
    uint64_t unposted = 0;
    for (int i = 0; i < map->share_count; i++)
        unposted += map->shares[i].high - map->shares[i].low;
    return unposted;
}

/* What claimers need, and where items and results lie, is the same for a post and for one that
 * repeats a part of it. */
static void describe_post(const struct map *map, int number, const struct share *share, uint64_t first)
{
    const struct map_work *work = map->work;
    struct post *post = &map->manager->board.post[number];
    posting_own(map->manager, number, map_owner(map, share));
    atomic_store_explicit(&post->map, map->id, memory_order_relaxed);
    atomic_store_explicit(&post->behind, count_unposted(map), memory_order_relaxed);
    atomic_store_explicit(&post->total, map->positions, memory_order_relaxed);
    atomic_store_explicit(&post->chunk, work->chunk, memory_order_relaxed);
    atomic_store_explicit(&post->schedule, work->schedule, memory_order_relaxed);
    post->function = map->function;
    post->combine = map->combine;
    post->first = first;
    post->in_size = work->in_size;
    post->out_size = work->out_size;
    post->common = map->common;
    post->common_size = work->common_size;
    post->begin = work->begin;
    post->limit_ns = work->limit_ns;
    post->flags = map->flags;
    post->attempt = 1;
}

static void publish(const struct map *map, const struct share *share, int post, uint32_t items)
{
    post_publish(&map->manager->board, post, items, false);
    manager_ring(map->manager, map_owner(map, share));
}

static bool post_some(struct map *map, struct share *share)
{
    struct manager *manager = map->manager;
    const struct map_work *work = map->work;
    uint32_t items = choose_items(map, share);
    size_t in_bytes = aligned(items * own_in(map));
    size_t out_bytes = aligned(items * own_out(map));
    size_t size = in_bytes + out_bytes + (map->order ? items * sizeof *map->order : 0);
    int number = posting_take(manager, &map_posting_ops, map, items, items, size, NULL);
    if (number < 0)
        return false;
    struct posting *posting = &manager->postings[number];
    struct post *post = &manager->board.post[number];
    posting->share = share;
    posting->first = share->low;
    share->low += items;
    share->posts++;
    share->in_flight += map_weigh_post(map, posting);
    map->posted += items;

    describe_post(map, number, share, posting->first);
    uint64_t block = posting->block->offset;
    post->in = map->in_place ? map->in_place + posting->first * work->in_size : block;
    post->out = map->out_place ? map->out_place + posting->first * work->out_size : block + in_bytes;
    post->indices = map->order ? block + in_bytes + out_bytes : 0;
    copy_inputs(map, posting->first, items, board_at(&manager->board, block));
    if (map->order)
        memcpy(board_at(&manager->board, post->indices), map->order + posting->first,
               items * sizeof *map->order);
    publish(map, share, number, items);
    if (manager->agents && in_bytes >= COPY_LONG) /* it is on its way while the next one is copied */
        road_turn(manager->setup.road);
    return true;
}

void map_feed(struct map *map)
{
    if (manager_is_alone(map->manager) || map->stopped)
        return;
    for (bool posted = true; posted;) {
        posted = false;
        for (int i = 0; i < map->share_count; i++)
            if (wants_more(map, &map->shares[i]))
                posted = post_some(map, &map->shares[i]) || posted;
    }
}

/* ---- Deaths, and further tries
 * ------------------------------------------------------------------------------ */

/* On the old one's memory; or on other, with its own inputs, where a net may still write results there. */
static int take_again(struct map *map, int old_number, uint32_t from, uint32_t count)
{
    struct manager *manager = map->manager;
    struct posting *old = &manager->postings[old_number];
    const struct post *before = &manager->board.post[old_number];
    size_t stride = own_in(map), in_bytes = aligned(count * stride);
    size_t out_bytes = aligned(count * map->work->out_size);
    size_t order_bytes = before->indices ? count * sizeof *map->order : 0;
    bool apart = old->written;
    int number = posting_take(manager, &map_posting_ops, map, count, count,
                              apart ? in_bytes + out_bytes + order_bytes : 0, apart ? NULL : old->block);
    if (number < 0)
        return -1;
    struct post *post = &manager->board.post[number];
    post->in = before->in + (map->work->range ? 0 : from * map->work->in_size);
    post->out = before->out + from * map->work->out_size;
    post->indices = before->indices ? before->indices + from * sizeof *map->order : 0;
    if (!apart)
        return number;
    uint64_t block = manager->postings[number].block->offset;
    if (stride)
        memcpy(board_at(&manager->board, block), board_at(&manager->board, post->in), count * stride);
    if (order_bytes)
        memcpy(board_at(&manager->board, block + in_bytes + out_bytes),
               board_at(&manager->board, post->indices), order_bytes);
    post->in = stride ? block : post->in;
    post->out = block + in_bytes;
    post->indices = order_bytes ? block + in_bytes + out_bytes : 0;
    return number;
}

static bool repost(void *work, int old_number, uint32_t from, uint32_t count, bool charged)
{
    struct map *map = work;
    struct manager *manager = map->manager;
    struct posting *old = &manager->postings[old_number];
    if (map->stopped) {
        map_end_unstarted(map, old_number, from, count);
        return true;
    }
    int number = take_again(map, old_number, from, count);
    if (number < 0)
        return false;
    const struct post *before = &manager->board.post[old_number];
    struct post *post = &manager->board.post[number];
    struct posting *posting = &manager->postings[number];
    posting->share = old->share;
    posting->first = old->first + from;
    posting->share->posts++;
    posting->share->in_flight += map_weigh_post(map, posting);
    describe_post(map, number, posting->share, posting->first);
    post->attempt = before->attempt + charged;
    publish(map, posting->share, number, count);
    lease_end_run(&old->lease, from, count);
    map_leave_post(map, old_number);
    return true;
}

static struct posting_item tell(void *work, int number, uint32_t item)
{
    const struct map *map = work;
    return (struct posting_item){.index = map_index(map, map->manager->postings[number].first + item),
                                 .attempt = (int)map->manager->board.post[number].attempt,
                                 .retries = map->work->retries,
                                 .stopped = map->stopped != RP_OK};
}

const struct posting_ops map_posting_ops = {
    .take_note = map_take_note,
    .repost = repost,
    .tell = tell,
};
