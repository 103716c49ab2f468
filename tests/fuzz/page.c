/* The page of an isolated child, as a task gone wild may leave it: whatever its words are, the rank takes in
 * notes that fit the order, writes nowhere but where the order's results belong, and reads only the page.
 *
 * An input is an order, then what the child has written: notes (sealed as a child does, or not), words,
 * a wish, and bytes anywhere. The rank then looks at it as box_watch does. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/growing.h"
#include "fuzz.h"
#include "run/box_state.h"
#include "run/crew.h"

enum { REACH = 4 << 20, AREA = 128 << 10, LEAST = BOX_AREA + AREA, SHARED = 5000 };

/* ---- The rank ---------------------------------------------------------------------------- */

struct rank {
    bool poor; /* it has no memory for results */
    void *held;
    char *out;
    struct job *job;
};

static void *take(void *owner, size_t size, uint64_t *offset)
{
    struct rank *rank = owner;
    FUZZ_CHECK(size <= REACH && !rank->held);
    *offset = 4711;
    return rank->held = rank->poor ? NULL : malloc(size + !size);
}

static void give(void *owner, uint64_t offset, size_t size)
{
    struct rank *rank = owner;
    (void)size;
    FUZZ_CHECK(offset == 4711);
    free(rank->held);
    rank->held = NULL;
}

static const void *find_share(void *owner, uint64_t number, size_t *size)
{
    static const char share[SHARED];
    (void)owner;
    *size = sizeof share;
    return number == 1 ? share : NULL;
}

static volatile unsigned sum;

static void read_all(const void *data, size_t size)
{
    for (size_t i = 0; i < size; i += 61)
        sum += ((const unsigned char *)data)[i];
    if (size)
        sum += ((const unsigned char *)data)[size - 1];
}

static rp_status put(void *owner, uint64_t queue, const void *data, size_t size, uint64_t deadline)
{
    const struct rank *rank = owner;
    (void)deadline;
    FUZZ_CHECK((const char *)data >= box_area(rank->job->box, BOX_AREA));
    read_all(data, size);
    return queue ? RP_OK : RP_INVALID;
}

static rp_status get(void *owner, uint64_t queue, rp_view *view, uint64_t deadline)
{
    static const char item[SHARED];
    (void)owner, (void)deadline;
    *view = (rp_view){item, queue % (sizeof item + 1)};
    return queue ? RP_OK : RP_CLOSED;
}

/* As the manager reads what a worker sends. */
static void check_parcel(const struct note *note, const void *parcel)
{
    const struct packed_results *results = parcel;
    size_t at = packed_start(results->room);
    FUZZ_CHECK(note->count <= results->room);
    for (uint32_t i = 0; i < note->count; i++) {
        FUZZ_CHECK(at + results->size[i] <= note->size);
        read_all((const char *)parcel + at, results->size[i]);
        at = packed_aligned((uint32_t)(at + results->size[i]));
    }
}

static void sink(void *state, struct note *note, const void *payload)
{
    struct rank *rank = state;
    const struct job *job = rank->job;
    FUZZ_CHECK(note->count >= 1 && job->next <= job->end); /* it counts them already */
    FUZZ_CHECK(job->errand || note->from + note->count == job->next);
    FUZZ_CHECK(note->ran >= 0 && note->ended <= clock_ns());
    if (payload) {
        FUZZ_CHECK(!rank->held && note->size <= (note->status ? SENTENCE_LENGTH : NOTE_INLINE));
        read_all(payload, note->size);
    } else if (note->flags & NOTE_PLACED) {
        FUZZ_CHECK(!note->status && note->size <= job->stretch->out_size);
    } else if (note->size || note_has_parcel(note)) {
        FUZZ_CHECK(!note->status && rank->held && note->result.offset == 4711);
        if (note->flags & NOTE_PACKED)
            check_parcel(note, rank->held);
        read_all(rank->held, note->size);
    }
    free(rank->held);
    rank->held = NULL;
}

/* ---- The child --------------------------------------------------------------------------- */

/* Near what the order allows, or anything. */
static uint64_t some(struct fuzz *fuzz, uint64_t allowed)
{
    uint64_t any = 0;
    switch (fuzz_byte(fuzz) % 4) {
    case 0:
        return allowed;
    case 1:
        return allowed + fuzz_byte(fuzz) - 128;
    case 2:
        return fuzz_byte(fuzz);
    default:
        fuzz_take(fuzz, &any, sizeof any);
        return any;
    }
}

static void write_note(struct fuzz *fuzz, struct box_note *place, const struct job *job)
{
    static const uint16_t flags[] = {NOTE_PLACED, NOTE_PACKED, 0, NOTE_FIRST, NOTE_PLACED | NOTE_PACKED,
                                     0xffff};
    struct note *note = &place->note;
    uint8_t sealed = fuzz_byte(fuzz);
    note->flags = flags[fuzz_below(fuzz, sizeof flags / sizeof *flags)];
    note->status = fuzz_byte(fuzz);
    note->from = (uint32_t)some(fuzz, note->from);
    note->count = (uint32_t)some(fuzz, 1);
    note->size = some(fuzz, job->expect.out_size);
    fuzz_take(fuzz, &note->ran, sizeof note->ran);
    note->ended = some(fuzz, job->expect.begun);
    note->result.offset = some(fuzz, BOX_AREA + PACKED_ALIGN * (uint64_t)fuzz_byte(fuzz));
    place->carried = (uint32_t)some(fuzz, note->size);
    fuzz_take(fuzz, place->text, fuzz_byte(fuzz));
    if (sealed % 8 && place->carried <= SENTENCE_LENGTH)
        place->seal = box_seal(note, place->text, place->carried, job->expect.serial);
}

