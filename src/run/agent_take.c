/* What a node says. Its notes are checked against what it holds before anything is done with them: a node
 * that says what cannot be is lost, with a sentence, and nothing that it has said so is taken in. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "run/agent.h"
#include "run/box_read.h"
#include "run/collect.h"
#include "run/recover.h"
#include "sched/tree.h"

#define ASKED_NS UINT64_C(1000000)  /* of a node that gives back what it was asked for ... */
#define REST_NS  UINT64_C(10000000) /* ... and what it was not */

#define ONE_MORE(name, text) +1
#define STATUSES             (0 RP_STATUSES(ONE_MORE))

/* ---- Whether a note can be ---------------------------------------------------------------- */

/* A note, and the block that it is of. */
struct saying {
    struct agent *agent;
    struct agent_block *block;
    struct wire_note note;
    const struct post *post;
};

static bool is_of_map(const struct saying *saying)
{
    return atomic_load_explicit(&saying->post->map, memory_order_relaxed);
}

/* Its items are a node of the tree by which the reduction combines. */
static bool is_tree_node(const struct saying *saying)
{
    uint64_t start = saying->post->first + saying->block->from + saying->note.from;
    uint64_t n = atomic_load_explicit(&saying->post->total, memory_order_relaxed), size = 1;
    uint64_t end = start + saying->note.count;
    if (saying->note.count == 1 || saying->post->indices)
        return saying->note.count == 1;
    while (size < saying->note.count)
        size *= 2;
    return start % size == 0 && (end == start + size || end == n);
}

static const char *check_failure(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    bool unrun = note->status == RP_CANCELLED && is_of_map(saying) && saying->post->flags & POST_STOP;
    if (note->status >= STATUSES || (note->count != 1 && !unrun) || (note->flags & ~(unsigned)NOTE_FIRST))
        return "of a failure that there cannot be";
    if (note->bytes != note->size || note->size >= SENTENCE_LENGTH)
        return "of a failure with a sentence that is too long";
    return NULL;
}

static const char *check_placed(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    bool dropped = saying->post->flags & POST_DROP_RESULTS;
    uint64_t stride = saying->post->out_size, bytes = dropped ? 0 : note->count * stride;
    if (!(note->flags & NOTE_PLACED) || (!dropped && note->size > stride) || note->bytes != bytes)
        return "with results that are not its map's";
    return NULL;
}

static const char *check_reduced(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    if (note->flags & ~(unsigned)NOTE_FIRST || note->size != saying->post->out_size ||
        note->bytes != note->size)
        return "with a result that is not its reduction's";
    return is_tree_node(saying) ? NULL : "of items that are no node of its reduction's tree";
}

static const char *check_kept(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    if (note->flags & NOTE_PLACED || note->bytes != note->size)
        return "with another result than it says";
    if (note->flags & NOTE_PACKED)
        return is_of_map(saying) && note->bytes <= PACKED_SIZE ? NULL
                                                               : "with packed results that there are not";
    return note->count == 1 ? NULL : "of several items with one result";
}

static const char *check_note(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    const struct agent_block *block = saying->block;
    if (!block)
        return "of a block that it does not have";
    if (!note->count || note->from >= block->count || note->count > block->count - note->from)
        return "of items that its block does not have";
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        if (lease_has_ended(&block->said, i))
            return "of items that have ended";
    if (!road_is_of(saying->agent->node, note->worker))
        return "of a worker who is not there";
    if (note->flags & ~(unsigned)(NOTE_FIRST | NOTE_PLACED | NOTE_PACKED))
        return "with flags that there are not";
    if (note->status)
        return check_failure(saying);
    if (!is_of_map(saying) || saying->post->flags & POST_PACKED)
        return check_kept(saying);
    return saying->post->flags & POST_REDUCE ? check_reduced(saying) : check_placed(saying);
}

/* False: there is no such note, and the node is lost. */
static bool read_note(struct agent *agent, const struct wire_note *note, struct saying *saying)
{
    *saying = (struct saying){.agent = agent, .block = agent_find(agent, note->block), .note = *note};
    if (saying->block)
        saying->post = &agent->pool->manager->board.post[saying->block->post];
    const char *why = check_note(saying);
    if (why)
        road_give_up(agent->node, "it sent a note %s: block %llu, items %u to %u", why,
                     (unsigned long long)note->block, note->from, note->from + note->count - 1);
    return !why;
}

