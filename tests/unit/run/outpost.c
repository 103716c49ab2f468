#include "outpost.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void *serve(void *state)
{
    struct outpost *post = state;
    leader_serve(post->leader);
    return NULL;
}

/* Of its node, and behind it the workers of another one. */
static struct crew *make_crew(const struct roster *roster, int far)
{
    struct crew *own = crew_of_roster(roster), *crew = crew_new(own ? own->count + far : 0);
    REQUIRE(own && crew);
    crew->here = own->count;
    for (int i = 0; i < crew->count; i++) {
        crew->member[i] = own->member[i < own->count ? i : 1];
        crew->member[i].visible = i < own->count;
        crew->member[i].number = i ? OUTPOST_FIRST + i - 1 : 0;
    }
    crew->member[1].followers = far;
    crew_drop(own);
    return crew;
}

static void open_road(struct outpost *post, int far)
{
    struct error error;
    struct road_stop stop = {.first = post->crew->here, .count = far, .host = "there"};
    REQUIRE_STATUS(net_open_loop_kin(1, &post->below, &post->far, &error), RP_OK);
    struct road_setup setup = {
        .net = post->below, .crew = post->crew, .nodes = 1, .node = &stop, .kin = true};
    REQUIRE_STATUS(road_create(&setup, &post->road, &error), RP_OK);
}

static void start(struct outpost *post, int workers, const struct gang_fate *fates, unsigned heads,
                  unsigned bodies, int far, void *(*program)(void *))
{
    struct error error;
    memset(post, 0, sizeof *post);
    gang_start_led(&post->gang, workers, fates);
    post->gang.roster.shared->first = OUTPOST_FIRST;
    post->crew = make_crew(&post->gang.roster, far);
    if (far)
        open_road(post, far);
    REQUIRE_STATUS(net_open_loop(1, &post->net, &post->node, &error), RP_OK);
    net_loop_delay(post->node, heads, bodies);
    struct leader_setup setup = {.net = post->node,
                                 .roster = &post->gang.roster,
                                 .memory = MEMORY_MEMFD,
                                 .crew = post->crew,
                                 .road = post->road};
    setup.visits = program != serve;
    REQUIRE_STATUS(leader_create(&setup, &post->leader, &error), RP_OK);
    REQUIRE(!pthread_create(&post->thread, NULL, program, post));
}

void outpost_start(struct outpost *post, int workers, const struct gang_fate *fates)
{
    start(post, workers, fates, 0, 0, 0, serve);
}

void outpost_start_far(struct outpost *post, int workers, unsigned heads, unsigned bodies)
{
    start(post, workers, NULL, heads, bodies, 0, serve);
}

void outpost_start_visited(struct outpost *post, int workers, void *(*program)(void *))
{
    start(post, workers, NULL, 0, 0, 0, program);
}

void outpost_start_above(struct outpost *post, int workers, int far)
{
    start(post, workers, NULL, 0, 0, far, serve);
}

void outpost_await_leave(struct outpost *post)
{
    if (!post->left)
        pthread_join(post->thread, NULL);
    post->left = true;
}

void outpost_forget(struct outpost *post)
{
    outpost_await_leave(post);
    leader_destroy(post->leader);
    if (post->road) {
        road_destroy(post->road);
        net_close(post->far);
        net_close(post->below);
    }
    net_close(post->node);
    net_close(post->net);
    gang_end(&post->gang);
    crew_drop(post->crew);
    for (int i = 0; i < post->count; i++)
        free(post->said[i].payload);
}

void outpost_end(struct outpost *post)
{
    struct wire_message message = {.type = WIRE_CLOSE, .pool = OUTPOST_POOL};
    int closed = post->got[WIRE_CLOSED];
    outpost_send(post, &message, NULL, 0);
    outpost_await(post, WIRE_CLOSED, closed + 1);
    message = (struct wire_message){.type = WIRE_QUIT};
    outpost_send(post, &message, NULL, 0);
    outpost_forget(post);
}

