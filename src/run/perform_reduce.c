/* Posts of a reduction: results are combined as they come, and what is left of a run, the fewest
 * nodes of the tree that it can be cut into, goes to the sink, each with a note.
 *
 * The stack works as a binary counter: what lies below its top are left halves of nodes whose right
 * halves are under way, and parts whose siblings other runs have. An item's function writes its
 * result straight into the next place of the stack; long results lie in the larder from the start,
 * so that what goes to the sink is not copied. */
#include <assert.h>

#include "base/clock.h"
#include "run/box.h"
#include "run/perform_state.h"
#include "sched/tree.h"

#define LEVELS 44 /* of runs up to BOARD_POST_ITEMS: parts that rise, parts that fall, and the top */
#define TIMED  8  /* combinations of a run that are timed */
#define ROOM   32 /* for short results, aligned for any type */

_Static_assert(BOARD_POST_ITEMS <= 1 << 20 && ROOM >= NOTE_INLINE, "the stack is deep and wide enough");

struct part {
    void *memory;    /* of its result; NULL: none yet */
    uint64_t offset; /* in the larder */
    uint32_t from, end;
};

struct stack {
    struct run run;
    const struct stretch *stretch;
    size_t size;
    unsigned depth;
    unsigned timed;      /* combinations */
    uint64_t combine_ns; /* the least of these; 0: there were none */
    struct part part[LEVELS];
    _Alignas(16) unsigned char small[LEVELS][ROOM];
};

/* Where the next result goes; NULL without memory. */
static void *next_place(struct stack *stack)
{
    struct part *part = &stack->part[stack->depth];
    struct larder *larder = &stack->run.performer->larder;
    assert(stack->depth < LEVELS);
    if (!part->memory)
        part->memory = stack->size <= NOTE_INLINE ? stack->small[stack->depth]
                                                  : larder->take(larder->owner, stack->size, &part->offset);
    return part->memory;
}

/* The first ones are timed; the least of them is what one takes that was not interrupted. */
static void combine(struct stack *stack, struct part *left, struct part *right)
{
    bool timed = stack->timed < TIMED;
    uint64_t begun = timed ? clock_ns() : 0;
    stack->stretch->combine(left->memory, right->memory, stack->size);
    if (timed) {
        uint64_t ns = clock_ns() - begun + 1;
        if (!stack->timed++ || ns < stack->combine_ns)
            stack->combine_ns = ns;
    }
    left->end = right->end;
    stack->depth--;
}

/* What lies in the next place is the result of items from..end-1. */
static void push(struct stack *stack, uint32_t from, uint32_t end)
{
    const struct stretch *stretch = stack->stretch;
    struct part *top = &stack->part[stack->depth++];
    top->from = from;
    top->end = end;
    for (; stack->depth > 1; top--) {
        struct part *left = top - 1;
        if (!tree_are_siblings(stretch->total, stretch->first + left->from, stretch->first + top->from,
                               stretch->first + top->end))
            return;
        combine(stack, left, top);
    }
}

/* Sends what has been combined. */
static void flush(struct stack *stack)
{
    for (unsigned i = 0; i < stack->depth; i++) {
        struct part *part = &stack->part[i];
        bool is_short = stack->size <= NOTE_INLINE;
        struct note note = {.from = part->from, .count = part->end - part->from, .size = stack->size};
        if (!is_short)
            note.result.offset = part->offset;
        perform_send(&stack->run, note, is_short ? part->memory : NULL);
        part->memory = NULL; /* it went with the note */
    }
    stack->depth = 0;
}

static void give_back(struct stack *stack)
{
    struct larder *larder = &stack->run.performer->larder;
    for (unsigned i = 0; i < LEVELS && stack->size > NOTE_INLINE; i++)
        if (stack->part[i].memory)
            larder->give(larder->owner, stack->part[i].offset, stack->size);
}

static void send_failure(struct stack *stack, uint32_t item, int code, rp_status status)
{
    struct note note = {.from = item, .count = 1};
    flush(stack);
    perform_note_failure(&stack->run.performer->call, code, status, &note);
    perform_send(&stack->run, note, stack->run.performer->call.sentence);
}

