/* Notes are joined before they leave: where each item is a claim of its own, the manager would else read a
 * note for each. Runs of placed results that lie one behind the other become one, whoever ran them; that the
 * counts of who ran what are right all the same, WIRE_DONE puts right. In a pool with a journal it is written
 * who ran each item: there only runs of one worker are joined.
 *
 * Of uneven work many a run has no neighbour yet when it is time. Where notes wait for long, since there are
 * many nodes or this one has much to do, and only the end of the map is watched for, short runs stay for some
 * times as long, until what runs between them has ended; the manager is told by a tally how many items they
 * are, from which it knows what the node needs. There, too, notes leave as soon as half of what the node had
 * is done: the less it has left, the sooner the manager hears of it.
 * What a journal is to have stays nowhere. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/relay_state.h"

#define PATIENCE_NS UINT64_C(100000)    /* that notes have which nothing was said about */
#define RUN_BYTES   ((size_t)128 << 10) /* of results that do not wait for more */

#define LONG_NS    UINT64_C(1500000) /* of patience */
#define STAY_TIMES 8                 /* the patience: a run without neighbours waits for them */
#define STAY_ITEMS 32u               /* of a run that does not */
#define STAY_BYTES ((size_t)16 << 10)

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
    left->told += right->told;
    left->since = left->since < right->since ? left->since : right->since;
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

static uint64_t patience_of(const struct relay_block *block)
{
    return block->told.patience_us ? block->told.patience_us * UINT64_C(1000) : PATIENCE_NS;
}

static bool waits_for_long(const struct relay_block *block)
{
    bool is_stored = atomic_load(&block->relay->manager.board.shared->drains) != DRAINS_NOT;
    return block->told.total && !is_stored && patience_of(block) >= LONG_NS;
}

static uint64_t stays_until(const struct relay_run *run)
{
    const struct relay_block *block = run->block;
    bool may = waits_for_long(block) && block->open && !relay_is_telling(block) &&
               run->note.count < STAY_ITEMS && run->note.bytes < STAY_BYTES;
    return may ? run->since + STAY_TIMES * patience_of(block) : 0;
}

static void send_run(struct relay_run *run)
{
    struct relay_block *block = run->block;
    const void *results = relay_place(block, block->out + run->note.from * block->told.out_size);
    relay_send_note(block, &run->note, run->ended, run->note.bytes ? results : NULL, 0);
    let_go(block);
}

/* Of a block, by its first run that stays, which others of it follow. */
static void tell_staying(struct relay_run *run, const struct relay_run *end)
{
    struct relay_block *block = run->block;
    struct wire_note tally = run->note;
    uint64_t ended = run->ended;
    tally.count = 0;
    for (; run < end && run->block == block; run++) {
        tally.count += run->note.count - run->told;
        run->told = run->note.count;
    }
    tally.from = tally.joined = 0;
    tally.size = tally.bytes = 0;
    tally.flags = WIRE_TALLY;
    if (tally.count)
        relay_send_note(block, &tally, ended, NULL, 0);
}

/* All, or those that wait for nothing more. */
static void send_runs(struct relay *relay, bool all)
{
    join_all(relay);
    uint64_t now = clock_ns();
    uint32_t count = relay->run_count;
    struct relay_run *runs = relay->runs;
    all |= !relay->items || count > RELAY_NOTES / 2;
    relay->run_count = 0;
    relay->run_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t until = all ? 0 : stays_until(&runs[i]);
        if (until <= now) {
            send_run(&runs[i]);
            continue;
        }
        relay->due = until < relay->due ? until : relay->due;
        relay->run_bytes += runs[i].note.bytes;
        runs[relay->run_count++] = runs[i];
    }
    for (uint32_t i = 0; i < relay->run_count; i++)
        if (!i || runs[i].block != runs[i - 1].block)
            tell_staying(&runs[i], runs + relay->run_count);
}

static void flush(struct relay *relay, bool all)
{
    relay->due = CLOCK_NEVER;
    relay->fresh = 0;
    if (relay->run_count)
        send_runs(relay, all);
    relay_send_tallies(relay);
    relay_send_batch(relay);
}

void relay_flush(struct relay *relay)
{
    flush(relay, true);
}

void relay_flush_due(struct relay *relay)
{
    flush(relay, false);
}

/* ---- Gathering --------------------------------------------------------------------------- */

void relay_expect(struct relay *relay, const struct relay_block *block, uint64_t ended)
{
    uint64_t due = ended + patience_of(block);
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
                              .code = note->status ? note->code : 0,
                              .joined = note->status ? 0 : note->joined,
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
    struct relay_run run = {.block = block,
                            .ended = note->ended,
                            .since = note->ended,
                            .note = relay_describe_note(block, from, note, worker)};
    relay_expect(relay, block, note->ended);
    if (note->status && told->flags & POST_STOP)
        relay->due = note->ended; /* others go on until it is known */
    if (waits_for_long(block))
        relay->fresh += note->count;
    if (note->flags & NOTE_PLACED) {
        run.note.bytes = told->flags & POST_DROP_RESULTS ? 0 : note->count * told->out_size;
        add_run(relay, &run);
        return false;
    }
    run.note.bytes = payload ? note->size : 0;
    return relay_send_note(block, &run.note, note->ended, payload, note->result.offset);
}
