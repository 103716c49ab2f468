/* Reductions on the node. What the workers' claims have come to is not sent: it waits here, and as soon as
 * there is enough that may be combined (sched/tree.h), a post of parts is made of it, which a worker takes
 * before anything else. So the leader stays prompt however long a combination takes. Once all items of a
 * block have run, and nothing is left to combine, the few nodes of the tree that make it up are sent. The
 * manager hears of what has run meanwhile by tallies, from which it knows what to send next. A leader that
 * goes away has nothing more combined, since nobody may come for it: parts leave as they are.
 *
 * A part is held where its worker has put it, and combined there. A worker that dies over it has spoilt it:
 * its items run again.
 *
 * What is sent as it comes all the same: items in the order of their costs, of which no two are neighbours;
 * those of which each start is told (WIRE_TELLING), so that the manager knows what a node has died of; and
 * long results where regions are small, of which the workers need each byte. */
#include <stdlib.h>
#include <string.h>

#include "board/parcel.h"
#include "run/relay_state.h"
#include "sched/policy.h"
#include "sched/tree.h"

#define SMALL       ((size_t)4 << 10)   /* results that any region holds many of */
#define BATCH_BYTES ((size_t)256 << 10) /* of parts that one post combines ... */
#define BATCH_MOST  64u                 /* ... at most, since others could help */
#define BATCH_FIRST 8u                  /* while nobody knows how long it takes */
#define BATCH_NS    100e3               /* that it should take */

/* ---- Parts -------------------------------------------------------------------------------- */

static bool may_hold(const struct relay_block *block)
{
    uint32_t flags = block->told.flags;
    return flags & POST_REDUCE && !(flags & WIRE_INDICES) && !relay_is_telling(block) &&
           (block->relay->home->memory == MEMORY_MEMFD || block->told.out_size <= SMALL);
}

static uint32_t part_end(const struct relay_part *part)
{
    return part->what.from + part->what.count;
}

static bool is_long(const struct relay_block *block)
{
    return block->told.out_size > NOTE_INLINE;
}

static void give(const struct relay_block *block, const struct relay_part *part)
{
    if (is_long(block))
        parcel_mark_taken(&block->relay->manager.board, part->what.result.offset);
}

static bool make_room(struct relay_block *block)
{
    uint32_t workers = (uint32_t)block->relay->home->crew->count, room = 2 * block->part_room + 8;
    if (!block->ran && !(block->ran = calloc(workers, sizeof *block->ran)))
        return false;
    if (block->part_count < block->part_room)
        return true;
    struct relay_part *parts = realloc(block->part, room * sizeof *parts);
    if (!parts)
        return false;
    block->part = parts;
    block->part_room = room;
    return true;
}

