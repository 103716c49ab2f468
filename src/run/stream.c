#include "run/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/collect.h"
#include "run/describe.h"
#include "run/drain.h"
#include "run/holding.h"
#include "run/road.h"
#include "run/show.h"
#include "run/stream_state.h"
#include "run/stuck.h"
#include "run/submit.h"
#include "run/wait.h"

#define WINDOW  ((size_t)16384) /* the library's choice, in items */
#define BYTES   ((uint64_t)64 << 20)
#define AT_ONCE 512 /* items drawn between two collections */

/* ---- Drawing ----------------------------------------------------------------------------- */

/* Of large items the library's choice is fewer; twice as many as there are workers at any rate. */
static bool has_room(const struct stream *stream)
{
    size_t ahead = stream->drawn - stream->given;
    size_t least = 2 * (size_t)stream->manager->crew->count;
    return ahead < stream->window && (stream->work->window || ahead < least || stream->bytes < BYTES);
}

static bool may_draw(const struct stream *stream)
{
    return !stream->drained && !stream->stopped && has_room(stream);
}

/* The next input; false: there is none. */
static bool draw(struct stream *stream, rp_view *input)
{
    *input = (rp_view){0};
    int more = stream->work->source(stream->work->state, input);
    if (more > 0 && (input->data || !input->size))
        return true;
    stream->drained = true;
    if (more > 0) {
        stream->status = RP_INVALID;
        error_set(stream->error, RP_INVALID, "the source gave %zu bytes at NULL as item %zu", input->size,
                  stream->drawn);
    }
    if (more < 0) {
        stream->status = RP_TASK_FAILED;
        error_set(stream->error, RP_TASK_FAILED, "the source failed with %d at item %zu", more,
                  stream->drawn);
    }
    return false;
}

/* An input that finds no room waits here for what is under way. */
static bool put(struct stream *stream, const rp_view *input)
{
    while (!stream_post(stream, input)) {
        stream_close_block(stream);
        if (stream->drawn == stream->given) {
            stream->stopped = stream->status = RP_NO_MEMORY;
            error_set(stream->error, RP_NO_MEMORY, "no shared memory for an item of %zu bytes", input->size);
            return false;
        }
        if (manager_check(stream->manager, stream->error)) {
            stream->stopped = stream->status = RP_POOL_BROKEN;
            return false;
        }
        if (!stuck_resolve(stream->manager))
            wait_for_items(stream->manager, 1, CLOCK_NEVER);
        collect_notes(stream->manager);
        stream_give(stream);
        if (stream->stopped)
            return false;
    }
    return true;
}

static void draw_some(struct stream *stream)
{
    rp_view input;
    for (int i = 0; i < AT_ONCE && may_draw(stream) && draw(stream, &input); i++) {
        if (stream_give_stored(stream, &input))
            continue;
        if (!put(stream, &input))
            return;
        stream->drawn++;
    }
}

/* ---- Alone ------------------------------------------------------------------------------- */

struct own {
    struct stream *stream;
    rp_view input;
    int attempt;
    bool again;
};

static void give_own(void *state, struct note *note, const void *payload)
{
    struct own *own = state;
    struct stream *stream = own->stream;
    const struct manager *manager = stream->manager;
    own->again = retry_may((rp_status)note->status, own->attempt, stream->work->retries);
    if (own->again)
        return;
    void *kept = payload || !note->size ? NULL : (void *)(uintptr_t)note->result.offset;
    char text[FAILURE_LENGTH] = "";
    if (note->status)
        describe_failure(
            &(struct failure){"item", stream->drawn, note, payload, manager->performer.self, own->attempt},
            manager->crew, text);
    /* The sink may use the pool, whose next task answers into the same few bytes. */
    _Alignas(16) unsigned char small[NOTE_INLINE];
    if (payload && !note->status)
        payload = memcpy(small, payload, sizeof small);
    rp_view result = {kept ? kept : payload, note->size};
    stream_store(stream, stream->drawn, &own->input, note, result, manager->performer.self, own->attempt);
    stream_give_one(stream, stream->drawn, (rp_status)note->status, note->status ? (rp_view){0} : result,
                    text);
    free(kept);
}

