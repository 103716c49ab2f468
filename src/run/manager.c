#include "run/manager.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/growing.h"
#include "record/journal.h"
#include "run/box.h"
#include "run/collect.h"
#include "run/drain.h"
#include "run/holding.h"
#include "run/queue.h"
#include "run/road.h"
#include "run/wait.h"
#include "run/watch.h"

/* ---- Opening and closing ----------------------------------------------------------------- */

static void *larder_take(void *owner, size_t size, uint64_t *offset)
{
    (void)owner;
    void *memory = malloc(size);
    *offset = (uint64_t)(uintptr_t)memory;
    return memory;
}

static void larder_give(void *owner, uint64_t offset, size_t size)
{
    (void)owner, (void)size;
    free((void *)(uintptr_t)offset);
}

static rp_status name_hooks(struct manager *manager, struct board_function *initializer,
                            struct board_function *finalizer, struct error *error)
{
    const struct manager_setup *setup = &manager->setup;
    rp_status status = RP_OK;
    *initializer = setup->named[HOOK_INITIALIZER];
    *finalizer = setup->named[HOOK_FINALIZER];
    if (setup->initializer)
        status = manager_name(manager, setup->initializer, initializer, error);
    if (!status && setup->finalizer)
        status = manager_name(manager, setup->finalizer, finalizer, error);
    return status;
}

static const void *find_share(void *owner, uint64_t number, size_t *size)
{
    return holding_find(owner, number, size);
}

/* What workers read before their first task. */
static rp_status fill_board(struct manager *manager, struct error *error)
{
    const struct manager_setup *setup = &manager->setup;
    struct board_shared *shared = manager->board.shared;
    atomic_store(&shared->participants, (uint32_t)(setup->crew->count - 1) + setup->computes);
    shared->seed = setup->seed;
    atomic_store(&shared->drains, setup->drains || setup->journal ? DRAINS_THEN : DRAINS_NOT);
    shared->isolate = setup->isolate;
    shared->outlying = setup->outlying;
    shared->task_memory = setup->task_memory;
    if (setup->initarg_size) {
        uint64_t offset = arena_take(&manager->arena, setup->initarg_size);
        if (offset == ARENA_NONE)
            return error_set(error, RP_NO_MEMORY, "no memory for an initarg of %zu bytes",
                             setup->initarg_size);
        if (setup->initarg)
            memcpy(board_at(&manager->board, offset), setup->initarg, setup->initarg_size);
        shared->initarg = offset;
        shared->initarg_size = setup->initarg_size;
    }
    for (uint32_t i = 0; i < setup->module_count; i++) {
        const struct board_module *module = &setup->modules[i];
        rp_status status = board_add_module(&manager->board, module->id, module->path, error);
        if (status)
            return status;
    }
    return name_hooks(manager, &shared->initializer, &shared->finalizer, error);
}

static rp_status open_board(struct manager *manager, struct error *error)
{
    const struct manager_setup *setup = &manager->setup;
    /* Refused here, or the workers' refusal would break the pool. */
    rp_status status = setup->isolate ? growing_is_possible(error) : RP_OK;
    if (!status)
        status = board_create(&manager->board, setup->roster, setup->pool, setup->memory, error);
    if (status)
        return status;
    posts_init(&manager->posts, &manager->board);
    performer_stand(&manager->performer, board_slot(&manager->board));
    manager->postings = calloc(BOARD_POSTS, sizeof *manager->postings);
    manager->watch = watch_of(manager->crew);
    struct board_shared *shared = manager->board.shared;
    if (!manager->postings || !manager->watch ||
        arena_init(&manager->arena, shared, shared->arena, shared->arena_size))
        return error_set(error, RP_NO_MEMORY, "no memory for the books of a pool");
    status = fill_board(manager, error);
    if (status)
        return status;
    parcels_init_in(&manager->parcels, &manager->board, &manager->arena);
    bool is_whole = setup->initarg || !setup->initarg_size;
    if (is_whole)
        status = manager_post(manager, error);
    return status;
}

rp_status manager_post(struct manager *manager, struct error *error)
{
    struct memory_handle handle = memory_handle_of(&manager->board.memory);
    rp_status status = roster_post_pool(manager->setup.roster, manager->setup.pool, &handle, error);
    return status || !manager->setup.road ? status : road_join(manager, error);
}

