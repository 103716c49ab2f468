#include "wire/message.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sample.h"

#define ROUNDS 200

/* What unpacking says of a head in memory of its own size, so that a sanitizer sees a step beyond. */
static rp_status unpack(struct wire_message *message, const void *head, size_t size, const size_t *segment,
                        int segments, unsigned char **copy)
{
    struct error error;
    error_clear(&error);
    *copy = malloc(size + !size);
    REQUIRE(*copy);
    memcpy(*copy, head, size);
    rp_status status = wire_message_unpack(message, *copy, size, segment, segments, &error);
    CHECK_STATUS(error.status, status);
    CHECK(!status || error.text[0]);
    return status;
}

/* All that a reader would look at in a message that was taken. */
static void read_whole(const struct wire_message *message)
{
    struct wire_note note;
    const void *payload;
    struct wire_parts parts;
    unsigned sum = 0;
    for (size_t i = 0; i < message->body_size; i++)
        sum += ((const unsigned char *)message->body)[i];
    if (message->type == WIRE_NOTES)
        for (size_t at = 0, n = 0; wire_note_get(message, &at, &note, &payload); n++)
            for (uint64_t i = 0; payload && i < note.bytes; i++)
                sum += ((const unsigned char *)payload)[i];
    if (message->type == WIRE_BLOCK && message->body) {
        REQUIRE(wire_block_parts(&message->block, &parts));
        CHECK(wire_parts_together(&parts) == message->body_size);
        wire_block_check(&message->block, message->body, NULL);
    }
    CHECK(sum < UINT32_MAX);
}

/* Refused, or a message that can be read. */
static void try(const void *head, size_t size, const size_t *segment, int segments)
{
    struct wire_message message;
    unsigned char *copy;
    if (!unpack(&message, head, size, segment, segments, &copy))
        read_whole(&message);
    free(copy);
}

static size_t pack(const struct sample *sample, unsigned char head[2 * SAMPLE_ROOM])
{
    size_t size = wire_message_pack(&sample->message, head, 2 * SAMPLE_ROOM);
    REQUIRE(size > 0);
    return size;
}

#define EACH_SAMPLE(sample, rounds)                                                                          \
    for (size_t type_ = 0; type_ < sample_type_count; type_++)                                               \
        for (unsigned seed_ = 0; seed_ < (rounds); seed_++)                                                  \
            if (sample_make(sample, sample_types[type_], seed_),                                             \
                check_note("%s, seed %u", sample_name(sample_types[type_]), seed_), true)

TEST_CASE(every_message_comes_out_as_it_went_in)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    struct wire_message message;
    unsigned char *copy;
    EACH_SAMPLE(&sample, ROUNDS)
    {
        size_t size = pack(&sample, head);
        REQUIRE_STATUS(unpack(&message, head, size, sample.segment, sample.segments, &copy), RP_OK);
        CHECK(sample_same(&message, &sample.message));
        read_whole(&message);
        free(copy);
    }
}

TEST_CASE(a_message_that_ends_early_is_refused_wherever_it_ends)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    struct wire_message message;
    unsigned char *copy;
    EACH_SAMPLE(&sample, 10)
    {
        size_t size = pack(&sample, head);
        bool text = sample.message.type == WIRE_MODULE || sample.message.type == WIRE_BROKEN ||
                    sample.message.type == WIRE_REFUSED;
        size_t most = text ? wire_message_body(sample.message.type) : size;
        for (size_t i = 0; i < most; i++) {
            CHECK_STATUS(unpack(&message, head, i, sample.segment, sample.segments, &copy), RP_INVALID);
            free(copy);
        }
    }
}

TEST_CASE(a_message_with_bytes_behind_its_end_is_refused)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    struct wire_message message;
    unsigned char *copy;
    EACH_SAMPLE(&sample, 10)
    {
        size_t size = pack(&sample, head);
        memset(head + size, 0, 32);
        for (size_t i = 1; i <= 32; i++) {
            CHECK_STATUS(unpack(&message, head, size + i, sample.segment, sample.segments, &copy),
                         RP_INVALID);
            free(copy);
        }
    }
}

TEST_CASE(a_flipped_bit_anywhere_is_refused_or_gives_a_message_that_can_be_read)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    EACH_SAMPLE(&sample, 5)
    {
        size_t size = pack(&sample, head);
        for (size_t i = 0; i < 8 * size; i++) {
            head[i / 8] ^= (unsigned char)(1u << i % 8);
            try(head, size, sample.segment, sample.segments);
            head[i / 8] ^= (unsigned char)(1u << i % 8);
        }
    }
}

TEST_CASE(a_byte_of_any_value_anywhere_is_refused_or_gives_a_message_that_can_be_read)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    EACH_SAMPLE(&sample, 5)
    {
        size_t size = pack(&sample, head);
        for (size_t i = 0; i < size; i++) {
            unsigned char kept = head[i];
            for (size_t k = 0; k < sizeof values; k++) {
                head[i] = values[k];
                try(head, size, sample.segment, sample.segments);
            }
            head[i] = kept;
        }
    }
}

