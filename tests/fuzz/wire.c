/* A message between nodes, of any bytes: it is refused with a sentence, or all that it says fits what is
 * there, and packed again it is the same message.
 *
 * An input is what its type is, the number and sizes of segments, and the head. Half of the inputs
 * have a frame that is right, so that what is behind it is tried. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/message.h"

enum { LONGEST = 4096, SEGMENT = 1 << 20 };

static const enum wire_type types[] = {
#define TYPE(number, name, body) WIRE_##name,
    WIRE_TYPES(TYPE)
#undef TYPE
};

static volatile unsigned sum;

static void read_all(const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum += ((const unsigned char *)data)[i];
}

static void read_notes(const struct wire_message *message, const size_t *segment, int segments)
{
    struct wire_note note;
    const void *payload;
    uint32_t count = 0;
    for (size_t at = 0; wire_note_get(message, &at, &note, &payload); count++) {
        FUZZ_CHECK(at <= message->body_size);
        if (payload)
            read_all(payload, note.bytes);
        else
            FUZZ_CHECK(note.bytes == (segments ? segment[0] : 0));
    }
    FUZZ_CHECK(count == message->notes.count);
}

static uint64_t input_size(const struct wire_block *block, const unsigned char *table, uint32_t item)
{
    struct wire_task task;
    struct wire_packed packed;
    if (block->map == 0) {
        wire_task_unpack(&task, table + (size_t)item * WIRE_TASK_SIZE);
        return task.in_size;
    }
    wire_packed_unpack(&packed, table + (size_t)item * WIRE_PACKED_SIZE);
    return packed.size;
}

/* The items, from a table that stands in the head or has come as a segment. */
static void read_items(const struct wire_block *block, const unsigned char *table,
                       const unsigned char *inputs)
{
    struct error error = {.text = ""};
    uint64_t at = 0;
    if (wire_block_check(block, table, &error)) {
        FUZZ_CHECK(error.text[0]);
        return;
    }
    if (block->map != 0 && !(block->flags & WIRE_PACKED))
        return;
    for (uint32_t i = 0; i < block->items; i++) {
        uint64_t size = input_size(block, table, i);
        FUZZ_CHECK(at <= block->bytes && size <= block->bytes - at);
        if (inputs)
            read_all(inputs + at, size);
        at += wire_aligned(size);
    }
    FUZZ_CHECK(at == block->bytes);
}

static void read_block(struct fuzz *fuzz, const struct wire_message *message, int segments)
{
    struct wire_parts parts;
    FUZZ_CHECK(wire_block_parts(&message->block, &parts));
    if (segments == 0) {
        const unsigned char *table = message->body;
        FUZZ_CHECK(wire_parts_together(&parts) == message->body_size);
        read_items(&message->block, table, table ? table + wire_aligned(parts.table) : NULL);
    } else if (parts.table > 0) {
        unsigned char *table = malloc(parts.table);
        FUZZ_CHECK(table && parts.table < SEGMENT);
        fuzz_take(fuzz, table, parts.table);
        read_items(&message->block, table, NULL);
        free(table);
    }
}

/* Bytes between the fields and the body are not the message's. */
static void pack_again(const struct wire_message *message, const size_t *segment, int segments)
{
    static unsigned char head[LONGEST];
    struct wire_message again;
    size_t size = wire_message_pack(message, head, sizeof head);
    FUZZ_CHECK(size == wire_message_body(message->type) + message->body_size);
    FUZZ_CHECK(!wire_message_unpack(&again, head, size, segment, segments, NULL));
    FUZZ_CHECK(again.type == message->type && again.pool == message->pool);
    FUZZ_CHECK(again.body_size == message->body_size);
    FUZZ_CHECK(again.body_size == 0 || !memcmp(again.body, message->body, again.body_size));
}

void fuzz_one(struct fuzz *fuzz)
{
    struct wire_message message;
    struct error error = {.text = ""};
    size_t segment[WIRE_PARTS + 1];
    uint8_t kind = fuzz_byte(fuzz);
    int segments = (int)fuzz_below(fuzz, WIRE_PARTS + 2);
    for (int i = 0; i < segments; i++)
        segment[i] = fuzz_below(fuzz, SEGMENT);
    size_t size = fuzz->left < LONGEST ? fuzz->left : LONGEST;
    unsigned char *head = malloc(size + !size);
    FUZZ_CHECK(head);
    fuzz_take(fuzz, head, size);
    if (kind < 128 && size >= WIRE_FRAME) {
        memset(head, 0, 8);
        head[0] = (unsigned char)types[kind % (sizeof types / sizeof *types)];
        head[1] = WIRE_VERSION;
    }
    if (wire_message_unpack(&message, head, size, segment, segments, &error)) {
        FUZZ_CHECK(error.status == RP_INVALID && error.text[0]);
    } else {
        if (message.body)
            read_all(message.body, message.body_size);
        if (message.type == WIRE_NOTES)
            read_notes(&message, segment, segments);
        if (message.type == WIRE_BLOCK)
            read_block(fuzz, &message, segments);
        pack_again(&message, segment, segments);
    }
    free(head);
}
