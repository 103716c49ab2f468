#include "run/collect.h"

#include "board/outbox.h"
#include "board/parcel.h"

/* What a note carries: `size` bytes, valid until it has been taken in. */
static const void *payload_of(const struct manager *manager, const struct note *note)
{
    if (note->flags & NOTE_PLACED || !note->size)
        return NULL;
    return note_has_parcel(note) ? board_at(&manager->board, note->result.offset) : note->result.bytes;
}

static void take_in(struct manager *manager, int member, const struct note *note)
{
    int post = note->post % BOARD_POSTS;
    struct posting *posting = &manager->postings[post];
    const void *payload = payload_of(manager, note);
    bool kept = posting->ops && posting->ops->take_note(posting->work, post, note, payload, member);
    if (note_has_parcel(note) && !kept)
        parcel_mark_taken(&manager->board, note->result.offset);
}

/* Notes of several workers are taken in by the time at which their work ended: completion order
 * holds across workers too. */
static void merge(struct manager *manager, const int *members, int count)
{
    struct source {
        int member;
        struct outbox_span span;
        const struct note *note;
    } sources[BOARD_WORKERS_MAX];
    int left = 0;
    for (int i = 0; i < count; i++) {
        struct outbox_span span = outbox_look(&manager->board, members[i]);
        if (span.first < span.end)
            sources[left++] =
                (struct source){members[i], span, outbox_note(&manager->board, members[i], span.first)};
    }
    while (left) {
        struct source *next = &sources[0];
        for (int i = 1; i < left; i++)
            if (sources[i].note->ended < next->note->ended)
                next = &sources[i];
        take_in(manager, next->member, next->note);
        if (++next->span.first < next->span.end) {
            next->note = outbox_note(&manager->board, next->member, next->span.first);
        } else {
            outbox_take(&manager->board, next->member, next->span.end);
            *next = sources[--left];
        }
    }
}

bool collect_notes(struct manager *manager)
{
    if (manager_is_alone(manager))
        return false;
    int members[BOARD_WORKERS_MAX], count = 0;
    for (int word = 0; word <= (manager->crew->count - 1) / 64; word++)
        for (uint64_t bits = outbox_ready(&manager->board, word); bits; bits &= bits - 1)
            members[count++] = word * 64 + __builtin_ctzll(bits);
    merge(manager, members, count);
    return count > 0;
}

void collect_all_notes(struct manager *manager)
{
    int members[BOARD_WORKERS_MAX], count = 0;
    for (int i = 1; i < manager->crew->count; i++)
        members[count++] = i;
    merge(manager, members, count);
}
