#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/outbox.h"
#include "board/share.h"
#include "run/box.h"
#include "run/queue.h"
#include "run/station_state.h"

#define LOOK_S 1e-3 /* between looks for room */

/* ---- Memory on the board ----------------------------------------------------------------- */

static void *larder_take(void *owner, size_t size, uint64_t *offset)
{
    struct station *station = owner;
    *offset = parcel_take(&station->parcels, size);
    return *offset == ARENA_NONE ? NULL : board_at(&station->board, *offset);
}

static void larder_give(void *owner, uint64_t offset, size_t size)
{
    struct station *station = owner;
    parcel_give(&station->parcels, offset);
    (void)size;
}

static const void *find_share(void *owner, uint64_t number, size_t *size)
{
    const struct station *station = owner;
    return share_find(&station->board, number, size);
}

struct larder station_larder(struct station *station)
{
    return (struct larder){larder_take,       larder_give,       find_share,
                           queueing_task_put, queueing_task_get, station};
}

/* ---- Notes ------------------------------------------------------------------------------- */

/* Notes that wait are said to wait from before the next claim's announcement until they are out:
 * else the manager of somebody's death would take their items for lost. */
bool station_flush(struct station *station)
{
    if (!station->spill_first)
        return true;
    while (station->spill_first) {
        struct station_spill *spill = station->spill_first;
        if (!outbox_put(&station->board, &spill->note))
            return false;
        outbox_notify(&station->board, spill->note.count, spill->note.status != RP_OK);
        station->spill_first = spill->behind;
        if (!station->spill_first)
            station->spill_last = NULL;
        free(spill);
    }
    outbox_say_spilled(&station->board, false);
    return true;
}

static bool put(struct station *station, const struct note *note)
{
    if (!station_flush(station) || !outbox_put(&station->board, note))
        return false;
    outbox_notify(&station->board, note->count, note->status != RP_OK);
    return true;
}

/* Without memory to go on it waits, asleep, until the manager comes back and empties the ring. In a pool
 * that closes nobody wants the note. */
static void wait_for_room(struct station *station, const struct note *note)
{
    _Atomic uint32_t never = 0;
    outbox_wake_manager(&station->board);
    while (!put(station, note) && !station_is_closing(station))
        futex_wait(&never, 0, clock_deadline(LOOK_S));
}

static void spill(struct station *station, const struct note *note)
{
    struct station_spill *spill = malloc(sizeof *spill);
    if (!spill) {
        wait_for_room(station, note);
        return;
    }
    *spill = (struct station_spill){.note = *note};
    if (station->spill_last)
        station->spill_last->behind = spill;
    else
        station->spill_first = spill;
    station->spill_last = spill;
    outbox_say_spilled(&station->board, true);
    outbox_wake_manager(&station->board);
}

/* An initializer that failed in a later child breaks the pool as the first one's does: before anybody
 * hears of the items that it has cost. */
static void break_pool(struct station *station)
{
    atomic_store(&board_slot(&station->board)->state, SLOT_LEFT);
    board_break(&station->board, box_refusal(station->box)->text);
    outbox_wake_manager(&station->board);
}

void station_send(void *state, struct note *note, const void *payload)
{
    struct station *station = state;
    if (note->status == RP_POOL_BROKEN && station->box)
        break_pool(station);
    if (payload && note->size <= NOTE_INLINE) {
        memcpy(note->result.bytes, payload, note->size);
    } else if (payload) {
        uint64_t offset;
        void *parcel = larder_take(station, note->size, &offset);
        if (parcel) {
            memcpy(parcel, payload, note->size);
            note->result.offset = offset;
        } else {
            note->size = 0; /* no memory for the sentence: the code must do */
        }
    }
    if (!put(station, note))
        spill(station, note);
}
