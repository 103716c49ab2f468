/* Jobs: orders until each item has its note. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "board/growing.h"
#include "run/box_state.h"
#include "run/perform_state.h"

#define LARGE ((uint64_t)16 << 20) /* of an order: its pages are given back */

/* What is known of the item that ended a child, and of those that may have. */
struct blame {
    bool set; /* the next item that gets no note of its own is this one: */
    uint32_t item;
    rp_status status;
    int code;
    char why[192];
    uint32_t until; /* items before this one run one by one */
    int tries;      /* children in a row that did not begin */
};

/* ---- Notes ------------------------------------------------------------------------------- */

/* What comes next, to the sink: `note` says how many items, and how they ended. */
static void emit(struct job *job, struct note *note, const void *payload)
{
    uint64_t now = clock_ns();
    note->post = job->whose.post;
    note->from = job->errand ? job->whose.from : job->next;
    note->flags = (uint16_t)((note->flags & (NOTE_PLACED | NOTE_PACKED)) | (job->said ? 0 : NOTE_FIRST));
    if (!note->ended)
        note->ended = now;
    job->said = true;
    job->noted = now;
    job->next += note->count;
    perform_count(job->box->performer, note);
    job->sink(job->state, note, payload);
}

static void emit_end(struct job *job, rp_status status, int code, const char *sentence)
{
    struct note note = {.status = status,
                        .count = 1,
                        .code = code,
                        .size = strlen(sentence),
                        .ran = (float)((double)(clock_ns() - job->noted) * 1e-9)};
    emit(job, &note, note.size ? sentence : NULL);
}

/* Results that lie where the order said, from item `next` on. */
static void place_results(const struct job *job, uint32_t count, size_t size)
{
    const struct stretch *stretch = job->stretch;
    size_t stride = stretch->out_size;
    if (!size || stretch->flags & POST_DROP_RESULTS)
        return;
    const char *results = box_area(job->box, job->out + (job->next - job->order_from) * stride);
    memcpy(stretch->out + job->next * stride, results, count > 1 ? count * stride : size);
}

static void emit_without_memory(struct job *job, const struct note *note)
{
    char why[96];
    snprintf(why, sizeof why, "no memory for a result of %llu bytes", (unsigned long long)note->size);
    for (uint32_t i = 0; i < note->count; i++)
        emit_end(job, RP_NO_MEMORY, 0, why);
}

/* A longer result moves to where the sink expects it; false: it is none. */
static bool take_kept(struct job *job, struct note *note)
{
    const struct larder *larder = &job->box->performer->larder;
    uint64_t offset;
    void *memory = larder->take(larder->owner, note->size, &offset);
    if (!memory) {
        emit_without_memory(job, note);
        return true;
    }
    memcpy(memory, box_area(job->box, note->result.offset), note->size);
    if (note->flags & NOTE_PACKED && !box_is_packed(memory, note->size, note->count)) {
        larder->give(larder->owner, offset, note->size);
        return false;
    }
    note->result.offset = offset;
    emit(job, note, NULL);
    return true;
}

static bool take_said(struct job *job, struct box_said *said)
{
    struct note *note = &said->note;
    if (said->kept)
        return take_kept(job, note);
    if (note->flags & NOTE_PLACED)
        place_results(job, note->count, note->size);
    emit(job, note, note->size && !(note->flags & NOTE_PLACED) ? said->text : NULL);
    return true;
}

bool box_take_notes(struct job *job)
{
    struct box *box = job->box;
    struct box_page *page = box->page;
    _Alignas(16) struct box_said said;
    uint64_t head = atomic_load(&page->head);
    if (head == job->position)
        return box_is_intact(page);
    if (head < job->position || head - job->position > BOX_NOTES || !box_is_intact(page))
        return false;
    job->expect.known = box->known = growing_size(&box->memory);
    for (; job->position < head; job->position++) {
        if (!box_read(page, job->position, &job->expect, job->next - job->order_from, &said) ||
            !take_said(job, &said))
            return false;
    }
    atomic_store(&page->tail, head);
    forker_ring(&page->call); /* it may wait for room */
    return true;
}

/* ---- Endings ----------------------------------------------------------------------------- */

static void give_back_rest(struct job *job)
{
    struct note note = {.status = RP_CANCELLED, .count = job->end - job->next};
    if (note.count)
        emit(job, &note, NULL);
}

/* What stands behind a failed item, where that stops its work. A last try stands alone. */
static void skip_rest(struct job *job)
{
    uint32_t stops = job->stretch ? job->stretch->flags & (POST_STOP | POST_RETRY) : 0;
    if (stops == POST_STOP)
        give_back_rest(job);
}

static bool is_halted(const struct job *job)
{
    const struct performer *performer = job->box->performer;
    return job->stretch && performer->is_halted && performer->is_halted(performer->halter);
}

/* The items before the culprit were good, or had notes: of a plain run their results are there. Of others
 * they run again, up to the culprit, whose end is known by then. */
