#include "run/retry.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "run/manager.h"
#include "run/watch.h"

struct retry {
    uint64_t due;
    uint64_t serial; /* of the posting */
    int post;
    uint32_t item;
};

static const char said[] = "the worker died"; /* fits into a note */
_Static_assert(sizeof said - 1 <= NOTE_INLINE, "a sentence without a parcel");

uint64_t retry_time(int attempt)
{
    uint64_t pause = RETRY_PAUSE_NS;
    for (int i = 1; i < attempt && pause < RETRY_LONGEST_NS; i++)
        pause *= 2;
    return clock_ns() + (pause < RETRY_LONGEST_NS ? pause : RETRY_LONGEST_NS);
}

static bool append(struct retries *retries, struct retry retry)
{
    if (retries->count == retries->room) {
        size_t room = retries->room ? 2 * retries->room : 16;
        struct retry *more = realloc(retries->list, room * sizeof *more);
        if (!more)
            return false;
        retries->list = more;
        retries->room = room;
    }
    retries->list[retries->count++] = retry;
    return true;
}

bool retry_may(rp_status status, int attempt, int retries)
{
    bool lost = status == RP_WORKER_LOST;
    if (!lost && status != RP_TASK_CRASHED && status != RP_TASK_TIMEOUT)
        return false;
    if (!retries && lost)
        retries = RETRIES_LOST;
    return attempt <= retries;
}

/* What a worker has died of may end the next one's node: which of its items it runs is told there. */
static bool repost(struct manager *manager, const struct posting *posting, int post, uint32_t item)
{
    manager->suspecting = true;
    bool posted = posting->ops->repost(posting->work, post, item, 1, true);
    manager->suspecting = false;
    return posted;
}

/* False: it has no other try. Without memory to wait, or where the work has stopped, it goes back at once. */
static bool try_again(struct manager *manager, int post, uint32_t number, rp_status status)
{
    const struct posting *posting = &manager->postings[post];
    struct posting_item item = posting->ops->tell(posting->work, post, number);
    if (!retry_may(status, item.attempt, item.retries))
        return false;
    struct retry retry = {retry_time(item.attempt), posting->serial, post, number};
    if (!item.stopped && append(&manager->retries, retry))
        return true;
    return repost(manager, posting, post, number);
}

bool retry_note(struct manager *manager, int post, const struct note *note)
{
    return note->status != RP_OK && try_again(manager, post, note->from, (rp_status)note->status);
}

void retry_lost(struct manager *manager, int post, uint32_t number, int worker)
{
    const struct posting *posting = &manager->postings[post];
    struct note note = {.post = (uint16_t)post,
                        .status = RP_WORKER_LOST,
                        .from = number,
                        .count = 1,
                        .ended = clock_ns(),
                        .size = sizeof said - 1};
    memcpy(note.result.bytes, said, note.size);
    posting->ops->take_note(posting->work, post, &note, note.result.bytes, worker);
}

/* False: it is to be kept, since there was no room. */
static bool post_again(struct manager *manager, const struct retry *retry)
{
    const struct posting *posting = &manager->postings[retry->post];
    if (!posting->ops || posting->serial != retry->serial || lease_has_ended(&posting->lease, retry->item))
        return true;
    return repost(manager, posting, retry->post, retry->item);
}

bool retry_waits(const struct manager *manager, int post, uint32_t item)
{
    for (size_t i = 0; i < manager->retries.count; i++) {
        const struct retry *retry = &manager->retries.list[i];
        if (retry->post == post && retry->item == item && retry->serial == manager->postings[post].serial)
            return true;
    }
    return false;
}

uint64_t retry_due(const struct manager *manager)
{
    uint64_t due = CLOCK_NEVER;
    for (size_t i = 0; i < manager->retries.count && !manager->draining; i++)
        if (manager->retries.list[i].due < due)
            due = manager->retries.list[i].due;
    return due;
}

void retry_post(struct manager *manager)
{
    struct retries *retries = &manager->retries;
    uint64_t now = retries->count ? clock_ns() : 0;
    for (size_t i = 0; i < retries->count && !manager->draining;) {
        struct retry retry = retries->list[i];
        bool due = retry.due <= now;
        if (due && post_again(manager, &retry)) {
            retries->list[i] = retries->list[--retries->count];
            continue;
        }
        if (due) /* there will be room when something has ended */
            retries->list[i].due = now + RETRY_PAUSE_NS;
        i++;
    }
}

void retry_give_up(struct manager *manager, const void *work)
{
    for (size_t i = 0; i < manager->retries.count; i++)
        if (manager->postings[manager->retries.list[i].post].work == work)
            manager->retries.list[i].due = 0;
    retry_post(manager);
}

void retry_free(struct retries *retries)
{
    free(retries->list);
    *retries = (struct retries){0};
}

void retry_rest(uint64_t until)
{
    _Atomic uint32_t never = 0;
    uint64_t tick = clock_ns() + WATCH_TICK_NS;
    futex_wait(&never, 0, until < tick ? until : tick);
}