TEST_CASE(random_bytes_are_refused_or_give_a_message_that_can_be_read)
{
    static unsigned char head[512];
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        size_t size = sample_word(&seed) % sizeof head, segment[] = {sample_word(&seed) % 100, 5};
        for (size_t i = 0; i < size; i++)
            head[i] = (unsigned char)sample_word(&seed);
        if (size > WIRE_FRAME && sample_word(&seed) % 4) { /* beyond the frame, too */
            memset(head, 0, 8);
            head[0] = (unsigned char)sample_types[sample_word(&seed) % sample_type_count];
            head[1] = WIRE_VERSION;
        }
        try(head, size, segment, (int)(sample_word(&seed) % 3));
    }
}

TEST_CASE(segments_of_other_sizes_or_another_number_are_refused)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    struct wire_message message;
    unsigned char *copy;
    EACH_SAMPLE(&sample, ROUNDS)
    {
        size_t size = pack(&sample, head), segment[WIRE_PARTS + 1] = {0};
        memcpy(segment, sample.segment, sizeof sample.segment);
        segment[sample.segments] = 1;
        CHECK_STATUS(unpack(&message, head, size, segment, sample.segments + 1, &copy), RP_INVALID);
        free(copy);
        for (int i = 0; i < sample.segments; i++) {
            CHECK_STATUS(unpack(&message, head, size, segment, i, &copy), RP_INVALID);
            free(copy);
            segment[i]++;
            CHECK_STATUS(unpack(&message, head, size, segment, sample.segments, &copy), RP_INVALID);
            free(copy);
            segment[i]--;
        }
    }
}

TEST_CASE(a_message_of_another_version_is_refused_with_both_numbers)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    struct wire_message message;
    struct error error;
    sample_make(&sample, WIRE_QUIT, 1);
    size_t size = pack(&sample, head);
    head[1] = WIRE_VERSION + 1;
    CHECK_STATUS(wire_message_unpack(&message, head, size, NULL, 0, &error), RP_INVALID);
    CHECK_HAS(error.text, "version 2");
    CHECK_HAS(error.text, "version 1");
}

TEST_CASE(a_frame_of_an_unknown_type_or_with_reserved_bytes_is_refused)
{
    unsigned char head[WIRE_FRAME] = {[1] = WIRE_VERSION};
    struct wire_message message;
    bool known[256] = {false};
    for (size_t i = 0; i < sample_type_count; i++)
        known[sample_types[i]] = true;
    for (int type = 0; type < 256; type++) {
        head[0] = (unsigned char)type;
        if (!known[type])
            CHECK_STATUS(wire_message_unpack(&message, head, sizeof head, NULL, 0, NULL), RP_INVALID);
    }
    head[0] = WIRE_CLOSE;
    CHECK_STATUS(wire_message_unpack(&message, head, sizeof head, NULL, 0, NULL), RP_OK);
    for (int i = 2; i < 8; i++) {
        head[i] = 1;
        CHECK_STATUS(wire_message_unpack(&message, head, sizeof head, NULL, 0, NULL), RP_INVALID);
        head[i] = 0;
    }
}

TEST_CASE(what_does_not_fit_its_room_is_not_packed)
{
    static struct sample sample;
    static unsigned char head[2 * SAMPLE_ROOM];
    EACH_SAMPLE(&sample, 10)
    {
        size_t size = pack(&sample, head);
        CHECK_UINT(wire_message_pack(&sample.message, head, size), size);
        CHECK_UINT(wire_message_pack(&sample.message, head, size - 1), 0);
        CHECK_UINT(wire_message_pack(&sample.message, head, 0), 0);
    }
}

TEST_CASE(bodies_begin_at_a_multiple_of_16)
{
    for (size_t i = 0; i < sample_type_count; i++)
        CHECK_UINT(wire_message_body(sample_types[i]) % 16, 0);
}

TEST_CASE(words_are_little_endian_wherever_they_lie)
{
    unsigned char bytes[9] = {0};
    wire_u64_pack(UINT64_C(0x0102030405060708), bytes + 1);
    CHECK_MEM(bytes, ((unsigned char[]){0, 8, 7, 6, 5, 4, 3, 2, 1}), 9);
    CHECK_UINT(wire_u64_unpack(bytes + 1), UINT64_C(0x0102030405060708));
}

TEST_CASE(the_head_of_a_message_stands_as_the_tables_say)
{
    unsigned char head[64];
    struct wire_message message = {.type = WIRE_STARTED, .pool = 0x0a, .started = {0x0b, 0x0c, 0x0d}};
    CHECK_UINT(wire_message_pack(&message, head, sizeof head), 32);
    CHECK_MEM(head, ((unsigned char[32]){34, 1, [8] = 0x0a, [16] = 0x0b, [24] = 0x0c, [28] = 0x0d}), 32);
}
