#include "run/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/drain.h"
#include "run/holding.h"
#include "run/map_state.h"
#include "run/road.h"
#include "run/show.h"
#include "run/stuck.h"
#include "run/submit.h"
#include "run/wait.h"
#include "sched/order.h"

#define OWN_LONG ((size_t)64 << 10) /* bytes of items that are worth it */
#define PARTIALS_LEFT                                                                                        \
    ((size_t)1 << 20) /* bytes of a reduction's results that the manager may leave lying                     \
                       */

/* ---- Beginning --------------------------------------------------------------------------- */

static rp_status make_shares(struct map *map)
{
    const struct manager *manager = map->manager;
    int workers = manager_is_alone(manager) ? 0 : manager->crew->count - 1;
    bool computes = manager_computes(manager);
    bool apart = map->work->schedule == SCHEDULE_STATIC && workers > 0;
    map->share_count = apart ? workers + computes : 1;
    map->shares = calloc((size_t)map->share_count, sizeof *map->shares);
    if (!map->shares)
        return RP_NO_MEMORY;
    size_t n = map->positions, each = n / (size_t)map->share_count, more = n % (size_t)map->share_count,
           low = 0;
    for (int i = 0; i < map->share_count; i++) {
        size_t items = each + ((size_t)i < more);
        map->shares[i] = (struct share){.low = low,
                                        .high = low + items,
                                        .owner = apart && i < workers ? i + 1 : 0,
                                        .mine = apart && i == workers,
                                        .workers = apart ? 1 : (unsigned)workers};
        low += items;
    }
    return RP_OK;
}

static rp_status share_common(struct map *map)
{
    const struct map_work *work = map->work;
    struct manager *manager = map->manager;
    if (!work->common_size || manager_is_alone(manager))
        return RP_OK;
    map->common = holding_common(manager, work->common, work->common_size);
    return map->common ? RP_OK : RP_NO_MEMORY;
}

/* Where all workers are of other nodes nobody but this process reads posts: they may lie in its own memory.
 * But not those of a map that a callback of another one runs: both may have the same array, which at the end
 * of the first is not yet the user's again. */
static uint64_t own_offset(const struct map *map, const void *array, size_t each)
{
    const struct manager *manager = map->manager;
    bool is_read_here = manager_is_alone(manager) || manager->crew->here > 1;
    if (is_read_here || road_count_map(manager, 0) > 1 || !array || each < OWN_LONG)
        return 0;
    return (uint64_t)((uintptr_t)array - (uintptr_t)manager->board.shared);
}

/* Where an array is read or written where it is: one of rp_alloc, or one that nobody else needs to see. */
static uint64_t place_of(const struct map *map, const void *array, size_t each)
{
    uint64_t offset = holding_offset(map->manager, array, map->work->n * each);
    return offset ? offset : own_offset(map, array, each);
}

/* Not in another order; nor where a result of another node would be written over an input that is still to be
 * sent, or to be sent again. */
static void find_places(struct map *map)
{
    const struct map_work *work = map->work;
    if (map->order || (map->manager->agents && map_arrays_overlap(work)))
        return;
    if (!work->range && work->in_size)
        map->in_place = place_of(map, work->in, work->in_size);
    if (work->out_size && !work->combine)
        map->out_place = place_of(map, work->out, work->out_size);
}

/* What other nodes were sent and have not taken, or have sent, is of no interest now. */
static void leave_places(const struct map *map)
{
    const struct map_work *work = map->work;
    if (road_count_map(map->manager, 0) != 1) /* another one may have the same arrays; or there is no road */
        return;
    if (map->in_place)
        road_let_go(map->manager, work->in, work->n * work->in_size);
    if (map->out_place)
        road_let_go(map->manager, work->out, work->n * work->out_size);
}

static rp_status begin(struct map *map, struct error *error)
{
    const struct map_work *work = map->work;
    struct manager *manager = map->manager;
    rp_status status = manager_check_own(manager, error);
    if (!status)
        status = manager_name(manager, work->fn, &map->function, error);
    if (!status && work->combine) /* workers name both alike; it is called as what it is */
        status = manager_name(manager, (rp_fn *)(void (*)(void))work->combine, &map->combine, error);
    if (status)
        return status;
    map->id = ++manager->maps;
    map->first_failed = work->n;
    map->flags = (work->range ? POST_RANGE : 0u) | (work->out ? 0u : POST_DROP_RESULTS) |
                 (work->stop_at_failure ? POST_STOP : 0u) | (work->combine ? POST_REDUCE : 0u) |
                 (work->retries > 0 ? POST_RETRY : 0u);
    submit_close_blocks(manager);
    if (work->combine)
        map_reduce_begin(map);
    if (work->cost) {
        map->order = order_by_cost(work->cost, work->n);
        status = map->order ? RP_OK : RP_NO_MEMORY;
    }
    map->positions = work->n;
    if (!status)
        status = map_journal_begin(map);
    find_places(map);
    if (!status)
        status = make_shares(map);
    if (!status)
        status = share_common(map);
    if (status)
        return error_set(error, status, "no memory for a map of %zu items with %zu bytes in common", work->n,
                         work->common_size);
    return RP_OK;
}