/* All results have the same size, which `combine` is told. */
static rp_status judge(struct call *call, int code)
{
    rp_status status = perform_judge(call, code);
    if (status || call->open.length == call->open.capacity)
        return status;
    call_say(call, "its result of %zu bytes is shorter than the %zu that are combined", call->open.length,
             call->open.capacity);
    return RP_TASK_FAILED;
}

/* True if it was done. */
static bool run_item(struct stack *stack, uint32_t item)
{
    const struct stretch *stretch = stack->stretch;
    struct call *call = &stack->run.performer->call;
    uint64_t value;
    const void *in = perform_input(stretch, item, &value);
    void *place = next_place(stack);
    perform_prepare(call, perform_index(stretch, item), place);
    if (!place) {
        call_say(call, "no memory for a result of %zu bytes", stack->size);
        send_failure(stack, item, 0, RP_NO_MEMORY);
        return false;
    }
    int code = stretch->fn(&call->open, in, stretch->in_size);
    if (code || call->open.length != stack->size) {
        send_failure(stack, item, code, judge(call, code));
        return false;
    }
    push(stack, item, item + 1);
    if (stretch->indices) /* its neighbours are elsewhere */
        flush(stack);
    return true;
}

static void set_up(struct stack *stack, const struct run *run, const struct stretch *stretch)
{
    stack->run = *run;
    stack->stretch = stretch;
    stack->size = stretch->out_size;
    stack->depth = 0;
    stack->timed = 0;
    stack->combine_ns = 0;
    for (unsigned i = 0; i < LEVELS; i++)
        stack->part[i].memory = NULL;
}

uint64_t perform_reduce(struct performer *performer, const struct stretch *stretch, uint32_t from,
                        uint32_t count, note_sink *sink, void *state)
{
    if (performer->box)
        return box_run(performer->box, stretch, from, count, sink, state);
    struct call *call = &performer->call;
    uint64_t begun = perform_begin(performer);
    struct stack stack;
    set_up(&stack, &(struct run){performer, sink, state, stretch->post, NOTE_FIRST, begun}, stretch);
    perform_set_up(call, stretch, ANSWER_PLACED);
    performer->busy = true;
    bool looks = performer->is_halted;
    uint32_t end = from + count;
    for (uint32_t i = from; i < end; i++) {
        bool halted = looks && perform_look(&stack.run) == LOOK_HALT; /* what has finished is never stored */
        if (!halted && (run_item(&stack, i) || !(stretch->flags & POST_STOP)))
            continue;
        flush(&stack);
        perform_send_unrun(&stack.run, i + !halted, end - i - !halted);
        break;
    }
    flush(&stack);
    give_back(&stack);
    performer->busy = false;
    performer->combine_ns = stack.combine_ns;
    return stack.run.since - begun;
}

/* Whoever dies here is taken to have run the item whose result it was about to combine. */
uint64_t perform_parts(struct performer *performer, const struct stretch *stretch, uint32_t count,
                       note_sink *sink, void *state)
{
    uint64_t begun = perform_begin(performer);
    struct stack stack;
    set_up(&stack, &(struct run){performer, sink, state, stretch->post, 0, begun}, stretch);
    performer->busy = true;
    performer->done -= count; /* they have been counted */
    for (struct reduced_part *next = stretch->parts; count; count -= next++->count) {
        struct part *top = &stack.part[stack.depth];
        bool is_short = stack.size <= NOTE_INLINE;
        top->offset = is_short ? 0 : next->result.offset;
        top->memory = is_short ? next->result.bytes : (unsigned char *)stretch->board + top->offset;
        atomic_store_explicit(performer->call.index, perform_index(stretch, next->from),
                              memory_order_relaxed);
        push(&stack, next->from, next->from + next->count);
    }
    flush(&stack);
    performer->busy = false;
    performer->combine_ns = stack.combine_ns;
    return stack.run.since - begun;
}
