/* What comes to a node over the net as blocks goes back as notes, each item's once, whatever happens. */
#include "run/relay.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "outpost.h"

static struct outpost post;

/* ---- Maps -------------------------------------------------------------------------------- */

static void map_some(int workers)
{
    outpost_start(&post, workers, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_squares(1, 1000);
    outpost_send_squares(&post, &block, 100);
    block.block.block = 2;
    outpost_send_squares(&post, &block, 2000);
    outpost_await_items(&post, 2000);
    outpost_check_squares(&post, 1, 100, 0, 1000);
    outpost_check_squares(&post, 2, 2000, 0, 1000);
    outpost_end(&post);
}

TEST_CASE(a_lone_leader_runs_what_comes_to_its_node)
{
    map_some(1);
    CHECK_UINT(post.done[0], 2000);
    for (int i = 0; i < post.count; i++)
        CHECK_UINT(post.said[i].note.worker, OUTPOST_FIRST);
}

TEST_CASE(the_workers_of_a_node_run_what_comes_and_its_leader_does_not)
{
    outpost_start(&post, 3, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_squares(1, 100);
    block.block.function = outpost_name(gang_slow_square);
    outpost_send_squares(&post, &block, 0);
    outpost_await_items(&post, 100);
    outpost_end(&post);
    CHECK_UINT(post.done[0], 0);
    CHECK_UINT(post.done[1] + post.done[2], 100);
}

static int tell_position(rp_call *call, const void *in, size_t size)
{
    uint64_t said[2] = {rp_call_index(call), size == sizeof(uint64_t) ? *(const uint64_t *)in : 0};
    return rp_return(call, said, sizeof said);
}

static struct wire_message tell_positions(uint64_t number, uint32_t items)
{
    struct wire_message block = outpost_squares(number, items);
    block.block.function = outpost_name(tell_position);
    block.block.first = 5000;
    block.block.total = 100000;
    block.block.out_size = 2 * sizeof(uint64_t);
    return block;
}

/* What an item of tell_position has said. */
static const uint64_t *position_of(uint64_t block, uint32_t item)
{
    const struct outpost_note *said = outpost_find(&post, block, item);
    REQUIRE(said && said->payload && said->note.status == RP_OK);
    return (const uint64_t *)(const void *)said->payload + 2 * (size_t)(item - said->note.from);
}

TEST_CASE(items_of_a_range_and_items_in_any_order_are_who_they_are)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message range = tell_positions(1, 300), ordered = tell_positions(2, 300);
    range.block.flags = WIRE_RANGE;
    range.block.begin = 70;
    range.block.bytes = 0;
    outpost_send(&post, &range, NULL, 0);
    static uint64_t indices[300], in[300];
    for (int i = 0; i < 300; i++) {
        indices[i] = (uint64_t)(7 * i % 300);
        in[i] = (uint64_t)i + 40000;
    }
    ordered.block.flags = WIRE_INDICES;
    outpost_send_apart(&post, &ordered, indices, sizeof indices, in, sizeof in);
    outpost_await_items(&post, 600);
    for (uint32_t i = 0; i < 300; i++) {
        CHECK_UINT(position_of(1, i)[0], 5000 + i);
        CHECK_UINT(position_of(1, i)[1], 70 + 5000 + i);
        CHECK_UINT(position_of(2, i)[0], indices[i]);
        CHECK_UINT(position_of(2, i)[1], in[i]);
    }
    outpost_end(&post);
}

/* ---- Sizes ------------------------------------------------------------------------------- */

enum { LONG = 300000 };

static int reverse(rp_call *call, const void *in, size_t size)
{
    const unsigned char *from = in;
    unsigned char *out = rp_reserve(call, size);
    if (!out)
        return 1;
    for (size_t i = 0; i < size; i++)
        out[i] = from[size - 1 - i];
    return 0;
}

static unsigned char *random_bytes(size_t size)
{
    unsigned char *bytes = malloc(size);
    REQUIRE(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    return bytes;
}

static void check_reversed(const unsigned char *result, const unsigned char *in, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (result[i] != in[size - 1 - i]) {
            CHECK_FAILED("byte %zu of %zu is not what it was", i, size);
            return;
        }
}

TEST_CASE(long_items_go_from_memory_to_memory_both_ways)
{
    enum { ITEMS = 12 };
    outpost_start_far(&post, 3, 2, 50);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    unsigned char *in = random_bytes((size_t)ITEMS * LONG);
    struct wire_message block = outpost_squares(1, ITEMS);
    block.block.function = outpost_name(reverse);
    block.block.in_size = block.block.out_size = LONG;
    block.block.bytes = (uint64_t)ITEMS * LONG;
    outpost_send_apart(&post, &block, NULL, 0, in, (size_t)ITEMS * LONG);
    outpost_await_items(&post, ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++) {
        const struct outpost_note *said = outpost_find(&post, 1, i);
        REQUIRE(said && said->note.status == RP_OK && said->note.size == LONG);
        check_reversed(said->payload + (i - said->note.from) * LONG, in + i * LONG, LONG);
    }
    outpost_end(&post);
    free(in);
}

/* Inputs of any size, each at a multiple of 16. */
static size_t size_of_item(uint32_t i)
{
    return i % 5 == 4 ? LONG : i * i;
}

static void write_inputs(unsigned char *to, uint32_t items)
{
    for (uint32_t i = 0; i < items; to += wire_aligned(size_of_item(i)), i++)
        for (size_t k = 0; k < size_of_item(i); k++)
            to[k] = (unsigned char)(k * i + k / 256);
}

static uint64_t count_bytes(uint32_t items)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < items; i++)
        bytes += wire_aligned(size_of_item(i));
    return bytes;
}

