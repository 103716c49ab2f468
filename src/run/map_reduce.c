#include "run/map_reduce.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "board/parcel.h"
#include "run/map_state.h"
#include "sched/tree.h"

#define COPIED ((size_t)4 << 10) /* bytes: results up to these are copied out of a parcel */
#define ROOM   64                /* of the first table */

struct partial {
    struct tree_range range; /* end 0: a free place of the table */
    void *memory;            /* NULL: in `small` */
    uint64_t parcel;         /* where `memory` is; 0: it is this process's own */
    _Alignas(16) unsigned char small[NOTE_INLINE];
};

static void *result_of(struct partial *partial)
{
    return partial->memory ? partial->memory : partial->small;
}

static void release(struct map *map, struct partial *partial)
{
    if (partial->parcel)
        parcel_mark_taken(&map->manager->board, partial->parcel);
    else
        free(partial->memory);
}

/* ---- The table --------------------------------------------------------------------------- */

/* Open addressing, linear probing: no two ranges that are held have the same start. */
static size_t place_of(const struct partials *partials, uint64_t start)
{
    return (size_t)(start * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (partials->room - 1);
}

/* Where the range that begins at `start` is, or would be put. */
static size_t find(const struct partials *partials, uint64_t start)
{
    size_t at = place_of(partials, start);
    while (partials->table[at].range.end && partials->table[at].range.start != start)
        at = (at + 1) & (partials->room - 1);
    return at;
}

static bool grow(struct partials *partials)
{
    size_t room = partials->room ? 2 * partials->room : ROOM;
    struct partials larger = *partials;
    larger.table = calloc(room, sizeof *larger.table);
    larger.room = room;
    if (!larger.table)
        return false;
    for (size_t i = 0; i < partials->room; i++)
        if (partials->table[i].range.end)
            larger.table[find(&larger, partials->table[i].range.start)] = partials->table[i];
    free(partials->table);
    *partials = larger;
    return true;
}

/* Those behind move up, so that none is cut off from its place by a hole. */
static struct partial take_out(struct partials *partials, size_t hole)
{
    struct partial taken = partials->table[hole];
    size_t mask = partials->room - 1;
    for (size_t at = (hole + 1) & mask; partials->table[at].range.end; at = (at + 1) & mask) {
        size_t home = place_of(partials, partials->table[at].range.start);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        partials->table[hole] = partials->table[at];
        hole = at;
    }
    partials->table[hole].range.end = 0;
    partials->count--;
    return taken;
}

static bool take_sibling(struct map *map, struct tree_range node, struct partial *sibling)
{
    struct partials *partials = &map->partials;
    struct tree_range range = tree_sibling(map->work->n, node);
    if (!partials->count || range.start == range.end)
        return false;
    size_t at = find(partials, range.start);
    if (partials->table[at].range.end != range.end)
        return false;
    *sibling = take_out(partials, at);
    return true;
}

/* ---- Combining --------------------------------------------------------------------------- */

static void combine(struct map *map, struct partial *left, struct partial *right)
{
    struct performer *performer = &map->manager->performer;
    bool was_busy = performer->busy;
    performer->busy = true; /* it may not call the pool, as a task may not */
    map->work->combine(result_of(left), result_of(right), map->work->out_size);
    performer->busy = was_busy;
    left->range.end = right->range.end;
    release(map, right);
}

/* Combines it as far as what is held allows, and holds what comes of it; false without memory. */
static bool hold(struct map *map, struct partial partial)
{
    struct partials *partials = &map->partials;
    struct partial sibling;
    while (take_sibling(map, partial.range, &sibling)) {
        bool is_left = sibling.range.start < partial.range.start;
        struct partial *left = is_left ? &sibling : &partial;
        combine(map, left, is_left ? &partial : &sibling);
        partial = *left;
    }
    if (2 * partials->count >= partials->room && !grow(partials)) {
        release(map, &partial);
        return false;
    }
    partials->table[find(partials, partial.range.start)] = partial;
    partials->count++;
    return true;
}

/* The regions of other memory than memfds are so small that nothing is left in them. */
static bool stays(const struct map *map, size_t size)
{
    return size > COPIED && map->manager->setup.memory == MEMORY_MEMFD;
}

/* The result that a note carries, where it is to stay; false without memory. */
static bool put(const struct map *map, struct partial *partial, const struct note *note, const void *payload)
{
    if (!payload) {
        partial->memory = (void *)(uintptr_t)note->result.offset;
    } else if (stays(map, note->size)) {
        partial->memory = (void *)(uintptr_t)payload;
        partial->parcel = note->result.offset;
    } else {
        if (note->size > sizeof partial->small && !(partial->memory = malloc(note->size)))
            return false;
        memcpy(result_of(partial), payload, note->size);
    }
    return true;
}

static void run_out_of_memory(struct map *map)
{
    error_set(map->error, RP_NO_MEMORY, "no memory to hold %zu results of %zu bytes until they are combined",
              map->partials.count + 1, map->work->out_size);
    map_stop(map, RP_NO_MEMORY);
}

static bool put_aside(struct map *map, const struct partial *partial)
{
    struct partials *partials = &map->partials;
    if (partials->fresh_count == partials->fresh_room) {
        size_t room = partials->fresh_room ? 2 * partials->fresh_room : ROOM;
        struct partial *more = realloc(partials->fresh, room * sizeof *more);
        if (!more)
            return false;
        partials->fresh = more;
        partials->fresh_room = room;
    }
    partials->fresh[partials->fresh_count++] = *partial;
    return true;
}

bool map_reduce_take(struct map *map, size_t first, const struct note *note, const void *payload)
{
    size_t start = map_index(map, first + note->from);
    struct partial partial = {.range = {start, start + note->count}};
    assert(note->size == map->work->out_size);
    if (!put(map, &partial, note, payload)) {
        run_out_of_memory(map);
        return false;
    }
    bool kept = partial.parcel != 0;
    if (map->failed || map->stopped) {
        release(map, &partial);
    } else if (!put_aside(map, &partial)) {
        release(map, &partial);
        run_out_of_memory(map);
    }
    return kept;
}

/* More may come in the middle, and so may what makes all of it worthless. */
void map_reduce_combine(struct map *map)
{
    struct partials *partials = &map->partials;
    while (partials->fresh_count)
        if (!hold(map, partials->fresh[--partials->fresh_count]))
            run_out_of_memory(map);
}

void map_reduce_combine_all(struct manager *manager)
{
    for (struct map *map = manager->reductions; map; map = map->reduction_behind)
        map_reduce_combine(map);
}

void map_reduce_begin(struct map *map)
{
    map->reduction_behind = map->manager->reductions;
    map->manager->reductions = map;
}

void map_reduce_end(struct map *map)
{
    for (struct map **link = &map->manager->reductions; *link; link = &(*link)->reduction_behind)
        if (*link == map) {
            *link = map->reduction_behind;
            break;
        }
    map_reduce_forget(map);
}

void map_reduce_finish(struct map *map)
{
    const struct map_work *work = map->work;
    if (!work->n)
        return;
    struct partial *all = &map->partials.table[find(&map->partials, 0)];
    assert(all->range.start == 0 && all->range.end == work->n);
    memcpy(work->out, result_of(all), work->out_size);
}

void map_reduce_forget(struct map *map)
{
    struct partials *partials = &map->partials;
    for (size_t i = 0; i < partials->room; i++)
        if (partials->table[i].range.end)
            release(map, &partials->table[i]);
    while (partials->fresh_count)
        release(map, &partials->fresh[--partials->fresh_count]);
    free(partials->table);
    free(partials->fresh);
    *partials = (struct partials){0};
}