/* The first part from item `from` on. */
static uint32_t find(const struct relay_block *block, uint32_t from)
{
    uint32_t low = 0, high = block->part_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (block->part[middle].what.from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take_out(struct relay_block *block, uint32_t at, uint32_t count)
{
    struct relay_part *parts = block->part + at;
    memmove(parts, parts + count, (block->part_count - at - count) * sizeof *parts);
    block->part_count -= count;
}

static void count_held(struct relay_block *block, uint32_t more, uint32_t less)
{
    block->held += more - less;
    block->relay->held += more;
    block->relay->held -= less;
}

/* A note says of all its items that one worker has run them: what is wrong about that. */
static void count_moved(struct relay_block *block)
{
    struct relay *relay = block->relay;
    uint32_t first = relay->home->roster->shared->first;
    for (int i = 1; i < relay->home->crew->count && block->ran; i++) {
        relay->moved[i - 1] += block->ran[i];
        block->ran[i] = 0;
    }
    for (uint32_t i = 0; i < block->part_count; i++)
        relay->moved[block->part[i].note.worker - first] -= block->part[i].note.count;
    relay->has_moved = true;
}

/* ---- Coming ------------------------------------------------------------------------------- */

bool relay_hold(struct relay_block *block, uint32_t from, const struct note *note, int worker)
{
    if (!may_hold(block) || !make_room(block))
        return false;
    uint32_t at = find(block, from);
    struct relay_part *part = block->part + at;
    memmove(part + 1, part, (block->part_count - at) * sizeof *part);
    block->part_count++;
    block->fresh++;
    *part = (struct relay_part){.what = {.from = from, .count = note->count},
                                .note = relay_describe_note(block, from, note, worker),
                                .ended = note->ended};
    if (is_long(block))
        part->what.result.offset = note->result.offset;
    else
        memcpy(part->what.result.bytes, note->result.bytes, sizeof note->result.bytes);
    count_held(block, note->count, 0);
    block->ran[worker] += note->count;
    relay_count_run(block, note->count, note->ran, note->ended);
    relay_expect(block->relay, block, note->ended);
    return true;
}

static void learn(struct relay *relay, const struct note *note, uint32_t parts)
{
    if (parts > 1)
        relay->combine_ns =
            policy_learn_combined(relay->combine_ns, (double)note->ran * 1e9 / (parts - 1) + 1);
}

/* The claims that one note is of. */
static void add_claims(struct wire_note *to, const struct wire_note *from)
{
    to->joined += from->joined + (to->flags & from->flags & NOTE_FIRST);
    to->flags |= from->flags;
    to->ran = from->ran > to->ran ? from->ran : to->ran;
    to->count += from->count;
}

void relay_hold_combined(struct relay_block *block, uint32_t from, const struct note *note)
{
    uint32_t at = find(block, from), end = find(block, from + note->count);
    struct relay_part *part = block->part + at;
    for (struct relay_part *other = part + 1; other < block->part + end; other++) {
        add_claims(&part->note, &other->note);
        give(block, other);
    }
    learn(block->relay, note, end - at);
    take_out(block, at + 1, end - at - 1);
    part->what.count = note->count;
    part->ended = note->ended;
    part->away = false;
    if (!is_long(block))
        memcpy(part->what.result.bytes, note->result.bytes, sizeof note->result.bytes);
    block->fresh++;
}

void relay_drop_parts(struct relay_block *block, uint32_t from, uint32_t count)
{
    for (uint32_t at = 0; at < block->part_count;) {
        struct relay_part *part = &block->part[at];
        if (!part->away || part->what.from >= from + count || part_end(part) <= from) {
            at++;
            continue;
        }
        count_held(block, 0, part->what.count);
        give(block, part);
        take_out(block, at, 1);
    }
}

void relay_keep_parts(struct relay_block *block, uint32_t from, uint32_t count)
{
    for (uint32_t at = find(block, from), end = find(block, from + count); at < end; at++)
        block->part[at].away = false;
}

/* ---- Combining ---------------------------------------------------------------------------- */

static uint32_t choose_batch(struct relay_block *block)
{
    struct relay *relay = block->relay;
    const struct wire_function *combine = &block->told.combine;
    if (relay->combines.module != combine->module || relay->combines.offset != combine->offset) {
        relay->combines = *combine;
        relay->combine_ns = 0;
    }
    double most = relay->combine_ns > 0 ? BATCH_NS / relay->combine_ns : BATCH_FIRST;
    size_t fit = BATCH_BYTES / block->told.out_size;
    uint32_t batch = most < BATCH_MOST ? (uint32_t)most : BATCH_MOST;
    batch = fit < batch ? (uint32_t)fit : batch;
    return batch < 2 ? 2 : batch;
}

/* Whether the part and the one behind it are here, and the halves of one. */
static bool is_pair(const struct relay_block *block, uint32_t at)
{
    const struct relay_part *left = &block->part[at], *right = left + 1;
    const struct wire_block *told = &block->told;
    return at + 1 < block->part_count && !left->away && !right->away && part_end(left) == right->what.from &&
           tree_are_siblings(told->total, told->first + left->what.from, told->first + right->what.from,
                             told->first + part_end(right));
}

/* Neighbours from `at` on that are here, up to `most`: the one behind them. */
static uint32_t find_end(const struct relay_block *block, uint32_t at, uint32_t most)
{
    uint32_t end = at + 1;
    while (end < block->part_count && end - at < most && !block->part[end].away &&
           part_end(&block->part[end - 1]) == block->part[end].what.from)
        end++;
    return end;
}

static bool post_parts(struct relay_block *block, uint32_t at, uint32_t end)
{
    struct reduced_part table[BATCH_MOST] = {0};
    uint32_t from = block->part[at].what.from;
    for (uint32_t i = at; i < end; i++) {
        table[i - at] = block->part[i].what;
        table[i - at].from -= from;
    }
    if (!relay_post_parts(block, from, part_end(&block->part[end - 1]) - from, table,
                          (end - at) * sizeof *table))
        return false;
    for (uint32_t i = at; i < end; i++)
        block->part[i].away = true;
    return true;
}

/* Has combined what makes a batch, or with `all` whatever can be; false: there is no room for a post. */
static bool post_batches(struct relay_block *block, uint32_t batch, bool all)
{
    for (uint32_t at = 0, end; at < block->part_count; at = end) {
        end = at + 1;
        if (!is_pair(block, at))
            continue;
        end = find_end(block, at, batch);
        if ((all || end - at == batch) && !post_parts(block, at, end))
            return false;
    }
    return true;
}

static bool is_any_away(const struct relay_block *block)
{
    for (uint32_t i = 0; i < block->part_count; i++)
        if (block->part[i].away)
            return true;
    return false;
}

static void send_part(struct relay_block *block, struct relay_part *part)
{
    uint64_t offset = part->what.result.offset;
    const void *result =
        is_long(block) ? board_at(&block->relay->manager.board, offset) : part->what.result.bytes;
    part->note.bytes = part->note.size;
    part->note.told = part->note.count;
    relay_expect(block->relay, block, part->ended);
    if (!relay_send_note(block, &part->note, part->ended, result, offset))
        give(block, part);
}

bool relay_release_parts(struct relay_block *block)
{
    if (!block->held)
        return true;
    relay_drop_parts(block, 0, block->told.items);
    uint32_t sent = block->held;
    bool is_left = sent < block->open;
    count_moved(block);
    for (uint32_t i = 0; i < block->part_count; i++)
        send_part(block, &block->part[i]);
    block->part_count = block->tally.items = 0;
    count_held(block, 0, sent);
    relay_end_items(block, sent);
    return is_left;
}

void relay_combine(struct relay_block *block)
{
    bool all = block->held == block->open;
    uint32_t batch = block->held ? choose_batch(block) : 0;
    if (!block->held || (!all && block->fresh < batch))
        return;
    block->fresh = 0;
    bool posted = block->relay->home->away || post_batches(block, batch, all);
    if (all && !is_any_away(block))
        relay_release_parts(block);
    else if (!posted)
        block->fresh = batch; /* when there is room */
}

void relay_free_parts(struct relay_block *block)
{
    count_held(block, 0, block->held);
    free(block->part);
    free(block->ran);
}