static void blame(struct job *job, struct blame *blame, uint32_t culprit, rp_status status, int code,
                  const char *why)
{
    if (job->way == BOX_RUN && culprit > job->next) {
        struct note note = {
            .count = culprit - job->next, .flags = NOTE_PLACED, .size = job->stretch->out_size};
        place_results(job, note.count, note.size);
        emit(job, &note, NULL);
    }
    *blame = (struct blame){.set = true, .item = culprit, .status = status, .code = code};
    snprintf(blame->why, sizeof blame->why, "%s", why);
}

static void say_late(const struct job *job, char *why, size_t room)
{
    snprintf(why, room, "it ran for longer than the %g s that it may", (double)job->limit_ns * 1e-9);
}

static void say_dead(char *why, size_t room, int status, int *code)
{
    char end[128];
    *code = box_say_end(end, sizeof end, status);
    snprintf(why, room, "its process %s", end);
}

/* Nobody knows which item it was: one by one they will show. */
static void doubt(struct job *job, struct blame *doubts, uint32_t count)
{
    doubts->until = job->order_from + count;
}

static void go_on(struct job *job, struct blame *b, const struct outcome *outcome)
{
    char why[192];
    int code = 0;
    bool single = job->expect.count == 1 && job->next == job->order_from;
    bool late = outcome->ending == ENDING_LATE;
    if (late)
        say_late(job, why, sizeof why);
    else if (outcome->ending == ENDING_SPOILED)
        snprintf(why, sizeof why, "it wrote over memory that its process shares with the worker");
    else
        say_dead(why, sizeof why, outcome->status, &code);
    if (outcome->known || single)
        blame(job, b, single ? job->next : outcome->culprit, late ? RP_TASK_TIMEOUT : RP_TASK_CRASHED, code,
              why);
    else
        doubt(job, b, job->expect.count);
}

/* ---- Jobs -------------------------------------------------------------------------------- */

static void fail_rest(struct job *job, rp_status status, const char *why)
{
    while (job->next < job->end)
        emit_end(job, status, 0, why);
}

/* How many items the next order has. */
static uint32_t choose_count(const struct job *job, const struct blame *b)
{
    if (b->set)
        return b->item - job->next;
    return job->next < b->until ? 1 : job->end - job->next;
}

static void settle_blame(struct job *job, struct blame *b)
{
    b->set = false;
    emit_end(job, b->status, b->code, b->why);
    skip_rest(job);
}

static void tidy(struct box *box, const struct job *job)
{
    (void)job;
    if (box->known - box->base > LARGE)
        memory_discard(box_area(box, box->base), box->known - box->base);
}

/* One order: false, with the reason, where nothing can run any more. */
static bool run_order(struct job *job, struct blame *b, uint32_t count)
{
    struct box *box = job->box;
    if (!box->child && box_start_child(box, &box->refusal))
        return false;
    if (!box_order(job, count)) {
        fail_rest(job, RP_NO_MEMORY, "no shared memory for its input and its result");
        return true;
    }
    uint32_t before = job->next;
    struct outcome outcome = box_watch(job);
    tidy(box, job);
    if (outcome.ending == ENDING_DONE) {
        uint64_t took = clock_ns() - job->expect.begun, said = atomic_load(&box->page->ns);
        job->ns += said < took ? said : took;
        return true;
    }
    if (outcome.ending == ENDING_REFUSED)
        return false;
    if (outcome.ending == ENDING_AGAIN && ++b->tries > BOX_TRIES) {
        error_set(&box->refusal, RP_POOL_BROKEN, "processes for tasks end before they have begun");
        return false;
    }
    if (outcome.ending == ENDING_AGAIN)
        return true;
    if (job->next > before)
        b->tries = 0;
    go_on(job, b, &outcome);
    return true;
}

static void run_job(struct job *job)
{
    struct box *box = job->box;
    struct blame b = {0};
    job->noted = clock_ns();
    while (job->next < job->end) {
        uint32_t count = choose_count(job, &b);
        if (is_halted(job)) {
            give_back_rest(job);
        } else if (!count) {
            settle_blame(job, &b);
        } else if (box->refusal.status || !run_order(job, &b, count)) {
            fail_rest(job, RP_POOL_BROKEN, box->refusal.text);
        }
    }
}

uint64_t box_run(struct box *box, const struct stretch *stretch, uint32_t from, uint32_t count,
                 note_sink *sink, void *state)
{
    struct job job = {.box = box,
                      .way = stretch->flags & POST_PACKED   ? BOX_PACKED
                             : stretch->flags & POST_REDUCE ? BOX_REDUCE
                                                            : BOX_RUN,
                      .stretch = stretch,
                      .whose.post = stretch->post,
                      .limit_ns = stretch->limit_ns,
                      .sink = sink,
                      .state = state,
                      .next = from,
                      .end = from + count};
    uint64_t begun = clock_ns();
    run_job(&job);
    uint64_t took = clock_ns() - begun, combine = atomic_load(&box->page->combine_ns);
    box->performer->combine_ns = combine < took ? combine : took;
    return job.ns ? job.ns : took;
}

void box_errand(struct box *box, const struct errand *errand, const struct note *note, note_sink *sink,
                void *state)
{
    struct job job = {.box = box,
                      .way = BOX_ERRAND,
                      .errand = errand,
                      .whose = *note,
                      .limit_ns = errand->limit_ns,
                      .sink = sink,
                      .state = state,
                      .end = 1};
    run_job(&job);
}