static void end(struct map *map)
{
    if (map->common)
        holding_end_common(map->manager, map->id, map->common);
    leave_places(map);
    map_bite_free(map);
    map_again_free(map);
    map_reduce_end(map);
    map_journal_end(map);
    free(map->shares);
    free(map->order);
}

/* ---- Running ----------------------------------------------------------------------------- */

static size_t count_ended(const struct map *map)
{
    return map->done + map->failed + map->cancelled;
}

static bool has_unposted(const struct map *map)
{
    for (int i = 0; i < map->share_count; i++)
        if (map->shares[i].low < map->shares[i].high && !map->shares[i].mine)
            return true;
    return false;
}

/* Long results take up the workers' memory until they are combined. */
static uint64_t most_awaited(const struct map_work *work)
{
    if (!work->combine || work->out_size <= NOTE_INLINE)
        return UINT64_MAX;
    return work->out_size < PARTIALS_LEFT ? PARTIALS_LEFT / work->out_size : 1;
}

/* The manager wants to come back before the workers run dry, or for the last item. */
static uint64_t choose_awaited(const struct map *map)
{
    uint64_t awaited = map->share_count > 1 ? map->posted / 4 : map->posted / 2;
    if (!has_unposted(map) || map->posted < 4)
        awaited = map->posted ? map->posted : 1;
    uint64_t most = most_awaited(map->work);
    return awaited < most ? awaited : most;
}

/* Memory is short: nothing is under way, yet nothing could be posted. */
static bool is_stuck(const struct map *map)
{
    return map->posted == 0 && has_unposted(map) && !manager_is_alone(map->manager) &&
           map->manager->posted.count == 0;
}

/* Where it only stands in for others it sees whether they have come. */
static bool runs_items(struct manager *manager)
{
    if (!manager->setup.stands_in)
        return manager_computes(manager);
    road_turn(manager->setup.road);
    return road_is_deserted(manager) && !manager->queues;
}

static void run_to_its_end(struct map *map)
{
    struct manager *manager = map->manager;
    while (count_ended(map) < map->work->n) {
        collect_notes(manager);
        drain_look(manager);
        manager_call_back(manager);
        if (!map->stopped && manager_check_own(manager, map->error))
            map_stop(map, RP_POOL_BROKEN);
        bool runs = runs_items(manager); /* it may take in notes: what is posted then is seen below */
        map_feed(map);
        show_map(manager, map->work->label, map->work->n, count_ended(map), map->failed);
        if ((runs && map_bite(map)) || count_ended(map) == map->work->n) {
            drain_look(manager); /* the bite may have been left off for it */
            continue;
        }
        if (is_stuck(map)) {
            error_set(map->error, RP_NO_MEMORY,
                      "no shared memory for an item of %zu bytes and its result of %zu", map->work->in_size,
                      map->work->out_size);
            map_stop(map, RP_NO_MEMORY);
        } else if (!stuck_resolve(manager)) {
            wait_for_items(manager, choose_awaited(map), CLOCK_NEVER);
        }
    }
    map_reduce_combine(map);
}

static void fill_report(const struct map *map, rp_map_report *report, uint64_t begun)
{
    if (!report)
        return;
    *report = (rp_map_report){.done = map->done,
                              .failed = map->failed,
                              .cancelled = map->cancelled,
                              .first_failed = map->first_failed,
                              .chunks = map->chunks,
                              .seconds = (double)(clock_ns() - begun) * 1e-9};
    if (map->failed || map->stopped)
        snprintf(report->message, sizeof report->message, "%.*s", (int)sizeof report->message - 1,
                 map->error->text);
}

rp_status map_run(struct manager *manager, const struct map_work *work, rp_map_report *report,
                  struct error *error)
{
    struct error own; /* the user's calls in callbacks have the pool's */
    struct map map = {.manager = manager, .work = work, .error = &own, .first_failed = work->n};
    uint64_t begun = clock_ns();
    error_clear(&own);
    road_count_map(manager, 1);
    rp_status status = begin(&map, &own);
    if (!status) {
        show_map_begin(manager, work->label, work->n);
        run_to_its_end(&map);
        show_map_end(manager, work->label, work->n, count_ended(&map), map.failed);
        status = map.stopped > RP_CANCELLED ? map.stopped : map.status;
        if (!status && work->combine)
            map_reduce_finish(&map);
        fill_report(&map, report, begun);
    } else if (status == RP_POOL_BROKEN) {
        map_refuse(&map, status);
        fill_report(&map, report, begun);
    }
    if (status)
        *error = own;
    end(&map);
    road_count_map(manager, -1);
    return status;
}