void *manager_initarg(const struct manager *manager)
{
    return board_at(&manager->board, manager->board.shared->initarg);
}

/* The board stays as long as results on it are held: submit_let_go releases it. */
static void free_manager(struct manager *manager)
{
    struct manager rest = {0};
    journal_end(manager->tasks_part);
    box_close(manager->box);
    bool stays = road_part(manager) || manager->stays;
    holding_fini(manager);
    queueing_fini(manager);
    for (int i = 0; manager->postings && i < BOARD_POSTS; i++)
        posting_free(&manager->postings[i]);
    free(manager->postings);
    free(manager->refused);
    parcels_fini(&manager->parcels);
    retry_free(&manager->retries);
    arena_fini(&manager->arena);
    if (manager->held)
        rest =
            (struct manager){.board = manager->board, .held = manager->held, .closed = true, .stays = stays};
    else if (manager->board.shared && !stays)
        board_release(&manager->board);
    performer_fini(&manager->performer);
    crew_drop(manager->crew);
    *manager = rest;
}

/* With workers nothing runs here, unless it computes. */
static rp_status open_box(struct manager *manager, struct error *error)
{
    struct box_setup setup = {.performer = &manager->performer, .task_memory = manager->setup.task_memory};
    rp_status status = box_open(&setup, &manager->box, error);
    manager->performer.box = manager->box;
    return status;
}

rp_status manager_open(struct manager *manager, const struct manager_setup *setup, struct error *error)
{
    *manager = (struct manager){.setup = *setup, .crew = crew_hold(setup->crew)};
    performer_init(&manager->performer, setup->roster ? 0 : 1, setup->crew, setup->seed);
    manager->performer.larder =
        (struct larder){larder_take, larder_give, find_share, queueing_own_put, queueing_own_get, manager};
    manager->performer.is_halted = setup->journal ? drain_is_due : NULL;
    manager->performer.halter = manager;
    manager->refused = calloc((size_t)manager->crew->count / 64 + 1, sizeof *manager->refused);
    if (!manager->refused) {
        free_manager(manager);
        return error_set(error, RP_NO_MEMORY, "no memory for the books of a pool");
    }
    manager->program = func_program(error);
    struct board_function ignored;
    rp_status status = manager->program ? RP_OK : RP_INVALID;
    if (!status && setup->roster)
        status = open_board(manager, error);
    else if (!status)
        status = name_hooks(manager, &ignored, &ignored, error); /* alone they are to be functions, too */
    if (!status && setup->isolate && !setup->roster)
        status = open_box(manager, error);
    if (status)
        free_manager(manager);
    return status;
}

/* Workers that have begun their part in the pool must end it; those that have not will see that
 * the pool closes. See station.c for the other side. */
static bool somebody_is_in(const struct manager *manager)
{
    for (int i = 1; i < manager->crew->here; i++) {
        uint32_t state = atomic_load(&manager->board.slot[i].state);
        if (!manager->crew->member[i].dead && (state == SLOT_ENTERING || state == SLOT_READY))
            return true;
    }
    return false;
}

void manager_begin_close(struct manager *manager)
{
    queueing_close_all(manager);
    road_attend(manager);
    atomic_store(&manager->board.shared->closing, 1);
    if (manager->agents)
        road_begin_close(manager);
    roster_ring_all(manager->setup.roster);
}

bool manager_is_left(const struct manager *manager)
{
    return (!manager->board.shared->finalizer.module || !somebody_is_in(manager)) && road_is_left(manager);
}

void manager_abandon(struct manager *manager)
{
    roster_drop_pool(manager->setup.roster, manager->setup.pool);
    free_manager(manager);
}

void manager_close(struct manager *manager)
{
    if (manager_is_alone(manager)) {
        queueing_close_all(manager);
    } else {
        manager_begin_close(manager);
        while (!manager_is_left(manager)) {
            collect_notes(manager); /* of cancelled tasks: they take up room */
            wait_for_items(manager, UINT64_MAX, CLOCK_NEVER);
        }
        roster_drop_pool(manager->setup.roster, manager->setup.pool);
    }
    if (manager->setup.finalizer && manager->entered)
        perform_hook(&manager->performer, HOOK_FINALIZER, manager->setup.finalizer, NULL, 0, NULL);
    free_manager(manager);
}

