#include "run/station_state.h"

#include <stdlib.h>

#include "board/outbox.h"
#include "record/drain.h"
#include "run/box.h"

static void free_station(struct station *station)
{
    crew_drop(station->crew);
    board_release(&station->board);
    free(station);
}

static rp_status isolate(struct station *station, const struct memory_handle *board, struct error *error)
{
    struct box_setup setup = {.performer = &station->performer,
                              .board = &station->board,
                              .board_handle = *board,
                              .task_memory = station->board.shared->task_memory};
    rp_status status = box_open(&setup, &station->box, error);
    station->performer.box = station->box;
    return status;
}

static bool is_halted(void *owner)
{
    const struct station *station = owner;
    return atomic_load_explicit(&station->board.shared->drains, memory_order_relaxed) == DRAINS_NOW;
}

rp_status station_open(struct roster *roster, uint64_t id, const struct memory_handle *board,
                       struct station **made, struct error *error)
{
    struct station *station = calloc(1, sizeof *station);
    if (!station)
        return error_set(error, RP_NO_MEMORY, "no memory for a worker's part in a pool");
    station->id = id;
    rp_status status = board_attach(&station->board, roster, id, board, error);
    if (status) {
        free(station);
        return status;
    }
    station->crew = crew_of_roster(roster);
    if (!station->crew || parcels_init(&station->parcels, &station->board)) {
        free_station(station);
        return error_set(error, RP_NO_MEMORY, "no memory for a worker's part in a pool");
    }
    performer_init(&station->performer, roster->self, station->crew, station->board.shared->seed);
    performer_stand(&station->performer, board_slot(&station->board));
    station->performer.larder = station_larder(station);
    station->performer.is_halted = station->board.shared->drains ? is_halted : NULL;
    station->performer.halter = station;
    status = station->board.shared->isolate ? isolate(station, board, error) : RP_OK;
    if (status) {
        performer_fini(&station->performer);
        parcels_fini(&station->parcels);
        free_station(station);
        return status;
    }
    if (station->board.shared->drains)
        drain_watch(NULL, NULL); /* its signals are the manager's matter */
    *made = station;
    return RP_OK;
}

static rp_status run_hook(struct station *station, enum hook what, struct board_function function,
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
    } else if (run_hook(station, HOOK_INITIALIZER, shared->initializer,
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
        run_hook(station, HOOK_FINALIZER, station->board.shared->finalizer, NULL, 0, NULL);
    post_leave(&station->board);
    atomic_store(&slot->state, SLOT_LEFT);
    outbox_wake_manager(&station->board);
}

void station_close(struct station *station)
{
    if (atomic_load(&board_slot(&station->board)->state) != SLOT_LEFT)
        leave(station);
    box_close(station->box);
    while (station->spill_first) {
        struct station_spill *spill = station->spill_first;
        station->spill_first = spill->behind;
        free(spill);
    }
    if (station->board.shared->drains)
        drain_unwatch(false);
    performer_fini(&station->performer);
    parcels_fini(&station->parcels);
    free_station(station);
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

/* ---- First and last ---------------------------------------------------------------------- */

bool station_must_attend(struct station *station)
{
    struct post_offer offer;
    uint32_t state = station_state(station);
    bool all_sent = station_flush(station);
    return state == SLOT_EMPTY || (state == SLOT_READY && station_is_closing(station) && all_sent &&
                                   !post_peek(&station->board, 0, &offer));
}

void station_attend(struct station *station)
{
    if (station_state(station) == SLOT_EMPTY)
        enter(station);
    else
        leave(station);
}
