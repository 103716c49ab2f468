#include "sample.h"

#include <string.h>

const enum wire_type sample_types[] = {
#define TYPE(number, name, body) WIRE_##name,
    WIRE_TYPES(TYPE)
#undef TYPE
};
const size_t sample_type_count = sizeof sample_types / sizeof *sample_types;

const char *sample_name(enum wire_type type)
{
    switch (type) {
#define TYPE(number, name, body)                                                                             \
    case WIRE_##name:                                                                                        \
        return #name;
        WIRE_TYPES(TYPE)
#undef TYPE
    }
    return "?";
}

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
uint64_t sample_word(unsigned *seed)
{
    uint64_t word = ++*seed * UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* ---- Fields, from the tables ---- */

#define FILL_u16(field) (field) = (uint16_t)sample_word(seed)
#define FILL_u32(field) (field) = (uint32_t)sample_word(seed)
#define FILL_u64(field) (field) = sample_word(seed)
#define FILL_i32(field) (field) = (int32_t)sample_word(seed)
#define FILL_f32(field) (field) = (float)(int32_t)sample_word(seed) / 1024
#define FILL_function(field)                                                                                 \
    (field) = (struct wire_function)                                                                         \
    {                                                                                                        \
        sample_word(seed), sample_word(seed)                                                                 \
    }

#define SAME_u16(field)      (a->field == b->field)
#define SAME_u32(field)      (a->field == b->field)
#define SAME_u64(field)      (a->field == b->field)
#define SAME_i32(field)      (a->field == b->field)
#define SAME_f32(field)      (!memcmp(&a->field, &b->field, sizeof a->field))
#define SAME_function(field) (a->field.module == b->field.module && a->field.offset == b->field.offset)

#define FILL(kind, field) FILL_##kind(to->field);
#define SAME(kind, field) &&SAME_##kind(field)
#define CODE(upper, lower)                                                                                   \
    static void fill_##lower(struct wire_##lower *to, unsigned *seed)                                        \
    {                                                                                                        \
        WIRE_##upper##_FIELDS(FILL)                                                                          \
    }                                                                                                        \
    static bool same_##lower(const struct wire_##lower *a, const struct wire_##lower *b)                     \
    {                                                                                                        \
        return true WIRE_##upper##_FIELDS(SAME);                                                             \
    }
WIRE_STRUCTS(CODE)
CODE(TASK, task)
CODE(NOTE, note)

static void fill(struct wire_message *message, unsigned *seed)
{
    switch (message->type) {
#define CASE(upper, lower)                                                                                   \
    case WIRE_##upper:                                                                                       \
        fill_##lower(&message->lower, seed);                                                                 \
        break;
        WIRE_STRUCTS(CASE)
#undef CASE
    default:
        break;
    }
}

static bool same_fields(const struct wire_message *a, const struct wire_message *b)
{
    switch (a->type) {
#define CASE(upper, lower)                                                                                   \
    case WIRE_##upper:                                                                                       \
        return same_##lower(&a->lower, &b->lower);
        WIRE_STRUCTS(CASE)
#undef CASE
    default:
        return true;
    }
}

bool sample_same(const struct wire_message *a, const struct wire_message *b)
{
    return a->type == b->type && a->pool == b->pool && a->body_size == b->body_size && same_fields(a, b) &&
           (a->body_size == 0 || !memcmp(a->body, b->body, a->body_size));
}

struct wire_note sample_note(unsigned *seed, uint64_t bytes)
{
    struct wire_note note;
    fill_note(&note, seed);
    note.bytes = bytes;
    return note;
}

struct wire_task sample_task(unsigned *seed, uint64_t in_size)
{
    struct wire_task task;
    fill_task(&task, seed);
    task.in_size = in_size;
    return task;
}

bool sample_same_note(const struct wire_note *a, const struct wire_note *b)
{
    return same_note(a, b);
}

bool sample_same_task(const struct wire_task *a, const struct wire_task *b)
{
    return same_task(a, b);
}

/* ---- Bodies ---- */

/* In half of the messages the bytes stand in the head, in half they come as segments. */
static void place(struct sample *sample, uint64_t in_head, const uint64_t part[WIRE_PARTS], bool as_segments)
{
    sample->segments = 0;
    for (int i = 0; as_segments && i < WIRE_PARTS; i++)
        if (part[i] > 0)
            sample->segment[sample->segments++] = part[i];
    sample->message.body_size = sample->segments > 0 ? 0 : in_head;
}

static void body_bytes(struct sample *sample, uint64_t *size, unsigned *seed)
{
    *size = sample_word(seed) % 300;
    place(sample, *size, (uint64_t[WIRE_PARTS]){*size}, sample_word(seed) % 2);
}

/* Or they are elsewhere. */
static void body_goods(struct sample *sample, uint64_t *size, uint32_t *from, unsigned *seed)
{
    *from = sample_word(seed) % 2 ? *from | 1 : 0;
    if (!*from)
        body_bytes(sample, size, seed);
}

/* Of `items` items, each at most 39 bytes long. */
static void body_table(struct sample *sample, struct wire_block *block, unsigned *seed)
{
    block->bytes = 0;
    for (uint32_t i = 0; i < block->items; i++) {
        uint64_t size = sample_word(seed) % 40;
        block->bytes += wire_aligned(size);
        if (block->map == 0) {
            struct wire_task task = sample_task(seed, size);
            wire_task_pack(&task, sample->body + i * WIRE_TASK_SIZE);
        } else {
            struct wire_packed item = {sample_word(seed), size};
            wire_packed_pack(&item, sample->body + i * WIRE_PACKED_SIZE);
        }
    }
}

static void body_items(struct sample *sample, unsigned *seed)
{
    struct wire_block *block = &sample->message.block;
    struct wire_parts parts;
    block->items = (uint32_t)(sample_word(seed) % 20);
    block->in_size = sample_word(seed) % 40;
    block->map = sample_word(seed) % 3;
    block->flags = (uint32_t)(sample_word(seed) % 32 | (sample_word(seed) % 2 ? WIRE_INDICES : 0));
    if (block->map == 0 || (block->flags & WIRE_PACKED))
        body_table(sample, block, seed);
    else
        block->bytes = (block->flags & WIRE_RANGE) ? 0 : block->items * block->in_size;
    if (wire_block_parts(block, &parts))
        place(sample, wire_parts_together(&parts), (uint64_t[WIRE_PARTS]){parts.table, parts.inputs},
              sample_word(seed) % 2);
}

static void body_notes(struct sample *sample, unsigned *seed)
{
    struct wire_message *message = &sample->message;
    if (sample_word(seed) % 2) {
        struct wire_note note = sample_note(seed, sample_word(seed) % 1000000 + 1);
        message->notes.count = 1;
        message->body_size = wire_note_put(&note, NULL, sample->body, SAMPLE_ROOM);
        sample->segment[sample->segments++] = note.bytes;
        return;
    }
    unsigned char payload[40] = {7, 7, 7};
    message->notes.count = (uint32_t)(sample_word(seed) % 20);
    for (uint32_t i = 0; i < message->notes.count; i++) {
        struct wire_note note = sample_note(seed, sample_word(seed) % sizeof payload);
        message->body_size += wire_note_put(&note, payload, sample->body + message->body_size,
                                            SAMPLE_ROOM - message->body_size);
    }
}

static void body_text(struct sample *sample, unsigned *seed)
{
    sample->message.body_size = sample_word(seed) % 300;
    for (size_t i = 0; i < sample->message.body_size; i++)
        sample->body[i] = (unsigned char)(sample_word(seed) % 255 + 1);
}

static void add_body(struct sample *sample, unsigned *seed)
{
    struct wire_message *message = &sample->message;
    switch (message->type) {
    case WIRE_OPEN:
        body_bytes(sample, &message->open.size, seed);
        break;
    case WIRE_COMMON:
        body_goods(sample, &message->common.size, &message->common.from, seed);
        break;
    case WIRE_SHARE:
        body_goods(sample, &message->share.size, &message->share.from, seed);
        break;
    case WIRE_WISH:
        body_bytes(sample, &message->wish.size, seed);
        break;
    case WIRE_MET:
        body_bytes(sample, &message->met.size, seed);
        break;
    case WIRE_BLOCK:
        body_items(sample, seed);
        break;
    case WIRE_NOTES:
        body_notes(sample, seed);
        break;
    case WIRE_DONE:
        message->done.count = (uint32_t)(sample_word(seed) % 20);
        message->body_size = message->done.count * 8;
        break;
    case WIRE_MODULE:
    case WIRE_BROKEN:
    case WIRE_REFUSED:
        body_text(sample, seed);
        break;
    default:
        break;
    }
}

void sample_make(struct sample *sample, enum wire_type type, unsigned seed)
{
    memset(sample, 0, sizeof *sample);
    seed *= 1000000;
    for (size_t i = 0; i < SAMPLE_ROOM; i++)
        sample->body[i] = (unsigned char)sample_word(&seed);
    sample->message = (struct wire_message){.type = type, .pool = sample_word(&seed), .body = sample->body};
    fill(&sample->message, &seed);
    add_body(sample, &seed);
}
