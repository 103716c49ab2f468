#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sample.h"
#include "wire/message.h"

#define MAP UINT64_C(7)

/* ---- Parts of blocks ---- */

static void check_parts(struct wire_block block, uint64_t table, uint64_t inputs)
{
    struct wire_parts parts;
    REQUIRE(wire_block_parts(&block, &parts));
    CHECK_UINT(parts.table, table);
    CHECK_UINT(parts.inputs, inputs);
}

TEST_CASE(a_block_of_a_map_has_its_inputs_and_the_indices_that_were_asked_for)
{
    check_parts((struct wire_block){.map = MAP, .items = 5, .in_size = 3, .bytes = 15}, 0, 15);
    check_parts((struct wire_block){.map = MAP, .items = 5, .in_size = 3, .bytes = 15, .flags = WIRE_INDICES},
                40, 15);
    check_parts((struct wire_block){.map = MAP, .items = 5, .in_size = 8, .flags = WIRE_RANGE}, 0, 0);
    check_parts((struct wire_block){.map = MAP, .items = 5, .in_size = 8, .flags = WIRE_RANGE | WIRE_INDICES},
                40, 0);
}

TEST_CASE(a_block_of_tasks_or_a_packed_one_has_an_entry_an_item)
{
    check_parts((struct wire_block){.items = 3, .bytes = 48}, 3 * WIRE_TASK_SIZE, 48);
    check_parts((struct wire_block){.map = MAP, .items = 3, .bytes = 32, .flags = WIRE_PACKED},
                3 * WIRE_PACKED_SIZE, 32);
    check_parts((struct wire_block){.map = MAP, .items = 3, .flags = WIRE_PACKED}, 3 * WIRE_PACKED_SIZE, 0);
}

TEST_CASE(a_block_whose_inputs_no_memory_holds_has_no_parts)
{
    static const struct wire_block blocks[] = {
        {.map = MAP, .items = 1u << 31, .in_size = UINT64_C(1) << 33},       /* 2^64: 0 in 64 bits */
        {.map = MAP, .items = 3, .in_size = UINT64_MAX / 3 + 2, .bytes = 5}, /* the same: 5 */
        {.map = MAP, .items = 1, .in_size = UINT64_MAX, .bytes = UINT64_MAX},
        {.items = 1, .bytes = UINT64_C(1) << 63},
        {.map = MAP, .items = 1, .bytes = ~UINT64_C(15), .flags = WIRE_PACKED},
        {.map = MAP, .items = 2, .in_size = 8, .bytes = 15},
        {.map = MAP, .items = 2, .in_size = 8, .bytes = 16, .flags = WIRE_RANGE},
        {.items = 1, .bytes = 15},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct wire_parts parts = {1, 2};
        check_note("block %zu", i);
        CHECK(!wire_block_parts(&blocks[i], &parts));
        CHECK(parts.table == 1 && parts.inputs == 2);
    }
}

TEST_CASE(a_block_as_large_as_can_be_has_its_parts)
{
    check_parts((struct wire_block){.map = MAP,
                                    .items = UINT32_MAX,
                                    .in_size = 1u << 30,
                                    .bytes = (uint64_t)UINT32_MAX << 30,
                                    .flags = WIRE_INDICES},
                (uint64_t)UINT32_MAX * 8, (uint64_t)UINT32_MAX << 30);
}

TEST_CASE(inputs_in_a_head_begin_at_a_multiple_of_16)
{
    CHECK_UINT(wire_parts_together(&(struct wire_parts){40, 5}), 48 + 5);
    CHECK_UINT(wire_parts_together(&(struct wire_parts){40, 0}), 40);
    CHECK_UINT(wire_parts_together(&(struct wire_parts){0, 5}), 5);
}

/* ---- Tables ---- */