static void run_once(struct own *own)
{
    struct stream *stream = own->stream;
    struct note note = {.from = (uint32_t)stream->drawn};
    struct errand errand = {.fn = stream->work->fn,
                            .in = own->input.data,
                            .in_size = own->input.size,
                            .index = stream->drawn,
                            .attempt = ++own->attempt,
                            .map = stream->id,
                            .common = stream->work->common,
                            .common_size = stream->work->common_size,
                            .limit_ns = stream->work->limit_ns};
    performer_rest(&stream->manager->performer);
    perform_errand(&stream->manager->performer, &errand, &note, give_own, own);
}

static void rest_before_another_try(struct manager *manager, int attempt)
{
    uint64_t due = retry_time(attempt);
    while (!clock_has_passed(due)) {
        drain_look(manager);
        retry_rest(due);
    }
}

/* The input is there until the next one is drawn: an item is tried again at once. */
static void run_alone(struct stream *stream)
{
    struct manager *manager = stream->manager;
    rp_view input;
    while (may_draw(stream) && draw(stream, &input)) {
        drain_look(manager);
        if (stream_give_stored(stream, &input))
            continue;
        struct own own = {.stream = stream, .input = input};
        run_once(&own);
        while (own.again) {
            rest_before_another_try(manager, own.attempt);
            run_once(&own);
        }
        stream->drawn++;
        show_map(manager, stream->work->label, SIZE_MAX, stream->given, stream->failed);
    }
}

/* ---- Running ----------------------------------------------------------------------------- */

static void run_with_workers(struct stream *stream)
{
    struct manager *manager = stream->manager;
    while (stream->drawn > stream->given || may_draw(stream)) {
        bool any = collect_notes(manager);
        drain_look(manager);
        manager_call_back(manager);
        any = stream_give(stream) || any;
        if (!stream->stopped && manager_check(manager, stream->error))
            stream->stopped = stream->status = RP_POOL_BROKEN;
        if (stream->stopped)
            stream_withdraw(stream);
        if (may_draw(stream))
            draw_some(stream);
        stream_publish(stream);
        if (!any && !may_draw(stream) && stream->drawn > stream->given && !stuck_resolve(manager))
            wait_for_items(manager, 1, CLOCK_NEVER);
        show_map(manager, stream->work->label, SIZE_MAX, stream->given, stream->failed);
    }
    stream_close_block(stream);
}

static rp_status begin(struct stream *stream)
{
    struct manager *manager = stream->manager;
    const struct stream_work *work = stream->work;
    rp_status status = manager_check(manager, stream->error);
    if (!status)
        status = manager_name(manager, work->fn, &stream->function, stream->error);
    if (!status && manager_is_alone(manager))
        status = manager_enter(manager, stream->error);
    if (status)
        return status;
    stream->id = ++manager->maps;
    stream->window = work->window ? work->window : WINDOW;
    stream->open = -1;
    submit_close_blocks(manager);
    if (!work->common_size || manager_is_alone(manager))
        return RP_OK;
    stream->common = holding_common(manager, work->common, work->common_size);
    if (!stream->common)
        return error_set(stream->error, RP_NO_MEMORY, "no memory for a stream with %zu bytes in common",
                         work->common_size);
    return RP_OK;
}

rp_status stream_run(struct manager *manager, const struct stream_work *work, struct error *error)
{
    struct error own; /* the user's calls in sources and sinks have the pool's */
    struct stream stream = {.manager = manager, .work = work, .error = &own};
    rp_status status = begin(&stream);
    if (status) {
        *error = own;
        return status;
    }
    stream_journal_begin(&stream);
    show_map_begin(manager, work->label, SIZE_MAX);
    if (manager_is_alone(manager))
        run_alone(&stream);
    else
        run_with_workers(&stream);
    show_map_end(manager, work->label, SIZE_MAX, stream.given, stream.failed);
    if (stream.common)
        holding_end_common(manager, stream.id, stream.common);
    journal_end(stream.part);
    free(stream.arrivals);
    if (stream.status)
        *error = own;
    return stream.status;
}
