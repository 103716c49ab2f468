/* What a performer says of a run of a map, in notes. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "perform_hall.h"

enum { ITEMS = 40, SIZE = 8 };

static unsigned char in[ITEMS * SIZE], out[ITEMS * SIZE];
static int ran[ITEMS]; /* in this order */

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
    ran[hall.runs++ % ITEMS] = (int)rp_call_index(call);
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
    hall_open();
    prepare((unsigned char[20]){0}, 20);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 3, 10, hall_note_down, &hall);
    CHECK_INT(hall.count, 1);
    check_said(0, 3, 10, RP_OK, SIZE);
    CHECK(!hall.said[0].has_payload);
    check_answers(3, 10);
    CHECK_INT(out[2 * SIZE], 0xee);
    CHECK_INT(out[13 * SIZE], 0xee);
    CHECK_INT(hall.runs, 10);
    for (int i = 0; i < 10; i++)
        CHECK_INT(ran[i], 1003 + i);
    CHECK_UINT(hall.performer.done, 10);
    hall_close();
}

TEST_CASE(once_the_program_drains_the_rest_of_a_run_is_given_back)
{
    hall_open();
    prepare((unsigned char[20]){0}, 20);
    hall_drain_after(5);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 3, 10, hall_note_down, &hall);
    CHECK_INT(hall.count, 2);
    check_said(0, 3, 5, RP_OK, SIZE);
    check_said(1, 8, 5, RP_CANCELLED, 0);
    CHECK_INT(hall.runs, 5);
    CHECK_UINT(hall.performer.done, 5);
    perform_run(&hall.performer, &stretch, 0, 2, hall_note_down, &hall);
    CHECK_INT(hall.runs, 5);
    hall_close();
}

TEST_CASE(exceptions_split_a_run_and_leave_their_siblings)
{
    static const unsigned char kinds[] = {ANSWER, FAIL, ANSWER, ANSWER, SHORTER, LONGER, NOTHING, ANSWER};
    hall_open();
    prepare(kinds, 8);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 8, hall_note_down, &hall);
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
    hall_close();
}

TEST_CASE(exceptions_at_both_ends_of_a_run_make_no_empty_notes)
{
    static const unsigned char kinds[] = {FAIL_SILENTLY, ANSWER, FAIL_SILENTLY};
    hall_open();
    prepare(kinds, 3);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 3, hall_note_down, &hall);
    CHECK_INT(hall.count, 3);
    check_said(0, 0, 1, RP_TASK_FAILED, 0);
    CHECK_INT(hall.said[0].note.code, -3);
    check_said(1, 1, 1, RP_OK, SIZE);
    check_said(2, 2, 1, RP_TASK_FAILED, 0); /* and no sentence of the first */
    hall_close();
}

TEST_CASE(a_sentence_is_of_its_item_alone)
{
    static const unsigned char kinds[] = {FAIL, FAIL_SILENTLY, ANSWER, FAIL_SILENTLY};
    hall_open();
    prepare(kinds, 4);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 4, hall_note_down, &hall);
    CHECK(hall.said[0].note.size > 0);
    CHECK_UINT(hall.said[1].note.size, 0);
    CHECK_UINT(hall.said[3].note.size, 0);
    hall_close();
}

TEST_CASE(a_map_that_stops_leaves_the_rest_of_the_run_unrun)
{
    static const unsigned char kinds[] = {ANSWER, ANSWER, FAIL, ANSWER, ANSWER};
    hall_open();
    prepare(kinds, 5);
    struct stretch stretch = stretch_of(POST_STOP);
    perform_run(&hall.performer, &stretch, 0, 5, hall_note_down, &hall);
    CHECK_INT(hall.count, 3);
    check_said(0, 0, 2, RP_OK, SIZE);
    check_said(1, 2, 1, RP_TASK_FAILED, hall.said[1].note.size);
    check_said(2, 3, 2, RP_CANCELLED, 0);
    CHECK_INT(hall.runs, 3);
    CHECK_UINT(hall.performer.done, 3);
    hall_close();

    hall_open(); /* nothing is behind the failed one */
    struct stretch last = stretch_of(POST_STOP);
    perform_run(&hall.performer, &last, 0, 3, hall_note_down, &hall);
    CHECK_INT(hall.count, 2);
    hall_close();
}

