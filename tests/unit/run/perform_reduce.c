/* What a performer says of a run of a reduction: notes of nodes of the tree, with their results. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "perform_hall.h"
#include "sched/tree.h"

enum { SILENT = 5001 };

/* A result tells which items it is of, in which order and shape they were combined; longer ones are
 * filled with that. */
struct result {
    uint64_t start, end, shape;
};

static uint64_t failing;    /* the item that fails, or answers too little or too much */
static size_t failing_size; /* what it answers; 0: it says no; SILENT: it fails without a word */
static int sent;            /* results from the larder */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 27);
}

static void open_hall(void)
{
    failing = UINT64_MAX;
    failing_size = 0;
    sent = 0;
    hall_open();
}

static void close_hall(void)
{
    CHECK_INT(hall.taken, hall.given + sent);
    hall_close();
}

static void note_down(void *state, struct note *note, const void *payload)
{
    void *kept = note->status == RP_OK && !payload ? (void *)(uintptr_t)note->result.offset : NULL;
    CHECK(note->status != RP_OK || kept || note->size <= NOTE_INLINE);
    hall_note_down(state, note, kept ? kept : payload);
    free(kept);
    sent += kept != NULL;
}

static struct result result_of(const struct said *said)
{
    struct result result;
    memcpy(&result, said->payload, sizeof result);
    return result;
}

/* ---- What is reduced ------------------------------------------------------------------------- */

static int item(rp_call *call, const void *in, size_t size)
{
    unsigned char much[5000] = {0};
    uint64_t i = rp_call_index(call);
    struct result result = {i, i + 1, mix(i)};
    (void)in, (void)size;
    hall.runs++;
    if (i == failing)
        return failing_size == SILENT ? 3
               : failing_size         ? rp_return(call, much, failing_size)
                                      : rp_fail(call, "it says no");
    if (call->capacity == sizeof result)
        return rp_return(call, &result, sizeof result);
    struct result *room = rp_reserve(call, call->capacity);
    CHECK_UINT((uintptr_t)room % 16, 0);
    *room = result;
    return 0;
}

static void combine(void *into, const void *from, size_t size)
{
    struct result *left = into;
    const struct result *right = from;
    CHECK(size >= sizeof *left && hall.performer.busy);
    CHECK_UINT(left->end, right->start);
    left->end = right->end;
    left->shape = mix(3 * left->shape + mix(right->shape));
}

static uint64_t shape_of(uint64_t start, uint64_t end)
{
    uint64_t size = 1;
    if (end - start == 1)
        return mix(start);
    while (2 * size < end - start)
        size *= 2;
    return mix(3 * shape_of(start, start + size) + mix(shape_of(start + size, end)));
}

static struct stretch stretch_of(uint64_t n, uint64_t first, size_t out_size)
{
    return (struct stretch){.fn = item,
                            .combine = combine,
                            .out_size = out_size,
                            .first = first,
                            .total = n,
                            .flags = POST_REDUCE,
                            .attempt = 1,
                            .post = 77};
}

static void reduce(const struct stretch *stretch, uint32_t from, uint32_t count)
{
    hall.count = 0;
    perform_reduce(&hall.performer, stretch, from, count, note_down, &hall);
    CHECK(!hall.performer.busy);
}

/* Note `number` is of these items, numbered within the post, and has their result. */
static void check_good(int number, const struct stretch *stretch, uint32_t from, uint32_t count)
{
    REQUIRE(number < hall.count);
    const struct said *said = &hall.said[number];
    CHECK_STATUS((rp_status)said->note.status, RP_OK);
    CHECK_UINT(said->note.post, 77);
    CHECK_UINT(said->note.from, from);
    CHECK_UINT(said->note.count, count);
    CHECK_UINT(said->note.size, stretch->out_size);
    CHECK_INT(said->note.flags, number == 0 ? NOTE_FIRST : 0);
    struct result result = result_of(said);
    CHECK_UINT(result.start, stretch->first + from);
    CHECK_UINT(result.end, stretch->first + from + count);
    CHECK_UINT(result.shape, shape_of(stretch->first + from, stretch->first + from + count));
}

