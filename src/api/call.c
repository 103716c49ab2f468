/* What a task may call. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/philox.h"
#include "run/perform.h"

static struct call *call_of(const rp_call *call)
{
    return (struct call *)(uintptr_t)call;
}

int rp_return_large(rp_call *call, const void *data, size_t size)
{
    struct call *c = call_of(call);
    if (!data && size)
        return rp_fail(call, "rp_return: `data` is NULL, yet it has %zu bytes", size);
    if (c->answers == ANSWER_DROPPED)
        return 0;
    if (c->answers == ANSWER_PLACED && size > call->capacity) {
        call->length = size; /* which fails the item: nothing is copied */
        return 0;
    }
    if (c->kept && data == c->kept && size <= c->kept_size) { /* it has been written where it belongs */
        call->length = size;
        return 0;
    }
    void *room = call_reserve(c, size);
    if (!room)
        return 1;
    if (size)
        memmove(room, data, size);
    return 0;
}

void *rp_reserve(rp_call *call, size_t size)
{
    return call_reserve(call_of(call), size);
}

int rp_fail(rp_call *call, const char *format, ...)
{
    struct call *c = call_of(call);
    va_list arguments;
    va_start(arguments, format);
    call_say_list(c, format, arguments);
    va_end(arguments);
    return 1;
}

const void *rp_common(rp_call *call, size_t *size)
{
    const struct call *c = call_of(call);
    if (size)
        *size = c->common_size;
    return c->common_size ? c->common : NULL;
}

const void *rp_shared(rp_call *call, rp_share_id id, size_t *size)
{
    const struct larder *larder = &call_of(call)->performer->larder;
    size_t bytes = 0;
    const void *found = larder->find_share(larder->owner, id, &bytes);
    if (size)
        *size = bytes;
    return found;
}

size_t rp_call_index(const rp_call *call)
{
    return *call_of(call)->index;
}

int rp_call_attempt(const rp_call *call)
{
    return call_of(call)->attempt;
}

void **rp_local(rp_call *call)
{
    return &call_of(call)->performer->local;
}

/* The key is the seed and the map, the counter the item and the block within it. */
void rp_random(rp_call *call, uint64_t *words, size_t n)
{
    struct call *c = call_of(call);
    const uint64_t key[2] = {c->performer->seed, c->map};
    c->marked = true;
    for (size_t i = 0; i < n; i++) {
        if (c->random_words % 4 == 0) {
            const uint64_t counter[4] = {c->random_words / 4, *c->index, 0, 0};
            philox4x64(counter, key, c->random);
        }
        words[i] = c->random[c->random_words++ % 4];
    }
}

rp_status rp_here(rp_call *call, rp_worker_info *info)
{
    const struct performer *performer = call_of(call)->performer;
    if (!info)
        return RP_INVALID;
    *info = crew_info(performer->crew, performer->self, performer->done);
    return RP_OK;
}

/* ---- Queues ------------------------------------------------------------------------------ */

rp_status rp_call_put(rp_call *call, rp_queue_id queue, const void *data, size_t size, double seconds)
{
    const struct larder *larder = &call_of(call)->performer->larder;
    if ((!data && size) || size > PTRDIFF_MAX / 2)
        return RP_INVALID;
    return larder->put(larder->owner, queue, data, size, clock_deadline(seconds));
}

rp_status rp_call_get(rp_call *call, rp_queue_id queue, rp_view *view, double seconds)
{
    const struct larder *larder = &call_of(call)->performer->larder;
    rp_view ignored;
    return larder->get(larder->owner, queue, view ? view : &ignored, clock_deadline(seconds));
}