static rp_status check_packed(const uint64_t *size, uint32_t items, uint64_t bytes)
{
    struct wire_block block = {.map = MAP, .items = items, .bytes = bytes, .flags = WIRE_PACKED};
    struct error error;
    unsigned char *table = malloc(items * WIRE_PACKED_SIZE);
    REQUIRE(table);
    for (uint32_t i = 0; i < items; i++)
        wire_packed_pack(&(struct wire_packed){i, size[i]}, table + i * WIRE_PACKED_SIZE);
    rp_status status = wire_block_check(&block, table, &error);
    free(table);
    return status;
}

TEST_CASE(a_table_whose_sizes_make_up_the_inputs_is_fine)
{
    CHECK_STATUS(check_packed((uint64_t[]){1, 16, 0, 17}, 4, 64), RP_OK);
    CHECK_STATUS(check_packed((uint64_t[]){0}, 1, 0), RP_OK);
}

TEST_CASE(a_table_whose_sizes_do_not_make_up_the_inputs_is_refused)
{
    CHECK_STATUS(check_packed((uint64_t[]){1, 16, 0, 17}, 4, 48), RP_INVALID);
    CHECK_STATUS(check_packed((uint64_t[]){1, 16, 0, 17}, 4, 80), RP_INVALID);
    CHECK_STATUS(check_packed((uint64_t[]){UINT64_MAX}, 1, 0), RP_INVALID);
    CHECK_STATUS(check_packed((uint64_t[]){UINT64_MAX - 15, 32}, 2, 16), RP_INVALID); /* 16 in 64 bits */
    CHECK_STATUS(check_packed((uint64_t[]){16, UINT64_MAX}, 2, 16), RP_INVALID);
}

TEST_CASE(the_table_of_tasks_is_checked_by_their_inputs)
{
    unsigned seed = 1;
    unsigned char table[2 * WIRE_TASK_SIZE];
    struct error error;
    for (int i = 0; i < 2; i++) {
        struct wire_task task = sample_task(&seed, 20);
        wire_task_pack(&task, table + i * (int)WIRE_TASK_SIZE);
    }
    CHECK_STATUS(wire_block_check(&(struct wire_block){.items = 2, .bytes = 64}, table, &error), RP_OK);
    CHECK_STATUS(wire_block_check(&(struct wire_block){.items = 2, .bytes = 48}, table, &error), RP_INVALID);
}

TEST_CASE(entries_of_tables_come_out_as_they_went_in)
{
    unsigned seed = 3;
    unsigned char at[WIRE_NOTE_SIZE + 1]; /* at an odd address */
    for (int i = 0; i < 100; i++) {
        struct wire_task task = sample_task(&seed, sample_word(&seed)), task_out;
        wire_task_pack(&task, at + 1);
        wire_task_unpack(&task_out, at + 1);
        CHECK(sample_same_task(&task, &task_out));
        struct wire_note note = sample_note(&seed, sample_word(&seed)), note_out;
        wire_note_pack(&note, at + 1);
        wire_note_unpack(&note_out, at + 1);
        CHECK(sample_same_note(&note, &note_out));
        struct wire_packed item = {sample_word(&seed), sample_word(&seed)}, item_out;
        wire_packed_pack(&item, at + 1);
        wire_packed_unpack(&item_out, at + 1);
        CHECK(item.index == item_out.index && item.size == item_out.size);
    }
}

/* ---- Notes ---- */

TEST_CASE(notes_are_read_in_order_each_with_its_payload_at_a_multiple_of_16)
{
    _Alignas(16) unsigned char body[1000];
    static const char *const said[] = {"", "a", "sixteen bytes...", "seventeen bytes.."};
    struct wire_message message = {.type = WIRE_NOTES, .notes = {4}, .body = body};
    unsigned seed = 5;
    struct wire_note in[4], out;
    for (int i = 0; i < 4; i++) {
        in[i] = sample_note(&seed, strlen(said[i]));
        size_t took =
            wire_note_put(&in[i], said[i], body + message.body_size, sizeof body - message.body_size);
        CHECK_UINT(took, WIRE_NOTE_SIZE + wire_aligned(strlen(said[i])));
        message.body_size += took;
    }
    size_t at = 0;
    const void *payload;
    for (int i = 0; i < 4; i++) {
        REQUIRE(wire_note_get(&message, &at, &out, &payload));
        CHECK(sample_same_note(&in[i], &out));
        CHECK_INT(payload != NULL, i > 0);
        if (payload) {
            CHECK_UINT((uintptr_t)payload % 16, 0);
            CHECK_MEM(payload, said[i], strlen(said[i]));
        }
    }
    CHECK(!wire_note_get(&message, &at, &out, &payload));
}

