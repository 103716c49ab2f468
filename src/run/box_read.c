#include "run/box_read.h"

#include <string.h>

#include "base/clock.h"

void box_set_guards(struct box_page *page)
{
    page->guard_first = page->guard_words = page->guard_notes = page->guard_last = BOX_GUARD;
}

bool box_is_intact(const struct box_page *page)
{
    return page->guard_first == BOX_GUARD && page->guard_words == BOX_GUARD &&
           page->guard_notes == BOX_GUARD && page->guard_last == BOX_GUARD;
}

/* ---- Notes ------------------------------------------------------------------------------- */

static bool is_kept(const struct note *note, const struct box_expect *expect)
{
    uint64_t offset = note->result.offset;
    return offset >= BOX_AREA && offset <= expect->known && note->size <= expect->known - offset &&
           offset % PACKED_ALIGN == 0;
}

/* Results of their own: short ones are carried. */
static bool is_apart(const struct note *note, const struct box_expect *expect, uint32_t carried)
{
    if (note->size <= NOTE_INLINE)
        return carried == note->size;
    return !carried && is_kept(note, expect);
}

static bool is_good(const struct note *note, const struct box_expect *expect, uint32_t carried)
{
    uint32_t kind = note->flags & (NOTE_PLACED | NOTE_PACKED);
    switch (expect->way) {
    case BOX_RUN:
        return kind == NOTE_PLACED && !carried && note->size <= expect->out_size &&
               (note->count == 1 || note->size == expect->out_size);
    case BOX_REDUCE:
        return !kind && note->size == expect->out_size && is_apart(note, expect, carried);
    case BOX_PACKED:
        if (kind == NOTE_PACKED)
            return !carried && note->size >= sizeof(struct packed_results) && note->size <= PACKED_SIZE &&
                   note->count <= PACKED_MOST && is_kept(note, expect);
        return !kind && note->count == 1 && is_apart(note, expect, carried);
    case BOX_ERRAND:
        return !kind && note->count == 1 && is_apart(note, expect, carried);
    default:
        return false;
    }
}

static bool is_possible(const struct note *note, const struct box_expect *expect, uint32_t carried)
{
    if (note->status && note->flags & (NOTE_PLACED | NOTE_PACKED))
        return false; /* what failed has no result */
    switch (note->status) {
    case RP_OK:
        return is_good(note, expect, carried);
    case RP_CANCELLED:
        return (expect->flags & POST_STOP || expect->halted) && !carried;
    case RP_TASK_FAILED:
    case RP_NO_MEMORY:
    case RP_MISMATCH:
        return note->count == 1;
    default:
        return false;
    }
}

/* Times are for people to read, and wrong ones do no harm as long as they are numbers. */
static void mend_times(struct note *note, const struct box_expect *expect)
{
    uint64_t now = clock_ns();
    if (note->ended < expect->begun || note->ended > now)
        note->ended = now;
    if (!(note->ran >= 0 && note->ran < 1e9F))
        note->ran = 0;
}

bool box_read(const struct box_page *page, uint64_t position, const struct box_expect *expect, uint32_t next,
              struct box_said *said)
{
    const struct box_note *place = &page->notes[position % BOX_NOTES];
    said->note = place->note;
    struct note *note = &said->note;
    uint32_t carried = place->carried;
    if (carried > SENTENCE_LENGTH)
        return false;
    memcpy(said->text, place->text, carried);
    if (place->seal != box_seal(note, said->text, carried, expect->serial))
        return false;
    if (!note->count || note->from != next || next > expect->count || note->count > expect->count - next)
        return false;
    if (!is_possible(note, expect, carried))
        return false;
    said->kept = note->status == RP_OK && !carried && expect->way != BOX_RUN && note->size > 0 &&
                 (note->size > NOTE_INLINE || note->flags & NOTE_PACKED);
    if (note->status)
        note->size = carried;
    mend_times(note, expect);
    return true;
}

bool box_is_packed(const void *parcel, size_t size, uint32_t count)
{
    const struct packed_results *results = parcel;
    if (size < sizeof *results || results->room > PACKED_MOST || count > results->room)
        return false;
    uint64_t at = packed_start(results->room);
    if (at > size)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (at > size || results->size[i] > size - at)
            return false;
        at = packed_aligned((uint32_t)at + results->size[i]);
    }
    return true;
}