/* ---- Sending ----------------------------------------------------------------------------- */

struct wire_function outpost_name(rp_fn *fn)
{
    struct func_cache cache = {0};
    struct func_ref ref = {0};
    if (fn)
        REQUIRE_STATUS(func_encode(&cache, fn, &ref, NULL), RP_OK);
    return (struct wire_function){ref.module, ref.offset};
}

static void send(struct outpost *post, const struct wire_message *message, const struct net_segment *segment,
                 int segments)
{
    _Alignas(16) static unsigned char head[NET_HEAD];
    size_t size = wire_message_pack(message, head, sizeof head);
    REQUIRE(size);
    CHECK_STATUS(net_send(post->net, 0, head, size, segment, segments, segments ? post : NULL, NULL), RP_OK);
}

void outpost_send(struct outpost *post, struct wire_message *message, const void *body, size_t size)
{
    message->body = body;
    message->body_size = size;
    send(post, message, NULL, 0);
}

void outpost_send_apart(struct outpost *post, struct wire_message *message, const void *table,
                        size_t table_size, const void *inputs, size_t size)
{
    struct net_segment segment[2];
    int segments = 0;
    if (table_size)
        segment[segments++] = (struct net_segment){.data = table, .size = table_size};
    if (size)
        segment[segments++] = (struct net_segment){.data = inputs, .size = size};
    send(post, message, segment, segments);
}

void outpost_open_pool(struct outpost *post, rp_fn *initializer, rp_fn *finalizer, const void *initarg,
                       size_t initarg_size)
{
    struct wire_message open = {.type = WIRE_OPEN,
                                .pool = OUTPOST_POOL,
                                .open = {.seed = 1,
                                         .initializer = outpost_name(initializer),
                                         .finalizer = outpost_name(finalizer),
                                         .size = initarg_size}};
    if (initarg_size > 1024)
        outpost_send_apart(post, &open, NULL, 0, initarg, initarg_size);
    else
        outpost_send(post, &open, initarg, initarg_size);
}

struct wire_message outpost_squares(uint64_t block, uint32_t items)
{
    return (struct wire_message){.type = WIRE_BLOCK,
                                 .pool = OUTPOST_POOL,
                                 .block = {.block = block,
                                           .map = 1,
                                           .total = items,
                                           .function = outpost_name(gang_square),
                                           .in_size = sizeof(uint64_t),
                                           .out_size = sizeof(uint64_t),
                                           .bytes = items * sizeof(uint64_t),
                                           .items = items,
                                           .attempt = 1}};
}

void outpost_send_squares(struct outpost *post, const struct wire_message *message, uint64_t from)
{
    struct wire_message copy = *message;
    uint64_t in[GANG_ITEMS];
    for (uint32_t i = 0; i < message->block.items; i++)
        in[i] = from + i;
    outpost_send(post, &copy, in, message->block.items * sizeof *in);
}

int outpost_die_at_thirteen(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 13)
        raise(SIGKILL);
    return gang_square(call, in, size);
}

struct wire_message outpost_tasks(uint64_t block, uint32_t items)
{
    return (struct wire_message){
        .type = WIRE_BLOCK, .pool = OUTPOST_POOL, .block = {.block = block, .items = items, .attempt = 1}};
}

void outpost_send_tasks(struct outpost *post, const struct wire_message *message, rp_fn *fn)
{
    static unsigned char table[400 * WIRE_TASK_SIZE];
    struct wire_message copy = *message;
    for (uint32_t i = 0; i < message->block.items; i++)
        wire_task_pack(&(struct wire_task){.index = 900 + i, .function = outpost_name(fn), .attempt = 1},
                       table + i * WIRE_TASK_SIZE);
    outpost_send(post, &copy, table, message->block.items * WIRE_TASK_SIZE);
}

/* ---- Receiving --------------------------------------------------------------------------- */

