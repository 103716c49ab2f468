/* A leader that works alone on its node, and whose manager keeps two blocks of empty items in flight. */
#include <stdio.h>
#include <stdlib.h>

#include "func/func.h"
#include "run/leader.h"
#include "stage.h"

#define POOL 1

enum { BLOCKS, ITEMS, CLAIMS, MESSAGES, COUNTS };

struct manner {
    uint32_t items, chunk; /* of a block, of a claim */
    uint32_t patience_us;
    uint32_t blocks;
};

static const struct manner manners[] = {
    {1, 1, 1000, 20000},   {16, 1, 1000, 10000},  {16, 16, 1000, 10000}, {256, 1, 1, 800},
    {256, 1, 1000, 800},   {256, 64, 1000, 4000}, {256, 16, 1, 4000},    {1024, 1024, 1000, 2000},
    {1024, 16, 1000, 500}, {1024, 128, 1, 2000},
};

#define MANNERS (sizeof manners / sizeof *manners)

static struct {
    struct stage stage;
    struct wire_function function;
    struct stage_sample counted, best[MANNERS];
    double begun;
    size_t manner;
    int rounds;
    uint32_t sent; /* blocks */
    uint64_t ended, blocks_ever;
} all;

static int answer(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

/* ---- The manager ------------------------------------------------------------------------- */

static void say(struct wire_message message)
{
    message.pool = message.type == WIRE_QUIT ? 0 : POOL;
    stage_say(&all.stage, 0, &message);
}

static void say_block(void)
{
    static uint64_t inputs[NET_HEAD / sizeof(uint64_t)];
    const struct manner *manner = &manners[all.manner];
    uint64_t total = (uint64_t)manner->items * manner->blocks;
    all.sent++;
    say((struct wire_message){.type = WIRE_BLOCK,
                              .block = {.block = ++all.blocks_ever,
                                        .map = 1,
                                        .total = total,
                                        .behind = total - (uint64_t)manner->items * all.sent,
                                        .chunk = manner->chunk,
                                        .schedule = SCHEDULE_DYNAMIC,
                                        .function = all.function,
                                        .in_size = sizeof *inputs,
                                        .out_size = sizeof *inputs,
                                        .bytes = manner->items * sizeof *inputs,
                                        .items = manner->items,
                                        .patience_us = manner->patience_us,
                                        .attempt = 1},
                              .body = inputs,
                              .body_size = manner->items * sizeof *inputs});
}

static void begin_manner(void)
{
    all.counted = (struct stage_sample){0};
    all.sent = 0;
    all.ended = 0;
    all.begun = stage_clock(&all.stage);
    say_block();
    say_block();
}

static void end_manner(void)
{
    struct stage_sample *best = &all.best[all.manner];
    const struct manner *manner = &manners[all.manner];
    all.counted.ns = stage_clock(&all.stage) - all.begun;
    all.counted.count[BLOCKS] = manner->blocks;
    all.counted.count[ITEMS] = (double)manner->items * manner->blocks;
    all.counted.count[CLAIMS] = all.counted.count[ITEMS] / manner->chunk;
    if (!(best->ns > 0) || all.counted.ns < best->ns)
        *best = all.counted;
    if (++all.manner == MANNERS) {
        all.manner = 0;
        all.rounds--;
    }
    if (all.rounds)
        begin_manner();
    else
        say((struct wire_message){.type = WIRE_CLOSE});
}

static void take_notes(const struct wire_message *message)
{
    const struct manner *manner = &manners[all.manner];
    struct wire_note note;
    const void *payload;
    all.counted.count[MESSAGES]++;
    for (size_t at = 0; wire_note_get(message, &at, &note, &payload);)
        all.ended += note.count;
    while (all.sent < manner->blocks && (uint64_t)(all.sent - 1) * manner->items <= all.ended)
        say_block();
    if (all.ended == (uint64_t)manner->items * manner->blocks)
        end_manner();
}

static void hear(struct stage *stage, int peer, const struct wire_message *message)
{
    (void)stage, (void)peer;
    if (message->type == WIRE_NOTES)
        take_notes(message);
    else if (message->type == WIRE_CLOSED)
        say((struct wire_message){.type = WIRE_QUIT});
    else if (message->type == WIRE_REFUSED || message->type == WIRE_BROKEN)
        stage_fail("the leader refuses");
}

/* ---- The node ---------------------------------------------------------------------------- */

static void open_node(struct roster *roster, struct crew **crew)
{
    struct error error;
    if (roster_create(roster, 1, MEMORY_MEMFD, &error))
        stage_fail(error.text);
    roster->shared->first = 1;
    for (roster->self = 0; roster->self <= 1; roster->self++)
        roster_enter(roster, roster->self, "here", "0", 0);
    roster->self = 0;
    *crew = crew_of_roster(roster);
    if (!*crew)
        stage_fail("no memory");
}

void stage_measure_leader(int rounds)
{
    static const char *const names[] = {"block", "item", "claim", "message"};
    struct roster roster = {0};
    struct crew *crew;
    struct leader *leader;
    struct error error;
    struct func_cache cache = {0};
    struct func_ref ref;
    double ns[STAGE_COUNTS];
    open_node(&roster, &crew);
    stage_open(&all.stage, 1, hear);
    struct leader_setup setup = {
        .net = &all.stage.net, .roster = &roster, .memory = MEMORY_MEMFD, .crew = crew};
    if (leader_create(&setup, &leader, &error) || func_encode(&cache, answer, &ref, &error))
        stage_fail(error.text);
    all.function = (struct wire_function){ref.module, ref.offset};
    all.rounds = rounds + 1;
    say((struct wire_message){.type = WIRE_OPEN, .open = {.seed = 1}});
    begin_manner();
    leader_serve(leader);
    double apart = stage_fit(all.best, MANNERS, COUNTS, ns);
    for (int i = 0; i < COUNTS; i++)
        printf("COST name=leader_%s ns=%.3f apart=%.3f\n", names[i], ns[i], apart);
    leader_destroy(leader);
    stage_close(&all.stage);
    crew_drop(crew);
    roster_release(&roster);
}
