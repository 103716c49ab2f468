/* Arrays of a map whose workers are all of other nodes: bytes go from where they lie and to where they
 * belong, and are the user's again with the map's end, whatever is under way then. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "board/step.h"
#include "check.h"
#include "envoy.h"
#include "realm.h"
#include "run/holding.h"
#include "run/map.h"

enum { ITEMS = 3, SIZE = 1 << 20 };

/* Of which nothing is left for late readers and writers. */
static unsigned char *array_new(void)
{
    void *array =
        mmap(NULL, (size_t)ITEMS * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(array != MAP_FAILED);
    return array;
}

static void array_end(unsigned char *array)
{
    munmap(array, (size_t)ITEMS * SIZE);
}

/* ---- Without a copy on the board ---- */

static struct realm realm;
static uint64_t in_use_before, most_in_use;

static void look_at_the_board(const char *place)
{
    uint64_t in_use = realm.gang.manager.arena.in_use;
    if (strcmp(place, "publish: cursor live") == 0 && in_use > most_in_use)
        most_in_use = in_use;
}

static int turn(rp_call *call, const void *in, size_t size)
{
    unsigned char *out = rp_reserve(call, size);
    for (size_t i = 0; out && i < size; i++)
        out[i] = ((const unsigned char *)in)[size - 1 - i];
    return out ? rp_return(call, out, size) : 1;
}

static int within; /* maps that are under way already */

static void begin_to_look(int workers)
{
    realm_start(&realm, workers, 1, 1);
    realm_open(&realm, NULL);
    realm.road->maps = within;
    in_use_before = realm.gang.manager.arena.in_use;
    most_in_use = 0;
    board_step = look_at_the_board;
}

static void end_to_look(void)
{
    board_step = NULL;
    most_in_use -= in_use_before;
}

static int turn_half(rp_call *call, const void *in, size_t size)
{
    unsigned char *out = rp_reserve(call, size / 2);
    for (size_t i = 0; out && i < size / 2; i++)
        out[i] = (unsigned char)(((const unsigned char *)in)[i] + 1);
    return out ? rp_return(call, out, size / 2) : 1;
}

static void turn_all(int workers, const double *cost)
{
    struct error error;
    unsigned char *in = array_new(), *out = array_new();
    for (size_t i = 0; i < (size_t)ITEMS * SIZE; i++)
        in[i] = (unsigned char)(i * 2654435761u >> 16);
    begin_to_look(workers);
    struct map_work work = {
        .fn = turn, .in = in, .in_size = SIZE, .n = ITEMS, .out = out, .out_size = SIZE, .cost = cost};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    end_to_look();
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t k = 0; k < SIZE; k += 4095)
            CHECK_UINT(out[i * SIZE + k], in[(i + 1) * SIZE - 1 - k]);
    array_end(in);
    array_end(out);
    realm_end(&realm);
}

TEST_CASE(long_items_are_not_copied_to_a_board_that_nobody_else_reads)
{
    turn_all(0, NULL);
    CHECK(most_in_use < SIZE);
}

TEST_CASE(they_are_where_a_worker_of_the_node_may_take_them_or_their_order_is_another)
{
    turn_all(1, NULL);
    CHECK(most_in_use >= 2 * SIZE);
    turn_all(0, (const double[ITEMS]){1, 2, 3});
    CHECK(most_in_use >= 2 * SIZE);
}

/* What is under way for one map stays so when another one ends that has the same array. */
TEST_CASE(they_are_where_a_map_runs_within_another_one)
{
    within = 1;
    turn_all(0, NULL);
    within = 0;
    CHECK(most_in_use >= 2 * SIZE);
}

/* An input may have to be sent when results have come, and to be sent again. */
TEST_CASE(they_are_where_results_are_written_over_inputs)
{
    struct error error;
    unsigned char *array = array_new();
    memset(array, 1, (size_t)ITEMS * SIZE);
    begin_to_look(0);
    struct map_work work = {.fn = turn_half,
                            .in = array,
                            .in_size = SIZE,
                            .n = ITEMS,
                            .out = array + SIZE / 2,
                            .out_size = SIZE / 2};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    end_to_look();
    CHECK(most_in_use >= SIZE);
    for (size_t i = 0; i < ITEMS; i++)
        CHECK_UINT(array[SIZE / 2 + i * SIZE / 2], 2);
    array_end(array);
    realm_end(&realm);
}