TEST_CASE(a_note_that_does_not_fit_is_not_put)
{
    unsigned char body[WIRE_NOTE_SIZE + 16];
    char payload[17] = "";
    CHECK_UINT(wire_note_put(&(struct wire_note){.bytes = 16}, payload, body, sizeof body), sizeof body);
    CHECK_UINT(wire_note_put(&(struct wire_note){.bytes = 17}, payload, body, sizeof body), 0);
    CHECK_UINT(wire_note_put(&(struct wire_note){.bytes = 0}, NULL, body, WIRE_NOTE_SIZE - 1), 0);
    CHECK_UINT(wire_note_put(&(struct wire_note){.bytes = UINT64_MAX}, payload, body, sizeof body), 0);
}

TEST_CASE(a_note_whose_payload_is_the_segment_says_so)
{
    struct wire_note note = {.bytes = 100000}, out;
    unsigned char body[WIRE_NOTE_SIZE], head[128];
    struct wire_message message = {.type = WIRE_NOTES, .notes = {1}, .body = body}, read;
    message.body_size = wire_note_put(&note, NULL, body, sizeof body);
    CHECK_UINT(message.body_size, WIRE_NOTE_SIZE);
    size_t size = wire_message_pack(&message, head, sizeof head), at = 0;
    const void *payload = body;
    REQUIRE_STATUS(wire_message_unpack(&read, head, size, (size_t[]){100000}, 1, NULL), RP_OK);
    REQUIRE(wire_note_get(&read, &at, &out, &payload));
    CHECK_UINT(out.bytes, 100000);
    CHECK_PTR(payload, NULL);
    CHECK_STATUS(wire_message_unpack(&read, head, size, NULL, 0, NULL), RP_INVALID);
}

TEST_CASE(notes_that_claim_more_payload_than_there_is_are_refused)
{
    static const uint64_t claimed[] = {17, 33, UINT64_MAX, UINT64_MAX - 63, UINT64_C(1) << 32};
    unsigned char body[WIRE_NOTE_SIZE + 16] = {0}, head[256];
    for (size_t i = 0; i < sizeof claimed / sizeof *claimed; i++) {
        struct wire_message message = {
            .type = WIRE_NOTES, .notes = {1}, .body = body, .body_size = sizeof body};
        wire_note_pack(&(struct wire_note){.bytes = claimed[i]}, body);
        size_t size = wire_message_pack(&message, head, sizeof head);
        CHECK_STATUS(wire_message_unpack(&message, head, size, NULL, 0, NULL), RP_INVALID);
        CHECK_STATUS(wire_message_unpack(&message, head, size - 16, NULL, 0, NULL), RP_INVALID);
    }
}

TEST_CASE(counts_that_no_memory_holds_are_refused)
{
    unsigned char head[128] = {0};
    struct wire_message message = {.type = WIRE_NOTES, .notes = {UINT32_MAX}};
    size_t size = wire_message_pack(&message, head, sizeof head);
    CHECK_STATUS(wire_message_unpack(&message, head, size, NULL, 0, NULL), RP_INVALID);
    message = (struct wire_message){.type = WIRE_DONE, .done = {.count = 1u << 29}}; /* 2^32 bytes */
    size = wire_message_pack(&message, head, sizeof head);
    CHECK_STATUS(wire_message_unpack(&message, head, size, NULL, 0, NULL), RP_INVALID);
    message = (struct wire_message){.type = WIRE_COMMON, .common = {.id = 1, .size = UINT64_MAX}};
    size = wire_message_pack(&message, head, sizeof head);
    CHECK_STATUS(wire_message_unpack(&message, head, size, NULL, 0, NULL), RP_INVALID);
}
