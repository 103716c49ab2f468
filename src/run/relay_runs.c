/* Notes are joined before they leave: where each item is a claim of its own, the manager would else read a
 * note for each. Runs of placed results that lie one behind the other become one, whoever ran them; that the
 * counts of who ran what are right all the same, WIRE_DONE puts right. In a pool with a journal it is written
 * who ran each item: there only runs of one worker are joined.
 *
 * Of uneven work many a run has no neighbour yet when it is time. Where notes wait for long, since there are
 * many nodes or this one has much to do, and where many come from nodes that are led from here, and only the
 * end of the map is watched for, short runs stay for some times as long, until what runs between them has
 * ended; the manager is told by a tally how many items they are, from which it knows what the node needs.
 * Where notes wait for long they also leave as soon as half of what the node had is done: the less it has
 * left, the sooner the manager hears of it. What a journal is to have stays nowhere.
 *
 * As many runs as there are workers, also those of other nodes that are led from here, may lie between items
 * that run: there is room for so many. When it is full those leave that have stayed longest, until half of it
 * is left. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/relay_state.h"
#include "run/road.h"

#define PATIENCE_NS UINT64_C(100000) /* that notes have which nothing was said about */
#define RUN_BYTES   ((size_t)256)    /* of results that wait, for each run that there is room for */

#define LONG_NS    UINT64_C(1500000) /* of patience */
#define MANY_RUNS  (RELAY_NOTES / 4) /* from nodes that are led: they stay, too */
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

/* Nobody looks at single results of a map before it has ended: at those of a stream its sink does. */
static bool is_of_map(const struct relay_block *block)
{
    return block->told.total && !(block->told.flags & POST_PACKED);
}

static bool is_unwatched(const struct relay_block *block)
{
    bool is_stored = atomic_load(&block->relay->manager.board.shared->drains) != DRAINS_NOT;
    return is_of_map(block) && !is_stored;
}

bool relay_waits_for_long(const struct relay_block *block)
{
    return is_unwatched(block) && patience_of(block) >= LONG_NS;
}

/* Of uneven work nearly each note that comes from nodes that are led from here is without neighbours. */
static bool may_stay(const struct relay_block *block)
{
    const struct relay *relay = block->relay;
    return relay_waits_for_long(block) || (relay->crowded && relay->manager.agents && is_unwatched(block));
}

static uint64_t stays_until(const struct relay_run *run, unsigned times)
{
    const struct relay_block *block = run->block;
    bool may = may_stay(block) && block->open && !relay_is_telling(block) && run->note.count < STAY_ITEMS &&
               run->note.bytes < STAY_BYTES;
    return may ? run->since + times * patience_of(block) : 0;
}

static bool stays(const struct relay_run *run, unsigned times, uint64_t now)
{
    return times && stays_until(run, times) > now;
}

static bool is_too_much(uint32_t runs, size_t bytes, uint32_t room)
{
    return runs > room || bytes > room * RUN_BYTES;
}

/* How many times its patience a run may stay so that half of the room is left. */
static unsigned choose_times(const struct relay *relay, uint64_t now)
{
    unsigned times = STAY_TIMES;
    for (; times; times /= 2) {
        uint32_t count = 0;
        size_t bytes = 0;
        for (uint32_t i = 0; i < relay->run_count; i++)
            if (stays(&relay->runs[i], times, now)) {
                count++;
                bytes += relay->runs[i].note.bytes;
            }
        if (!is_too_much(count, bytes, relay->run_room / 2))
            break;
    }
    return times;
}

/* ---- Leaving ----------------------------------------------------------------------------- */

static void send_run(struct relay_run *run)
{
    struct relay_block *block = run->block;
    const void *results = relay_place(block, block->out + run->note.from * block->told.out_size);
    run->note.told = run->told;
    relay_send_note(block, &run->note, run->ended, run->note.bytes ? results : NULL, 0);
    let_go(block);
}

static void count_staying(struct relay *relay, unsigned times, uint64_t now)
{
    for (struct relay_run *run = relay->runs; run < relay->runs + relay->run_count; run++) {
        if (run->told == run->note.count || !stays(run, times, now))
            continue;
        relay_count_run(run->block, run->note.count - run->told, run->note.ran, run->ended);
        run->told = run->note.count;
    }
}

/* Where notes do not wait for long, what has stayed leaves with others. */
static uint64_t leave_next(const struct relay_block *block, uint64_t now)
{
    return relay_waits_for_long(block) ? 0 : now + patience_of(block);
}

static void send_runs(struct relay *relay, unsigned times, uint64_t now)
{
    uint32_t count = relay->run_count;
    struct relay_run *runs = relay->runs;
    relay->run_count = 0;
    relay->run_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!stays(&runs[i], times, now)) {
            send_run(&runs[i]);
            continue;
        }
        uint64_t next = leave_next(runs[i].block, now), until = stays_until(&runs[i], times);
        until = until > next ? until : next;
        relay->due = until < relay->due ? until : relay->due;
        relay->run_bytes += runs[i].note.bytes;
        runs[relay->run_count++] = runs[i];
    }
}

/* All, or those that wait for nothing more. Tallies go first: notes say how much of them was counted. */
static void flush(struct relay *relay, bool all)
{
    uint64_t now = clock_ns();
    relay->due = CLOCK_NEVER;
    relay->fresh = 0;
    join_all(relay);
    relay->crowded = relay->run_count >= MANY_RUNS;
    unsigned times = all || !relay->items ? 0 : choose_times(relay, now);
    count_staying(relay, times, now);
    relay_send_tallies(relay);
    send_runs(relay, times, now);
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

/* What has come from a node that is led from here has waited there: where single results are watched for that
 * counts, else those of other nodes are waited for as long. */
static uint64_t gathers_since(const struct relay_block *block, const struct note *note, int worker)
{
    bool is_far = worker >= block->relay->home->crew->here;
    return is_far && is_of_map(block) ? road_heard(block->relay->home->road) : note->ended;
}

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
    if (!is_too_much(relay->run_count, relay->run_bytes, relay->run_room - 1))
        return;
    join_all(relay);
    if (is_too_much(relay->run_count, relay->run_bytes, relay->run_room / 2))
        relay_flush_due(relay);
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
    bool is_far = worker >= relay->home->crew->here;
    struct relay_run run = {.block = block,
                            .ended = note->ended,
                            .since = note->ended,
                            .told = is_far && note->flags & NOTE_PLACED ? note->result.told : 0,
                            .note = relay_describe_note(block, from, note, worker)};
    relay_expect(relay, block, gathers_since(block, note, worker));
    if (note->status && told->flags & POST_STOP)
        relay->due = note->ended; /* others go on until it is known */
    if (relay_waits_for_long(block))
        relay->fresh += note->count - run.told;
    relay_hear_told(block, run.told);
    if (note->flags & NOTE_PLACED) {
        run.note.bytes = told->flags & POST_DROP_RESULTS ? 0 : note->count * told->out_size;
        add_run(relay, &run);
        return false;
    }
    run.note.bytes = payload ? note->size : 0;
    return relay_send_note(block, &run.note, note->ended, payload, note->result.offset);
}