/* ---- Shorter ones ---- */

static int answer_half(rp_call *call, const void *in, size_t size)
{
    unsigned char *out = rp_reserve(call, size);
    return out ? rp_return(call, memcpy(out, in, size), size / 2) : 1;
}

static void answer_halves(const unsigned char *in, unsigned char *out, size_t size)
{
    struct error error;
    struct map_work work = {
        .fn = answer_half, .in = in, .in_size = size, .n = ITEMS, .out = out, .out_size = size};
    memset(out, 0x5a, ITEMS * size);
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    for (size_t i = 0; i < ITEMS * size; i++)
        REQUIRE(out[i] == (i % size < size / 2 ? 0 : 0x5a));
}

TEST_CASE(a_result_that_is_shorter_than_its_slot_leaves_the_rest)
{
    unsigned char *in = array_new(), *out = array_new();
    realm_start(&realm, 0, 1, 1);
    realm_open(&realm, NULL);
    unsigned char *of_board = holding_alloc(&realm.gang.manager, (size_t)ITEMS * SIZE);
    REQUIRE(of_board);
    answer_halves(in, out, SIZE);
    answer_halves(in, out, 100);
    answer_halves(in, of_board, SIZE);
    answer_halves(in, of_board, 100);
    array_end(in);
    array_end(out);
    realm_end(&realm);
}

/* ---- At the map's end ---- */

static unsigned char *inputs; /* the node's */

static void fail_all_items(const struct wire_block *block)
{
    struct wire_note note = {.block = block->block,
                             .status = RP_TASK_FAILED,
                             .count = 1,
                             .worker = (uint32_t)realm_first(&envoy_realm, 0),
                             .flags = NOTE_FIRST};
    for (; note.from < block->items; note.from++)
        envoy_say_note(&note, NULL);
}

/* A node that fails what has not come yet. */
static void fail_before_it_comes(const char *place)
{
    struct net_event event;
    struct wire_message message;
    struct error error;
    while (strcmp(place, "manager: sleeps") == 0 && net_poll(envoy_realm.end[0], &event)) {
        if (event.kind != NET_HEADED)
            continue;
        REQUIRE_STATUS(
            wire_message_unpack(&message, event.head, event.head_size, event.size, event.segments, &error),
            RP_OK);
        if (message.type != WIRE_BLOCK)
            continue;
        envoy.pool = message.pool;
        REQUIRE(event.segments == 1 && event.size[0] <= (size_t)ITEMS * SIZE);
        net_receive(envoy_realm.end[0], &event, (void *[]){inputs}, &inputs);
        fail_all_items(&message.block);
    }
}

static bool has_come(void)
{
    struct net_event event;
    return net_poll(envoy_realm.end[0], &event) && event.kind == NET_BODY && event.token == &inputs;
}

TEST_CASE(inputs_that_have_not_left_when_their_map_ends_are_left_alone)
{
    struct error error;
    unsigned char *in = array_new();
    inputs = array_new();
    envoy_begin(0, NULL);
    net_loop_delay(envoy_realm.end[0], 0, 100000);
    board_step = fail_before_it_comes;
    struct map_work work = {.fn = turn, .in = in, .in_size = SIZE, .n = ITEMS};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_TASK_FAILED);
    array_end(in);
    REQUIRE(envoy_is_sent_to());
    while (envoy_is_sent_to()) {
        has_come();
        road_turn(envoy_realm.road);
    }
    CHECK_STR(envoy_why(), "");
    envoy_end();
    array_end(inputs);
}

static unsigned char *results; /* the node's */

