#include <stdio.h>
#include <string.h>

#include "run/describe.h"
#include "run/map_state.h"
#include "run/road.h"

/* ---- What came out ----------------------------------------------------------------------- */

static void place_results(struct map *map, size_t first, const struct note *note, const char *results)
{
    const struct map_work *work = map->work;
    size_t stride = work->out_size;
    char *place = work->out ? (char *)work->out + first * stride : NULL;
    if (!place || !stride || place == results) /* dropped, or in place */
        return;
    if (!map->order && (note->size == stride || note->count == 1)) {
        memcpy((char *)work->out + (first + note->from) * stride, results + note->from * stride,
               note->size == stride ? note->count * stride : note->size);
        return;
    }
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        memcpy((char *)work->out + map_index(map, first + i) * stride, results + i * stride, note->size);
}

static void set_statuses(struct map *map, size_t first, const struct note *note)
{
    const struct map_work *work = map->work;
    if (!work->statuses && !work->sizes)
        return;
    for (uint32_t i = note->from; i < note->from + note->count; i++) {
        size_t index = map_index(map, first + i);
        if (work->statuses)
            work->statuses[index] = (rp_status)note->status;
        if (work->sizes)
            work->sizes[index] = note->status == RP_OK ? note->size : 0;
    }
}

static void keep_failure(struct map *map, size_t index, const struct note *note, const char *sentence,
                         int worker, int attempt)
{
    char text[FAILURE_LENGTH];
    map->failed++;
    if (index >= map->first_failed)
        return;
    map->first_failed = index;
    map->status = (rp_status)note->status;
    describe_failure(&(struct failure){"item", index, note, sentence, worker, attempt}, map->manager->crew,
                     text);
    error_set(map->error, map->status, "%s", text);
}

static bool absorb_results(struct map *map, size_t first, const struct note *note, const char *results,
                           const void *payload)
{
    map->done += note->count;
    if (map->work->combine)
        return map_reduce_take(map, first, note, payload);
    place_results(map, first, note, results);
    return false;
}

bool map_absorb(struct map *map, size_t first, const struct note *note, const char *results,
                const void *payload, int worker, int attempt)
{
    map->chunks += (note->flags & NOTE_FIRST) != 0;
    if (note->status == RP_OK && worker >= map->manager->crew->here)
        map->chunks += note->joined;
    set_statuses(map, first, note);
    if (note->status == RP_OK && map->part)
        map_journal_store(map, first, note, results, worker, attempt);
    if (note->status == RP_OK)
        return absorb_results(map, first, note, results, payload);
    if (note->status == RP_CANCELLED) {
        map->cancelled += note->count;
        return false;
    }
    keep_failure(map, map_index(map, first + note->from), note, payload, worker, attempt);
    map_reduce_forget(map);
    if (map->work->stop_at_failure && !map->stopped)
        map_stop(map, RP_CANCELLED);
    return false;
}

void map_leave_post(struct map *map, int post)
{
    struct posting *posting = &map->manager->postings[post];
    if (posting->lease.open)
        return;
    posting->share->posts--;
    posting->share->in_flight -= map_weigh_post(map, posting);
    posting_retire(map->manager, post);
}

bool map_take_note(void *work, int post, const struct note *note, const void *payload, int worker)
{
    struct map *map = work;
    struct manager *manager = map->manager;
    struct posting *posting = &manager->postings[post];
    const struct post *p = &manager->board.post[post];
    if (note->from > posting->lease.items || note->count > posting->lease.items - note->from)
        return false;
    if (retry_note(manager, post, note)) {
        map->chunks += (note->flags & NOTE_FIRST) != 0;
        return false;
    }
    lease_end_run(&posting->lease, note->from, note->count);
    map->posted -= note->count;
    bool kept = map_absorb(map, posting->first, note, board_at(&manager->board, p->out), payload, worker,
                           (int)p->attempt);
    if (posting->ops && posting->work == map) /* else it was left when the map was stopped just now */
        map_leave_post(map, post);
    return kept;
}

/* ---- Stopping ---------------------------------------------------------------------------- */

static void end_items(struct map *map, size_t first, uint32_t from, uint32_t count)
{
    struct note note = {.from = from, .count = count, .status = map->stopped};
    set_statuses(map, first, &note);
    map->cancelled += count;
}

void map_end_unstarted(struct map *map, int post, uint32_t from, uint32_t count)
{
    struct posting *posting = &map->manager->postings[post];
    lease_end_run(&posting->lease, from, count);
    map->posted -= count;
    end_items(map, posting->first, from, count);
    map_leave_post(map, post);
}

static void stop_post(struct map *map, int post)
{
    uint32_t from = post_freeze(&map->manager->board, post);
    uint32_t count = map->manager->postings[post].lease.items - from;
    if (count)
        map_end_unstarted(map, post, from, count);
}

/* A range may have more items than a note can count. */
void map_end_range(struct map *map, size_t low, size_t high)
{
    if (!map->work->statuses && !map->work->sizes) {
        map->cancelled += high - low;
        return;
    }
    for (; low < high; low++)
        end_items(map, low, 0, 1);
}

void map_refuse(struct map *map, rp_status status)
{
    map->stopped = status;
    map_end_range(map, 0, map->work->n);
}

void map_stop(struct map *map, rp_status status)
{
    map->stopped = status;
    map_reduce_forget(map);
    map_again_give_up(map);
    for (int i = 0; i < map->share_count; i++) {
        struct share *share = &map->shares[i];
        map_end_range(map, share->low, share->high);
        share->low = share->high;
    }
    for (int i = 0; !manager_is_alone(map->manager) && i < BOARD_POSTS; i++)
        if (map->manager->postings[i].ops && map->manager->postings[i].work == map)
            stop_post(map, i);
    if (map->manager->agents)
        road_recall(map->manager, map);
    if (!manager_is_alone(map->manager))
        retry_give_up(map->manager, map);
}
