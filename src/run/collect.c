#include "run/collect.h"

#include "board/outbox.h"
#include "board/parcel.h"
#include "run/map_reduce.h"
#include "run/road.h"

/* What a note carries: `size` bytes, valid until it has been taken in. */
static const void *payload_of(const struct manager *manager, const struct note *note)
{
    if (note->flags & NOTE_PLACED || !note->size)
        return NULL;
    return note_has_parcel(note) ? board_at(&manager->board, note->result.offset) : note->result.bytes;
}

void collect_note(struct manager *manager, int worker, const struct note *note)
{
    int post = note->post % BOARD_POSTS;
    struct posting *posting = &manager->postings[post];
    const void *payload = payload_of(manager, note);
    bool kept = posting->ops && posting->ops->take_note(posting->work, post, note, payload, worker);
    if (note_has_parcel(note) && !kept)
        parcel_mark_taken(&manager->board, note->result.offset);
}

/* An outbox that notes are taken from, with the next of them. */
struct source {
    int member;
    struct outbox_span span;
    const struct note *note;
    uint64_t ended;
};

static void read_next(const struct manager *manager, struct source *source)
{
    source->note = outbox_note(&manager->board, source->member, source->span.first);
    source->ended = source->note->ended;
}

/* Below `at` each source of the heap ended before its children at 2 at + 1 and 2 at + 2. */
static void sift(struct source *heap, int count, int at)
{
    struct source moved = heap[at];
    for (int child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && heap[child + 1].ended < heap[child].ended;
        if (moved.ended <= heap[child].ended)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Notes of several workers are taken in by the time at which their work ended: completion order
 * holds across workers too. */
static void merge(struct manager *manager, const int *members, int count)
{
    struct source heap[BOARD_WORKERS_MAX];
    int left = 0;
    for (int i = 0; i < count; i++) {
        heap[left] = (struct source){.member = members[i], .span = outbox_look(&manager->board, members[i])};
        if (heap[left].span.first < heap[left].span.end)
            read_next(manager, &heap[left++]);
    }
    for (int at = left / 2; at-- > 0;)
        sift(heap, left, at);
    while (left) {
        collect_note(manager, heap[0].member, heap[0].note);
        if (++heap[0].span.first < heap[0].span.end) {
            read_next(manager, &heap[0]);
        } else {
            outbox_take(&manager->board, heap[0].member, heap[0].span.end);
            heap[0] = heap[--left];
        }
        sift(heap, left, 0);
    }
}

static bool collect(struct manager *manager)
{
    bool any = manager->agents && road_turn(manager->setup.road);
    int members[BOARD_WORKERS_MAX], count = 0;
    for (int word = 0; word <= (manager->crew->here - 1) / 64; word++)
        for (uint64_t bits = outbox_ready(&manager->board, word); bits; bits &= bits - 1)
            members[count++] = word * 64 + __builtin_ctzll(bits);
    merge(manager, members, count);
    return any || count > 0;
}

bool collect_notes(struct manager *manager)
{
    bool any = !manager_is_alone(manager) && collect(manager);
    map_reduce_combine_all(manager);
    return any;
}

void collect_all_notes(struct manager *manager)
{
    int members[BOARD_WORKERS_MAX], count = 0;
    for (int i = 1; i < manager->crew->here; i++)
        members[count++] = i;
    merge(manager, members, count);
}
