#include "board/parcel.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_SIZE (UINT64_C(4) << 20) /* bytes that are worth no look */

_Static_assert(sizeof(struct parcel) == ARENA_ALIGN,
               "what follows a parcel's head is aligned as an allocation");

int parcels_init(struct parcels *parcels, struct board *board)
{
    parcels_init_in(parcels, board, &parcels->own);
    return arena_init(&parcels->own, board->shared, board_region(board, board->self),
                      board->shared->region_size);
}

void parcels_init_in(struct parcels *parcels, struct board *board, struct arena *arena)
{
    *parcels = (struct parcels){.board = board, .arena = arena};
}

void parcels_fini(struct parcels *parcels)
{
    arena_fini(&parcels->own);
    free(parcels->sent);
    *parcels = (struct parcels){0};
}

struct parcel *parcel_head(const struct board *board, uint64_t offset)
{
    return (struct parcel *)board_at(board, offset) - 1;
}

static bool reclaim_one(struct parcels *parcels, struct parcel_entry entry)
{
    if (!atomic_load(&parcel_head(parcels->board, entry.offset)->taken))
        return false;
    arena_give(parcels->arena, entry.offset - sizeof(struct parcel), entry.size + sizeof(struct parcel));
    parcels->bytes -= entry.size;
    return true;
}

static void reclaim(struct parcels *parcels)
{
    size_t kept = 0;
    for (size_t i = parcels->first; i < parcels->end; i++)
        if (!reclaim_one(parcels, parcels->sent[i]))
            parcels->sent[kept++] = parcels->sent[i];
    parcels->first = 0;
    parcels->end = kept;
    parcels->bytes_then = parcels->bytes;
}

/* Those that were taken first are reclaimed at once, so that the same memory is used again. All are
 * looked through when the books are full, so that a parcel costs a constant on average; and when the
 * memory has doubled, since one that is kept may hide what was taken behind it. */
static int make_room(struct parcels *parcels)
{
    while (parcels->first < parcels->end && reclaim_one(parcels, parcels->sent[parcels->first]))
        parcels->first++;
    if (parcels->first == parcels->end)
        parcels->first = parcels->end = 0;
    bool doubled = parcels->bytes > 2 * parcels->bytes_then + LOOK_SIZE;
    if (parcels->end < parcels->room && !doubled)
        return 0;
    reclaim(parcels);
    if (parcels->end * 2 < parcels->room)
        return 0;
    size_t room = parcels->room ? 2 * parcels->room : 64;
    struct parcel_entry *more = realloc(parcels->sent, room * sizeof *more);
    if (!more)
        return parcels->end < parcels->room ? 0 : -1;
    parcels->sent = more;
    parcels->room = room;
    return 0;
}

uint64_t parcel_take(struct parcels *parcels, size_t size)
{
    if (size > SIZE_MAX / 2 || make_room(parcels))
        return ARENA_NONE;
    uint64_t start = arena_take(parcels->arena, size + sizeof(struct parcel));
    if (start == ARENA_NONE) {
        reclaim(parcels);
        start = arena_take(parcels->arena, size + sizeof(struct parcel));
    }
    if (start == ARENA_NONE)
        return ARENA_NONE;
    uint64_t offset = start + sizeof(struct parcel);
    atomic_store(&parcel_head(parcels->board, offset)->taken, 0);
    parcels->bytes += size;
    parcels->sent[parcels->end++] = (struct parcel_entry){offset, size};
    return offset;
}

/* It is one of the last that were taken. Nobody else has seen it, so it need not wait for those that
 * were sent before it. */
void parcel_give(struct parcels *parcels, uint64_t offset)
{
    for (size_t i = parcels->end; i-- > parcels->first;) {
        if (parcels->sent[i].offset != offset)
            continue;
        atomic_store(&parcel_head(parcels->board, offset)->taken, 1);
        reclaim_one(parcels, parcels->sent[i]);
        parcels->end--;
        memmove(parcels->sent + i, parcels->sent + i + 1, (parcels->end - i) * sizeof *parcels->sent);
        return;
    }
}

void parcel_mark_taken(struct board *board, uint64_t offset)
{
    atomic_store(&parcel_head(board, offset)->taken, 1);
}
