/* What the journal knows of a map: stored results are put in their places, and the map is of those
 * items that are left; what succeeds is stored. A reduction's results are combined where they were
 * computed, so nothing of it is stored.
 *
 * Digests are made when results come in, while the inputs still stand; of arrays that overlap, before
 * anything is written. */
#include <stdlib.h>
#include <string.h>

#include "record/journal.h"
#include "run/map_state.h"

static struct journal_digest digest_input(const struct map *map, size_t index)
{
    const struct map_work *work = map->work;
    uint64_t value = work->begin + index;
    const void *in = work->range ? (const void *)&value : (const char *)work->in + index * work->in_size;
    return journal_digest_item(map->manager->setup.journal, map->known, in, work->in_size);
}

static struct journal_digest digest_of(const struct map *map, size_t index)
{
    return map->digests ? map->digests[index] : digest_input(map, index);
}

bool map_arrays_overlap(const struct map_work *work)
{
    const char *in = work->in, *out = work->out;
    return !work->range && in && out && in < out + work->n * work->out_size &&
           out < in + work->n * work->in_size;
}

static rp_status digest_all(struct map *map)
{
    size_t n = map->work->n;
    map->digests = n <= SIZE_MAX / sizeof *map->digests ? malloc(n * sizeof *map->digests) : NULL;
    for (size_t i = 0; map->digests && i < n; i++)
        map->digests[i] = digest_input(map, i);
    return map->digests ? RP_OK : RP_NO_MEMORY;
}

/* ---- What is stored ---------------------------------------------------------------------- */

static void deliver(struct map *map, size_t index, rp_view result)
{
    const struct map_work *work = map->work;
    if (result.data && result.size)
        memcpy((char *)work->out + index * work->out_size, result.data, result.size);
    if (work->statuses)
        work->statuses[index] = RP_OK;
    if (work->sizes)
        work->sizes[index] = result.size;
    map->done++;
}

static bool is_set(const uint64_t *bits, size_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

/* The order of the items that are left. */
static rp_status leave_out(struct map *map, const uint64_t *stored)
{
    size_t n = map->work->n, left = 0;
    uint64_t *order = map->order ? map->order : malloc((map->positions + 1) * sizeof *order);
    if (!order)
        return RP_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        size_t index = map_index(map, i);
        if (!is_set(stored, index))
            order[left++] = index;
    }
    map->order = order;
    return RP_OK;
}

static rp_status deliver_stored(struct map *map)
{
    const struct map_work *work = map->work;
    uint64_t *stored = calloc(work->n / 64 + 1, sizeof *stored);
    if (!stored)
        return RP_NO_MEMORY;
    for (size_t i = 0; i < work->n && map->part->may_find; i++) {
        rp_view result;
        if (!journal_find(map->part, i, digest_of(map, i), &result) ||
            (result.data && result.size > work->out_size))
            continue;
        deliver(map, i, result);
        stored[i / 64] |= UINT64_C(1) << (i % 64);
    }
    map->positions -= map->done;
    rp_status status = map->done ? leave_out(map, stored) : RP_OK;
    free(stored);
    return status;
}

rp_status map_journal_begin(struct map *map)
{
    const struct map_work *work = map->work;
    struct journal *journal = map->manager->setup.journal;
    struct journal_work about = {
        .map = map->id,
        .kind = work->combine ? "reduce" : "map",
        .label = work->label,
        .items = work->n,
        .module = map->function.module,
        .offset = map->function.offset,
        .out_size = work->out_size,
        .drops = !work->out,
        .common = work->common,
        .common_size = work->common_size,
    };
    if (!journal)
        return RP_OK;
    map->part = journal_begin(journal, &about);
    if (work->combine) {
        journal_end(map->part);
        map->part = NULL;
    }
    if (!map->part)
        return RP_OK;
    map->known = journal_digest_work(journal, &about);
    rp_status status = map_arrays_overlap(work) ? digest_all(map) : RP_OK;
    return status || !map->part->may_find ? status : deliver_stored(map);
}

void map_journal_store(struct map *map, size_t first, const struct note *note, const char *results,
                       int worker, int attempt)
{
    const struct map_work *work = map->work;
    for (uint32_t i = note->from; i < note->from + note->count; i++) {
        size_t index = map_index(map, first + i);
        journal_store(map->part,
                      &(struct journal_done){.item = index,
                                             .digest = digest_of(map, index),
                                             .result = work->out ? results + i * work->out_size : NULL,
                                             .size = note->size,
                                             .worker = worker,
                                             .attempt = attempt,
                                             .ran = (double)note->ran / note->count,
                                             .ended = note->ended});
    }
}

void map_journal_end(struct map *map)
{
    journal_end(map->part);
    free(map->digests);
}