/* ---- Taking it in ------------------------------------------------------------------------ */

static void *place_of(const struct saying *saying)
{
    uint64_t item = saying->block->from + saying->note.from;
    return (char *)board_at(&saying->agent->pool->manager->board, saying->post->out) +
           item * saying->post->out_size;
}

static bool needs_parcel(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    return note->flags & NOTE_PACKED || (!(note->flags & NOTE_PLACED) && note->bytes > NOTE_INLINE);
}

/* The node's measure, and the counts of who ran it. */
static void learn(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    struct agent_block *block = saying->block;
    struct agents *pool = saying->agent->pool;
    uint64_t now = clock_ns();
    double trip = (double)(now - block->left) - (double)note->ran * 1e9 - (double)note->age_ns;
    if (!block->heard && trip > 0 && isfinite(trip) && agent_is_there(saying->agent))
        blocks_trip(&block->pace->blocks, agent_number(saying->agent), trip);
    block->heard = true;
    saying->agent->sated = false;
    agent_count_ended(saying->agent, block->pace, note->count);
    if (note->status != RP_CANCELLED)
        pool->done[note->worker - (uint32_t)pool->manager->crew->here] += note->count;
}

/* Without memory for what they carry the items fail, each by itself. */
static void fail(const struct saying *saying, const struct note *note)
{
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        collect_note(saying->agent->pool->manager, (int)saying->note.worker,
                     &(struct note){.post = note->post,
                                    .flags = i == note->from ? note->flags & NOTE_FIRST : 0,
                                    .status = RP_NO_MEMORY,
                                    .from = i,
                                    .count = 1,
                                    .ended = note->ended});
}

/* The note as a worker of this node would have written it; what it carries lies in its place, or in the
 * parcel (ARENA_NONE: there was no room for it), or else at `payload`. */
static void take_in(const struct saying *saying, const void *payload, uint64_t parcel)
{
    const struct wire_note *from = &saying->note;
    struct agent_block *block = saying->block;
    struct manager *manager = saying->agent->pool->manager;
    struct note note = {.post = (uint16_t)block->post,
                        .flags = from->flags,
                        .status = from->status,
                        .from = block->from + from->from,
                        .count = from->count,
                        .code = from->code,
                        .ran = isfinite(from->ran) ? from->ran : 0,
                        .ended = clock_ns() - from->age_ns,
                        .size = from->size};
    bool has_room = !needs_parcel(saying) || parcel != ARENA_NONE;
    if (from->flags & NOTE_PLACED)
        note.result.joined = from->joined;
    if (needs_parcel(saying))
        note.result.offset = parcel;
    else if (payload && !(from->flags & NOTE_PLACED))
        memcpy(note.result.bytes, payload, from->bytes);
    if (!is_of_map(saying)) /* should it wait for another try, it has begun */
        atomic_store(&agent_record(block, from->from)->state, RECORD_RUNNING);
    learn(saying);
    lease_end_run(&block->ended, from->from, from->count);
    agent_leave_block(block);
    if (!has_room && note.status == RP_OK) {
        fail(saying, &note);
        return;
    }
    if (!has_room)
        note.size = 0; /* no memory for the sentence: the code must do */
    collect_note(manager, (int)from->worker, &note);
}

/* Of the notes whose payload goes with them. */
static void take_short(struct saying *saying, const void *payload)
{
    struct manager *manager = saying->agent->pool->manager;
    const struct wire_note *note = &saying->note;
    uint64_t parcel = ARENA_NONE;
    lease_end_run(&saying->block->said, note->from, note->count);
    if (needs_parcel(saying) && (parcel = parcel_take(&manager->parcels, note->bytes)) != ARENA_NONE)
        memcpy(board_at(&manager->board, parcel), payload, note->bytes);
    else if (note->flags & NOTE_PLACED && note->bytes)
        memcpy(place_of(saying), payload, note->bytes);
    take_in(saying, payload, parcel);
}

static bool is_packed_well(const struct wire_note *note, const void *payload)
{
    return !(note->flags & NOTE_PACKED) || box_is_packed(payload, note->bytes, note->count);
}

