/* The notes of a node's items, with what they carry: as a worker of this node would have written them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "board/parcel.h"
#include "run/agent_saying.h"
#include "run/box_read.h"
#include "run/collect.h"

/* ---- Taking it in ------------------------------------------------------------------------ */

static void *place_of(const struct saying *saying)
{
    uint64_t item = saying->block->from + saying->note.from;
    return (char *)board_at(&saying->agent->pool->manager->board, saying->post->out) +
           item * saying->post->out_size;
}

/* Where results are shorter than their places the rest of these is the user's. */
static void put_in_place(const struct saying *saying, const char *results)
{
    const struct wire_note *note = &saying->note;
    uint64_t stride = saying->post->out_size;
    char *place = place_of(saying);
    if (note->size == stride) {
        memcpy(place, results, note->bytes);
        return;
    }
    for (uint64_t at = 0; at < note->bytes; at += stride)
        memcpy(place + at, results + at, note->size);
}

static bool needs_parcel(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    return note->flags & NOTE_PACKED || (!(note->flags & NOTE_PLACED) && note->bytes > NOTE_INLINE);
}

/* The node's measure: so many items have run, since the note before. */
static void measure(struct agent_block *block, const struct wire_note *note, uint32_t items)
{
    struct agent *agent = block->agent;
    double trip =
        (double)(agent->node->road->heard - block->left) - (double)note->ran * 1e9 - (double)note->age_ns;
    if (!block->heard && trip > 0 && isfinite(trip) && agent_is_there(agent))
        blocks_trip(&block->pace->blocks, agent_number(agent), trip);
    block->heard = true;
    agent->sated = false;
    agent_count_ended(agent, block->pace, items);
}

/* Items of the note that were tallied. What is still open has no more of these than it has items. */
static uint32_t known_of(const struct agent_block *block, const struct wire_note *note)
{
    uint32_t told = note->told < note->count ? note->told : note->count;
    uint32_t known = told < block->tallied ? told : block->tallied, open = block->ended.open - note->count;
    return block->tallied - known > open ? block->tallied - open : known;
}