/* The results of a run of a packed post stand in one parcel. */
static const unsigned char *find_result(const struct outpost_note *said, uint32_t item, size_t *size)
{
    const struct packed_results *pack = (const void *)said->payload;
    if (!(said->note.flags & NOTE_PACKED)) {
        *size = said->note.size;
        return said->payload;
    }
    uint32_t at = packed_start(pack->room);
    for (uint32_t i = 0; i < item - said->note.from; i++)
        at = packed_aligned(at + pack->size[i]);
    *size = pack->size[item - said->note.from];
    return said->payload + at;
}

static void check_results(uint64_t block, uint32_t items, const unsigned char *in)
{
    for (uint32_t i = 0; i < items; in += wire_aligned(size_of_item(i)), i++) {
        const struct outpost_note *said = outpost_find(&post, block, i);
        size_t size;
        REQUIRE(said && said->note.status == RP_OK);
        const unsigned char *result = find_result(said, i, &size);
        if (CHECK_UINT(size, size_of_item(i)))
            check_reversed(result, in, size);
    }
}

TEST_CASE(items_of_streams_have_any_size)
{
    enum { ITEMS = 23 };
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    uint64_t bytes = count_bytes(ITEMS);
    unsigned char *in = calloc(1, bytes), table[ITEMS * WIRE_PACKED_SIZE];
    REQUIRE(in);
    write_inputs(in, ITEMS);
    struct wire_message block = outpost_squares(1, ITEMS);
    block.block.function = outpost_name(reverse);
    block.block.flags = WIRE_PACKED;
    block.block.first = 600;
    block.block.in_size = block.block.out_size = 0;
    block.block.bytes = bytes;
    for (uint32_t i = 0; i < ITEMS; i++)
        wire_packed_pack(&(struct wire_packed){600 + i, size_of_item(i)}, table + i * WIRE_PACKED_SIZE);
    outpost_send_apart(&post, &block, table, sizeof table, in, bytes);
    outpost_await_items(&post, ITEMS);
    check_results(1, ITEMS, in);
    outpost_end(&post);
    free(in);
}

TEST_CASE(submitted_tasks_have_inputs_of_any_size)
{
    enum { ITEMS = 17 };
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    uint64_t bytes = count_bytes(ITEMS);
    unsigned char *in = calloc(1, bytes), table[ITEMS * WIRE_TASK_SIZE];
    REQUIRE(in);
    write_inputs(in, ITEMS);
    struct wire_message block = outpost_tasks(1, ITEMS);
    block.block.bytes = bytes;
    for (uint32_t i = 0; i < ITEMS; i++)
        wire_task_pack(
            &(struct wire_task){.function = outpost_name(reverse), .in_size = size_of_item(i), .attempt = 1},
            table + i * WIRE_TASK_SIZE);
    outpost_send_apart(&post, &block, table, sizeof table, in, bytes);
    outpost_await_items(&post, ITEMS);
    check_results(1, ITEMS, in);
    outpost_end(&post);
    free(in);
}

