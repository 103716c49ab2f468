/* Notes are joined before they leave: where each item is a claim of its own, the manager would else read a
 * note for each. Runs of placed results that lie one behind the other become one, whoever ran them; that the
 * counts of who ran what are right all the same, WIRE_DONE puts right. In a pool with a journal it is written
 * who ran each item: there only runs of one worker are joined. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/relay_state.h"

#define PATIENCE_NS UINT64_C(100000)   /* that notes have which nothing was said about */
#define RUN_BYTES   ((size_t)128 << 10) /* of results that do not wait for more */

/* ---- Joining ----------------------------------------------------------------------------- */

static bool may_join(const struct relay *relay, const struct relay_run *left, const struct relay_run *right)
{
    const struct wire_note *a = &left->note, *b = &right->note;
    return left->block == right->block && a->from + a->count == b->from && a->size == b->size &&
           (a->worker == b->worker || !relay->manager.board.shared->drains);
}

static void join(struct relay *relay, struct relay_run *left, const struct relay_run *right)
{
    struct wire_note *a = &left->note;
    const struct wire_note *b = &right->note;
    bool both = a->flags & b->flags & NOTE_FIRST;
    if (a->worker == b->worker) {
        a->ran += b->ran;
    } else {
        uint32_t first = relay->home->roster->shared->first;
        relay->moved[b->worker - first] += b->count;
        relay->moved[a->worker - first] -= b->count;
        relay->has_moved = true;
        a->ran = b->ran > a->ran ? b->ran : a->ran;
    }
    a->count += b->count;
    a->bytes += b->bytes;
    a->joined += b->joined + both;
    a->flags |= b->flags;
    left->ended = right->ended > left->ended ? right->ended : left->ended;
}

static int compare(const void *a, const void *b)
{
    const struct relay_run *left = a, *right = b;
    uint64_t blocks[] = {left->note.block, right->note.block};
    if (blocks[0] != blocks[1])
        return blocks[0] < blocks[1] ? -1 : 1;
    return left->note.from < right->note.from ? -1 : 1;
}

static void let_go(struct relay_block *block)
{
    block->sending--;
    relay_let_go(block);
}

/* Those that have come in any order, too. */
static void join_all(struct relay *relay)
{
    struct relay_run *runs = relay->runs;
    uint32_t count = relay->run_count, kept = 0;
    qsort(runs, count, sizeof *runs, compare);
    for (uint32_t i = 0; i < count; i++) {
        if (!kept || !may_join(relay, &runs[kept - 1], &runs[i])) {
            runs[kept++] = runs[i];
            continue;
        }
        join(relay, &runs[kept - 1], &runs[i]);
        let_go(runs[i].block);
    }
    relay->run_count = kept;
}

static void send_runs(struct relay *relay)
{
    join_all(relay);
    uint32_t count = relay->run_count;
    relay->run_count = 0;
    relay->run_bytes = 0;
    for (struct relay_run *run = relay->runs; run < relay->runs + count; run++) {
        struct relay_block *block = run->block;
        const void *results = relay_place(block, block->out + run->note.from * block->told.out_size);
        relay_send_note(block, &run->note, run->ended, run->note.bytes ? results : NULL, 0);
        let_go(block);
    }
}

void relay_flush(struct relay *relay)
{
    if (relay->run_count)
        send_runs(relay);
    relay_send_tallies(relay);
    relay_send_batch(relay);
    relay->due = CLOCK_NEVER;
}

/* ---- Gathering --------------------------------------------------------------------------- */

void relay_expect(struct relay *relay, const struct relay_block *block, uint64_t ended)
{
    uint32_t patience = block->told.patience_us;
    uint64_t due = ended + (patience ? patience * UINT64_C(1000) : PATIENCE_NS);
    relay->due = due < relay->due ? due : relay->due;
}

/* Most often a run follows upon the last one. */
static void add_run(struct relay *relay, const struct relay_run *run)
{
    struct relay_run *last = relay->run_count ? &relay->runs[relay->run_count - 1] : NULL;
    relay->run_bytes += run->note.bytes;
    if (last && may_join(relay, last, run)) {
        join(relay, last, run);
    } else {
        relay->runs[relay->run_count++] = *run;
        run->block->sending++;
    }
    bool is_full = relay->run_count == RELAY_NOTES;
    if (is_full)
        join_all(relay);
    if ((is_full && relay->run_count > RELAY_NOTES / 2) || relay->run_bytes >= RUN_BYTES)
        relay_flush(relay);
}

struct wire_note relay_describe_note(const struct relay_block *block, uint32_t from, const struct note *note,
                                     int worker)
{
    return (struct wire_note){.block = block->told.block,
                              .size = note->size,
                              .from = from,
                              .count = note->count,
                              .code = note->code,
                              .ran = note->ran,
                              .worker = (uint32_t)block->relay->home->crew->member[worker].number,
                              .status = (uint16_t)note->status,
                              .flags = note->flags};
}

bool relay_tell(struct relay_block *block, uint32_t from, const struct note *note, const void *payload,
                int worker)
{
    struct relay *relay = block->relay;
    const struct wire_block *told = &block->told;
    struct relay_run run = {
        .block = block, .ended = note->ended, .note = relay_describe_note(block, from, note, worker)};
    relay_expect(relay, block, note->ended);
    if (note->flags & NOTE_PLACED) {
        run.note.bytes = told->flags & POST_DROP_RESULTS ? 0 : note->count * told->out_size;
        add_run(relay, &run);
        return false;
    }
    run.note.bytes = payload ? note->size : 0;
    return relay_send_note(block, &run.note, note->ended, payload, note->result.offset);
}
