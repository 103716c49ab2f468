/* What the simulator is told of the parts of the road between nodes: bench_parts NODES
 * Each part alone, by one thread, in a loop: the shortest of several rounds, so that what is measured is the
 * part and not the machine's other work. Prints a line for each: nanoseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/loop.h"
#include "sched/blocks.h"
#include "sched/lease.h"
#include "wire/message.h"

#define ROUNDS 15
#define TIMES  20000
#define ITEMS  200 /* of a block, 8 bytes each */
#define NOTES  100 /* of a message */

static _Alignas(16) unsigned char head[NET_HEAD];

static void fail(const char *what)
{
    fprintf(stderr, "bench_parts: %s\n", what);
    exit(1);
}

/* ---- Parts ------------------------------------------------------------------------------- */

static struct blocks blocks;

/* A decision, and what follows from it. */
static void decide(int times)
{
    struct blocks_view view = {
        .total = UINT64_C(1) << 40, .remaining = UINT64_C(1) << 39, .available = ITEMS, .now = 1};
    uint64_t items;
    for (int i = 0; i < times; i++) {
        view.now += 1000;
        int node = blocks_next(&blocks, &view, &items);
        if (node < 0)
            node = rand() % (int)blocks.count;
        else
            blocks_sent(&blocks, (uint32_t)node, items, view.now);
        blocks_ended(&blocks, (uint32_t)node, blocks.nodes[node].in_flight / 2, view.now);
    }
}

static size_t pack_block(void)
{
    static unsigned char inputs[ITEMS * 8];
    struct wire_message message = {
        .type = WIRE_BLOCK,
        .pool = 1,
        .block = {.block = 1, .map = 1, .in_size = 8, .out_size = 8, .items = ITEMS, .bytes = sizeof inputs},
        .body = inputs,
        .body_size = sizeof inputs};
    return wire_message_pack(&message, head, sizeof head);
}

static void pack_blocks(int times)
{
    for (int i = 0; i < times; i++)
        if (!pack_block())
            fail("a block does not fit");
}

static void unpack_blocks(int times)
{
    struct wire_message message;
    struct error error;
    size_t size = pack_block();
    for (int i = 0; i < times; i++)
        if (wire_message_unpack(&message, head, size, NULL, 0, &error))
            fail(error.text);
}

static size_t pack_notes(void)
{
    double result = 1;
    size_t body = wire_message_body(WIRE_NOTES), size = body;
    for (uint32_t i = 0; i < NOTES; i++) {
        struct wire_note note = {.block = 1, .from = i, .count = 1, .size = 8, .bytes = 8};
        size += wire_note_put(&note, &result, head + size, sizeof head - size);
    }
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = 1, .notes = {.count = NOTES}, .body_size = size - body};
    return wire_message_pack(&message, head, sizeof head);
}

static void put_notes(int times)
{
    for (int i = 0; i < times; i += NOTES)
        if (!pack_notes())
            fail("notes do not fit");
}

/* Out of the message, its result to its place, and its item accounted for. */
static void get_notes(int times)
{
    static double results[NOTES];
    struct lease lease = {0};
    struct error error;
    size_t size = pack_notes();
    for (int i = 0; i < times; i += NOTES) {
        struct wire_message message;
        struct wire_note note;
        const void *payload;
        if (lease_begin(&lease, NOTES, NOTES) || wire_message_unpack(&message, head, size, NULL, 0, &error))
            fail("notes cannot be read");
        for (size_t at = 0; wire_note_get(&message, &at, &note, &payload);) {
            memcpy(&results[note.from], payload, 8);
            lease_end(&lease, note.from);
        }
    }
    lease_free(&lease);
}

static struct net *manager, *leader;

/* A head from end to end in this process: what the transport itself takes is not in it. */
static void carry(int times)
{
    struct net_event event;
    struct error error;
    size_t size = pack_notes();
    for (int i = 0; i < times; i++) {
        if (net_send(leader, 0, head, size, NULL, 0, NULL, &error))
            fail(error.text);
        while (!net_poll(manager, &event))
            net_poll(leader, &event);
    }
}

/* ---- Measuring --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(int times);
} parts[] = {{"decide", decide},      {"pack_block", pack_blocks}, {"unpack_block", unpack_blocks},
             {"put_note", put_notes}, {"get_note", get_notes},     {"carry", carry}};

static void measure(size_t part)
{
    double least = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begun = clock_ns();
        parts[part].run(TIMES);
        double ns = (double)(clock_ns() - begun) / TIMES;
        least = round && least < ns ? least : ns;
    }
    printf("PART name=%s ns=%.3f\n", parts[part].name, least);
}

int main(int argc, char **argv)
{
    uint32_t nodes = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000;
    struct error error;
    if (!nodes || blocks_open(&blocks, nodes, 0, 0) || net_open_loop(1, &manager, &leader, &error))
        fail("there is no memory, or a number of nodes that is none");
    for (uint32_t i = 0; i < nodes; i++)
        blocks_add_node(&blocks, 57, 1000);
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        measure(part);
    blocks_close(&blocks);
    net_close(leader);
    net_close(manager);
    return 0;
}