static void check_bad(int number, rp_status status, uint32_t from, uint32_t count, const char *sentence)
{
    REQUIRE(number < hall.count);
    CHECK_STATUS((rp_status)hall.said[number].note.status, status);
    CHECK_UINT(hall.said[number].note.from, from);
    CHECK_UINT(hall.said[number].note.count, count);
    CHECK_HAS(hall.said[number].payload, sentence);
}

static const size_t sizes[] = {sizeof(struct result), sizeof(struct result) + 1, 4000};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* ---- Runs ------------------------------------------------------------------------------------ */

TEST_CASE(a_run_of_all_items_is_one_note_with_their_result)
{
    for (size_t s = 0; s < SIZES; s++)
        for (uint32_t n = 1; n < 70; n++) {
            open_hall();
            struct stretch stretch = stretch_of(n, 0, sizes[s]);
            reduce(&stretch, 0, n);
            CHECK_INT(hall.count, 1);
            check_good(0, &stretch, 0, n);
            CHECK_UINT(hall.performer.done, n);
            CHECK((hall.performer.combine_ns > 0) == (n > 1));
            close_hall();
        }
}

TEST_CASE(once_the_program_drains_the_rest_is_given_back_behind_what_was_combined)
{
    for (size_t s = 0; s < SIZES; s++) {
        open_hall();
        hall_drain_after(5);
        struct stretch stretch = stretch_of(20, 0, sizes[s]);
        reduce(&stretch, 0, 12);
        CHECK_INT(hall.count, 3);
        check_good(0, &stretch, 0, 4);
        check_good(1, &stretch, 4, 1);
        check_bad(2, RP_CANCELLED, 5, 7, "");
        CHECK_INT(hall.runs, 5);
        close_hall();
    }
}

static bool could_be_combined(uint64_t n, const struct said *left, const struct said *right)
{
    struct result right_result = result_of(right);
    return tree_are_siblings(n, result_of(left).start, right_result.start, right_result.end);
}

TEST_CASE(any_run_is_the_fewest_nodes_in_their_order)
{
    enum { n = 45, first = 20 };
    for (size_t s = 0; s < SIZES; s++)
        for (uint32_t from = 0; from < n - first; from++)
            for (uint32_t count = 1; count <= n - first - from; count++) {
                open_hall();
                check_note("%u items from %u on, of %zu bytes", count, from, sizes[s]);
                struct stretch stretch = stretch_of(n, first, sizes[s]);
                reduce(&stretch, from, count);
                uint32_t at = from;
                for (int i = 0; i < hall.count; i++) {
                    check_good(i, &stretch, at, hall.said[i].note.count);
                    at += hall.said[i].note.count;
                    CHECK(i == 0 || !could_be_combined(n, &hall.said[i - 1], &hall.said[i]));
                }
                CHECK_UINT(at, from + count);
                close_hall();
            }
}

TEST_CASE(the_longest_run_that_fits_the_tree_worst_is_done)
{
    open_hall();
    struct stretch stretch = stretch_of(UINT64_C(1) << 22, 1, sizeof(struct result));
    stretch.first = (UINT64_C(1) << 20) - (BOARD_POST_ITEMS / 2) + 1;
    reduce(&stretch, 0, BOARD_POST_ITEMS - 2);
    CHECK_INT(hall.count, 38);
    CHECK_INT(hall.runs, BOARD_POST_ITEMS - 2);
    uint32_t at = 0;
    for (int i = 0; i < hall.count; i++) {
        check_good(i, &stretch, at, hall.said[i].note.count);
        at += hall.said[i].note.count;
    }
    close_hall();
}

