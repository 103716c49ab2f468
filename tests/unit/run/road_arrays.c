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
static uint64_t most_in_use;

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

static void turn_all(int workers, const double *cost)
{
    struct error error;
    unsigned char *in = array_new(), *out = array_new();
    for (size_t i = 0; i < (size_t)ITEMS * SIZE; i++)
        in[i] = (unsigned char)(i * 2654435761u >> 16);
    realm_start(&realm, workers, 1, 1);
    realm_open(&realm, NULL);
    uint64_t before = realm.gang.manager.arena.in_use;
    most_in_use = 0;
    board_step = look_at_the_board;
    struct map_work work = {
        .fn = turn, .in = in, .in_size = SIZE, .n = ITEMS, .out = out, .out_size = SIZE, .cost = cost};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    board_step = NULL;
    most_in_use -= before;
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

/* A node that is lost while a result of it comes. */
static void die_over_a_result(const char *place)
{
    static int naps;
    envoy_listen(place);
    if (strcmp(place, "manager: sleeps") != 0 || !envoy.count || ++naps % 5)
        return;
    if (!envoy.acts++)
        send_results(&envoy.got[0].block);
    else
        net_loop_cut(envoy_realm.end[0], 0);
}

TEST_CASE(nothing_is_written_to_results_of_a_lost_node_after_their_map)
{
    struct error error;
    unsigned char *out = array_new();
    uint64_t in[ITEMS] = {0};
    results = array_new();
    envoy_begin(0, NULL);
    net_loop_cling(envoy_realm.net, true);
    net_loop_delay(envoy_realm.net, 0, 100000);
    board_step = die_over_a_result;
    struct map_work work = {.fn = turn, .in = in, .in_size = 8, .n = ITEMS, .out = out, .out_size = SIZE};
    CHECK_STATUS(map_run(&envoy_realm.gang.manager, &work, NULL, &error), RP_POOL_BROKEN);
    CHECK(envoy.acts > 1);
    array_end(out);
    net_loop_cling(envoy_realm.net, false);
    while (road_turn(envoy_realm.road))
        ;
    envoy_end();
    array_end(results);
}