rp_status manager_enter(struct manager *manager, struct error *error)
{
    if (manager->entered)
        return RP_OK;
    rp_status status = manager_check_own(manager, error);
    if (!status && manager->setup.initializer)
        status = perform_hook(&manager->performer, HOOK_INITIALIZER, manager->setup.initializer,
                              manager->setup.initarg, manager->setup.initarg_size, &manager->refusal);
    if (manager->refusal.status && !manager_is_alone(manager))
        board_break(&manager->board, manager->refusal.text);
    if (!status)
        manager->entered = true;
    return status ? manager_check_own(manager, error) : RP_OK;
}

const char *manager_refusal(const struct manager *manager, int worker)
{
    return worker < manager->crew->here ? roster_refusal(manager->setup.roster, manager->setup.pool, worker)
                                        : road_refusal(manager, worker);
}

static rp_status tell_all_gone(const struct manager *manager, struct error *error)
{
    int workers = manager->crew->count - 1, dead = 0, unable = 0;
    const char *lost = NULL;
    for (int i = 1; i <= workers; i++) {
        dead += manager->crew->member[i].dead;
        unable = manager->crew->member[i].dead ? unable : i;
        lost = manager->agents && road_why(manager->setup.road, i) ? road_why(manager->setup.road, i) : lost;
    }
    const char *why = unable ? manager_refusal(manager, unable) : NULL;
    if (!unable)
        return error_set(error, RP_POOL_BROKEN, "no worker is left: all %d have died%s%s", workers,
                         lost ? "; " : "", lost ? lost : "");
    return error_set(error, RP_POOL_BROKEN,
                     "no worker is left: of %d, %d died and %d cannot serve the pool; worker %d says: %s",
                     workers, dead, workers - dead, unable, why ? why : "it gave no reason");
}

static rp_status check(struct manager *manager, bool needs_workers, struct error *error)
{
    if (manager->refusal.status)
        return error_set(error, manager->refusal.status, "%s", manager->refusal.text);
    if (manager->box && box_refusal(manager->box)->status)
        return error_set(error, RP_POOL_BROKEN, "%s", box_refusal(manager->box)->text);
    if (manager_is_alone(manager))
        return RP_OK;
    struct board_shared *shared = manager->board.shared;
    if (atomic_load(&shared->broken) == 2)
        return error_set(error, RP_POOL_BROKEN, "%s", shared->why);
    if (atomic_load(&manager->setup.roster->shared->quit))
        return error_set(
            error, RP_POOL_BROKEN,
            "no worker is left: the program ends, or has called MPI_Finalize, with the pool open");
    for (int i = 1; i < manager->crew->count && needs_workers; i++)
        needs_workers = !manager_has(manager, i);
    return needs_workers ? tell_all_gone(manager, error) : RP_OK;
}

rp_status manager_check(struct manager *manager, struct error *error)
{
    return check(manager, true, error);
}

rp_status manager_check_own(struct manager *manager, struct error *error)
{
    return check(manager, !manager->setup.computes && !manager->setup.stands_in, error);
}

rp_status manager_name(struct manager *manager, rp_fn *fn, struct board_function *function,
                       struct error *error)
{
    struct func_ref ref;
    rp_status status = func_encode(&manager->functions, fn, &ref, error);
    if (status)
        return status;
    if (ref.module != manager->program && !manager_is_alone(manager) &&
        !board_find_module(&manager->board, ref.module)) {
        char path[FUNC_PATH_MAX];
        status = func_module_path(ref.module, path, error);
        if (!status)
            status = board_add_module(&manager->board, ref.module, path, error);
        if (status)
            return status;
    }
    *function = (struct board_function){ref.module, ref.offset};
    return RP_OK;
}

size_t manager_count_done(const struct manager *manager, int worker)
{
    if (manager_is_alone(manager) || worker == manager->performer.self)
        return manager->performer.done;
    if (worker >= manager->crew->here)
        return road_count_done(manager, worker);
    return atomic_load_explicit(&manager->board.slot[worker].done, memory_order_relaxed);
}
