/* What a performer says of one task, and of the hooks around all tasks. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "perform_hall.h"

static size_t answer_size;

static int answer_much(rp_call *call, const void *input, size_t size)
{
    (void)input, (void)size;
    unsigned char *bytes = rp_reserve(call, answer_size);
    if (!bytes)
        return 1;
    CHECK_UINT((uintptr_t)bytes % 16, 0);
    memset(bytes, 0x5a, answer_size);
    return 0;
}

static int change_its_mind(rp_call *call, const void *input, size_t size)
{
    if (!rp_reserve(call, 5000) || !rp_reserve(call, 10000))
        return 1;
    return rp_return(call, input, size);
}

static int fail_with_much(rp_call *call, const void *input, size_t size)
{
    (void)input, (void)size;
    rp_reserve(call, 5000);
    return rp_fail(call, "after all");
}

static const struct said *run_errand(rp_fn *fn, const void *input, size_t size)
{
    struct note note = {.post = 77, .from = 6};
    struct errand errand = {.fn = fn, .in = input, .in_size = size, .index = 12, .attempt = 2};
    hall.count = 0;
    perform_errand(&hall.performer, &errand, &note, hall_note_down, &hall);
    REQUIRE(hall.count == 1);
    CHECK_UINT(hall.said[0].note.from, 6);
    CHECK_UINT(hall.said[0].note.count, 1);
    CHECK_UINT(hall.said[0].note.post, 77);
    return &hall.said[0];
}

TEST_CASE(an_errand_s_short_result_goes_with_the_note)
{
    hall_open();
    for (answer_size = 0; answer_size <= NOTE_INLINE; answer_size++) {
        const struct said *said = run_errand(answer_much, NULL, 0);
        check_note("%zu bytes", answer_size);
        CHECK_STATUS((rp_status)said->note.status, RP_OK);
        CHECK_UINT(said->note.size, answer_size);
        CHECK(!(said->note.flags & NOTE_PLACED));
        for (size_t i = 0; i < answer_size; i++)
            CHECK_INT((unsigned char)said->payload[i], 0x5a);
    }
    CHECK_INT(hall.taken, 0);
    CHECK_UINT(hall.performer.done, NOTE_INLINE + 1);
    hall_close();
}

TEST_CASE(an_errand_s_longer_result_lies_in_the_larder)
{
    static const size_t sizes[] = {NOTE_INLINE + 1, 1000, 1000000};
    hall_open();
    for (int i = 0; i < 3; i++) {
        answer_size = sizes[i];
        const struct said *said = run_errand(answer_much, NULL, 0);
        CHECK_UINT(said->note.size, answer_size);
        CHECK(!said->has_payload);
        unsigned char *bytes = (void *)(uintptr_t)said->note.result.offset;
        CHECK_INT(bytes[0], 0x5a);
        CHECK_INT(bytes[answer_size - 1], 0x5a);
        free(bytes);
    }
    CHECK_INT(hall.taken, 3);
    CHECK_INT(hall.given, 0);
    hall_close();
}

TEST_CASE(what_an_errand_took_and_did_not_send_is_given_back)
{
    hall_open();
    const struct said *said = run_errand(change_its_mind, "short", 6);
    CHECK_UINT(said->note.size, 6);
    CHECK_STR(said->payload, "short");
    CHECK_INT(hall.taken, 2);
    CHECK_INT(hall.given, 2);
    said = run_errand(fail_with_much, NULL, 0);
    CHECK_STATUS((rp_status)said->note.status, RP_TASK_FAILED);
    CHECK_MEM(said->payload, "after all", said->note.size);
    CHECK_INT(hall.taken, 3);
    CHECK_INT(hall.given, 3);
    hall_close();
}

TEST_CASE(an_errand_without_memory_for_its_result_fails_with_a_sentence)
{
    hall_open();
    hall.left = 0;
    answer_size = 5000;
    const struct said *said = run_errand(answer_much, NULL, 0);
    CHECK_STATUS((rp_status)said->note.status, RP_TASK_FAILED);
    CHECK_HAS(said->payload, "no memory for a result of 5000 bytes");
    answer_size = SIZE_MAX;
    said = run_errand(answer_much, NULL, 0);
    CHECK_STATUS((rp_status)said->note.status, RP_TASK_FAILED);
    answer_size = 3; /* the next one is not concerned */
    said = run_errand(answer_much, NULL, 0);
    CHECK_STATUS((rp_status)said->note.status, RP_OK);
    hall_close();
}

static int fail_at_length(rp_call *call, const void *input, size_t size)
{
    (void)input, (void)size;
    return rp_fail(call, "%01500d", 5);
}

TEST_CASE(a_sentence_is_cut_to_fit)
{
    hall_open();
    const struct said *said = run_errand(fail_at_length, NULL, 0);
    CHECK_UINT(said->note.size, SENTENCE_LENGTH - 1);
    hall_close();
}

/* ---- Hooks ----------------------------------------------------------------------------------- */

static int hook(rp_call *call, const void *input, size_t size)
{
    if (size)
        return rp_fail(call, "%s", (const char *)input);
    return rp_return(call, "ignored", 7);
}

TEST_CASE(a_hook_that_fails_says_where_and_why)
{
    struct error error = {0};
    hall_open();
    CHECK_STATUS(perform_hook(&hall.performer, HOOK_INITIALIZER, hook, NULL, 0, &error), RP_OK);
    CHECK_STATUS(perform_hook(&hall.performer, HOOK_INITIALIZER, hook, "no GPU", 7, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "initializer failed with code 1 on worker 1 (host");
    CHECK_HAS(error.text, "no GPU");
    hall_close();
}
