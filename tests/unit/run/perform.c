/* What a performer says of what it has run: the notes that reach its sink. */
#include "run/perform.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { NOTES = 64, ITEMS = 40, SIZE = 8 };

struct said {
    struct note note;
    char payload[SENTENCE_LENGTH];
    bool has_payload;
};

static struct {
    struct performer performer;
    struct crew *crew;
    struct said said[NOTES];
    int count;
    int taken, given; /* of the larder */
    bool empty;       /* the larder has nothing */
    int ran[ITEMS];   /* in this order */
    int runs;
} hall;

static void *take(void *owner, size_t size, uint64_t *offset)
{
    (void)owner;
    if (hall.empty)
        return NULL;
    hall.taken++;
    void *memory = malloc(size);
    *offset = (uint64_t)(uintptr_t)memory;
    return memory;
}

static void give(void *owner, uint64_t offset, size_t size)
{
    (void)owner, (void)size;
    hall.given++;
    free((void *)(uintptr_t)offset);
}

static void open_hall(void)
{
    memset(&hall, 0, sizeof hall);
    hall.crew = crew_alone("host", "0", 0);
    REQUIRE(hall.crew);
    performer_init(&hall.performer, 1, hall.crew, 99);
    hall.performer.larder = (struct larder){.take = take, .give = give};
}

static void close_hall(void)
{
    performer_fini(&hall.performer);
    CHECK_INT(hall.crew->users, 1);
    crew_drop(hall.crew);
}

static void note_down(void *state, struct note *note, const void *payload)
{
    CHECK_PTR(state, &hall);
    REQUIRE(hall.count < NOTES);
    struct said *said = &hall.said[hall.count++];
    said->note = *note;
    said->has_payload = payload != NULL;
    if (payload)
        memcpy(said->payload, payload, note->size < SENTENCE_LENGTH ? note->size : SENTENCE_LENGTH);
}

/* ---- Items of a map -------------------------------------------------------------------------- */

static unsigned char in[ITEMS * SIZE], out[ITEMS * SIZE];

/* What an item does stands in its input's first byte; its second is what it answers. */
enum {
    ANSWER,
    FAIL,
    FAIL_SILENTLY,
    SHORTER,
    LONGER,
    NOTHING,
    RESERVE,
    RESERVE_TOO_MUCH,
    TWICE,
    WRITE_AND_FAIL
};

static int item(rp_call *call, const void *input, size_t size)
{
    const unsigned char *bytes = input;
    unsigned char answer[2 * SIZE];
    hall.ran[hall.runs++ % ITEMS] = (int)rp_call_index(call);
    memset(answer, bytes[1], sizeof answer);
    CHECK_UINT(size, SIZE);
    switch (bytes[0]) {
    case FAIL:
        return rp_fail(call, "item %zu says no", rp_call_index(call));
    case FAIL_SILENTLY:
        return -3;
    case SHORTER:
        return rp_return(call, answer, SIZE / 2);
    case LONGER:
        return rp_return(call, answer, SIZE + 1);
    case NOTHING:
        return 0;
    case RESERVE:
        memset(rp_reserve(call, SIZE), bytes[1], SIZE);
        return 0;
    case RESERVE_TOO_MUCH:
        memset(rp_reserve(call, 100000), bytes[1], 100000);
        return 0;
    case TWICE:
        rp_return(call, answer, SIZE / 2);
        return rp_return(call, answer, SIZE);
    case WRITE_AND_FAIL:
        rp_return(call, answer, SIZE);
        return 7;
    default:
        return rp_return(call, answer, SIZE);
    }
}

static void prepare(const unsigned char *kinds, int count)
{
    memset(in, 0, sizeof in);
    memset(out, 0xee, sizeof out);
    for (int i = 0; i < count; i++) {
        in[i * SIZE] = kinds[i];
        in[i * SIZE + 1] = (unsigned char)(i + 1);
    }
}

static struct stretch stretch_of(uint32_t flags)
{
    return (struct stretch){.fn = item,
                            .in = (const char *)in,
                            .in_size = SIZE,
                            .out = (char *)out,
                            .out_size = SIZE,
                            .first = 1000,
                            .map = 5,
                            .flags = flags,
                            .attempt = 2,
                            .post = 77};
}