static void send_results(const struct wire_block *block)
{
    static unsigned char body[WIRE_NOTE_SIZE];
    _Alignas(16) unsigned char head[NET_HEAD];
    struct wire_note note = {.block = block->block,
                             .size = SIZE,
                             .bytes = SIZE,
                             .count = 1,
                             .worker = (uint32_t)realm_first(&envoy_realm, 0),
                             .flags = NOTE_FIRST | NOTE_PLACED};
    REQUIRE(wire_note_put(&note, NULL, body, sizeof body));
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = envoy.pool, .notes = {1}, .body = body, .body_size = sizeof body};
    size_t size = wire_message_pack(&message, head, sizeof head);
    CHECK_STATUS(net_send(envoy_realm.end[0], 0, head, size,
                          &(struct net_segment){.data = results, .size = SIZE}, 1, &results, NULL),
                 RP_OK);
}

static void (*end_it)(void); /* in the middle of a result */

static void end_over_a_result(const char *place)
{
    static int naps;
    envoy_listen(place);
    if (strcmp(place, "manager: sleeps") != 0 || !envoy.count || ++naps % 5)
        return;
    if (!envoy.acts++)
        send_results(&envoy.got[0].block);
    else if (envoy.acts == 2)
        end_it();
}

static void begin_a_result(bool clings, void (*end)(void))
{
    struct error error;
    unsigned char *out = array_new();
    uint64_t in[ITEMS] = {0};
    results = array_new();
    end_it = end;
    envoy_begin(0, NULL);
    net_loop_cling(envoy_realm.net, clings);
    net_loop_delay(envoy_realm.net, 0, 100000);
    board_step = end_over_a_result;
    struct map_work work = {.fn = turn, .in = in, .in_size = 8, .n = ITEMS, .out = out, .out_size = SIZE};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_POOL_BROKEN);
    CHECK(envoy.acts > 1);
    array_end(out);
}

static void lose_the_node(void)
{
    net_loop_cut(envoy_realm.end[0], 0);
}

TEST_CASE(nothing_is_written_to_results_of_a_lost_node_after_their_map)
{
    begin_a_result(true, lose_the_node);
    net_loop_cling(envoy_realm.net, false);
    while (road_turn(envoy_realm.road))
        ;
    envoy_end();
    array_end(results);
}

static void end_mpi(void)
{
    road_cut(envoy_realm.road, 0);
}

/* MPI may end within a call of the user's in the middle of a map: no net tells of anything from then on. */
TEST_CASE(a_map_ends_although_a_result_was_coming_when_the_net_went)
{
    struct net_event event;
    begin_a_result(false, end_mpi);
    while (net_poll(envoy_realm.net, &event)) /* here it is still there */
        road_take_event(envoy_realm.road, &event);
    envoy_end();
    array_end(results);
}

/* ---- A manager that stands in ---- */

static int fail_or_answer_half(rp_call *call, const void *in, size_t size)
{
    unsigned char *out = rp_reserve(call, size);
    memset(out, 0xff, size / 2);
    return *(const unsigned char *)in ? rp_fail(call, "no") : rp_return(call, out, size / 2);
}

TEST_CASE(what_the_manager_runs_leaves_slots_as_workers_do)
{
    struct error error;
    unsigned char *in = array_new(), *out = array_new();
    const struct manager_setup setup = {.stands_in = true};
    in[SIZE] = 1;
    memset(out, 0x5a, (size_t)ITEMS * SIZE);
    realm_start_mute(&envoy_realm, 0, 1, 2);
    realm_open(&envoy_realm, &setup);
    envoy_realm.road->node[0].away = true;
    struct map_work work = {
        .fn = fail_or_answer_half, .in = in, .in_size = SIZE, .n = ITEMS, .out = out, .out_size = SIZE};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_TASK_FAILED);
    for (size_t i = 0; i < (size_t)ITEMS * SIZE; i++)
        REQUIRE(out[i] == (i / SIZE != 1 && i % SIZE < SIZE / 2 ? 0xff : 0x5a));
    array_end(in);
    array_end(out);
    realm_end(&envoy_realm);
}