static void take_notes(struct agent *agent, const struct wire_message *message)
{
    struct wire_note note;
    struct saying saying;
    const void *payload;
    size_t at = 0;
    while (!agent->node->lost && wire_note_get(message, &at, &note, &payload)) {
        if (!read_note(agent, &note, &saying))
            return;
        if (!is_packed_well(&note, payload)) {
            road_give_up(agent->node, "it sent packed results that are none");
            return;
        }
        take_short(&saying, payload);
    }
}

/* ---- Long payloads ------------------------------------------------------------------------ */

/* On its way to where it belongs. */
struct arrival {
    struct transit transit;
    struct saying saying;
    struct block *memory; /* pinned */
    uint64_t parcel;
};

static void end_arrival(struct transit *transit, bool arrived)
{
    struct arrival *arrival = (struct arrival *)transit;
    struct saying *saying = &arrival->saying;
    struct agent_block *block = saying->block;
    struct agents *pool = saying->agent->pool;
    struct manager *manager = pool->manager;
    pool->arriving--;
    if (!manager) {
        if (!pool->arriving)
            free(pool);
        free(arrival);
        return;
    }
    block->under_way--;
    posting_unpin(manager, arrival->memory);
    if (arrived && !saying->agent->node->lost) {
        const void *payload =
            arrival->parcel != ARENA_NONE ? board_at(&manager->board, arrival->parcel) : NULL;
        if (payload && !is_packed_well(&saying->note, payload))
            road_give_up(saying->agent->node, "it sent packed results that are none");
        else
            take_in(saying, payload, arrival->parcel);
    } else {
        if (arrival->parcel != ARENA_NONE)
            parcel_mark_taken(&manager->board, arrival->parcel);
        agent_return_said(block, saying->note.from, saying->note.count);
    }
    free(arrival);
}

static bool receive(struct agent *agent, const struct net_event *event, const struct wire_message *message)
{
    struct manager *manager = agent->pool->manager;
    struct arrival *arrival = malloc(sizeof *arrival);
    struct wire_note note;
    const void *payload;
    size_t at = 0;
    if (!arrival) {
        road_give_up(agent->node, "no memory to hear it");
        return false;
    }
    *arrival = (struct arrival){.transit.over = end_arrival, .parcel = ARENA_NONE};
    if (!wire_note_get(message, &at, &note, &payload) || !read_note(agent, &note, &arrival->saying)) {
        free(arrival);
        return false;
    }
    void *to = NULL;
    if (needs_parcel(&arrival->saying))
        arrival->parcel = parcel_take(&manager->parcels, note.bytes);
    if (arrival->parcel != ARENA_NONE)
        to = board_at(&manager->board, arrival->parcel);
    else if (note.flags & NOTE_PLACED)
        to = place_of(&arrival->saying);
    lease_end_run(&arrival->saying.block->said, note.from, note.count);
    arrival->saying.block->under_way++;
    agent->pool->arriving++;
    arrival->memory = posting_pin(manager, arrival->saying.block->post);
    net_receive(agent->node->road->net, event, &to, arrival);
    return true;
}

/* ---- What else it says ------------------------------------------------------------------- */

static struct agent_block *find_block(struct agent *agent, uint64_t number, uint32_t item, const char *what)
{
    struct agent_block *block = agent_find(agent, number);
    if (block && item < block->count)
        return block;
    road_give_up(agent->node, "it %s item %u of block %llu, which it does not have", what, item,
                 (unsigned long long)number);
    return NULL;
}

/* A block may have ended while it was asked back. */
static void take_recalled(struct agent *agent, const struct wire_recalled *recalled)
{
    struct agent_block *block = agent_find(agent, recalled->block);
    if (!block || recalled->from > block->count) {
        if (!block && recalled->block / AGENT_BLOCKS <= agent->made)
            return;
        road_give_up(agent->node, "it gives back block %llu, which it does not have",
                     (unsigned long long)recalled->block);
        return;
    }
    struct pace *pace = block->pace;
    bool asked = block->recalled && !block->answered;
    block->answered = block->recalled;
    uint32_t count = agent_take_back(block, recalled->from);
    agent_count_returned(agent, pace, count);
    if (!count)
        return;
    agent->rest = clock_ns() + (asked ? ASKED_NS : REST_NS);
    agent->sated = true;
}

