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
    call->sentence[0] = '\0';
    call->index = index;
    call->random_words = 0;
}

/* What a call that returned `code` has come to. */
rp_status perform_judge(struct call *call, int code);

/* Gives back what was taken from the larder for an answer that is not sent. */
void perform_forget_kept(struct call *call);

/* A task that failed says a sentence, and its result is void. */
void perform_note_failure(struct call *call, int code, rp_status status, struct note *note);

/* Work that follows upon work begins where that ended: one look at the clock for each note. */
uint64_t perform_begin(struct performer *performer);

/* Completes a note and gives it to the sink. */
void perform_send(struct run *run, struct note note, const void *payload);

#endif