TEST_CASE(dropped_results_are_one_note_whatever_their_length)
{
    static const unsigned char kinds[] = {ANSWER, SHORTER, LONGER, NOTHING, RESERVE, RESERVE_TOO_MUCH, TWICE};
    hall_open();
    prepare(kinds, 7);
    struct stretch stretch = stretch_of(POST_DROP_RESULTS);
    stretch.out_size = 0;
    perform_run(&hall.performer, &stretch, 0, 7, hall_note_down, &hall);
    CHECK_INT(hall.count, 1);
    check_said(0, 0, 7, RP_OK, 0);
    for (size_t i = 0; i < sizeof out; i++)
        REQUIRE(out[i] == 0xee);
    hall_close();
}

TEST_CASE(room_reserved_is_the_place_of_the_result_or_fails_the_item)
{
    static const unsigned char kinds[] = {RESERVE, RESERVE_TOO_MUCH, RESERVE, TWICE};
    hall_open();
    prepare(kinds, 4);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 4, hall_note_down, &hall);
    CHECK_INT(hall.count, 3);
    check_said(0, 0, 1, RP_OK, SIZE);
    check_said(1, 1, 1, RP_TASK_FAILED, hall.said[1].note.size);
    CHECK_HAS(hall.said[1].payload, "100000 bytes does not fit");
    check_said(2, 2, 2, RP_OK, SIZE);
    check_answers(2, 2);
    hall_close();
}

TEST_CASE(an_answer_followed_by_a_failure_is_a_failure)
{
    hall_open();
    prepare((unsigned char[]){WRITE_AND_FAIL}, 1);
    struct stretch stretch = stretch_of(0);
    perform_run(&hall.performer, &stretch, 0, 1, hall_note_down, &hall);
    CHECK_INT(hall.count, 1);
    check_said(0, 0, 1, RP_TASK_FAILED, 0);
    CHECK_INT(hall.said[0].note.code, 7);
    hall_close();
}

TEST_CASE(items_in_another_order_have_their_own_indices)
{
    static const uint64_t indices[] = {9, 4, 7};
    hall_open();
    prepare((unsigned char[3]){0}, 3);
    struct stretch stretch = stretch_of(0);
    stretch.indices = indices;
    perform_run(&hall.performer, &stretch, 0, 3, hall_note_down, &hall);
    for (int i = 0; i < 3; i++)
        CHECK_INT(ran[i], indices[i]);
    hall_close();
}

static int return_input(rp_call *call, const void *input, size_t size)
{
    CHECK_INT(rp_call_attempt(call), 2);
    return rp_return(call, input, size);
}

TEST_CASE(items_of_a_range_are_given_their_number)
{
    uint64_t numbers[5];
    hall_open();
    struct stretch stretch = stretch_of(POST_RANGE);
    stretch.fn = return_input;
    stretch.begin = UINT64_C(1) << 40;
    stretch.out = (char *)numbers;
    perform_run(&hall.performer, &stretch, 0, 5, hall_note_down, &hall);
    for (uint64_t i = 0; i < 5; i++)
        CHECK_UINT(numbers[i], (UINT64_C(1) << 40) + 1000 + i);
    hall_close();
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
    hall_open();
    struct stretch stretch = stretch_of(0);
    stretch.fn = look_around;
    stretch.out = (char *)words;
    stretch.out_size = sizeof words[0];
    stretch.common = "hello";
    stretch.common_size = 6;
    perform_run(&hall.performer, &stretch, 0, 4, hall_note_down, &hall);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            CHECK(memcmp(words[i], words[k], sizeof words[i]) != 0);
    stretch.out = (char *)again;
    stretch.common_size = 0;
    for (uint32_t i = 4; i-- > 0;) /* another run, another order: the same words */
        perform_run(&hall.performer, &stretch, i, 1, hall_note_down, &hall);
    CHECK_MEM(again, words, sizeof words);
    stretch.map++;
    perform_run(&hall.performer, &stretch, 0, 1, hall_note_down, &hall);
    CHECK(memcmp(again[0], words[0], sizeof words[0]) != 0);
    CHECK_INT(*(int *)hall.performer.local, 9);
    free(hall.performer.local);
    hall_close();
}
