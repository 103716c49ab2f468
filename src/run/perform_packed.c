/* Packed posts: results of any size, many in a parcel. */
#include "run/box.h"
#include "run/perform_state.h"

/* The parcel that results of a run are put into. */
struct pack {
    struct packed_results *results; /* NULL: none at present */
    uint64_t offset;
    uint32_t used; /* bytes */
    uint32_t from; /* item of the first result */
    uint32_t count;
};

static bool open_pack(struct pack *pack, struct larder *larder, uint32_t from, uint32_t left)
{
    *pack = (struct pack){.from = from};
    pack->results = larder->take(larder->owner, PACKED_SIZE, &pack->offset);
    if (!pack->results)
        return false;
    pack->results->room = left < PACKED_MOST ? left : PACKED_MOST;
    pack->used = packed_start(pack->results->room);
    return true;
}

static bool is_pack_full(const struct pack *pack)
{
    return pack->count == pack->results->room || PACKED_SIZE - pack->used < PACKED_ALIGN;
}

/* Sends the results, or gives the parcel back where there are none. */
static void close_pack(struct pack *pack, struct larder *larder, struct run *run)
{
    if (!pack->results)
        return;
    pack->results = NULL;
    if (!pack->count) {
        larder->give(larder->owner, pack->offset, PACKED_SIZE);
        return;
    }
    perform_send(run,
                 (struct note){.from = pack->from,
                               .count = pack->count,
                               .flags = NOTE_PACKED,
                               .size = pack->used,
                               .result.offset = pack->offset},
                 NULL);
}

/* A result too long for the parcel, or a failure. */
static void send_alone(struct run *run, struct call *call, uint32_t item, int code)
{
    struct note note = {.from = item, .count = 1};
    rp_status status = perform_judge(call, code);
    if (status) {
        perform_note_failure(call, code, status, &note);
        perform_send(run, note, call->sentence);
        return;
    }
    note.size = call->open.length;
    if (note.size <= NOTE_INLINE) {
        perform_send(run, note, call->kept);
        perform_forget_kept(call);
        return;
    }
    note.result.offset = call->kept_offset;
    call->kept = NULL; /* it goes with the note */
    perform_send(run, note, NULL);
}

uint64_t perform_packed(struct performer *performer, const struct stretch *stretch, uint32_t from,
                        uint32_t count, note_sink *sink, void *state)
{
    if (performer->box)
        return box_run(performer->box, stretch, from, count, sink, state);
    struct call *call = &performer->call;
    struct larder *larder = &performer->larder;
    uint64_t begun = perform_begin(performer);
    struct run run = {performer, sink, state, stretch->post, NOTE_FIRST, begun};
    struct pack pack = {0};
    perform_set_up(call, stretch, ANSWER_KEPT);
    performer->busy = true;
    uint32_t end = from + count;
    for (uint32_t i = from; i < end; i++) {
        enum look look = perform_look(&run);
        if (look)
            close_pack(&pack, larder, &run);
        if (look == LOOK_HALT) {
            perform_send_unrun(&run, i, end - i);
            break;
        }
        /* Without memory for the parcel each result is kept by itself, or fails for want of it. */
        bool packs = pack.results || open_pack(&pack, larder, i, end - i);
        call->open.capacity = packs ? PACKED_SIZE - pack.used : 0;
        perform_prepare(call, stretch->first + i, packs ? (char *)pack.results + pack.used : NULL);
        int code = stretch->fn(&call->open, stretch->in + stretch->inputs[i].offset, stretch->inputs[i].size);
        if (code == 0 && packs && call->open.length <= call->open.capacity) {
            perform_forget_kept(call); /* of an answer that a shorter one replaced */
            pack.results->size[pack.count++] = (uint32_t)call->open.length;
            pack.used = packed_aligned(pack.used + (uint32_t)call->open.length);
            if (is_pack_full(&pack))
                close_pack(&pack, larder, &run);
            continue;
        }
        close_pack(&pack, larder, &run);
        send_alone(&run, call, i, code);
    }
    close_pack(&pack, larder, &run);
    performer->busy = false;
    return run.since - begun;
}
