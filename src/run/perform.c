#include "run/perform_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/box.h"

#define HAND_IN_NS UINT64_C(100000000) /* between notes of what has finished, for the journal */

void performer_init(struct performer *performer, int self, struct crew *crew, uint64_t seed)
{
    *performer = (struct performer){.self = self, .crew = crew_hold(crew), .seed = seed};
    performer->call.performer = performer;
    performer->call.index = &performer->index;
}

void performer_fini(struct performer *performer)
{
    crew_drop(performer->crew);
    free(performer->scratch);
    *performer = (struct performer){0};
}

void performer_stand(struct performer *performer, struct slot *slot)
{
    performer->slot = slot;
    performer->call.index = &slot->running;
}

void call_say_list(struct call *call, const char *format, va_list arguments)
{
    vsnprintf(call->sentence, sizeof call->sentence, format, arguments);
    call->marked = true;
}

void call_say(struct call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    call_say_list(call, format, arguments);
    va_end(arguments);
}

static void *scratch_of(struct performer *performer, size_t size)
{
    if (size > performer->scratch_size) {
        free(performer->scratch);
        performer->scratch = malloc(size);
        performer->scratch_size = performer->scratch ? size : 0;
    }
    return performer->scratch;
}

void perform_forget_kept(struct call *call)
{
    if (call->kept)
        call->performer->larder.give(call->performer->larder.owner, call->kept_offset, call->kept_size);
    call->kept = NULL;
}

void *call_reserve(struct call *call, size_t size)
{
    bool possible = size <= PTRDIFF_MAX;
    perform_forget_kept(call);
    if (call->answers == ANSWER_DROPPED)
        return possible ? scratch_of(call->performer, size ? size : 1) : NULL;
    call->open.length = size;
    if (size <= call->open.capacity)
        return size ? call->open.out : call->performer->small;
    if (call->answers == ANSWER_PLACED)
        return possible ? scratch_of(call->performer, size) : NULL;
    if (possible)
        call->kept = call->performer->larder.take(call->performer->larder.owner, size, &call->kept_offset);
    call->kept_size = size;
    if (!call->kept) {
        call->open.length = 0;
        call_say(call, "no memory for a result of %zu bytes", size);
    }
    return call->kept;
}

rp_status perform_judge(struct call *call, int code)
{
    if (code)
        return RP_TASK_FAILED;
    if (call->answers == ANSWER_PLACED && call->open.length > call->open.capacity) {
        call_say(call, "its result of %zu bytes does not fit into the %zu of an item", call->open.length,
                 call->open.capacity);
        return RP_TASK_FAILED;
    }
    return RP_OK;
}

void perform_note_failure(struct call *call, int code, rp_status status, struct note *note)
{
    perform_forget_kept(call);
    note->status = status;
    note->code = code;
    note->size = strlen(call->sentence);
}

uint64_t perform_begin(struct performer *performer)
{
    return performer->now ? performer->now : clock_ns();
}

void perform_count(struct performer *performer, const struct note *note)
{
    if (note->status != RP_CANCELLED)
        performer->done += note->count;
    if (performer->slot)
        atomic_store_explicit(&performer->slot->done, performer->done, memory_order_relaxed);
}

void perform_send(struct run *run, struct note note, const void *payload)
{
    uint64_t now = clock_ns();
    note.post = run->post;
    note.flags |= run->flags;
    note.ended = now;
    note.ran = (float)((double)(now - run->since) * 1e-9);
    perform_count(run->performer, &note);
    run->sink(run->state, &note, payload);
    run->performer->now = run->since = now;
    run->flags = 0;
}

static void send_good(struct run *run, uint32_t from, uint32_t count, size_t size)
{
    if (count)
        perform_send(run, (struct note){.from = from, .count = count, .flags = NOTE_PLACED, .size = size},
                     NULL);
}

/* An item that failed, or whose answer has another size than its place. True if it failed. */
static bool send_exception(struct run *run, struct call *call, uint32_t item, int code)
{
    struct note note = {.from = item, .count = 1};
    rp_status status = perform_judge(call, code);
    if (status == RP_OK) {
        send_good(run, item, 1, call->open.length);
        return false;
    }
    perform_note_failure(call, code, status, &note);
    perform_send(run, note, call->sentence);
    return true;
}

enum look perform_look_up(const struct run *run)
{
    if (run->performer->is_halted(run->performer->halter))
        return LOOK_HALT;
    return clock_ns() - run->since > HAND_IN_NS ? LOOK_HAND_IN : LOOK_GO_ON;
}

void perform_send_unrun(struct run *run, uint32_t from, uint32_t count)
{
    if (count)
        perform_send(run, (struct note){.from = from, .count = count, .status = RP_CANCELLED}, NULL);
}

