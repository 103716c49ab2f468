#include "record/journal_batch.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN     ((size_t)16)
#define KEPT_ROOM ((size_t)4 << 20) /* bytes that an empty batch keeps */

static size_t aligned(size_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static bool make_room(struct batch *batch, size_t more)
{
    if (more <= batch->room - batch->used)
        return true;
    size_t room = 2 * batch->room > batch->used + more ? 2 * batch->room : batch->used + more;
    char *memory = realloc(batch->memory, room);
    if (!memory)
        return false;
    batch->memory = memory;
    batch->room = room;
    return true;
}

bool batch_add(struct batch *batch, const struct batch_entry *entry)
{
    struct batch_entry added = *entry;
    const struct journal_done *done = &added.done;
    added.has_label = done->label != NULL;
    added.label_size = done->label ? strlen(done->label) + 1 : 0;
    added.has_result = done->result != NULL;
    size_t size = added.has_result ? done->size : 0, head = aligned(sizeof added) + aligned(added.label_size);
    if (size > PTRDIFF_MAX - head - ALIGN || !make_room(batch, head + aligned(size)))
        return false;
    added.bytes = head + aligned(size);
    char *at = batch->memory + batch->used;
    memcpy(at, &added, sizeof added);
    if (done->label)
        memcpy(at + aligned(sizeof added), done->label, added.label_size);
    if (size)
        memcpy(at + head, done->result, size);
    batch->used += added.bytes;
    batch->count++;
    batch->items += !entry->kind;
    return true;
}

const struct batch_entry *batch_next(const struct batch *batch, const struct batch_entry *entry)
{
    const char *at = entry ? (const char *)entry + entry->bytes : batch->memory;
    if (!batch->used)
        return NULL;
    return at == batch->memory + batch->used ? NULL : (const struct batch_entry *)(const void *)at;
}

const char *batch_label(const struct batch_entry *entry)
{
    return entry->has_label ? (const char *)entry + aligned(sizeof *entry) : NULL;
}

const void *batch_result(const struct batch_entry *entry)
{
    return entry->has_result ? (const char *)entry + aligned(sizeof *entry) + aligned(entry->label_size)
                             : NULL;
}

void batch_clear(struct batch *batch)
{
    batch->used = batch->count = batch->items = 0;
    if (batch->room > KEPT_ROOM)
        batch_free(batch);
}

void batch_free(struct batch *batch)
{
    free(batch->memory);
    *batch = (struct batch){0};
}