static void write_notes(struct fuzz *fuzz, struct box_page *page, const struct job *job)
{
    uint32_t count = fuzz_below(fuzz, 8), from = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct box_note *place = &page->notes[i];
        place->note.from = from;
        write_note(fuzz, place, job);
        from = place->note.from + place->note.count;
    }
    atomic_store(&page->head, some(fuzz, count));
}

/* A parcel of packed results, more or less. */
static void write_parcel(struct fuzz *fuzz, struct box *box)
{
    struct packed_results *results =
        (void *)box_area(box, BOX_AREA + PACKED_ALIGN * (uint64_t)fuzz_byte(fuzz));
    uint32_t count = fuzz_below(fuzz, 16);
    results->room = (uint32_t)some(fuzz, count);
    for (uint32_t i = 0; i < count; i++)
        results->size[i] = (uint32_t)some(fuzz, 16);
}

static void write_wish(struct fuzz *fuzz, struct box_request *request)
{
    request->made = fuzz_byte(fuzz) % 4 == 1;
    request->wish = (enum box_wish)fuzz_below(fuzz, BOX_GET + 2);
    request->number = fuzz_word(fuzz);
    request->offset = some(fuzz, LEAST);
    request->size = some(fuzz, SHARED);
}

static void write_anywhere(struct fuzz *fuzz, struct box_page *page)
{
    while (fuzz->left) {
        uint32_t at = fuzz_word(fuzz) % (LEAST - 256);
        fuzz_take(fuzz, (char *)page + at, fuzz_byte(fuzz));
    }
}

static void write_page(struct fuzz *fuzz, struct box *box, const struct job *job)
{
    struct box_page *page = box->page;
    box_set_guards(page);
    atomic_store(&page->running, some(fuzz, 100));
    atomic_store(&page->phase, fuzz_below(fuzz, BOX_REFUSED + 2));
    write_notes(fuzz, page, job);
    if (fuzz_byte(fuzz) % 2)
        write_parcel(fuzz, box);
    write_wish(fuzz, &page->request);
    write_anywhere(fuzz, page);
}

/* ---- All --------------------------------------------------------------------------------- */

static const uint32_t stretch_flags[] = {0, POST_STOP, POST_DROP_RESULTS, POST_STOP | POST_DROP_RESULTS};

static void give_order(struct fuzz *fuzz, struct job *job, struct stretch *stretch)
{
    static const struct errand errand = {.index = 100};
    static const enum box_way ways[] = {BOX_RUN, BOX_PACKED, BOX_REDUCE, BOX_ERRAND};
    uint8_t way = fuzz_byte(fuzz);
    bool halted = way / 4 % 2;
    job->way = ways[way % 4];
    job->errand = job->way == BOX_ERRAND ? &errand : NULL;
    job->stretch = job->errand ? NULL : stretch;
    stretch->flags = stretch_flags[fuzz_below(fuzz, 4)];
    stretch->out_size = fuzz_byte(fuzz);
    job->end = job->errand ? 1 : 1 + fuzz_below(fuzz, 50);
    job->next = job->order_from = fuzz_below(fuzz, job->end);
    job->out = BOX_AREA;
    job->expect = (struct box_expect){.way = job->way,
                                      .flags = job->stretch ? stretch->flags : 0,
                                      .halted = halted,
                                      .count = job->end - job->next,
                                      .out_size = job->stretch ? stretch->out_size : 0,
                                      .serial = 3,
                                      .begun = clock_ns()};
}

/* What is wished for goes to the area, and the answer to its place. */
static void check_wish(struct box *box)
{
    static struct box_page before;
    struct box_page *page = box->page;
    if (!page->request.made) {
        FUZZ_CHECK(!box_meet_wish(box));
        return;
    }
    memcpy(&before, page, sizeof before);
    FUZZ_CHECK(box_meet_wish(box));
    before.request.status = page->request.status;
    before.request.size = page->request.size;
    before.request.met = page->request.met;
    before.call = page->call;
    FUZZ_CHECK(memcmp(&before, page, sizeof before) == 0);
}

static void look(struct box *box, struct job *job)
{
    uint32_t item;
    box_take_notes(job);
    FUZZ_CHECK(job->next <= job->end);
    check_wish(box);
    if (box_find_item(job, &item))
        FUZZ_CHECK(item >= job->next && item < job->end);
    box_birth(box, FORKER_ENDED, 0);
    FUZZ_CHECK(memchr(box->refusal.text, '\0', sizeof box->refusal.text));
}

void fuzz_one(struct fuzz *fuzz)
{
    static struct performer performer;
    struct rank rank = {0};
    struct stretch stretch = {.fn = NULL, .first = 100};
    struct box box = {
        .performer = &performer, .base = BOX_AREA, .room = BOX_AREA, .known = LEAST, .child = true};
    struct job job = {.box = &box, .sink = sink, .state = &rank};
    struct error error;
    FUZZ_SAY(!growing_create(REACH, LEAST, &box.memory, &error), error.text);
    box.page = box.memory.base;
    rank.poor = fuzz_byte(fuzz) % 8 == 7;
    rank.job = &job;
    performer.larder = (struct larder){take, give, find_share, put, get, &rank};
    give_order(fuzz, &job, &stretch);
    stretch.out = rank.out = malloc(job.end * stretch.out_size + 1);
    FUZZ_CHECK(rank.out);
    write_page(fuzz, &box, &job);
    look(&box, &job);
    free(rank.out);
    memory_release(&box.memory);
}