static void check_said(int number, uint32_t from, uint32_t count, rp_status status, uint64_t size)
{
    REQUIRE(number < hall.count);
    const struct note *note = &hall.said[number].note;
    CHECK_UINT(note->post, 77);
    CHECK_UINT(note->from, from);
    CHECK_UINT(note->count, count);
    CHECK_STATUS((rp_status)note->status, status);
    CHECK_UINT(note->size, size);
    CHECK_INT(note->flags & NOTE_FIRST, number == 0);
    CHECK_INT((note->flags & NOTE_PLACED) != 0, status == RP_OK);
    CHECK(number == 0 || note->ended >= hall.said[number - 1].note.ended);
}

static void check_answers(int from, int count)
{
    for (int i = from; i < from + count; i++)
        for (int k = 0; k < SIZE; k++)
            REQUIRE(out[i * SIZE + k] == i + 1);
}

TEST_CASE(a_run_that_goes_as_planned_is_one_note)
{
    open_hall();
    prepare((unsigned char[20]){0}, 20);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 3, 10, note_down, &hall);
    CHECK_INT(hall.count, 1);
    check_said(0, 3, 10, RP_OK, SIZE);
    CHECK(!hall.said[0].has_payload);
    check_answers(3, 10);
    CHECK_INT(out[2 * SIZE], 0xee);
    CHECK_INT(out[13 * SIZE], 0xee);
    CHECK_INT(hall.runs, 10);
    for (int i = 0; i < 10; i++)
        CHECK_INT(hall.ran[i], 1003 + i);
    CHECK_UINT(hall.performer.done, 10);
    close_hall();
}

TEST_CASE(exceptions_split_a_run_and_leave_their_siblings)
{
    static const unsigned char kinds[] = {ANSWER, FAIL, ANSWER, ANSWER, SHORTER, LONGER, NOTHING, ANSWER};
    open_hall();
    prepare(kinds, 8);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 8, note_down, &hall);
    CHECK_INT(hall.count, 7);
    check_said(0, 0, 1, RP_OK, SIZE);
    check_said(1, 1, 1, RP_TASK_FAILED, strlen("item 1001 says no"));
    CHECK_MEM(hall.said[1].payload, "item 1001 says no", hall.said[1].note.size);
    CHECK_INT(hall.said[1].note.code, 1);
    check_said(2, 2, 2, RP_OK, SIZE);
    check_said(3, 4, 1, RP_OK, SIZE / 2);
    check_said(4, 5, 1, RP_TASK_FAILED, hall.said[4].note.size);
    CHECK_HAS(hall.said[4].payload, "9 bytes does not fit into the 8");
    check_said(5, 6, 1, RP_OK, 0);
    check_said(6, 7, 1, RP_OK, SIZE);
    CHECK_MEM(out + 4 * SIZE, "\5\5\5\5\356\356\356\356", SIZE);
    check_answers(7, 1);
    CHECK_INT(out[8 * SIZE], 0xee); /* the longer one went nowhere */
    close_hall();
}

TEST_CASE(exceptions_at_both_ends_of_a_run_make_no_empty_notes)
{
    static const unsigned char kinds[] = {FAIL_SILENTLY, ANSWER, FAIL_SILENTLY};
    open_hall();
    prepare(kinds, 3);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 3, note_down, &hall);
    CHECK_INT(hall.count, 3);
    check_said(0, 0, 1, RP_TASK_FAILED, 0);
    CHECK_INT(hall.said[0].note.code, -3);
    check_said(1, 1, 1, RP_OK, SIZE);
    check_said(2, 2, 1, RP_TASK_FAILED, 0); /* and no sentence of the first */
    close_hall();
}

TEST_CASE(a_sentence_is_of_its_item_alone)
{
    static const unsigned char kinds[] = {FAIL, FAIL_SILENTLY, ANSWER, FAIL_SILENTLY};
    open_hall();
    prepare(kinds, 4);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 4, note_down, &hall);
    CHECK(hall.said[0].note.size > 0);
    CHECK_UINT(hall.said[1].note.size, 0);
    CHECK_UINT(hall.said[3].note.size, 0);
    close_hall();
}