/* The same, and the counts of who ran it. */
static void learn(const struct saying *saying)
{
    const struct wire_note *note = &saying->note;
    struct agent_block *block = saying->block;
    struct agents *pool = saying->agent->pool;
    uint32_t known = known_of(block, note);
    block->tallied -= known;
    measure(block, note, note->count - known);
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
 * parcel, or else at `payload`. */
static void take_in(const struct saying *saying, const void *payload, uint64_t parcel, bool has_room)
{
    const struct wire_note *from = &saying->note;
    struct agent_block *block = saying->block;
    struct manager *manager = saying->agent->pool->manager;
    struct note note = {.post = (uint16_t)block->post,
                        .flags = from->flags,
                        .status = from->status,
                        .from = block->from + from->from,
                        .count = from->count,
                        .ran = isfinite(from->ran) ? from->ran : 0,
                        .ended = saying->agent->node->road->heard - from->age_ns,
                        .size = from->size};
    if (from->status == RP_OK)
        note.joined = from->joined;
    else
        note.code = from->code;
    if (needs_parcel(saying))
        note.result.offset = parcel;
    else if (from->flags & NOTE_PLACED)
        note.result.told = from->told < from->count ? from->told : from->count;
    else if (payload)
        memcpy(note.result.bytes, payload, from->bytes);
    if (!saying_is_of_map(saying)) /* should it wait for another try, it has begun */
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
        put_in_place(saying, payload);
    take_in(saying, payload, parcel, !needs_parcel(saying) || parcel != ARENA_NONE);
}

static bool is_packed_well(const struct wire_note *note, const void *payload)
{
    return !(note->flags & NOTE_PACKED) || box_is_packed(payload, note->bytes, note->count);
}

/* What is known already runs again where a worker has died over it. */
static void take_tally(struct agent *agent, const struct wire_note *note)
{
    struct agent_block *block = agent_find(agent, note->block);
    if (!block || note->status || note->bytes || note->count > block->count) {
        road_give_up(agent->node, "it sent a tally that cannot be: block %llu, %u items",
                     (unsigned long long)note->block, note->count);
        return;
    }
    uint32_t open = block->ended.open - block->tallied;
    uint32_t items = note->count < open ? note->count : open;
    block->tallied += items;
    measure(block, note, items);
    const struct posting *posting = &agent->pool->manager->postings[block->post];
    if (items && posting->ops->tallied)
        posting->ops->tallied(posting->work, block->post, items, isfinite(note->ran) ? note->ran : 0,
                              agent->node->road->heard - note->age_ns);
}

static void take_batch(struct agent *agent, const struct wire_message *message)
{
    struct wire_note note;
    struct saying saying;
    const void *payload;
    size_t at = 0;
    bool counted = false;
    while (!agent->node->lost && wire_note_get(message, &at, &note, &payload)) {
        if (note.flags == WIRE_TALLY) {
            take_tally(agent, &note);
            continue;
        }
        if (!saying_read(&saying, agent, &note))
            return;
        if (!is_packed_well(&note, payload)) {
            road_give_up(agent->node, "it sent packed results that are none");
            return;
        }
        if (!counted)
            blocks_noted(&saying.block->pace->blocks, message->notes.count);
        counted = true;
        take_short(&saying, payload);
    }
}

/* ---- Long payloads ------------------------------------------------------------------------ */

/* On its way to where it belongs: to its place in a post's own memory, or to a parcel. To an array of the
 * user's it is copied: MPI may write to what it was given for long after the sender's end, and the array is
 * the user's again by then. */
struct arrival {
    struct transit transit;
    struct saying saying;
    struct arrival *behind;
    struct block *memory; /* pinned */
    uint64_t parcel;
    bool is_lost; /* its items run elsewhere */
};

static bool is_of_user(const struct saying *saying)
{
    const struct posting *posting = &saying->agent->pool->manager->postings[saying->block->post];
    return saying->note.flags & NOTE_PLACED &&
           saying->post->out - posting->block->offset >= posting->block->size;
}

/* To a parcel first, or the rest of the user's slots would be written, too. */
static bool goes_apart(const struct saying *saying)
{
    return needs_parcel(saying) || (is_of_user(saying) && saying->note.size < saying->post->out_size);
}

static void take_out(struct arrival *arrival)
{
    struct arrival **link = &arrival->saying.agent->arrivals;
    while (*link != arrival)
        link = &(*link)->behind;
    *link = arrival->behind;
}

static void take_long(struct arrival *arrival)
{
    struct saying *saying = &arrival->saying;
    struct board *board = &saying->agent->pool->manager->board;
    void *payload = arrival->parcel != ARENA_NONE ? board_at(board, arrival->parcel) : NULL;
    if (payload && !is_packed_well(&saying->note, payload)) {
        road_give_up(saying->agent->node, "it sent packed results that are none");
        agent_return_said(saying->block, saying->note.from, saying->note.count);
        return;
    }
    if (payload && !needs_parcel(saying)) {
        put_in_place(saying, payload);
        parcel_mark_taken(board, arrival->parcel);
    }
    take_in(saying, payload, arrival->parcel, payload || !goes_apart(saying));
}

/* What is written to no more may be used again. */
static void end_arrival(struct transit *transit, bool arrived)
{
    struct arrival *arrival = (struct arrival *)transit;
    struct saying *saying = &arrival->saying;
    struct agent *agent = saying->agent;
    struct manager *manager = agent->pool->manager;
    bool counts = arrived && !agent->node->lost && !arrival->is_lost;
    if (!agents_end_transit(agent->pool)) {
        agent_drop_block(saying->block);
        free(arrival);
        return;
    }
    take_out(arrival);
    saying->block->under_way--;
    posting_unpin(manager, arrival->memory);
    if (counts) {
        take_long(arrival);
        free(arrival);
        return;
    }
    if (arrival->parcel != ARENA_NONE)
        parcel_mark_taken(&manager->board, arrival->parcel);
    if (arrival->is_lost)
        agent_leave_block(saying->block);
    else
        agent_return_said(saying->block, saying->note.from, saying->note.count);
    free(arrival);
}

/* Memory of the board's is left to the net, and what runs again has other. To an array of the user's nothing
 * goes any more, as the net says next, if it is still there. */
void agent_lose_arrivals(struct agent *agent)
{
    struct manager *manager = agent->pool->manager;
    for (struct arrival *arrival = agent->arrivals; arrival; arrival = arrival->behind) {
        const struct saying *saying = &arrival->saying;
        bool is_of_net = arrival->parcel == ARENA_NONE && is_of_user(saying);
        if (arrival->is_lost || (is_of_net && !agent->node->road->cut))
            continue;
        arrival->is_lost = true;
        if (arrival->parcel == ARENA_NONE && !is_of_net)
            manager->postings[saying->block->post].written = true;
        agent_return_said(saying->block, saying->note.from, saying->note.count);
    }
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
    if (!wire_note_get(message, &at, &note, &payload) || !saying_read(&arrival->saying, agent, &note)) {
        free(arrival);
        return false;
    }
    void *to = NULL;
    if (goes_apart(&arrival->saying))
        arrival->parcel = parcel_take(&manager->parcels, note.bytes);
    if (arrival->parcel != ARENA_NONE)
        to = board_at(&manager->board, arrival->parcel);
    else if (note.flags & NOTE_PLACED && !goes_apart(&arrival->saying))
        to = place_of(&arrival->saying);
    lease_end_run(&arrival->saying.block->said, note.from, note.count);
    arrival->saying.block->under_way++;
    agent->pool->transits++;
    arrival->memory = posting_pin(manager, arrival->saying.block->post);
    arrival->behind = agent->arrivals;
    agent->arrivals = arrival;
    struct net *net = agent->node->road->net;
    if (is_of_user(&arrival->saying) && arrival->parcel == ARENA_NONE)
        net_receive_copied(net, event, &to, arrival);
    else
        net_receive(net, event, &to, arrival);
    return true;
}

bool agent_take_notes(struct agent *agent, const struct net_event *event, const struct wire_message *message)
{
    if (event->segments)
        return receive(agent, event, message);
    take_batch(agent, message);
    return false;
}
