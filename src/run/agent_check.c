/* Whether a note can be, by what its node holds. Nothing is done with it before: a node that says what cannot
 * be is lost, with a sentence, and nothing that it has said so is taken in. */
#include "run/agent_saying.h"

#define ONE_MORE(name, text) +1
#define STATUSES             (0 RP_STATUSES(ONE_MORE))

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
    bool unrun = note->status == RP_CANCELLED && saying_is_of_map(saying) && saying->post->flags & POST_STOP;
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
        return saying_is_of_map(saying) && note->bytes <= PACKED_SIZE
                   ? NULL
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
    if (!saying_is_of_map(saying) || saying->post->flags & POST_PACKED)
        return check_kept(saying);
    return saying->post->flags & POST_REDUCE ? check_reduced(saying) : check_placed(saying);
}

bool saying_read(struct saying *saying, struct agent *agent, const struct wire_note *note)
{
    *saying = (struct saying){.agent = agent, .block = agent_find(agent, note->block), .note = *note};
    if (saying->block)
        saying->post = &agent->pool->manager->board.post[saying->block->post];
    saying->note.worker = road_place(agent->node->road, note->worker);
    const char *why = check_note(saying);
    if (why)
        road_give_up(agent->node, "it sent a note %s: block %llu, items %u to %u", why,
                     (unsigned long long)note->block, note->from, note->from + note->count - 1);
    return !why;
}
