#include "board/parcel.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct parcel) == ARENA_ALIGN,
               "what follows a parcel's head is aligned as an allocation");

int parcels_init(struct parcels *parcels, struct board *board)
{
    *parcels = (struct parcels){.board = board};
    return arena_init(&parcels->arena, board->shared, board_region(board, board->self),
                      board->shared->region_size);
}

void parcels_fini(struct parcels *parcels)
{
    arena_fini(&parcels->arena);
    free(parcels->sent);
    *parcels = (struct parcels){0};
}

static struct parcel *head_of(struct board *board, uint64_t offset)
{
    return (struct parcel *)board_at(board, offset) - 1;
}

static void reclaim(struct parcels *parcels)
{
    size_t kept = 0;
    for (size_t i = 0; i < parcels->count; i++) {
        struct parcel_entry entry = parcels->sent[i];
        if (atomic_load(&head_of(parcels->board, entry.offset)->taken))
            arena_give(&parcels->arena, entry.offset - sizeof(struct parcel),
                       entry.size + sizeof(struct parcel));
        else
            parcels->sent[kept++] = entry;
    }
    parcels->count = kept;
}

/* The books are looked through when they are full, so that a parcel costs a constant on average;
 * and when the oldest one was taken, so that the same memory is used again. */
static int make_room(struct parcels *parcels)
{
    if (parcels->count && atomic_load(&head_of(parcels->board, parcels->sent[0].offset)->taken))
        reclaim(parcels);
    if (parcels->count < parcels->room)
        return 0;
    reclaim(parcels);
    if (parcels->count * 2 < parcels->room)
        return 0;
    size_t room = parcels->room ? 2 * parcels->room : 64;
    struct parcel_entry *more = realloc(parcels->sent, room * sizeof *more);
    if (!more)
        return parcels->count < parcels->room ? 0 : -1;
    parcels->sent = more;
    parcels->room = room;
    return 0;
}

uint64_t parcel_take(struct parcels *parcels, size_t size)
{
    if (size > SIZE_MAX / 2 || make_room(parcels))
        return ARENA_NONE;
    uint64_t start = arena_take(&parcels->arena, size + sizeof(struct parcel));
    if (start == ARENA_NONE) {
        reclaim(parcels);
        start = arena_take(&parcels->arena, size + sizeof(struct parcel));
    }
    if (start == ARENA_NONE)
        return ARENA_NONE;
    uint64_t offset = start + sizeof(struct parcel);
    atomic_store(&head_of(parcels->board, offset)->taken, 0);
    parcels->sent[parcels->count++] = (struct parcel_entry){offset, size};
    return offset;
}

void parcel_give(struct parcels *parcels, uint64_t offset)
{
    atomic_store(&head_of(parcels->board, offset)->taken, 1);
    (void)parcels;
}

void parcel_mark_taken(struct board *board, uint64_t offset)
{
    atomic_store(&head_of(board, offset)->taken, 1);
}
