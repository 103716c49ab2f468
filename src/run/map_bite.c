/* What the manager runs itself. */
#include <stdlib.h>
#include <string.h>

#include "run/box.h"
#include "run/collect.h"
#include "run/map_state.h"
#include "sched/policy.h"
#include "sched/tree.h"

#define ANSWERS_SIZE ((size_t)64 << 10) /* of a run's results, which are copied once they are good */

/* Memory for the results of one run, of one item at least. */
static bool make_room(struct map *map)
{
    if (map->answers)
        return true;
    size_t out = map->work->combine ? 0 : map->work->out_size, in = map->order ? map->work->in_size : 0;
    map->answers_size = out > ANSWERS_SIZE ? out : ANSWERS_SIZE;
    map->answers = malloc(map->answers_size);
    map->gathered = in ? malloc(in > ANSWERS_SIZE ? in : ANSWERS_SIZE) : NULL;
    return map->answers && (!in || map->gathered);
}

void map_bite_free(struct map *map)
{
    free(map->answers);
    free(map->gathered);
}

static size_t choose_run(const struct map *map, size_t remaining, uint64_t unclaimed)
{
    const struct map_work *work = map->work;
    struct policy_view view = {
        .schedule = work->schedule,
        .chunk = work->chunk,
        .total = map->positions,
        .remaining = unclaimed,
        .workers = (uint32_t)(map->manager->crew->count - 1) + map->manager->setup.computes,
        .item_ns = map->item_ns,
        .measured = map->measured,
        .weight = 1,
        .claim_ns = map->manager->box ? BOX_CLAIM_NS : 0,
    };
    size_t run = policy_run(&view), bytes = work->combine ? 0 : work->out_size;
    if (map->order && work->in_size > bytes)
        bytes = work->in_size;
    if (bytes && run > map->answers_size / bytes)
        run = map->answers_size / bytes;
    if (run > BOARD_POST_ITEMS)
        run = BOARD_POST_ITEMS;
    return run < 1 ? 1 : run < remaining ? run : remaining;
}

/* Where a run may be shortened so that it is few nodes of a reduction's tree. */
static bool may_trim(const struct map *map, size_t run, size_t left)
{
    const struct map_work *work = map->work;
    return work->combine && work->schedule == SCHEDULE_AUTO && !work->chunk && run < left;
}

struct bite {
    struct map *map;
    size_t first;
    int post; /* -1: straight from the caller's memory */
    int attempt;
    const char
        *answers; /* results of item 0 of the post and those behind it, which are not in their places yet */
    char *places; /* of these; NULL: they are */
};

/* Those of a run that has succeeded. */
static void put_in_place(const struct bite *bite, const struct note *note)
{
    size_t stride = bite->map->work->out_size;
    for (uint32_t i = note->from; bite->places && i < note->from + note->count; i++)
        memcpy(bite->places + i * stride, bite->answers + i * stride, note->size);
}

static void take(void *state, struct note *note, const void *payload)
{
    struct bite *bite = state;
    struct map *map = bite->map;
    if (map->manager->setup.journal)
        collect_notes(map->manager); /* what the workers have finished is stored meanwhile */
    if (note->status == RP_OK && note->size)
        put_in_place(bite, note);
    if (bite->post >= 0)
        map_take_note(map, bite->post, note, payload, 0);
    else if (map_again_note(map, bite->first + note->from, note, bite->attempt))
        map->chunks += (note->flags & NOTE_FIRST) != 0;
    else
        map_absorb(map, bite->first, note, map->answers, payload, map->manager->performer.self,
                   bite->attempt);
}

static void perform(struct bite *bite, const struct stretch *stretch, uint32_t from, uint32_t run)
{
    struct map *map = bite->map;
    struct performer *performer = &map->manager->performer;
    performer_rest(performer);
    uint64_t ns = map->work->combine ? perform_reduce(performer, stretch, from, run, take, bite)
                                     : perform_run(performer, stretch, from, run, take, bite);
    map->item_ns = policy_learn(map->item_ns, (double)ns / (double)run);
    map->measured += run;
}