/* ---- Reductions -------------------------------------------------------------------------- */

static int number_of(rp_call *call, const void *in, size_t size)
{
    (void)size;
    return rp_return(call, in, sizeof(uint64_t));
}

static void add_numbers(void *into, const void *other, size_t size)
{
    uint64_t a, b;
    (void)size;
    memcpy(&a, into, sizeof a);
    memcpy(&b, other, sizeof b);
    a += b;
    memcpy(into, &a, sizeof a);
}

TEST_CASE(parts_of_a_reduction_come_back_combined)
{
    outpost_start(&post, 3, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_squares(1, 10000);
    block.block.function = outpost_name(number_of);
    block.block.combine = outpost_name((rp_fn *)(void (*)(void))add_numbers);
    block.block.flags = POST_REDUCE | WIRE_RANGE;
    block.block.first = 300;
    block.block.total = 20000;
    block.block.bytes = 0;
    outpost_send(&post, &block, NULL, 0);
    outpost_await_items(&post, 10000);
    uint64_t sum = 0, part;
    for (int i = 0; i < post.count; i++) {
        REQUIRE(post.said[i].note.status == RP_OK && post.said[i].note.bytes == sizeof part);
        memcpy(&part, post.said[i].payload, sizeof part);
        sum += part;
    }
    CHECK_UINT(sum, (UINT64_C(300) + 10299) * 10000 / 2);
    CHECK(post.count < 2000);
    outpost_end(&post);
}

static int answer_nothing(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_return(call, "", 0);
}

TEST_CASE(results_that_are_short_or_dropped_are_as_long_as_they_say)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message empty = outpost_squares(1, 3), dropped = outpost_squares(2, 3);
    empty.block.function = outpost_name(answer_nothing);
    dropped.block.flags = POST_DROP_RESULTS;
    outpost_send_squares(&post, &empty, 0);
    outpost_send_squares(&post, &dropped, 0);
    outpost_await_items(&post, 6);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_UINT(outpost_find(&post, 1, i)->note.size, 0);
        CHECK_UINT(outpost_find(&post, 1, i)->note.bytes,
                   outpost_find(&post, 1, i)->note.count * sizeof(uint64_t));
        CHECK_UINT(outpost_find(&post, 2, i)->note.bytes, 0);
    }
    outpost_end(&post);
}

/* ---- Joined notes ------------------------------------------------------------------------ */

static void map_by_ones(bool drains)
{
    outpost_start(&post, 3, NULL);
    struct wire_message message = {.type = WIRE_OPEN, .pool = OUTPOST_POOL, .open = {.drains = drains}};
    outpost_send(&post, &message, NULL, 0);
    message = outpost_squares(1, 400);
    message.block.function = outpost_name(gang_slow_square);
    message.block.schedule = SCHEDULE_DYNAMIC;
    message.block.patience_us = 20000;
    outpost_send_squares(&post, &message, 0);
    outpost_await_items(&post, 400);
    outpost_check_squares(&post, 1, 0, 0, 400);
    outpost_end(&post);
}

static uint64_t count_runs(int member)
{
    uint64_t runs = 0;
    for (int i = 0; i < 400; i++)
        runs += gang_tally->runner[i] == post.gang.pid[member];
    return runs;
}

TEST_CASE(notes_of_neighbours_are_joined_and_nothing_is_miscounted)
{
    uint64_t claims = 0;
    map_by_ones(false);
    for (int i = 0; i < post.count; i++)
        claims += (post.said[i].note.flags & NOTE_FIRST) + post.said[i].note.joined;
    CHECK_UINT(claims, 400);
    CHECK(post.count < 100);
    CHECK_UINT(post.done[1], count_runs(2));
    CHECK_UINT(post.done[2], count_runs(3));
}

TEST_CASE(where_it_is_written_who_ran_an_item_notes_of_several_workers_are_not_joined)
{
    map_by_ones(true);
    CHECK_INT(post.got[WIRE_DONE], 0);
    CHECK_UINT(post.done[1], count_runs(2));
    for (int i = 0; i < post.count; i++)
        for (uint32_t item = 0; item < post.said[i].note.count; item++)
            CHECK_INT(gang_tally->runner[post.said[i].note.from + item],
                      post.gang.pid[post.said[i].note.worker - OUTPOST_FIRST + 1]);
}
