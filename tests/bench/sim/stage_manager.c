/* A manager whose nodes answer at once: maps in which a block is answered by so many notes in so many
 * messages. Each is of another function, of which the manager knows no speeds: so blocks begin small, and go
 * to all. */
#include <stdio.h>
#include <stdlib.h>

#include "board/layout.h"
#include "run/manager.h"
#include "run/map.h"
#include "run/road.h"
#include "stage.h"

#define MOST_BYTES 24000u /* of the notes of a message, with what they carry */

enum { BLOCKS, ITEMS, MESSAGES, NOTES, TURNS };

/* How nodes answer. */
struct manner {
    size_t items;             /* in all */
    uint32_t notes, messages; /* of a block */
    unsigned burst;           /* messages of a turn */
};

static struct {
    struct stage stage; /* first: it is what `hear` gets */
    const struct manner *manner;
    struct manager manager;
    struct roster roster;
    struct road *road;
    struct crew *crew;
    int workers;
    struct stage_sample counted;
} all;

/* ---- The nodes --------------------------------------------------------------------------- */

static uint32_t at_most(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* Notes first..end-1 of the `notes` that a block is answered with. */
static void answer_some(int peer, const struct wire_block *block, uint32_t notes, uint32_t first,
                        uint32_t end)
{
    static uint64_t results[MOST_BYTES];
    static unsigned char body[NET_HEAD];
    size_t size = 0;
    for (uint32_t i = first; i < end; i++) {
        uint32_t from = (uint32_t)((uint64_t)block->items * i / notes);
        uint32_t count = (uint32_t)((uint64_t)block->items * (i + 1) / notes) - from;
        struct wire_note note = {.block = block->block,
                                 .from = from,
                                 .count = count,
                                 .size = block->out_size,
                                 .bytes = count * block->out_size,
                                 .flags = NOTE_FIRST | NOTE_PLACED,
                                 .ran = 1e-6f * (float)count,
                                 .worker = (uint32_t)(1 + peer * all.workers)};
        size_t taken = wire_note_put(&note, results, body + size, sizeof body - size);
        if (!taken)
            stage_fail("notes do not fit");
        size += taken;
    }
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = 1, .notes = {end - first}, .body = body, .body_size = size};
    stage_say(&all.stage, peer, &message);
    all.counted.count[MESSAGES]++;
    all.counted.count[NOTES] += end - first;
}

static void hear(struct stage *stage, int peer, const struct wire_message *message)
{
    const struct wire_block *block = &message->block;
    (void)stage;
    if (message->type == WIRE_RECALL)
        stage_say(&all.stage, peer,
                  &(struct wire_message){.type = WIRE_RECALLED,
                                         .pool = 1,
                                         .recalled = {message->recall.block, UINT32_MAX >> 1, 0}});
    if (message->type != WIRE_BLOCK)
        return;
    all.counted.count[BLOCKS]++;
    all.counted.count[ITEMS] += block->items;
    uint32_t notes = at_most(all.manner->notes, block->items),
             messages = at_most(all.manner->messages, notes);
    uint32_t least = (uint32_t)(block->items * block->out_size + notes * 80u) / MOST_BYTES + 1;
    messages = messages < least ? least : messages;
    notes = notes < messages ? messages : notes;
    for (uint32_t i = 0; i < messages; i++)
        answer_some(peer, block, notes, notes * i / messages, notes * (i + 1) / messages);
}

/* ---- The pool ---------------------------------------------------------------------------- */

static void dispose(struct task *task)
{
    free(task);
}