static void bite_array(struct map *map, size_t first, size_t run, int attempt)
{
    const struct map_work *work = map->work;
    const char *in = work->in ? (const char *)work->in + first * work->in_size : NULL;
    if (map->order && work->in_size) {
        for (size_t i = 0; i < run; i++)
            memcpy((char *)map->gathered + i * work->in_size,
                   (const char *)work->in + map->order[first + i] * work->in_size, work->in_size);
        in = map->gathered;
    }
    struct stretch stretch = {
        .fn = work->fn,
        .combine = work->combine,
        .total = work->n,
        .in = in,
        .in_size = work->in_size,
        .out = map->answers,
        .out_size = work->out_size,
        .indices = map->order ? map->order + first : NULL,
        .first = first,
        .begin = work->begin,
        .common = work->common,
        .common_size = work->common_size,
        .map = map->id,
        .flags = map->flags,
        .attempt = attempt,
        .limit_ns = work->limit_ns,
    };
    struct bite bite = {.map = map, .first = first, .post = -1, .attempt = attempt};
    perform(&bite, &stretch, 0, (uint32_t)run);
}

/* The caller's array: from its low end alone, from the high end beside workers. */
static void bite_unposted(struct map *map, struct share *share)
{
    size_t left = share->high - share->low, run = choose_run(map, left, left);
    bool from_low = manager_is_alone(map->manager);
    if (may_trim(map, run, left))
        run -= (from_low ? share->low + run : run - share->high) & (tree_grain(run) - 1);
    size_t first = from_low ? share->low : share->high - run;
    if (from_low)
        share->low += run;
    else
        share->high -= run;
    bite_array(map, first, run, 1);
}

/* What is on the board already, as a worker would. Results that belong into the caller's array go there once
 * they are good: slots of failed items, and the rest of longer ones, are left as they are. */
static bool bite_posted(struct map *map)
{
    struct manager *manager = map->manager;
    struct board *board = &manager->board;
    struct post_offer offer;
    if (manager_is_alone(manager) || !post_peek(board, map->id, &offer))
        return false;
    const struct post *post = offer.post;
    uint64_t behind = atomic_load_explicit(&post->behind, memory_order_relaxed);
    uint32_t run = (uint32_t)choose_run(map, offer.available, behind + offer.available);
    if (!post_claim(board, &offer, run)) {
        post_leave(board); /* or what the winner holds would seem to be ours, should it die */
        return true;
    }
    char *places = board_at(board, post->out);
    bool is_own = post->out_size && !map->work->combine && !board_has(board, places);
    struct stretch stretch = {
        .fn = map->work->fn,
        .combine = map->work->combine,
        .total = map->work->n,
        .in = board_at(board, post->in),
        .in_size = post->in_size,
        .out = is_own ? (char *)map->answers - offer.next * post->out_size : places,
        .out_size = post->out_size,
        .indices = post->indices ? board_at(board, post->indices) : NULL,
        .first = post->first,
        .begin = post->begin,
        .common = map->work->common,
        .common_size = map->work->common_size,
        .map = map->id,
        .flags = post->flags,
        .attempt = (int)post->attempt,
        .post = (uint16_t)offer.index,
    };
    struct bite bite = {.map = map,
                        .post = (int)offer.index,
                        .attempt = stretch.attempt,
                        .answers = stretch.out,
                        .places = is_own ? places : NULL};
    perform(&bite, &stretch, offer.next, run);
    post_leave(board);
    return true;
}

bool map_bite(struct map *map)
{
    if (map->stopped)
        return false;
    rp_status status = manager_enter(map->manager, map->error);
    if (!status && !make_room(map))
        status =
            error_set(map->error, RP_NO_MEMORY, "no memory for a result of %zu bytes", map->work->out_size);
    if (status) {
        map_stop(map, status);
        return false;
    }
    struct map_again again;
    if (map_again_take(map, &again)) {
        bite_array(map, again.position, 1, again.attempt);
        return true;
    }
    for (int i = 0; i < map->share_count; i++) {
        struct share *share = &map->shares[i];
        if (share->low < share->high && (share->mine || !map_owner(map, share))) {
            bite_unposted(map, share);
            return true;
        }
    }
    return map_again_rest(map) || bite_posted(map);
}
