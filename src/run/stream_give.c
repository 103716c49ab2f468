#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/parcel.h"
#include "run/describe.h"
#include "run/stream_state.h"

bool stream_arrive(struct stream *stream, int post, const struct note *note, int worker)
{
    if (stream->arrival_count == stream->arrival_room) {
        size_t room = stream->arrival_room ? 2 * stream->arrival_room : 64;
        struct stream_arrival *more = malloc(room * sizeof *more);
        if (!more) { /* the items are lost, the stream says so */
            stream->given += note->count;
            stream->stopped = stream->status = RP_NO_MEMORY;
            error_set(stream->error, RP_NO_MEMORY, "no memory for the results of a stream");
            return false;
        }
        for (size_t i = 0; i < stream->arrival_count; i++)
            more[i] = stream->arrivals[(stream->arrival_first + i) % stream->arrival_room];
        free(stream->arrivals);
        stream->arrivals = more;
        stream->arrival_first = 0;
        stream->arrival_room = room;
    }
    stream->arrivals[(stream->arrival_first + stream->arrival_count++) % stream->arrival_room] =
        (struct stream_arrival){.note = *note,
                                .first = stream->manager->postings[post].first,
                                .worker = worker,
                                .attempt = (int)stream->manager->board.post[post].attempt};
    return true;
}

void stream_give_one(struct stream *stream, size_t index, rp_status status, rp_view result, const char *error)
{
    stream->given++;
    stream->failed += status != RP_OK;
    if (stream->stopped || !stream->work->sink(stream->work->state, index, status, result, error))
        return;
    stream->stopped = stream->status = RP_CANCELLED;
    error_set(stream->error, RP_CANCELLED, "the sink stopped the stream at item %zu", index);
}

static void give_packed(struct stream *stream, const struct stream_arrival *arrival)
{
    const struct note *note = &arrival->note;
    const struct packed_results *results = board_at(&stream->manager->board, note->result.offset);
    uint32_t at = packed_start(results->room);
    for (uint32_t i = 0; i < note->count; i++) {
        rp_view view = {(const char *)results + at, results->size[i]};
        stream_give_one(stream, arrival->first + note->from + i, RP_OK, view, "");
        at = packed_aligned(at + results->size[i]);
    }
}

static void give_alone(struct stream *stream, const struct stream_arrival *arrival)
{
    const struct note *note = &arrival->note;
    const struct manager *manager = stream->manager;
    size_t index = arrival->first + note->from;
    const void *payload =
        note_has_parcel(note) ? board_at(&manager->board, note->result.offset) : note->result.bytes;
    if (note->status == RP_OK) {
        _Alignas(16) unsigned char small[NOTE_INLINE];
        if (!note_has_parcel(note))
            payload = memcpy(small, payload, sizeof small);
        stream_give_one(stream, index, RP_OK, (rp_view){payload, note->size}, "");
        return;
    }
    char text[FAILURE_LENGTH];
    describe_failure(&(struct failure){"item", index, note, payload, arrival->worker, arrival->attempt},
                     manager->crew, text);
    stream_give_one(stream, index, (rp_status)note->status, (rp_view){0}, text);
}

bool stream_give(struct stream *stream)
{
    bool any = stream->arrival_count > 0;
    while (stream->arrival_count) {
        /* The sink may use the pool, and so make the queue grow. */
        struct stream_arrival arrival = stream->arrivals[stream->arrival_first];
        stream->arrival_first = (stream->arrival_first + 1) % stream->arrival_room;
        stream->arrival_count--;
        if (arrival.note.flags & NOTE_PACKED)
            give_packed(stream, &arrival);
        else
            give_alone(stream, &arrival);
        if (note_has_parcel(&arrival.note))
            parcel_mark_taken(&stream->manager->board, arrival.note.result.offset);
    }
    return any;
}