static void open_pool(int nodes, int workers)
{
    struct error error;
    struct road_stop *stop = calloc((size_t)nodes, sizeof *stop);
    all.workers = workers;
    stage_open(&all.stage, nodes, hear);
    all.crew = crew_new(1 + nodes * workers);
    if (!stop || !all.crew || roster_create(&all.roster, 0, MEMORY_MEMFD, &error))
        stage_fail("no memory");
    roster_enter(&all.roster, 0, "here", "0", 0);
    all.crew->here = 1;
    for (int i = 0; i < all.crew->count; i++)
        all.crew->member[i].number = all.crew->member[i].rank = i;
    for (int i = 0; i < nodes; i++)
        stop[i] = (struct road_stop){i, 1 + i * workers, workers, "there", 0};
    struct road_setup road = {.net = &all.stage.net, .crew = all.crew, .nodes = nodes, .node = stop};
    if (road_create(&road, &all.road, &error))
        stage_fail(error.text);
    struct manager_setup setup = {.roster = &all.roster,
                                  .crew = all.crew,
                                  .road = all.road,
                                  .memory = MEMORY_MEMFD,
                                  .pool = 1,
                                  .dispose = dispose};
    if (manager_open(&all.manager, &setup, &error))
        stage_fail(error.text);
    free(stop);
}

static void close_pool(void)
{
    manager_close(&all.manager);
    road_quit(all.road, false);
    road_destroy(all.road);
    stage_close(&all.stage);
    crew_drop(all.crew);
    roster_release(&all.roster);
}

/* What nobody runs: more of them than the manager keeps speeds of, each of another size. */
#define NOTHING(name, value)                                                                                 \
    static int name(rp_call *call, const void *in, size_t size)                                              \
    {                                                                                                        \
        (void)call, (void)in, (void)size;                                                                    \
        return value;                                                                                        \
    }
NOTHING(nothing_1, 1)
NOTHING(nothing_2, 2)
NOTHING(nothing_3, 3)
NOTHING(nothing_4, 4)
NOTHING(nothing_5, 5)
NOTHING(nothing_6, 6)
NOTHING(nothing_7, 7)
NOTHING(nothing_8, 8)
NOTHING(nothing_9, 9)
NOTHING(nothing_10, 10)
static rp_fn *const nothings[] = {nothing_1, nothing_2, nothing_3, nothing_4, nothing_5,
                                  nothing_6, nothing_7, nothing_8, nothing_9, nothing_10};

static struct stage_sample run(const struct manner *manner)
{
    static unsigned runs;
    struct error error;
    size_t n = manner->items;
    uint64_t *in = calloc(n, sizeof *in), *out = calloc(n, sizeof *out);
    struct map_work work = {.fn = nothings[runs++ % (sizeof nothings / sizeof *nothings)],
                            .in = in,
                            .in_size = sizeof *in,
                            .n = n,
                            .out = out,
                            .out_size = sizeof *out,
                            .schedule = SCHEDULE_AUTO};
    if (!in || !out)
        stage_fail("no memory");
    all.manner = manner;
    all.counted = (struct stage_sample){0};
    all.stage.burst = manner->burst;
    all.stage.vain = 0;
    double begun = stage_clock(&all.stage);
    if (map_run(&all.manager, &work, NULL, &error))
        stage_fail(error.text);
    all.counted.ns = stage_clock(&all.stage) - begun;
    all.counted.count[TURNS] = (double)all.stage.vain;
    free(in);
    free(out);
    return all.counted;
}

void stage_measure_manager(int nodes, int workers, int rounds)
{
    static const struct manner manners[] = {
        {100000, 1, 1, 256},  {100000, 100, 1, 256}, {100000, 16, 16, 256}, {100000, 4, 4, 1},
        {400000, 1, 1, 256},  {400000, 8, 8, 16},    {3000000, 1, 1, 256},  {3000000, 512, 4, 256},
        {3000000, 8, 8, 256}, {1000000, 1, 1, 1},
    };
    enum { MANNERS = sizeof manners / sizeof *manners };
    static const char *const names[] = {"block", "item", "message", "note", "turn"};
    struct stage_sample best[MANNERS];
    double ns[STAGE_COUNTS];
    open_pool(nodes, workers);
    for (int round = 0; round <= rounds; round++)
        for (int i = 0; i < MANNERS; i++) {
            struct stage_sample sample = run(&manners[i]);
            if (round <= 1 || sample.ns < best[i].ns)
                best[i] = sample;
        }
    double apart = stage_fit(best, MANNERS, STAGE_COUNTS, ns);
    for (int i = 0; i < STAGE_COUNTS; i++)
        printf("COST name=manager_%s ns=%.3f nodes=%d apart=%.3f\n", names[i], ns[i], nodes, apart);
    close_pool();
}
