#include "run/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/outbox.h"
#include "board/share.h"
#include "sched/policy.h"

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

/* ---- Notes ------------------------------------------------------------------------------- */

/* Notes that wait are said to wait from before the next claim's announcement until they are out:
 * else the manager of somebody's death would take their items for lost. */
static bool flush_spill(struct station *station)
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

static void spill(struct station *station, const struct note *note)
{
    struct station_spill *spill = malloc(sizeof *spill);
    if (!spill) {
        /* Without memory to go on, wait for the manager: it empties the ring when it comes back. */
        outbox_wake_manager(&station->board);
        while (!outbox_put(&station->board, note))
            ;
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

static void send(void *state, struct note *note, const void *payload)
{
    struct station *station = state;
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
    if (flush_spill(station) && outbox_put(&station->board, note))
        outbox_notify(&station->board, note->count, note->status != RP_OK);
    else
        spill(station, note);
}

/* ---- Life -------------------------------------------------------------------------------- */

struct station *station_open(struct roster *roster, uint64_t id, const struct memory_handle *board)
{
    struct station *station = calloc(1, sizeof *station);
    if (!station)
        return NULL;
    station->id = id;
    if (board_attach(&station->board, roster, id, board, NULL)) {
        free(station);
        return NULL;
    }
    station->crew = crew_of_roster(roster);
    if (!station->crew || parcels_init(&station->parcels, &station->board)) {
        crew_drop(station->crew);
        board_release(&station->board);
        free(station);
        return NULL;
    }
    performer_init(&station->performer, roster->self, station->crew, station->board.shared->seed);
    station->performer.slot = board_slot(&station->board);
    station->performer.larder = (struct larder){larder_take, larder_give, find_share, station};
    return station;
}

static rp_status run_hook(struct station *station, const char *what, struct board_function function,
                          const void *in, size_t in_size, struct error *error)
{
    rp_fn *fn;
    if (!function.module)
        return RP_OK;
    rp_status status = func_decode(&station->functions, (struct func_ref){function.module, function.offset},
                                   board_find_module(&station->board, function.module), &fn, error);
    return status ? status : perform_hook(&station->performer, what, fn, in, in_size, error);
}

/* Before the first claim. The state is said before `closing` is read, and the manager does it the
 * other way round: so it waits for everybody whose initializer runs. */
static void enter(struct station *station)
{
    struct board_shared *shared = station->board.shared;
    struct slot *slot = board_slot(&station->board);
    struct error error = {0};
    atomic_store(&slot->state, SLOT_ENTERING);
    if (atomic_load(&shared->closing)) {
        atomic_store(&slot->state, SLOT_LEFT);
    } else if (run_hook(station, "initializer", shared->initializer,
                        shared->initarg_size ? board_at(&station->board, shared->initarg) : NULL,
                        shared->initarg_size, &error)) {
        atomic_store(&slot->state, SLOT_LEFT);
        board_break(&station->board, error.text);
    } else {
        atomic_store(&slot->state, SLOT_READY);
    }
    outbox_wake_manager(&station->board);
}

static void leave(struct station *station)
{
    struct slot *slot = board_slot(&station->board);
    uint32_t state = atomic_load(&slot->state);
    if (state == SLOT_READY || state == SLOT_AWAY)
        run_hook(station, "finalizer", station->board.shared->finalizer, NULL, 0, NULL);
    post_leave(&station->board);
    atomic_store(&slot->state, SLOT_LEFT);
    outbox_wake_manager(&station->board);
}

void station_close(struct station *station)
{
    if (atomic_load(&board_slot(&station->board)->state) != SLOT_LEFT)
        leave(station);
    while (station->spill_first) {
        struct station_spill *spill = station->spill_first;
        station->spill_first = spill->behind;
        free(spill);
    }
    performer_fini(&station->performer);
    parcels_fini(&station->parcels);
    crew_drop(station->crew);
    board_release(&station->board);
    free(station);
}

/* The manager that closes says so and then looks at the state, while this worker says that it is
 * back and then looks whether the pool closes: one of them sees the other. */
void station_pause(struct station *station)
{
    uint32_t ready = SLOT_READY;
    station_idle(station);
    if (atomic_compare_exchange_strong(&board_slot(&station->board)->state, &ready, SLOT_AWAY))
        outbox_wake_manager(&station->board);
}

void station_resume(struct station *station)
{
    uint32_t away = SLOT_AWAY;
    atomic_compare_exchange_strong(&board_slot(&station->board)->state, &away, SLOT_READY);
}

bool station_flush(struct station *station)
{
    return flush_spill(station);
}

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

static uint32_t choose_run(struct station *station, const struct post_offer *offer, double item_ns)
{
    struct post *post = offer->post;
    struct policy_view view = {
        .schedule = (enum schedule)atomic_load_explicit(&post->schedule, memory_order_relaxed),
        .chunk = atomic_load_explicit(&post->chunk, memory_order_relaxed),
        .total = atomic_load_explicit(&post->total, memory_order_relaxed),
        .remaining = atomic_load_explicit(&post->behind, memory_order_relaxed) + offer->available,
        .workers = atomic_load_explicit(&station->board.shared->participants, memory_order_relaxed),
        .item_ns = item_ns,
        .weight = 1,
    };
    if (view.schedule == SCHEDULE_ADAPTIVE)
        view.weight = weigh(&station->board, item_ns);
    uint64_t run = policy_run(&view);
    return run < offer->available ? (uint32_t)run : offer->available;
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
        .first = post->first,
        .begin = post->begin,
        .common = post->common_size ? board_at(board, post->common) : NULL,
        .common_size = post->common_size,
        .map = atomic_load_explicit(&post->map, memory_order_relaxed),
        .flags = post->flags,
        .attempt = (int)post->attempt,
        .post = index,
    };
}

/* Items whose function is not to be had here fail one by one, with the reason. */
static void refuse(struct station *station, uint16_t post, uint32_t from, uint32_t count, const char *why)
{
    for (uint32_t i = from; i < from + count; i++) {
        struct note note = {.post = post, .status = RP_MISMATCH, .from = i, .count = 1, .size = strlen(why)};
        send(station, &note, why);
    }
}

static void perform_claim(struct station *station, const struct post_offer *offer, uint32_t run)
{
    const struct post *post = offer->post;
    uint64_t map = atomic_load_explicit(&post->map, memory_order_relaxed);
    struct station_map *known = find_map(station, map);
    if (known->map != map || !known->fn || known->function.module != post->function.module ||
        known->function.offset != post->function.offset) {
        known->function = post->function;
        known->fn = find_function(station, post->function, known->why, sizeof known->why);
    }
    if (!known->fn) {
        refuse(station, (uint16_t)offer->index, offer->next, run, known->why);
        return;
    }
    struct stretch stretch = stretch_of(station, post, (uint16_t)offer->index);
    stretch.fn = known->fn;
    uint64_t ns = post->flags & POST_PACKED
                      ? perform_packed(&station->performer, &stretch, offer->next, run, send, station)
                      : perform_run(&station->performer, &stretch, offer->next, run, send, station);
    known->item_ns = policy_learn(known->item_ns, (double)ns / run);
    atomic_store_explicit(&board_slot(&station->board)->item_ns, (uint64_t)known->item_ns + 1,
                          memory_order_relaxed);
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
        send(station, &note, NULL);
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
                            .attempt = (int)record->attempt};
    perform_errand(&station->performer, &errand, &note, send, station);
}

