#include <stdio.h>
#include <string.h>

#include "base/spin.h"
#include "board/queue.h"
#include "run/box.h"
#include "run/station_state.h"
#include "sched/policy.h"
#include "sched/tree.h"

#define TRICKLE_NS 2000 /* of work: what a claim costs, several times */

/* ---- Maps -------------------------------------------------------------------------------- */

static rp_fn *find_function(struct station *station, struct board_function function, char *why, size_t room)
{
    struct error error;
    rp_fn *fn;
    if (!func_decode(&station->functions, (struct func_ref){function.module, function.offset},
                     board_find_module(&station->board, function.module), &fn, &error))
        return fn;
    snprintf(why, room, "%.*s", (int)room - 1, error.text);
    return NULL;
}

static struct station_map *find_map(struct station *station, uint64_t map)
{
    for (unsigned i = 0; i < STATION_MAPS; i++)
        if (station->maps[i].map == map)
            return &station->maps[i];
    struct station_map *known = &station->maps[station->next_map++ % STATION_MAPS];
    *known = (struct station_map){.map = map};
    return known;
}

/* The mean time of an item over this worker's: above 1 for a fast worker. */
static double weigh(const struct board *board, double item_ns)
{
    double sum = 0, count = 0;
    for (uint32_t i = 1; i < board->shared->members; i++) {
        double other = (double)atomic_load_explicit(&board->slot[i].item_ns, memory_order_relaxed);
        if (other > 0) {
            sum += other;
            count++;
        }
    }
    return count > 0 && item_ns > 0 ? sum / count / item_ns : 1;
}

static uint32_t choose_run(struct station *station, const struct post_offer *offer,
                           const struct station_map *known)
{
    struct post *post = offer->post;
    struct policy_view view = {
        .schedule = (enum schedule)atomic_load_explicit(&post->schedule, memory_order_relaxed),
        .chunk = atomic_load_explicit(&post->chunk, memory_order_relaxed),
        .total = atomic_load_explicit(&post->total, memory_order_relaxed),
        .remaining = atomic_load_explicit(&post->behind, memory_order_relaxed) + offer->available,
        .workers = atomic_load_explicit(&station->board.shared->participants, memory_order_relaxed),
        .item_ns = known->item_ns,
        .measured = known->measured,
        .weight = 1,
        .claim_ns = station->box ? BOX_CLAIM_NS : 0,
    };
    if (view.schedule == SCHEDULE_ADAPTIVE)
        view.weight = weigh(&station->board, known->item_ns);
    if (known->combine)
        view.least = policy_least_reduced(view.workers, known->item_ns, known->combine_ns);
    uint64_t run = policy_run(&view);
    if (run >= offer->available)
        return offer->available;
    if (known->combine && view.schedule == SCHEDULE_AUTO && !view.chunk)
        run -= (offer->next + run) & (tree_grain(run) - 1); /* few nodes of the tree */
    return (uint32_t)run;
}

static struct stretch stretch_of(struct station *station, const struct post *post, uint16_t index)
{
    struct board *board = &station->board;
    bool packed = post->flags & POST_PACKED;
    return (struct stretch){
        .in = board_at(board, packed ? 0 : post->in),
        .in_size = post->in_size,
        .out = board_at(board, post->out),
        .out_size = post->out_size,
        .indices = post->indices && !packed ? board_at(board, post->indices) : NULL,
        .inputs = packed ? board_at(board, post->indices) : NULL,
        .parts = post->flags & POST_PARTS ? board_at(board, post->in) : NULL,
        .board = board_at(board, 0),
        .first = post->first,
        .total = atomic_load_explicit(&post->total, memory_order_relaxed),
        .begin = post->begin,
        .common = post->common_size ? board_at(board, post->common) : NULL,
        .common_size = post->common_size,
        .map = atomic_load_explicit(&post->map, memory_order_relaxed),
        .flags = post->flags,
        .attempt = (int)post->attempt,
        .post = index,
        .limit_ns = post->limit_ns,
    };
}

/* Items whose function is not to be had here fail one by one, with the reason. */
static void refuse(struct station *station, uint16_t post, uint32_t from, uint32_t count, const char *why)
{
    for (uint32_t i = from; i < from + count; i++) {
        struct note note = {.post = post, .status = RP_MISMATCH, .from = i, .count = 1, .size = strlen(why)};
        station_send(station, &note, why);
    }
}

static void find_functions(struct station *station, struct station_map *known, const struct post *post)
{
    known->function = post->function;
    known->fn = find_function(station, post->function, known->why, sizeof known->why);
    if (!(post->flags & POST_REDUCE))
        return;
    known->combine =
        (rp_combine *)(void (*)(void))find_function(station, post->combine, known->why, sizeof known->why);
    if (!known->combine)
        known->fn = NULL;
}

