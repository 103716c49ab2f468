/* Performing: calls the program's functions on items, whoever the process is.
 *
 * A performer belongs to one process and pool. It says what came out as notes, in the words of
 * board/layout.h, to a sink: the worker's sink puts them into its outbox, the manager's takes them
 * at once. Items that answer as their map expects share one note, and cost nothing else.
 *
 * Where tasks are isolated, the performer has a box (box.h): the same calls then run in its child, and the
 * same notes reach the sink.
 *
 * Where a journal is in use, the performer looks up between the items of a run. What has finished is noted
 * ten times a second, however long the run is; and once the program drains, the items that have not begun
 * are noted as RP_CANCELLED. */
#ifndef RANKPOOL_RUN_PERFORM_H
#define RANKPOOL_RUN_PERFORM_H

#include <stdarg.h>

#include "board/layout.h"
#include "run/crew.h"

#define SENTENCE_LENGTH 1024

/* Memory for results that have no place yet: `take` gives `size` bytes and how a note speaks of
 * them, `give` takes back what was not sent. And what else a task may reach by a number: what is
 * shared, and queues, of which an item that it gets lives until it gets another one or ends. */
struct larder {
    void *(*take)(void *owner, size_t size, uint64_t *offset);
    void (*give)(void *owner, uint64_t offset, size_t size);
    const void *(*find_share)(void *owner, uint64_t number, size_t *size);
    rp_status (*put)(void *owner, uint64_t queue, const void *data, size_t size, uint64_t deadline);
    rp_status (*get)(void *owner, uint64_t queue, rp_view *view, uint64_t deadline);
    void *owner;
};

enum answers {
    ANSWER_PLACED,  /* into the item's place; longer ones fail */
    ANSWER_DROPPED, /* nowhere */
    ANSWER_KEPT,    /* short ones into the note, longer ones into the larder */
};

/* What a task's rp_call is. */
struct call {
    rp_call open; /* first: the part that rp_return sees */
    struct performer *performer;
    enum answers answers;
    const void *common;
    size_t common_size;
    _Atomic uint64_t *index; /* of the item: on the board, where others see it; alone the performer's own */
    int attempt;
    uint64_t map;
    bool marked;           /* the item has said something, or drawn random words: forgotten before the next */
    uint64_t random_words; /* that rp_random has drawn */
    uint64_t random[4];    /* the block that they come from */
    void *kept;            /* from the larder */
    uint64_t kept_offset;
    size_t kept_size;
    char sentence[SENTENCE_LENGTH];
};

struct box;

struct performer {
    struct call call;
    struct box *box; /* the tasks run in its child; NULL: here */
    int self;        /* worker's number, 0 for the manager */
    bool busy;       /* a task runs */
    uint64_t seed;
    struct crew *crew;
    struct slot *slot; /* on the board; NULL alone */
    _Atomic uint64_t index;
    struct larder larder;
    bool (*is_halted)(void *halter); /* whether the program drains; NULL: there is no journal */
    void *halter;
    void *local;
    void *scratch; /* for results that will be dropped or refused */
    size_t scratch_size;
    size_t done;         /* items run */
    uint64_t now;        /* clock_ns when the last note was made; 0: it has rested since */
    uint64_t combine_ns; /* that a combination took in the last run of a reduction; 0: there was none */
    _Alignas(16) unsigned char small[NOTE_INLINE];
};

/* Items of a map that lie one behind the other. */
struct stretch {
    rp_fn *fn;
    rp_combine *combine; /* of a reduction */
    const char *in;
    size_t in_size;
    char *out;
    size_t out_size;
    const uint64_t *indices;           /* NULL: first, first + 1, ... */
    const struct packed_input *inputs; /* of a packed post, on the board at `in` */
    struct reduced_part *parts;        /* of a post that combines, on ... */
    void *board;                       /* ... this one */
    uint64_t first;
    uint64_t total; /* items of a reduction */
    uint64_t begin; /* of a range */
    const void *common;
    size_t common_size;
    uint64_t map;
    uint32_t flags; /* post_flags */
    int attempt;
    uint16_t post;
    uint64_t limit_ns; /* that an item may take, where tasks are isolated; 0: none */
};

/* `payload` is the sentence of a failure, or a short result: note->size bytes that the sink must
 * carry; NULL where there are none, or where they lie in place or in the larder already. */
typedef void note_sink(void *state, struct note *note, const void *payload);

/* `crew` is held. */
void performer_init(struct performer *performer, int self, struct crew *crew, uint64_t seed);
void performer_fini(struct performer *performer);

/* Its place on the board, where others see what it does. */
void performer_stand(struct performer *performer, struct slot *slot);

/* What a task says of its failure. */
void call_say(struct call *call, const char *format, ...) RP_PRINTF(2, 3);
void call_say_list(struct call *call, const char *format, va_list arguments) RP_PRINTF(2, 0);

/* What the performer runs next does not follow at once upon what it ran last. */
static inline void performer_rest(struct performer *performer)
{
    performer->now = 0;
}

/* Runs items from..from+count-1 of a stretch. Returns the nanoseconds they took. */
uint64_t perform_run(struct performer *performer, const struct stretch *stretch, uint32_t from,
                     uint32_t count, note_sink *sink, void *state);

/* The same for a packed post: results of any size go with the notes. */
uint64_t perform_packed(struct performer *performer, const struct stretch *stretch, uint32_t from,
                        uint32_t count, note_sink *sink, void *state);

/* The same for a reduction: a note has the result of all its items, which are a node of the tree
 * (sched/tree.h). */
uint64_t perform_reduce(struct performer *performer, const struct stretch *stretch, uint32_t from,
                        uint32_t count, note_sink *sink, void *state);

/* Combines parts of a reduction, which cover the items 0..count-1 of the stretch, where they lie: a note has
 * what comes of them, as long as it may be combined. Nothing of it is isolated. */
uint64_t perform_parts(struct performer *performer, const struct stretch *stretch, uint32_t count,
                       note_sink *sink, void *state);

/* An item by itself: a submitted task. */
struct errand {
    rp_fn *fn;
    const void *in;
    size_t in_size;
    size_t index;
    int attempt;
    uint64_t map;
    const void *common;
    size_t common_size;
    uint64_t limit_ns; /* as a stretch's */
};

/* Runs it; the note, of which the caller has filled what says whose it is, goes to the sink. */
void perform_errand(struct performer *performer, const struct errand *errand, struct note *note,
                    note_sink *sink, void *state);

enum hook { HOOK_INITIALIZER, HOOK_FINALIZER };

/* Runs an initializer or finalizer: RP_OK, or RP_POOL_BROKEN with the sentence in `error`. */
rp_status perform_hook(struct performer *performer, enum hook hook, rp_fn *fn, const void *in, size_t in_size,
                       struct error *error);

/* Room for an answer of `size` bytes; NULL without memory. What rp_reserve does. */
void *call_reserve(struct call *call, size_t size);

#endif
