#include "board/share.h"

#include <string.h>

#define ROOM 64 /* of the first table */

static struct share_head *head_at(const struct board *board, uint64_t offset)
{
    return board_at(board, offset);
}

/* ---- The table --------------------------------------------------------------------------- */

/* Open addressing, linear probing. The entry of that number, or the free one where it would be. */
static struct share_entry *probe(struct share_table *table, uint64_t number)
{
    uint64_t at = number * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    for (;; at++) {
        struct share_entry *entry = &table->entry[at & (table->room - 1)];
        uint64_t found = atomic_load(&entry->number);
        if (!found || found == number)
            return entry;
    }
}

static void put(struct share_table *table, uint64_t number, uint64_t offset)
{
    struct share_entry *entry = probe(table, number);
    entry->offset = offset;
    atomic_store(&entry->number, number);
    table->count++;
}

/* What was given up is left out. */
static void copy(const struct board *board, struct share_table *to, const struct share_table *from)
{
    for (uint64_t i = 0; i < from->room; i++) {
        uint64_t number = atomic_load(&from->entry[i].number);
        if (number && atomic_load(&head_at(board, from->entry[i].offset)->magic) == (SHARE_MAGIC ^ number))
            put(to, number, from->entry[i].offset);
    }
}

static struct share_table *larger_table(struct board *board, struct arena *arena,
                                        const struct share_table *old)
{
    uint64_t room = old ? 2 * old->room : ROOM;
    size_t size = sizeof *old + room * sizeof *old->entry;
    uint64_t offset = arena_take(arena, size);
    if (offset == ARENA_NONE)
        return NULL;
    struct share_table *table = board_at(board, offset);
    memset(table, 0, size);
    table->room = room;
    if (old)
        copy(board, table, old);
    atomic_store(&board->shared->share_table, offset);
    return table;
}

bool share_list(struct board *board, struct arena *arena, uint64_t number, uint64_t offset)
{
    uint64_t at = atomic_load(&board->shared->share_table);
    struct share_table *table = at ? board_at(board, at) : NULL;
    if (!table || 2 * table->count >= table->room)
        table = larger_table(board, arena, table);
    if (table)
        put(table, number, offset);
    return table;
}

/* ---- Finding ----------------------------------------------------------------------------- */

/* Of the head, if there is such a share; something else if not. */
static uint64_t find_offset(const struct board *board, uint64_t number)
{
    uint64_t table = atomic_load(&board->shared->share_table);
    if (table)
        return number ? probe(board_at(board, table), number)->offset : 0;
    return (number & ((UINT64_C(1) << SHARE_PLACE_BITS) - 1)) * sizeof(struct share_head);
}

const void *share_find(const struct board *board, uint64_t number, size_t *size)
{
    const struct board_shared *shared = board->shared;
    uint64_t offset = find_offset(board, number);
    if (offset < shared->arena || offset >= shared->arena + shared->arena_size - sizeof(struct share_head))
        return NULL;
    const struct share_head *head = head_at(board, offset);
    if (atomic_load(&head->magic) != (SHARE_MAGIC ^ number))
        return NULL;
    *size = head->size;
    return head + 1;
}
