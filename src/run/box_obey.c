/* Runs what an order says, and tells the rank in notes what comes of it. */
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "run/box_child.h"
#include "run/forker.h"

#define WAKE_NS UINT64_C(1000000) /* between wakes of the rank for notes of an order under way */

/* ---- Notes ------------------------------------------------------------------------------- */

uint64_t box_seal(const struct note *note, const char *text, uint32_t carried, uint64_t serial)
{
    uint64_t words[sizeof *note / sizeof(uint64_t)], sum = serial * BOX_GUARD + carried;
    memcpy(words, note, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        sum = (sum ^ words[i]) * BOX_GUARD + (sum >> 29);
    for (uint32_t i = 0; i < carried; i++)
        sum = (sum ^ (unsigned char)text[i]) * BOX_GUARD;
    return sum ^ sum >> 32;
}

static void await_room(struct child *child)
{
    struct box_page *page = child->page;
    for (;;) {
        uint32_t call = atomic_load(&page->call);
        if (child->head - atomic_load(&page->tail) < BOX_NOTES)
            return;
        forker_ring(child->bell);
        futex_wait(&page->call, call, CLOCK_NEVER);
    }
}

static void send(void *state, struct note *note, const void *payload)
{
    struct child *child = state;
    await_room(child);
    struct box_note *place = &child->page->notes[child->head % BOX_NOTES];
    uint32_t carried = 0;
    if (payload) {
        carried = note->size < SENTENCE_LENGTH ? (uint32_t)note->size : SENTENCE_LENGTH;
        memcpy(place->text, payload, carried);
    }
    place->note = *note;
    place->carried = carried;
    place->seal = box_seal(note, place->text, carried, child->serial);
    atomic_store(&child->page->head, ++child->head);
    bool fills = child->head % (BOX_NOTES / 2) == 0;
    if (fills || note->ended - child->woken > WAKE_NS) {
        child->woken = note->ended;
        forker_ring(child->bell);
    }
}

/* ---- Orders ------------------------------------------------------------------------------ */

void *box_place_at(const struct child *child, struct box_place place)
{
    if (place.where == BOX_ON_BOARD)
        return board_at(&child->board, place.offset);
    return place.where == BOX_ON_PAGE ? box_area_at(child, place.offset) : NULL;
}

rp_status box_find(struct child *child, const struct box_function *function, rp_fn **fn, struct error *error)
{
    const char *path = function->path[0] ? function->path : NULL;
    return func_decode(&child->functions, function->name, path, fn, error);
}

static void refuse(struct child *child, const struct box_order *order, const char *why)
{
    for (uint32_t i = 0; i < order->count; i++) {
        struct note note = {
            .status = RP_MISMATCH, .from = i, .count = 1, .size = strlen(why), .ended = clock_ns()};
        send(child, &note, why);
    }
}

static void run_errand(struct child *child, const struct box_order *order, rp_fn *fn)
{
    struct errand errand = {.fn = fn,
                            .in = box_place_at(child, order->in),
                            .in_size = order->in_size,
                            .index = order->first,
                            .attempt = order->attempt,
                            .map = order->map,
                            .common = box_place_at(child, order->common),
                            .common_size = order->common_size};
    struct note note = {0};
    perform_errand(&child->performer, &errand, &note, send, child);
}

static uint64_t run_stretch(struct child *child, const struct box_order *order, rp_fn *fn,
                            rp_combine *combine)
{
    static uint64_t (*const ways[])(struct performer *, const struct stretch *, uint32_t, uint32_t,
                                    note_sink *, void *) = {
        [BOX_RUN] = perform_run, [BOX_PACKED] = perform_packed, [BOX_REDUCE] = perform_reduce};
    struct stretch stretch = {.fn = fn,
                              .combine = combine,
                              .in = box_place_at(child, order->in),
                              .in_size = order->in_size,
                              .out = box_place_at(child, order->out),
                              .out_size = order->out_size,
                              .indices = box_place_at(child, order->indices),
                              .inputs = box_place_at(child, order->inputs),
                              .first = order->first,
                              .total = order->total,
                              .begin = order->begin,
                              .common = box_place_at(child, order->common),
                              .common_size = order->common_size,
                              .map = order->map,
                              .flags = order->flags,
                              .attempt = order->attempt};
    performer_rest(&child->performer);
    return ways[order->way](&child->performer, &stretch, 0, order->count, send, child);
}

void box_obey(struct child *child, const struct box_order *order)
{
    struct error error;
    rp_fn *fn, *combine = NULL;
    rp_status status = box_find(child, &order->fn, &fn, &error);
    if (!status && order->combine.name.module)
        status = box_find(child, &order->combine, &combine, &error);
    if (status) {
        if (order->way != BOX_FINALIZE)
            refuse(child, order, error.text);
        return;
    }
    uint64_t ns = 0;
    if (order->way == BOX_ERRAND)
        run_errand(child, order, fn);
    else if (order->way == BOX_FINALIZE)
        perform_hook(&child->performer, HOOK_FINALIZER, fn, NULL, 0, NULL);
    else
        ns = run_stretch(child, order, fn, (rp_combine *)(void (*)(void))combine);
    atomic_store_explicit(&child->page->ns, ns, memory_order_relaxed);
    atomic_store_explicit(&child->page->combine_ns, child->performer.combine_ns, memory_order_relaxed);
}