/* ---- Serving ----------------------------------------------------------------------------- */

static bool is_closing(const struct station *station)
{
    return atomic_load(&station->board.shared->closing);
}

static uint32_t state_of(const struct station *station)
{
    return atomic_load_explicit(&board_slot(&station->board)->state, memory_order_relaxed);
}

bool station_must_attend(struct station *station)
{
    struct post_offer offer;
    uint32_t state = state_of(station);
    bool all_sent = flush_spill(station);
    return state == SLOT_EMPTY ||
           (state == SLOT_READY && is_closing(station) && all_sent && !post_peek(&station->board, 0, &offer));
}

void station_attend(struct station *station)
{
    if (state_of(station) == SLOT_EMPTY)
        enter(station);
    else
        leave(station);
}

bool station_claim(struct station *station, struct station_claim *claim)
{
    if (state_of(station) != SLOT_READY)
        return false;
    while (post_peek(&station->board, 0, &claim->offer)) {
        uint64_t map = atomic_load_explicit(&claim->offer.post->map, memory_order_relaxed);
        claim->run = map ? choose_run(station, &claim->offer, find_map(station, map)->item_ns) : 1;
        if (post_claim(&station->board, &claim->offer, claim->run))
            return true;
    }
    return false;
}

void station_perform(struct station *station, const struct station_claim *claim)
{
    if (atomic_load_explicit(&claim->offer.post->map, memory_order_relaxed))
        perform_claim(station, &claim->offer, claim->run);
    else
        perform_record(station, &claim->offer);
}

bool station_has_work(struct station *station)
{
    struct post_offer offer;
    uint32_t state = state_of(station);
    if (state == SLOT_LEFT)
        return false;
    if (station->spill_first && flush_spill(station))
        return true;
    return state == SLOT_EMPTY || post_peek(&station->board, 0, &offer) ||
           (is_closing(station) && !station->spill_first);
}

void station_idle(struct station *station)
{
    post_leave(&station->board);
    performer_rest(&station->performer);
}