TEST_CASE(items_in_another_order_are_sent_one_by_one)
{
    static const uint64_t indices[] = {9, 8, 4, 5, 0};
    for (size_t s = 0; s < SIZES; s++) {
        open_hall();
        struct stretch stretch = stretch_of(10, 0, sizes[s]);
        stretch.indices = indices;
        reduce(&stretch, 1, 4);
        CHECK_INT(hall.count, 4);
        for (int i = 0; i < hall.count; i++) {
            CHECK_UINT(hall.said[i].note.from, i + 1);
            CHECK_UINT(hall.said[i].note.count, 1);
            CHECK_UINT(result_of(&hall.said[i]).start, indices[i + 1]);
        }
        CHECK_UINT(hall.performer.combine_ns, 0);
        close_hall();
    }
}

TEST_CASE(no_more_results_are_held_than_a_run_has_levels)
{
    open_hall();
    struct stretch stretch = stretch_of(1 << 20, 0, 1000);
    reduce(&stretch, 0, 4096);
    CHECK_INT(hall.count, 1);
    CHECK(hall.taken <= 13);
    close_hall();
}

/* ---- Failures -------------------------------------------------------------------------------- */

TEST_CASE(a_failed_item_parts_the_run_and_leaves_its_neighbours)
{
    for (size_t s = 0; s < SIZES; s++) {
        open_hall();
        failing = 5;
        struct stretch stretch = stretch_of(16, 0, sizes[s]);
        reduce(&stretch, 0, 16);
        CHECK_INT(hall.count, 5);
        check_good(0, &stretch, 0, 4);
        check_good(1, &stretch, 4, 1);
        check_bad(2, RP_TASK_FAILED, 5, 1, "it says no");
        CHECK_INT(hall.said[2].note.code, 1);
        check_good(3, &stretch, 6, 2);
        check_good(4, &stretch, 8, 8);
        CHECK_INT(hall.runs, 16);
        close_hall();
    }
}

TEST_CASE(a_result_of_another_size_fails_its_item)
{
    for (size_t s = 0; s < SIZES; s++) {
        open_hall();
        failing = 2;
        failing_size = sizes[s] - 1;
        struct stretch stretch = stretch_of(4, 0, sizes[s]);
        reduce(&stretch, 0, 4);
        CHECK_INT(hall.count, 3);
        check_bad(1, RP_TASK_FAILED, 2, 1, "is shorter than the");
        failing_size = SILENT;
        reduce(&stretch, 0, 4);
        CHECK_UINT(hall.said[1].note.size, 0); /* the sentence was the other item's */
        failing_size = sizes[s] + 1;
        reduce(&stretch, 0, 4);
        CHECK_INT(hall.count, 3);
        check_bad(1, RP_TASK_FAILED, 2, 1, "does not fit");
        close_hall();
    }
}

TEST_CASE(a_reduction_that_stops_leaves_the_rest_of_the_run_unrun)
{
    open_hall();
    failing = 3;
    struct stretch stretch = stretch_of(8, 0, sizes[2]);
    stretch.flags |= POST_STOP;
    reduce(&stretch, 0, 8);
    CHECK_INT(hall.count, 4);
    check_good(0, &stretch, 0, 2);
    check_good(1, &stretch, 2, 1);
    check_bad(2, RP_TASK_FAILED, 3, 1, "it says no");
    check_bad(3, RP_CANCELLED, 4, 4, "");
    CHECK_INT(hall.runs, 4);
    CHECK_UINT(hall.performer.done, 4);
    close_hall();
}

TEST_CASE(an_item_for_whose_result_there_is_no_memory_fails)
{
    open_hall();
    hall.left = 2;
    struct stretch stretch = stretch_of(8, 0, 1000);
    reduce(&stretch, 0, 8);
    CHECK_INT(hall.count, 7);
    check_good(0, &stretch, 0, 2); /* the second place was free again for item 2 */
    check_good(1, &stretch, 2, 1);
    for (uint32_t i = 3; i < 8; i++)
        check_bad((int)i - 1, RP_NO_MEMORY, i, 1, "no memory for a result of 1000 bytes");
    CHECK_INT(hall.runs, 3);
    close_hall();
}
