#include "sched/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t words_of(uint32_t items)
{
    return items / 64 + 1;
}

int lease_begin(struct lease *lease, uint32_t items, uint32_t room)
{
    if (!lease->ended || room > lease->room) {
        uint64_t *more = realloc(lease->ended, words_of(room) * sizeof *more);
        if (!more)
            return -1;
        lease->ended = more;
        lease->room = room;
    }
    memset(lease->ended, 0, words_of(room) * sizeof *lease->ended);
    lease->items = items;
    lease->open = items;
    return 0;
}

void lease_grow(struct lease *lease, uint32_t items)
{
    assert(items >= lease->items && items <= lease->room);
    lease->open += items - lease->items;
    lease->items = items;
}

void lease_free(struct lease *lease)
{
    free(lease->ended);
    *lease = (struct lease){0};
}

bool lease_has_ended(const struct lease *lease, uint32_t item)
{
    return lease->ended[item / 64] >> (item % 64) & 1;
}

bool lease_end(struct lease *lease, uint32_t item)
{
    assert(item < lease->items);
    if (lease_has_ended(lease, item))
        return false;
    lease->ended[item / 64] |= UINT64_C(1) << (item % 64);
    lease->open--;
    return true;
}

void lease_end_run(struct lease *lease, uint32_t from, uint32_t count)
{
    assert(from <= lease->items && count <= lease->items - from && lease->open >= count);
    uint32_t end = from + count;
    lease->open -= count;
    while (from < end) {
        uint32_t in_word = 64 - from % 64 < end - from ? 64 - from % 64 : end - from;
        uint64_t bits = in_word == 64 ? ~UINT64_C(0) : (UINT64_C(1) << in_word) - 1;
        lease->ended[from / 64] |= bits << (from % 64);
        from += in_word;
    }
}
