/* What a performer says of a run whose results are packed into parcels. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "perform_hall.h"

/* Answers as many bytes as its input says, each the item's index. */
static int answer_as_told(rp_call *call, const void *input, size_t size)
{
    int length;
    REQUIRE(size >= sizeof length);
    memcpy(&length, input, sizeof length);
    if (length < 0)
        return rp_fail(call, "negative");
    unsigned char *bytes = rp_reserve(call, (size_t)length);
    if (!bytes)
        return 1;
    memset(bytes, (int)rp_call_index(call) & 255, (size_t)length);
    return 0;
}

/* Gathers what the notes say of `count` items, in order, each once. */
static void check_packed(const int *lengths, uint32_t count, bool dropped)
{
    uint32_t next = 0;
    for (int i = 0; i < hall.count; i++) {
        const struct note *note = &hall.said[i].note;
        REQUIRE(note->from == next);
        CHECK_INT((note->flags & NOTE_FIRST) != 0, i == 0);
        next += note->count;
        REQUIRE(next <= count);
        if (note->flags & NOTE_PACKED) {
            struct packed_results *results = (void *)(uintptr_t)note->result.offset;
            CHECK(note->size <= PACKED_SIZE && note->count <= results->room);
            uint32_t at = packed_start(results->room);
            for (uint32_t k = 0; k < note->count; k++) {
                const unsigned char *bytes = (unsigned char *)results + at;
                if (!dropped)
                    CHECK_UINT(results->size[k], lengths[note->from + k]);
                CHECK_UINT((uintptr_t)bytes % PACKED_ALIGN, 0);
                for (uint32_t b = 0; b < results->size[k] && !dropped; b++)
                    REQUIRE(bytes[b] == ((note->from + k) & 255));
                at = packed_aligned(at + results->size[k]);
            }
            CHECK(at <= PACKED_SIZE);
            free(results);
        } else if (lengths[note->from] < 0) {
            CHECK_UINT(note->count, 1);
            CHECK_STATUS((rp_status)note->status, RP_TASK_FAILED);
            CHECK_MEM(hall.said[i].payload, "negative", note->size);
        } else {
            CHECK_UINT(note->count, 1);
            CHECK_STATUS((rp_status)note->status, RP_OK);
            CHECK_UINT(note->size, lengths[note->from]);
            if (note->size > NOTE_INLINE)
                free((void *)(uintptr_t)note->result.offset);
        }
    }
    CHECK_UINT(next, count);
}

static void run_packed(const int *lengths, uint32_t count, uint32_t flags)
{
    struct packed_input inputs[3000];
    hall_open();
    REQUIRE(count <= 3000);
    for (uint32_t i = 0; i < count; i++)
        inputs[i] = (struct packed_input){i * sizeof *lengths, sizeof *lengths};
    struct stretch stretch = {.fn = answer_as_told,
                              .in = (const char *)lengths,
                              .inputs = inputs,
                              .flags = flags | POST_PACKED,
                              .attempt = 1};
    perform_packed(&hall.performer, &stretch, 0, count, hall_note_down, &hall);
    check_packed(lengths, count, flags & POST_DROP_RESULTS);
    CHECK_UINT(hall.performer.done, count);
    hall_close();
}

TEST_CASE(packed_results_of_any_size_come_in_order)
{
    static const int lengths[] = {0, 1, 15, 16, 17, 24, 25, 1000, 0, 31000, 1, 32768, 40000, 5, 100000, 3};
    run_packed(lengths, sizeof lengths / sizeof *lengths, 0);
}

TEST_CASE(once_the_program_drains_packed_results_are_sent_and_the_rest_is_given_back)
{
    static const int lengths[] = {5, 6, 7, 8};
    struct packed_input inputs[4];
    hall_open();
    hall_drain_after(2);
    for (size_t i = 0; i < 4; i++)
        inputs[i] = (struct packed_input){i * sizeof *lengths, sizeof *lengths};
    struct stretch stretch = {
        .fn = answer_as_told, .in = (const char *)lengths, .inputs = inputs, .flags = POST_PACKED};
    perform_packed(&hall.performer, &stretch, 0, 4, hall_note_down, &hall);
    REQUIRE(hall.count == 2);
    CHECK_UINT(hall.said[0].note.count, 2);
    CHECK(hall.said[0].note.flags & NOTE_PACKED);
    CHECK_STATUS((rp_status)hall.said[1].note.status, RP_CANCELLED);
    CHECK_UINT(hall.said[1].note.from, 2);
    CHECK_UINT(hall.said[1].note.count, 2);
    free((void *)(uintptr_t)hall.said[0].note.result.offset);
    hall_close();
}

TEST_CASE(packed_results_that_are_dropped_are_told_of_all_the_same)
{
    static const int lengths[] = {5, -1, 40000, 0, 9};
    run_packed(lengths, sizeof lengths / sizeof *lengths, POST_DROP_RESULTS);
}

TEST_CASE(packed_failures_leave_their_siblings)
{
    static const int lengths[] = {-1, 5, 5, -1, -1, 7, 50000, -1};
    run_packed(lengths, sizeof lengths / sizeof *lengths, 0);
}

TEST_CASE(packed_results_beyond_one_parcel_s_count_go_on_in_the_next)
{
    static int lengths[3000];
    for (int i = 0; i < 3000; i++)
        lengths[i] = i % 3;
    run_packed(lengths, 3000, 0);
}

TEST_CASE(packed_results_fill_parcels_to_the_last_byte)
{
    static int lengths[800];
    srand(17);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 800; i++)
            lengths[i] = rand() % 30 ? rand() % 600 : rand() % 33000;
        run_packed(lengths, 400, 0);
    }
}