/* Item `i`, which is not as the others are, and the good ones from `good_from` on. True if it failed. Apart
 * from the loop, whose variables stay in registers so. */
__attribute__((noinline)) static bool send_odd(struct run *run, const struct stretch *stretch,
                                               uint32_t good_from, uint32_t i, int code)
{
    send_good(run, good_from, i - good_from, stretch->out_size);
    return send_exception(run, &run->performer->call, i, code);
}

/* Items from..end-1; those from *good_from on have no notes yet. False: what is behind one that failed is
 * not to run. */
static bool run_items(struct run *run, const struct stretch *stretch, uint32_t from, uint32_t end,
                      uint32_t *good_from)
{
    struct call *call = &run->performer->call;
    for (uint32_t i = from; i < end; i++) {
        uint64_t index = perform_index(stretch, i), value;
        const void *in = perform_input(stretch, i, &value);
        perform_prepare(call, index, stretch->out + i * stretch->out_size);
        int code = stretch->fn(&call->open, in, stretch->in_size);
        if (code == 0 && call->open.length == stretch->out_size)
            continue;
        bool failed = send_odd(run, stretch, *good_from, i, code);
        *good_from = i + 1;
        if (failed && stretch->flags & POST_STOP)
            return false;
    }
    return true;
}

uint64_t perform_run(struct performer *performer, const struct stretch *stretch, uint32_t from,
                     uint32_t count, note_sink *sink, void *state)
{
    if (performer->box)
        return box_run(performer->box, stretch, from, count, sink, state);
    uint64_t begun = perform_begin(performer);
    struct run run = {performer, sink, state, stretch->post, NOTE_FIRST, begun};
    perform_set_up(&performer->call, stretch, ANSWER_PLACED);
    performer->busy = true;

    uint32_t good_from = from, end = from + count, at_once = performer->is_halted ? 1 : count;
    for (uint32_t i = from; i < end; i += at_once) {
        enum look look = perform_look(&run);
        if (look) {
            send_good(&run, good_from, i - good_from, stretch->out_size);
            good_from = i;
        }
        if (look == LOOK_HALT || !run_items(&run, stretch, i, i + at_once, &good_from)) {
            perform_send_unrun(&run, good_from, end - good_from);
            good_from = end;
            break;
        }
    }
    send_good(&run, good_from, end - good_from, stretch->out_size);
    performer->busy = false;
    return run.since - begun;
}

/* ---- Errands ----------------------------------------------------------------------------- */

void perform_errand(struct performer *performer, const struct errand *errand, struct note *note,
                    note_sink *sink, void *state)
{
    if (performer->box) {
        box_errand(performer->box, errand, note, sink, state);
        return;
    }
    struct call *call = &performer->call;
    struct run run = {performer, sink, state, note->post, NOTE_FIRST, perform_begin(performer)};
    call->answers = ANSWER_KEPT;
    call->open.capacity = sizeof performer->small;
    call->common = errand->common;
    call->common_size = errand->common_size;
    call->attempt = errand->attempt;
    call->map = errand->map;
    perform_prepare(call, errand->index, performer->small);
    performer->busy = true;
    int code = errand->fn(&call->open, errand->in, errand->in_size);
    performer->busy = false;

    note->count = 1;
    rp_status status = perform_judge(call, code);
    if (status) {
        perform_note_failure(call, code, status, note);
        perform_send(&run, *note, call->sentence);
        return;
    }
    note->size = call->open.length;
    if (call->open.length <= call->open.capacity) {
        perform_forget_kept(call); /* of an answer that a shorter one replaced */
        perform_send(&run, *note, performer->small);
        return;
    }
    note->result.offset = call->kept_offset;
    call->kept = NULL; /* it goes with the note */
    perform_send(&run, *note, NULL);
}

rp_status perform_hook(struct performer *performer, enum hook hook, rp_fn *fn, const void *in, size_t in_size,
                       struct error *error)
{
    if (performer->box)
        return box_hook(performer->box, hook, fn, in, in_size, error);
    static const char *const names[] = {[HOOK_INITIALIZER] = "initializer", [HOOK_FINALIZER] = "finalizer"};
    struct call *call = &performer->call;
    call->answers = ANSWER_DROPPED;
    call->open.capacity = 0;
    call->attempt = 1;
    call->common = NULL;
    call->common_size = 0;
    perform_prepare(call, 0, performer->small);
    performer->busy = true;
    int code = fn(&call->open, in, in_size);
    performer->busy = false;
    if (!code)
        return RP_OK;
    const struct crew_member *member = &performer->crew->member[performer->self];
    error_set(error, RP_POOL_BROKEN, "the %s failed with code %d on worker %d (%s, process %ld)%s%s",
              names[hook], code, member->number, member->host, member->pid, call->sentence[0] ? ": " : "",
              call->sentence);
    return RP_POOL_BROKEN;
}
