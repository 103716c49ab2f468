/* What a task has from its box: memory of the page, and what only the rank can do, which it waits for. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/arena.h"
#include "board/growing.h"
#include "board/share.h"
#include "run/box_child.h"
#include "run/forker.h"

/* A copy of what the rank alone could find. */
struct known_share {
    struct known_share *behind;
    uint64_t number, checked; /* in that order it was there still */
    size_t size;
    _Alignas(64) unsigned char bytes[];
};

/* ---- Memory ------------------------------------------------------------------------------ */

/* The next free place. */
static uint64_t next_place(const struct child *child)
{
    return (child->top + BOX_ALIGN - 1) / BOX_ALIGN * BOX_ALIGN;
}

static uint64_t area_take(struct child *child, size_t size)
{
    uint64_t start = next_place(child);
    if (start > child->memory.size || size > child->memory.size - start)
        return ARENA_NONE;
    if (start + size > child->reached) {
        if (!growing_extend_by_handle(&child->handle, start + size))
            return ARENA_NONE;
        child->reached = start + size;
    }
    child->top = start + size;
    return start;
}

static void *larder_take(void *owner, size_t size, uint64_t *offset)
{
    struct child *child = owner;
    *offset = area_take(child, size);
    return *offset == ARENA_NONE ? NULL : box_area_at(child, *offset);
}

/* What was taken last goes back; the rest lasts until the order ends. */
static void larder_give(void *owner, uint64_t offset, size_t size)
{
    struct child *child = owner;
    if (offset + size == child->top)
        child->top = offset;
}

/* ---- What the rank does for it ----------------------------------------------------------- */

static rp_status request(struct child *child, enum box_wish wish, uint64_t number, uint64_t deadline,
                         uint64_t offset, size_t *size)
{
    struct box_request *request = &child->page->request;
    request->wish = wish;
    request->number = number;
    request->deadline = deadline;
    request->offset = offset;
    request->size = *size;
    uint64_t serial = atomic_load(&request->made) + 1;
    atomic_store(&request->made, serial);
    forker_ring(child->bell);
    for (;;) {
        uint32_t call = atomic_load(&child->page->call);
        if (atomic_load(&request->met) == serial)
            break;
        futex_wait(&child->page->call, call, CLOCK_NEVER);
    }
    *size = request->size;
    if (offset && wish != BOX_PUT && request->status == RP_OK && child->reached < offset + *size)
        child->reached = offset + *size;
    return request->status;
}

static const void *fetch_share(struct child *child, uint64_t number, size_t *size)
{
    uint64_t place = next_place(child); /* where the rank will put it */
    size_t bytes = 0;
    if (request(child, BOX_SHARE, number, 0, place, &bytes))
        return NULL;
    struct known_share *share = malloc(sizeof *share + bytes);
    if (!share)
        return NULL;
    *share = (struct known_share){
        .behind = child->shares, .number = number, .checked = child->serial, .size = bytes};
    memcpy(share->bytes, box_area_at(child, place), bytes);
    child->shares = share;
    *size = bytes;
    return share->bytes;
}

/* It may have been given up since the last order. */
static bool is_there_still(struct child *child, struct known_share *share)
{
    size_t size = 0;
    if (share->checked != child->serial && request(child, BOX_SHARE, share->number, 0, 0, &size))
        return false;
    share->checked = child->serial;
    return true;
}

static const void *find_share(void *owner, uint64_t number, size_t *size)
{
    struct child *child = owner;
    if (child->board.shared)
        return share_find(&child->board, number, size);
    for (struct known_share *share = child->shares; share; share = share->behind)
        if (share->number == number) {
            bool there = is_there_still(child, share);
            *size = there ? share->size : 0;
            return there ? share->bytes : NULL;
        }
    return fetch_share(child, number, size);
}

static rp_status put(void *owner, uint64_t queue, const void *data, size_t size, uint64_t deadline)
{
    struct child *child = owner;
    uint64_t top = child->top, place = area_take(child, size);
    if (place == ARENA_NONE)
        return RP_NO_MEMORY;
    if (size)
        memcpy(box_area_at(child, place), data, size);
    rp_status status = request(child, BOX_PUT, queue, deadline, place, &size);
    child->top = top;
    return status;
}

/* The bytes stay until the order ends. */
static rp_status get(void *owner, uint64_t queue, rp_view *view, uint64_t deadline)
{
    struct child *child = owner;
    uint64_t place = next_place(child);
    size_t size = 0;
    rp_status status = request(child, BOX_GET, queue, deadline, place, &size);
    if (status)
        return status;
    child->top = place + size;
    *view = (rp_view){box_area_at(child, place), size};
    return RP_OK;
}

struct larder box_larder(struct child *child)
{
    return (struct larder){larder_take, larder_give, find_share, put, get, child};
}
