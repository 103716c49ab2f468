#include "board/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "board/memory.h"

/* Ranges of this size and more give their pages back to the system when freed. */
#define LARGE ((uint64_t)64 << 20)

static uint64_t rounded(size_t size)
{
    return size > SIZE_MAX - ARENA_ALIGN ? ARENA_NONE
                                         : ((uint64_t)size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

int arena_init(struct arena *arena, void *base, uint64_t start, uint64_t size)
{
    *arena = (struct arena){.base = base, .room = 16};
    arena->holes = malloc(arena->room * sizeof *arena->holes);
    if (!arena->holes)
        return -1;
    arena->holes[0] = (struct arena_hole){start, size / ARENA_ALIGN * ARENA_ALIGN};
    arena->count = 1;
    return 0;
}

void arena_fini(struct arena *arena)
{
    free(arena->holes);
    *arena = (struct arena){0};
}

static void remove_hole(struct arena *arena, size_t at)
{
    arena->count--;
    memmove(arena->holes + at, arena->holes + at + 1, (arena->count - at) * sizeof *arena->holes);
}

uint64_t arena_take(struct arena *arena, size_t size)
{
    uint64_t wanted = rounded(size ? size : 1);
    for (size_t i = 0; i < arena->count; i++) {
        struct arena_hole *hole = &arena->holes[i];
        if (hole->size < wanted)
            continue;
        uint64_t offset = hole->start;
        hole->start += wanted;
        hole->size -= wanted;
        if (!hole->size)
            remove_hole(arena, i);
        arena->in_use += wanted;
        return offset;
    }
    return ARENA_NONE;
}

/* The first hole behind `offset`. */
static size_t find_behind(const struct arena *arena, uint64_t offset)
{
    size_t low = 0, high = arena->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (arena->holes[middle].start < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int insert_hole(struct arena *arena, size_t at, struct arena_hole hole)
{
    if (arena->count == arena->room) {
        struct arena_hole *more = realloc(arena->holes, 2 * arena->room * sizeof *more);
        if (!more)
            return -1;
        arena->holes = more;
        arena->room *= 2;
    }
    memmove(arena->holes + at + 1, arena->holes + at, (arena->count - at) * sizeof hole);
    arena->holes[at] = hole;
    arena->count++;
    return 0;
}

void arena_give(struct arena *arena, uint64_t offset, size_t size)
{
    uint64_t length = rounded(size ? size : 1);
    assert(arena->in_use >= length);
    arena->in_use -= length;
    if (length >= LARGE)
        memory_discard(arena->base + offset, length);

    size_t at = find_behind(arena, offset);
    struct arena_hole *before = at ? &arena->holes[at - 1] : NULL;
    struct arena_hole *behind = at < arena->count ? &arena->holes[at] : NULL;
    if (before && before->start + before->size == offset) {
        before->size += length;
        if (behind && offset + length == behind->start) {
            before->size += behind->size;
            remove_hole(arena, at);
        }
    } else if (behind && offset + length == behind->start) {
        behind->start = offset;
        behind->size += length;
    } else {
        /* Without memory for the book entry the range stays unused: a loss, not an error. */
        (void)insert_hole(arena, at, (struct arena_hole){offset, length});
    }
}