static void set_runner(struct agent_block *block, const struct wire_started *started)
{
    if (agent_is_open_task(block, started->item))
        atomic_store(&agent_record(block, started->item)->state, RECORD_RUNNING);
    if (block->telling)
        block->runner[started->item] = started->worker;
}

static void take_started(struct agent *agent, const struct wire_started *started)
{
    struct agent_block *block = find_block(agent, started->block, started->item, "started");
    if (block && !road_is_of(agent->node, started->worker))
        road_give_up(agent->node, "it says that worker %u started a task, who is not there", started->worker);
    else if (block && !lease_has_ended(&block->said, started->item))
        set_runner(block, started);
}

/* A task that was cancelled in time has a note as one that was cancelled here. */
static void take_answer(struct agent *agent, const struct wire_answer *answer)
{
    struct agent_block *block = agent_find(agent, answer->block);
    if (!agent->asked) {
        road_give_up(agent->node, "it answers what it was not asked");
        return;
    }
    agent->asked--;
    if (!block || answer->item >= block->count || !answer->ok || !agent_is_open_task(block, answer->item))
        return;
    struct note note = {.post = (uint16_t)block->post,
                        .flags = NOTE_SKIPPED,
                        .from = block->from + answer->item,
                        .count = 1,
                        .ended = clock_ns()};
    agent_count_ended(agent, block->pace, 1);
    lease_end(&block->said, answer->item);
    lease_end(&block->ended, answer->item);
    agent_leave_block(block);
    collect_note(agent->pool->manager, agent->node->first, &note);
}

static void take_broken(struct agent *agent, const struct wire_message *message)
{
    char why[512];
    size_t size = message->body_size < sizeof why ? message->body_size : sizeof why - 1;
    if (size)
        memcpy(why, message->body, size);
    why[size] = '\0';
    board_break(&agent->pool->manager->board, why);
}

static void take_refused(struct agent *agent, const struct wire_message *message)
{
    struct manager *manager = agent->pool->manager;
    const struct road_node *node = agent->node;
    uint32_t worker = message->refused.worker;
    if (!road_is_of(node, worker)) {
        road_give_up(agent->node, "it says that worker %u refuses, who is not there", worker);
        return;
    }
    char *refusal = malloc(message->body_size + 1);
    if (refusal) {
        if (message->body_size)
            memcpy(refusal, message->body, message->body_size);
        refusal[message->body_size] = '\0';
        free(agent->refusal);
        agent->refusal = refusal;
    }
    manager->refused[worker / 64] |= UINT64_C(1) << (worker % 64);
    agent_count_workers(agent);
    recover_without(manager, (int)worker);
}

/* Notes that were joined count for one worker: this puts it right. */
static void take_done(struct agent *agent, const struct wire_message *message)
{
    const struct manager *manager = agent->pool->manager;
    size_t *done = agent->pool->done + agent->node->first - manager->crew->here;
    if (message->done.count > (uint32_t)agent->node->count) {
        road_give_up(agent->node, "it counts for %u workers", message->done.count);
        return;
    }
    for (uint32_t i = 0; i < message->done.count; i++)
        done[i] += wire_u64_unpack((const char *)message->body + i * sizeof(uint64_t));
}

static void take_closed(struct agent *agent)
{
    if (atomic_load(&agent->pool->manager->board.shared->closing))
        agent->closed = true;
    else
        road_give_up(agent->node, "it has closed a pool that is open");
}

bool agent_take(struct agent *agent, const struct net_event *event, const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_NOTES:
        if (event->segments)
            return receive(agent, event, message);
        take_notes(agent, message);
        break;
    case WIRE_RECALLED:
        take_recalled(agent, &message->recalled);
        break;
    case WIRE_STARTED:
        take_started(agent, &message->started);
        break;
    case WIRE_ANSWER:
        take_answer(agent, &message->answer);
        break;
    case WIRE_BROKEN:
        take_broken(agent, message);
        break;
    case WIRE_REFUSED:
        take_refused(agent, message);
        break;
    case WIRE_CLOSED:
        take_closed(agent);
        break;
    case WIRE_WISH:
        return agent_take_wish(agent, event, message);
    case WIRE_DONE:
        take_done(agent, message);
        break;
    default:
        road_give_up(agent->node, "it sends message %d, which is the manager's to send", (int)message->type);
        break;
    }
    return false;
}
