/* What the journal knows of a stream: items that are stored are given to the sink as they are drawn,
 * the others are stored when their notes come in, while their inputs still stand on the board. */
#include "record/journal.h"
#include "run/stream_state.h"

void stream_journal_begin(struct stream *stream)
{
    const struct stream_work *work = stream->work;
    struct journal *journal = stream->manager->setup.journal;
    struct journal_work about = {.map = stream->id,
                                 .kind = "stream",
                                 .label = work->label,
                                 .items = JOURNAL_UNKNOWN,
                                 .module = stream->function.module,
                                 .offset = stream->function.offset,
                                 .common = work->common,
                                 .common_size = work->common_size};
    if (!journal)
        return;
    stream->part = journal_begin(journal, &about);
    stream->known = journal_digest_work(journal, &about);
}

static struct journal_digest digest_of(const struct stream *stream, const void *in, size_t size)
{
    return journal_digest_item(stream->manager->setup.journal, stream->known, in, size);
}

bool stream_give_stored(struct stream *stream, const rp_view *input)
{
    rp_view result;
    if (!stream->part || !stream->part->may_find ||
        !journal_find(stream->part, stream->drawn, digest_of(stream, input->data, input->size), &result) ||
        !result.data)
        return false;
    size_t index = stream->drawn++;
    stream_give_one(stream, index, RP_OK, result, "");
    return true;
}

void stream_store(struct stream *stream, size_t index, const rp_view *input, const struct note *note,
                  rp_view result, int worker, int attempt)
{
    if (!stream->part || note->status)
        return;
    journal_store(stream->part, &(struct journal_done){.item = index,
                                                       .digest = digest_of(stream, input->data, input->size),
                                                       .result = result.size ? result.data : "",
                                                       .size = result.size,
                                                       .worker = worker,
                                                       .attempt = attempt,
                                                       .ran = (double)note->ran / note->count,
                                                       .ended = note->ended});
}

void stream_store_note(struct stream *stream, int number, const struct note *note, const void *payload,
                       int worker)
{
    const struct board *board = &stream->manager->board;
    const struct post *post = &board->post[number];
    const struct packed_input *inputs = board_at(board, post->indices);
    const struct packed_results *packed = note->flags & NOTE_PACKED ? payload : NULL;
    uint32_t at = packed ? packed_start(packed->room) : 0;
    if (!stream->part || note->status)
        return;
    for (uint32_t i = 0; i < note->count; i++) {
        const struct packed_input *input = &inputs[note->from + i];
        rp_view result =
            packed ? (rp_view){(const char *)packed + at, packed->size[i]} : (rp_view){payload, note->size};
        stream_store(stream, stream->manager->postings[number].first + note->from + i,
                     &(rp_view){board_at(board, input->offset), input->size}, note, result, worker,
                     (int)post->attempt);
        at = packed_aligned(at + (uint32_t)result.size);
    }
}
