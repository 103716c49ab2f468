/* Performing under way: shared by the files perform*.c alone. */
#ifndef RANKPOOL_RUN_PERFORM_STATE_H
#define RANKPOOL_RUN_PERFORM_STATE_H

#include "run/perform.h"

struct run {
    struct performer *performer;
    note_sink *sink;
    void *state;
    uint16_t post;
    uint16_t flags; /* of the next note */
    uint64_t since; /* when its items began */
};

/* Item `index` and its answer, before its function is called. */
static inline void perform_prepare(struct call *call, size_t index, void *out)
{
    call->open.out = out;
    call->open.length = 0;
    atomic_store_explicit(call->index, index, memory_order_relaxed);
    if (call->marked) {
        call->marked = false;
        call->sentence[0] = '\0';
        call->random_words = 0;
    }
}

/* Calls of a stretch: answers go where they are told, no longer than the stretch says. */
static inline void perform_set_up(struct call *call, const struct stretch *stretch, enum answers answers)
{
    call->answers = stretch->flags & POST_DROP_RESULTS ? ANSWER_DROPPED : answers;
    call->open.capacity = stretch->out_size;
    call->common = stretch->common;
    call->common_size = stretch->common_size;
    call->attempt = stretch->attempt;
    call->map = stretch->map;
}

static inline uint64_t perform_index(const struct stretch *stretch, uint32_t item)
{
    return stretch->indices ? stretch->indices[item] : stretch->first + item;
}

/* The input of item `item`; `value` holds it where it is a number. */
static inline const void *perform_input(const struct stretch *stretch, uint32_t item, uint64_t *value)
{
    if (!(stretch->flags & POST_RANGE))
        return stretch->in + item * stretch->in_size;
    *value = stretch->begin + perform_index(stretch, item);
    return value;
}

/* Before an item: what is to be done first. */
enum look { LOOK_GO_ON, LOOK_HAND_IN, LOOK_HALT };
enum look perform_look_up(const struct run *run);
static inline enum look perform_look(const struct run *run)
{
    return run->performer->is_halted ? perform_look_up(run) : LOOK_GO_ON;
}

/* What a call that returned `code` has come to. */
rp_status perform_judge(struct call *call, int code);

/* Gives back what was taken from the larder for an answer that is not sent. */
void perform_forget_kept(struct call *call);

/* A task that failed says a sentence, and its result is void. */
void perform_note_failure(struct call *call, int code, rp_status status, struct note *note);

/* Before a note is sent: who has it sees its items counted. */
void perform_count(struct performer *performer, const struct note *note);

/* Work that follows upon work begins where that ended: one look at the clock for each note. */
uint64_t perform_begin(struct performer *performer);

/* Completes a note and gives it to the sink. */
void perform_send(struct run *run, struct note note, const void *payload);

/* Items from..from+count-1, if any, are not run: they stand behind a failed one, or the program drains. */
void perform_send_unrun(struct run *run, uint32_t from, uint32_t count);

#endif
