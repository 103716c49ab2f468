#include "wire/message.h"

#include <inttypes.h>

#include "wire/word.h"

/* ---- Structs, from the tables ------------------------------------------------------------- */

#define WIRE_SIZE_function 16

static inline void wire_put_function(unsigned char *at, struct wire_function value)
{
    wire_put_u64(at, value.module);
    wire_put_u64(at + WIRE_SIZE_u64, value.offset);
}

static inline struct wire_function wire_get_function(const unsigned char *at)
{
    return (struct wire_function){wire_get_u64(at), wire_get_u64(at + WIRE_SIZE_u64)};
}

#define ADD_SIZE(kind, field) +WIRE_SIZE_##kind
#define PUT(kind, field)      wire_put_##kind(at, from->field), at += WIRE_SIZE_##kind;
#define GET(kind, field)      to->field = wire_get_##kind(at), at += WIRE_SIZE_##kind;

#define CODE(upper, lower)                                                                                   \
    enum { size_of_##lower = 0 WIRE_##upper##_FIELDS(ADD_SIZE) };                                            \
    static void put_##lower(const struct wire_##lower *from, unsigned char *at)                              \
    {                                                                                                        \
        WIRE_##upper##_FIELDS(PUT)                                                                           \
    }                                                                                                        \
    static void get_##lower(struct wire_##lower *to, const unsigned char *at)                                \
    {                                                                                                        \
        WIRE_##upper##_FIELDS(GET)                                                                           \
    }
WIRE_STRUCTS(CODE)
CODE(TASK, task)
CODE(PACKED, packed)
CODE(NOTE, note)

_Static_assert(size_of_open == 80, "OPEN has 80 bytes of fields");
_Static_assert(size_of_block == 176, "BLOCK has 176 bytes of fields");
_Static_assert(size_of_task == WIRE_TASK_SIZE, "a task of a block is so long");
_Static_assert(size_of_packed == WIRE_PACKED_SIZE, "an item of a packed block is so long");
_Static_assert(size_of_note == WIRE_NOTE_SIZE, "a note is so long");

/* ---- Types -------------------------------------------------------------------------------- */

static const struct type {
    const char *name; /* NULL: there is no such type */
    enum wire_body body;
} types[] = {
#define TYPE(number, name, body) [number] = {#name, WIRE_##body},
    WIRE_TYPES(TYPE)
#undef TYPE
};

static size_t fields_of(enum wire_type type)
{
    switch (type) {
#define CASE(upper, lower)                                                                                   \
    case WIRE_##upper:                                                                                       \
        return size_of_##lower;
        WIRE_STRUCTS(CASE)
#undef CASE
    default:
        return 0;
    }
}

static void put_fields(const struct wire_message *message, unsigned char *at)
{
    switch (message->type) {
#define CASE(upper, lower)                                                                                   \
    case WIRE_##upper:                                                                                       \
        put_##lower(&message->lower, at);                                                                    \
        break;
        WIRE_STRUCTS(CASE)
#undef CASE
    default:
        break;
    }
}

static void get_fields(struct wire_message *message, const unsigned char *at)
{
    switch (message->type) {
#define CASE(upper, lower)                                                                                   \
    case WIRE_##upper:                                                                                       \
        get_##lower(&message->lower, at);                                                                    \
        break;
        WIRE_STRUCTS(CASE)
#undef CASE
    default:
        break;
    }
}

size_t wire_message_body(enum wire_type type)
{
    return wire_aligned(WIRE_FRAME + fields_of(type));
}

/* ---- Heads -------------------------------------------------------------------------------- */

size_t wire_message_pack(const struct wire_message *message, void *to, size_t room)
{
    unsigned char *at = to;
    size_t body = wire_message_body(message->type);
    if (body > room || message->body_size > room - body)
        return 0;
    memset(at, 0, body);
    at[0] = (unsigned char)message->type;
    at[1] = WIRE_VERSION;
    wire_put_u64(at + 8, message->pool);
    put_fields(message, at + WIRE_FRAME);
    if (message->body && message->body_size > 0)
        memcpy(at + body, message->body, message->body_size);
    return body + message->body_size;
}

/* What stands behind the fields: bytes in the head, and segments. */
struct behind {
    size_t body;
    const size_t *segment;
    int segments;
};

/* As much as is wanted in the head, without segments; or nothing, with those segments that have bytes. */
static bool is_either(const struct behind *behind, uint64_t in_head, const uint64_t part[WIRE_PARTS])
{
    if (behind->segments == 0)
        return behind->body == in_head;
    int found = 0;
    for (int i = 0; i < WIRE_PARTS; i++)
        if (part[i] > 0 && (found == behind->segments || behind->segment[found++] != part[i]))
            return false;
    return found == behind->segments && behind->body == 0;
}

static bool fits_nothing(const struct wire_message *message, const struct behind *behind)
{
    (void)message;
    return behind->body == 0 && behind->segments == 0;
}

static bool fits_text(const struct wire_message *message, const struct behind *behind)
{
    return behind->segments == 0 && (behind->body == 0 || !memchr(message->body, 0, behind->body));
}

static uint64_t bytes_of(const struct wire_message *message)
{
    return message->type == WIRE_OPEN     ? message->open.size
           : message->type == WIRE_COMMON ? message->common.size
           : message->type == WIRE_WISH   ? message->wish.size
           : message->type == WIRE_MET    ? message->met.size
                                          : message->share.size;
}

static bool are_elsewhere(const struct wire_message *message)
{
    return (message->type == WIRE_COMMON && message->common.from) ||
           (message->type == WIRE_SHARE && message->share.from);
}

static bool fits_bytes(const struct wire_message *message, const struct behind *behind)
{
    uint64_t size = are_elsewhere(message) ? 0 : bytes_of(message);
    return is_either(behind, size, (uint64_t[WIRE_PARTS]){size});
}

static bool fits_items(const struct wire_message *message, const struct behind *behind)
{
    struct wire_parts parts;
    return wire_block_parts(&message->block, &parts) &&
           is_either(behind, wire_parts_together(&parts), (uint64_t[WIRE_PARTS]){parts.table, parts.inputs});
}

static bool fits_runs(const struct wire_message *message, const struct behind *behind)
{
    struct wire_note note;
    if (behind->segments > 0) {
        if (behind->segments > 1 || message->notes.count != 1 || behind->body != WIRE_NOTE_SIZE)
            return false;
        wire_note_unpack(&note, message->body);
        return note.bytes > 0 && note.bytes == behind->segment[0];
    }
    size_t left = behind->body;
    const unsigned char *at = message->body;
    for (uint32_t i = 0; i < message->notes.count; i++) {
        if (left < WIRE_NOTE_SIZE)
            return false;
        wire_note_unpack(&note, at);
        if (note.bytes > left - WIRE_NOTE_SIZE || wire_aligned((size_t)note.bytes) > left - WIRE_NOTE_SIZE)
            return false;
        size_t taken = WIRE_NOTE_SIZE + wire_aligned((size_t)note.bytes);
        at += taken;
        left -= taken;
    }
    return left == 0;
}

static bool fits_counts(const struct wire_message *message, const struct behind *behind)
{
    return behind->segments == 0 && behind->body == (uint64_t)message->done.count * WIRE_SIZE_u64;
}

/* Whether what stands behind the fields is what they say. */
static bool (*const fits[])(const struct wire_message *, const struct behind *) = {
    [WIRE_NOTHING] = fits_nothing, [WIRE_TEXT] = fits_text, [WIRE_BYTES] = fits_bytes,
    [WIRE_ITEMS] = fits_items,     [WIRE_RUNS] = fits_runs, [WIRE_COUNTS] = fits_counts,
};

static rp_status check_frame(const unsigned char *at, size_t size, struct error *error)
{
    if (size < WIRE_FRAME)
        return error_set(error, RP_INVALID, "a message between nodes of %zu bytes is no message", size);
    if (at[1] != WIRE_VERSION)
        return error_set(error, RP_INVALID,
                         "a message between nodes is of version %d, and this library reads version %d", at[1],
                         WIRE_VERSION);
    if (at[0] >= sizeof types / sizeof *types || !types[at[0]].name || wire_get(at + 2, 6) != 0)
        return error_set(error, RP_INVALID, "a message between nodes is of the unknown type %d", at[0]);
    if (size < wire_message_body(at[0]))
        return error_set(error, RP_INVALID, "a message %s between nodes ends after %zu bytes",
                         types[at[0]].name, size);
    return RP_OK;
}

rp_status wire_message_unpack(struct wire_message *message, const void *from, size_t size,
                              const size_t *segment, int segments, struct error *error)
{
    const unsigned char *at = from;
    rp_status status = check_frame(at, size, error);
    if (status)
        return status;
    size_t body = wire_message_body(at[0]);
    struct wire_message found = {.type = at[0], .pool = wire_get_u64(at + 8)};
    get_fields(&found, at + WIRE_FRAME);
    found.body_size = size - body;
    found.body = found.body_size > 0 ? at + body : NULL;
    struct behind behind = {found.body_size, segment, segments};
    if (!fits[types[found.type].body](&found, &behind))
        return error_set(error, RP_INVALID,
                         "a message %s between nodes does not fit the %zu bytes and %d segments behind it",
                         types[found.type].name, found.body_size, segments);
    *message = found;
    return RP_OK;
}

/* ---- Bodies ------------------------------------------------------------------------------- */

static uint64_t entry_size(const struct wire_block *block)
{
    return block->map == 0                 ? WIRE_TASK_SIZE
           : (block->flags & WIRE_PACKED)  ? WIRE_PACKED_SIZE
           : (block->flags & WIRE_INDICES) ? WIRE_SIZE_u64
                                           : 0;
}

bool wire_block_parts(const struct wire_block *block, struct wire_parts *parts)
{
    bool listed = block->map == 0 || (block->flags & WIRE_PACKED); /* the table says how long they are */
    uint64_t inputs = block->bytes;
    if (!listed && (block->flags & WIRE_RANGE))
        inputs = 0;
    else if (!listed && __builtin_mul_overflow((uint64_t)block->items, block->in_size, &inputs))
        return false;
    if (inputs != block->bytes || inputs > PTRDIFF_MAX || (listed && inputs % WIRE_ALIGN != 0))
        return false;
    *parts = (struct wire_parts){block->items * entry_size(block), inputs};
    return true;
}

/* Of the item with this entry. */
static uint64_t input_size(const struct wire_block *block, const unsigned char *at)
{
    struct wire_task task;
    struct wire_packed item;
    if (block->map == 0) {
        get_task(&task, at);
        return task.in_size;
    }
    get_packed(&item, at);
    return item.size;
}

rp_status wire_block_check(const struct wire_block *block, const void *table, struct error *error)
{
    const unsigned char *at = table;
    uint64_t left = block->bytes, entry = entry_size(block);
    if (entry < WIRE_PACKED_SIZE)
        return RP_OK;
    for (uint32_t i = 0; i < block->items; i++, at += entry) {
        uint64_t size = input_size(block, at);
        if (size > left) /* `left` is a multiple of 16 */
            return error_set(error, RP_INVALID,
                             "the inputs of block %" PRIu64 " are longer than its %" PRIu64 " bytes",
                             block->block, block->bytes);
        left -= wire_aligned(size);
    }
    return left == 0 ? RP_OK
                     : error_set(error, RP_INVALID,
                                 "the inputs of block %" PRIu64 " end %" PRIu64 " bytes before its %" PRIu64,
                                 block->block, left, block->bytes);
}

void wire_task_pack(const struct wire_task *task, void *at)
{
    put_task(task, at);
}

void wire_task_unpack(struct wire_task *task, const void *at)
{
    get_task(task, at);
}

void wire_packed_pack(const struct wire_packed *item, void *at)
{
    put_packed(item, at);
}

void wire_packed_unpack(struct wire_packed *item, const void *at)
{
    get_packed(item, at);
}

void wire_note_pack(const struct wire_note *note, void *at)
{
    put_note(note, at);
}

void wire_note_unpack(struct wire_note *note, const void *at)
{
    get_note(note, at);
}

void wire_u64_pack(uint64_t word, void *at)
{
    wire_put_u64(at, word);
}

uint64_t wire_u64_unpack(const void *at)
{
    return wire_get_u64(at);
}

size_t wire_note_put(const struct wire_note *note, const void *payload, void *to, size_t room)
{
    unsigned char *at = to;
    size_t bytes = payload ? (size_t)note->bytes : 0;
    if (room < WIRE_NOTE_SIZE || bytes > room - WIRE_NOTE_SIZE || wire_aligned(bytes) > room - WIRE_NOTE_SIZE)
        return 0;
    wire_note_pack(note, at);
    at += WIRE_NOTE_SIZE;
    if (bytes > 0) {
        memset(at + wire_aligned(bytes) - WIRE_ALIGN, 0, WIRE_ALIGN);
        memcpy(at, payload, bytes);
    }
    return WIRE_NOTE_SIZE + wire_aligned(bytes);
}

bool wire_note_get(const struct wire_message *message, size_t *at, struct wire_note *note,
                   const void **payload)
{
    if (*at >= message->body_size)
        return false;
    const unsigned char *from = (const unsigned char *)message->body + *at;
    wire_note_unpack(note, from);
    bool here = note->bytes > 0 && note->bytes <= message->body_size - *at - WIRE_NOTE_SIZE;
    *payload = here ? from + WIRE_NOTE_SIZE : NULL;
    *at += WIRE_NOTE_SIZE + (here ? wire_aligned((size_t)note->bytes) : 0);
    return true;
}