TEST_CASE(a_map_that_stops_leaves_the_rest_of_the_run_unrun)
{
    static const unsigned char kinds[] = {ANSWER, ANSWER, FAIL, ANSWER, ANSWER};
    open_hall();
    prepare(kinds, 5);
    struct stretch stretch = stretch_of(POST_STOP);
    perform_run(&hall.performer, &stretch, 0, 5, note_down, &hall);
    CHECK_INT(hall.count, 3);
    check_said(0, 0, 2, RP_OK, SIZE);
    check_said(1, 2, 1, RP_TASK_FAILED, hall.said[1].note.size);
    check_said(2, 3, 2, RP_CANCELLED, 0);
    CHECK_INT(hall.runs, 3);
    CHECK_UINT(hall.performer.done, 3);
    close_hall();

    open_hall(); /* nothing is behind the failed one */
    struct stretch last = stretch_of(POST_STOP);
    perform_run(&hall.performer, &last, 0, 3, note_down, &hall);
    CHECK_INT(hall.count, 2);
    close_hall();
}

TEST_CASE(dropped_results_are_one_note_whatever_their_length)
{
    static const unsigned char kinds[] = {ANSWER, SHORTER, LONGER, NOTHING, RESERVE, RESERVE_TOO_MUCH, TWICE};
    open_hall();
    prepare(kinds, 7);
    struct stretch stretch = stretch_of(POST_DROP_RESULTS);
    stretch.out_size = 0;
    perform_run(&hall.performer, &stretch, 0, 7, note_down, &hall);
    CHECK_INT(hall.count, 1);
    check_said(0, 0, 7, RP_OK, 0);
    for (size_t i = 0; i < sizeof out; i++)
        REQUIRE(out[i] == 0xee);
    close_hall();
}

TEST_CASE(room_reserved_is_the_place_of_the_result_or_fails_the_item)
{
    static const unsigned char kinds[] = {RESERVE, RESERVE_TOO_MUCH, RESERVE, TWICE};
    open_hall();
    prepare(kinds, 4);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 4, note_down, &hall);
    CHECK_INT(hall.count, 3);
    check_said(0, 0, 1, RP_OK, SIZE);
    check_said(1, 1, 1, RP_TASK_FAILED, hall.said[1].note.size);
    CHECK_HAS(hall.said[1].payload, "100000 bytes does not fit");
    check_said(2, 2, 2, RP_OK, SIZE);
    check_answers(2, 2);
    close_hall();
}

TEST_CASE(an_answer_followed_by_a_failure_is_a_failure)
{
    open_hall();
    prepare((unsigned char[]){WRITE_AND_FAIL}, 1);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 1, note_down, &hall);
    CHECK_INT(hall.count, 1);
    check_said(0, 0, 1, RP_TASK_FAILED, 0);
    CHECK_INT(hall.said[0].note.code, 7);
    close_hall();
}

TEST_CASE(items_in_another_order_have_their_own_indices)
{
    static const uint64_t indices[] = {9, 4, 7};
    open_hall();
    prepare((unsigned char[3]){0}, 3);
    struct stretch stretch = stretch_of(0);
    stretch.indices = indices;
    perform_run(&hall.performer, &stretch, 0, 3, note_down, &hall);
    for (int i = 0; i < 3; i++)
        CHECK_INT(hall.ran[i], indices[i]);
    close_hall();
}

static int return_input(rp_call *call, const void *input, size_t size)
{
    CHECK_INT(rp_call_attempt(call), 2);
    return rp_return(call, input, size);
}

TEST_CASE(items_of_a_range_are_given_their_number)
{
    uint64_t numbers[5];
    open_hall();
    struct stretch stretch = stretch_of(POST_RANGE);
    stretch.fn = return_input;
    stretch.begin = UINT64_C(1) << 40;
    stretch.out = (char *)numbers;
    perform_run(&hall.performer, &stretch, 0, 5, note_down, &hall);
    for (uint64_t i = 0; i < 5; i++)
        CHECK_UINT(numbers[i], (UINT64_C(1) << 40) + 1000 + i);
    close_hall();
}

static int look_around(rp_call *call, const void *input, size_t size)
{
    size_t common_size;
    (void)input, (void)size;
    const char *common = rp_common(call, &common_size);
    CHECK_UINT(common_size, common ? 6 : 0);
    if (common)
        CHECK_STR(common, "hello");
    int *visits = *rp_local(call);
    *rp_local(call) = visits ? visits : calloc(1, sizeof *visits);
    visits = *rp_local(call);
    ++*visits;
    rp_worker_info info;
    CHECK_STATUS(rp_here(call, &info), RP_OK);
    CHECK_STATUS(rp_here(call, NULL), RP_INVALID);
    CHECK_INT(info.worker, 1);
    CHECK_STR(info.host, "host");
    uint64_t words[3];
    rp_random(call, words, 3);
    return rp_return(call, words, sizeof words);
}