static uint64_t perform_stretch(struct station *station, const struct stretch *stretch,
                                const struct station_claim *claim)
{
    static uint64_t (*const ways[])(struct performer *, const struct stretch *, uint32_t, uint32_t,
                                    note_sink *, void *) = {
        [0] = perform_run, [POST_PACKED] = perform_packed, [POST_REDUCE] = perform_reduce};
    return ways[stretch->flags & (POST_PACKED | POST_REDUCE)](&station->performer, stretch, claim->offer.next,
                                                              claim->run, station_send, station);
}

static void learn_combining(const struct station *station, struct station_map *known)
{
    if (known->combine && station->performer.combine_ns)
        known->combine_ns = policy_learn_combined(known->combine_ns, (double)station->performer.combine_ns);
}

static void learn(struct station *station, struct station_map *known, uint64_t ns, uint32_t items)
{
    known->item_ns = policy_learn(known->item_ns, (double)ns / items);
    known->measured += items;
    learn_combining(station, known);
    atomic_store_explicit(&board_slot(&station->board)->item_ns, (uint64_t)known->item_ns + 1,
                          memory_order_relaxed);
}

static void perform_claim(struct station *station, const struct station_claim *claim)
{
    const struct post_offer *offer = &claim->offer;
    const struct post *post = offer->post;
    uint64_t map = atomic_load_explicit(&post->map, memory_order_relaxed);
    struct station_map *known = find_map(station, map);
    if (!known->fn || known->function.module != post->function.module ||
        known->function.offset != post->function.offset)
        find_functions(station, known, post);
    if (!known->fn) {
        refuse(station, (uint16_t)offer->index, offer->next, claim->run, known->why);
        return;
    }
    struct stretch stretch = stretch_of(station, post, (uint16_t)offer->index);
    stretch.fn = known->fn;
    stretch.combine = known->combine;
    if (stretch.parts) {
        perform_parts(&station->performer, &stretch, claim->run, station_send, station);
        learn_combining(station, known);
        return;
    }
    learn(station, known, perform_stretch(station, &stretch, claim), claim->run);
}

/* ---- Submitted tasks --------------------------------------------------------------------- */

static void perform_record(struct station *station, const struct post_offer *offer)
{
    struct board *board = &station->board;
    struct task_record *record = (struct task_record *)board_at(board, offer->post->in) + offer->next;
    struct note note = {.post = (uint16_t)offer->index, .from = offer->next, .count = 1};
    uint32_t pending = RECORD_PENDING;
    if (!atomic_compare_exchange_strong(&record->state, &pending, RECORD_RUNNING)) {
        note.flags = NOTE_SKIPPED;
        station_send(station, &note, NULL);
        return;
    }
    char why[512];
    rp_fn *fn = find_function(station, record->function, why, sizeof why);
    if (!fn) {
        refuse(station, note.post, note.from, 1, why);
        return;
    }
    const void *in =
        record->in_size <= NOTE_INLINE ? record->input.bytes : board_at(board, record->input.offset);
    struct errand errand = {.fn = fn,
                            .in = in,
                            .in_size = record->in_size,
                            .index = record->index,
                            .attempt = (int)record->attempt,
                            .limit_ns = offer->post->limit_ns};
    perform_errand(&station->performer, &errand, &note, station_send, station);
}

/* ---- Serving ----------------------------------------------------------------------------- */

/* Items of a stream that come one by one, and make less work than to claim them does. */
static bool is_trickle(struct station *station, const struct post_offer *offer)
{
    uint64_t map = atomic_load_explicit(&offer->post->map, memory_order_relaxed);
    if (!map || atomic_load_explicit(&offer->post->limit, memory_order_relaxed) & POST_CLOSED)
        return false;
    return offer->available * find_map(station, map)->item_ns < TRICKLE_NS;
}

bool station_claim(struct station *station, struct station_claim *claim)
{
    bool waited = false;
    if (station_state(station) != SLOT_READY)
        return false;
    while (post_peek(&station->board, 0, &claim->offer)) {
        if (!waited && is_trickle(station, &claim->offer)) {
            waited = true;
            spin_briefly();
            continue;
        }
        uint64_t map = atomic_load_explicit(&claim->offer.post->map, memory_order_relaxed);
        claim->run = map ? choose_run(station, &claim->offer, find_map(station, map)) : 1;
        if (!post_claim(&station->board, &claim->offer, claim->run))
            continue;
        atomic_store_explicit(&board_slot(&station->board)->running, RUNNING_NONE, memory_order_relaxed);
        return true;
    }
    return false;
}

void station_perform(struct station *station, const struct station_claim *claim)
{
    if (atomic_load_explicit(&claim->offer.post->map, memory_order_relaxed))
        perform_claim(station, claim);
    else
        perform_record(station, &claim->offer);
}

bool station_has_work(struct station *station)
{
    struct post_offer offer;
    uint32_t state = station_state(station);
    if (state == SLOT_LEFT)
        return false;
    if (station->spill_first && station_flush(station))
        return true;
    return state == SLOT_EMPTY || post_peek(&station->board, 0, &offer) ||
           (station_is_closing(station) && !station->spill_first);
}

void station_idle(struct station *station)
{
    queue_let_go(&station->board);
    post_leave(&station->board);
    performer_rest(&station->performer);
}