static void take_notes(struct outpost *post, const struct net_event *event,
                       const struct wire_message *message)
{
    struct wire_note note;
    const void *payload;
    size_t at = 0;
    while (wire_note_get(message, &at, &note, &payload)) {
        if (note.flags == WIRE_TALLY) {
            post->tallied += note.count;
            continue;
        }
        REQUIRE(post->count < OUTPOST_NOTES);
        struct outpost_note *said = &post->said[post->count++];
        *said = (struct outpost_note){.note = note, .whole = !event->segments};
        if (CHECK(note.worker >= OUTPOST_FIRST && note.worker < OUTPOST_FIRST + GANG_WORKERS))
            post->done[note.worker - OUTPOST_FIRST] += note.count;
        if (note.bytes)
            said->payload = malloc(note.bytes);
        if (payload)
            memcpy(said->payload, payload, note.bytes);
        if (event->segments)
            net_receive(post->net, event, (void *[]){said->payload}, said);
        else
            post->items += note.count;
    }
}

static void take(struct outpost *post, const struct net_event *event)
{
    struct wire_message message;
    struct error error;
    if (!CHECK_STATUS(wire_message_unpack(&message, event->head, event->head_size, event->size,
                                          event->segments, &error),
                      RP_OK))
        return;
    if (!post->got[message.type]++)
        post->items_at[message.type] = post->items;
    post->last[message.type] = message;
    if (message.type == WIRE_STARTED) {
        uint64_t open = (uint64_t)atomic_fetch_add(&post->started, 1) + 1 - post->items;
        post->charged = open > post->charged ? open : post->charged;
    }
    if (message.type == WIRE_NOTES) {
        take_notes(post, event, &message);
    } else if (message.type == WIRE_DONE) {
        for (uint32_t i = 0; i < message.done.count && i < GANG_WORKERS; i++)
            post->done[i] += wire_u64_unpack((const char *)message.body + i * sizeof(uint64_t));
    } else if (message.body_size) {
        memcpy(post->text, message.body, message.body_size);
        post->text[message.body_size] = '\0';
    }
}

void outpost_poll(struct outpost *post)
{
    struct net_event event;
    while (net_poll(post->net, &event)) {
        struct outpost_note *said = event.token;
        if (event.kind == NET_HEADED) {
            take(post, &event);
        } else if (event.kind == NET_BODY) {
            said->whole = true;
            post->items += said->note.count;
        } else if (event.kind == NET_SENT) {
            post->sent++;
        } else if (!event.token) {
            post->lost = true;
        }
    }
}

void outpost_await_items(struct outpost *post, uint64_t items)
{
    while (post->items < items && !post->lost) {
        outpost_poll(post);
        sched_yield();
    }
    CHECK_UINT(post->items, items);
}

void outpost_await(struct outpost *post, enum wire_type type, int count)
{
    while (post->got[type] < count && !post->lost) {
        outpost_poll(post);
        sched_yield();
    }
    CHECK_INT(post->got[type], count);
}

/* ---- Checking ---------------------------------------------------------------------------- */

struct outpost_note *outpost_find(struct outpost *post, uint64_t block, uint32_t item)
{
    struct outpost_note *found = NULL;
    for (int i = 0; i < post->count; i++) {
        const struct wire_note *note = &post->said[i].note;
        if (note->block != block || item < note->from || item >= note->from + note->count)
            continue;
        if (found)
            CHECK_FAILED("item %u of block %d has two notes", item, (int)block);
        found = &post->said[i];
    }
    return found;
}

void outpost_check_squares(struct outpost *post, uint64_t block, uint64_t first, uint32_t from,
                           uint32_t items)
{
    for (uint32_t item = from; item < from + items; item++) {
        const struct outpost_note *said = outpost_find(post, block, item);
        uint64_t square;
        if (!CHECK(said && said->payload) || !CHECK_STATUS(said->note.status, RP_OK))
            return;
        size_t at = said->note.flags & NOTE_PLACED ? (item - said->note.from) * sizeof square : 0;
        memcpy(&square, said->payload + at, sizeof square);
        if (!CHECK_UINT(square, gang_answer(first + item)))
            return;
    }
}