TEST_CASE(a_task_sees_its_common_argument_its_worker_and_its_own_random_words)
{
    uint64_t words[4][3], again[4][3];
    open_hall();
    struct stretch stretch = stretch_of(0);
    stretch.fn = look_around;
    stretch.out = (char *)words;
    stretch.out_size = sizeof words[0];
    stretch.common = "hello";
    stretch.common_size = 6;
    perform_run(&hall.performer, &stretch, 0, 4, note_down, &hall);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            CHECK(memcmp(words[i], words[k], sizeof words[i]) != 0);
    stretch.out = (char *)again;
    stretch.common_size = 0;
    for (uint32_t i = 4; i-- > 0;) /* another run, another order: the same words */
        perform_run(&hall.performer, &stretch, i, 1, note_down, &hall);
    CHECK_MEM(again, words, sizeof words);
    stretch.map++;
    perform_run(&hall.performer, &stretch, 0, 1, note_down, &hall);
    CHECK(memcmp(again[0], words[0], sizeof words[0]) != 0);
    CHECK_INT(*(int *)hall.performer.local, 9);
    free(hall.performer.local);
    close_hall();
}

/* ---- Errands --------------------------------------------------------------------------------- */

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
    perform_errand(&hall.performer, &errand, &note, note_down, &hall);
    REQUIRE(hall.count == 1);
    CHECK_UINT(hall.said[0].note.from, 6);
    CHECK_UINT(hall.said[0].note.count, 1);
    CHECK_UINT(hall.said[0].note.post, 77);
    return &hall.said[0];
}

TEST_CASE(an_errand_s_short_result_goes_with_the_note)
{
    open_hall();
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
    close_hall();
}

TEST_CASE(an_errand_s_longer_result_lies_in_the_larder)
{
    static const size_t sizes[] = {NOTE_INLINE + 1, 1000, 1000000};
    open_hall();
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
    close_hall();
}

TEST_CASE(what_an_errand_took_and_did_not_send_is_given_back)
{
    open_hall();
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
    close_hall();
}

TEST_CASE(an_errand_without_memory_for_its_result_fails_with_a_sentence)
{
    open_hall();
    hall.empty = true;
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
    close_hall();
}

static int fail_at_length(rp_call *call, const void *input, size_t size)
{
    (void)input, (void)size;
    return rp_fail(call, "%01500d", 5);
}

TEST_CASE(a_sentence_is_cut_to_fit)
{
    open_hall();
    const struct said *said = run_errand(fail_at_length, NULL, 0);
    CHECK_UINT(said->note.size, SENTENCE_LENGTH - 1);
    close_hall();
}

/* ---- Packed posts ---------------------------------------------------------------------------- */

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
    open_hall();
    REQUIRE(count <= 3000);
    for (uint32_t i = 0; i < count; i++)
        inputs[i] = (struct packed_input){i * sizeof *lengths, sizeof *lengths};
    struct stretch stretch = {.fn = answer_as_told,
                              .in = (const char *)lengths,
                              .inputs = inputs,
                              .flags = flags | POST_PACKED,
                              .attempt = 1};
    perform_packed(&hall.performer, &stretch, 0, count, note_down, &hall);
    check_packed(lengths, count, flags & POST_DROP_RESULTS);
    CHECK_UINT(hall.performer.done, count);
    close_hall();
}

TEST_CASE(packed_results_of_any_size_come_in_order)
{
    static const int lengths[] = {0, 1, 15, 16, 17, 24, 25, 1000, 0, 31000, 1, 32768, 40000, 5, 100000, 3};
    run_packed(lengths, sizeof lengths / sizeof *lengths, 0);
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
    open_hall();
    CHECK_STATUS(perform_hook(&hall.performer, HOOK_INITIALIZER, hook, NULL, 0, &error), RP_OK);
    CHECK_STATUS(perform_hook(&hall.performer, HOOK_INITIALIZER, hook, "no GPU", 7, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "initializer failed with code 1 on worker 1 (host");
    CHECK_HAS(error.text, "no GPU");
    close_hall();
}
