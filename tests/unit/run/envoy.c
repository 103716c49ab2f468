#include "envoy.h"

#include <string.h>

#include "board/step.h"
#include "check.h"
#include "run/road.h"

struct realm envoy_realm;
struct envoy envoy;

void envoy_say_with(struct wire_message message, const void *body, size_t size)
{
    _Alignas(16) unsigned char head[NET_HEAD];
    bool is_of_pool = message.type != WIRE_LOST && message.type != WIRE_PAUSE;
    message.pool = !is_of_pool ? 0 : message.pool ? message.pool : envoy.pool;
    message.body = body;
    message.body_size = size;
    size_t head_size = wire_message_pack(&message, head, sizeof head);
    REQUIRE(head_size);
    CHECK_STATUS(net_send(envoy_realm.end[envoy.node], 0, head, head_size, NULL, 0, NULL, NULL), RP_OK);
}

void envoy_say(struct wire_message message)
{
    envoy_say_with(message, NULL, 0);
}

void envoy_say_note(const struct wire_note *note, const void *payload)
{
    static unsigned char body[NET_HEAD];
    size_t size = wire_note_put(note, payload, body, sizeof body - 64);
    REQUIRE(size);
    envoy_say_with((struct wire_message){.type = WIRE_NOTES, .notes = {1}}, body, size);
}

/* What is right to say of items of squares. */
struct wire_note envoy_note(const struct envoy_block *got, uint32_t from, uint32_t count, uint64_t answers[])
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t item;
        memcpy(&item, got->inputs + (from + i) * sizeof item, sizeof item);
        answers[i] = gang_answer(item);
    }
    return (struct wire_note){.block = got->block.block,
                              .size = sizeof *answers,
                              .bytes = count * sizeof *answers,
                              .from = from,
                              .count = count,
                              .worker = (uint32_t)realm_first(&envoy_realm, envoy.node),
                              .flags = NOTE_FIRST | NOTE_PLACED};
}

void envoy_say_long(struct envoy_block *got, uint32_t count, size_t length)
{
    static unsigned char body[WIRE_NOTE_SIZE], result[1 << 20];
    _Alignas(16) unsigned char head[NET_HEAD];
    struct wire_note note = {.block = got->block.block,
                             .size = length,
                             .bytes = count * length,
                             .count = count,
                             .worker = (uint32_t)realm_first(&envoy_realm, envoy.node),
                             .flags = NOTE_FIRST | NOTE_PLACED};
    REQUIRE(count * length <= sizeof result && wire_note_put(&note, NULL, body, sizeof body));
    memset(result, 0xee, sizeof result);
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = envoy.pool, .notes = {1}, .body = body, .body_size = sizeof body};
    size_t size = wire_message_pack(&message, head, sizeof head);
    CHECK_STATUS(net_send(envoy_realm.end[envoy.node], 0, head, size,
                          &(struct net_segment){.data = result, .size = count * length}, 1, &envoy, NULL),
                 RP_OK);
}

void envoy_answer(struct envoy_block *got, uint32_t from, uint32_t count)
{
    static uint64_t answers[GANG_ITEMS];
    struct wire_note note = envoy_note(got, from, count, answers);
    envoy_say_note(&note, answers);
}

static void take_block(const struct net_event *event, const struct wire_message *message)
{
    REQUIRE(envoy.count < ENVOY_BLOCKS);
    struct envoy_block *got = &envoy.got[envoy.count++];
    got->block = message->block;
    got->said = false;
    REQUIRE(wire_block_parts(&message->block, &got->parts));
    REQUIRE(got->parts.table <= NET_HEAD && got->parts.inputs <= NET_HEAD);
    got->whole = !event->segments;
    if (event->segments) {
        void *to[2] = {got->parts.table ? got->table : got->inputs, got->inputs};
        net_receive(envoy_realm.end[envoy.node], event, to, got);
        return;
    }
    const unsigned char *body = message->body;
    if (got->parts.table)
        memcpy(got->table, body, got->parts.table);
    if (got->parts.inputs)
        memcpy(got->inputs, body + message->body_size - got->parts.inputs, got->parts.inputs);
}

static void take_head(const struct net_event *event)
{
    struct wire_message message;
    struct error error;
    REQUIRE_STATUS(
        wire_message_unpack(&message, event->head, event->head_size, event->size, event->segments, &error),
        RP_OK);
    envoy.messages[message.type]++;
    envoy.last[message.type] = message;
    if (message.pool)
        envoy.pool = message.pool;
    if (message.type == WIRE_BLOCK)
        take_block(event, &message);
    else if (event->segments)
        net_receive(envoy_realm.end[envoy.node], event, (void *[]){NULL}, &envoy);
}

void envoy_listen(const char *place)
{
    struct net_event event;
    if (strcmp(place, "manager: sleeps") != 0)
        return;
    while (net_poll(envoy_realm.end[envoy.node], &event)) {
        if (event.kind == NET_HEADED)
            take_head(&event);
        else if (event.kind == NET_BODY && event.token != &envoy)
            ((struct envoy_block *)event.token)->whole = true;
    }
    for (int i = 0; i < envoy.count; i++) {
        if (!envoy.got[i].whole || envoy.got[i].said || !envoy.act)
            continue;
        envoy.got[i].said = true;
        envoy.acts++;
        envoy.act(&envoy.got[i]);
    }
}

/* A node of two workers beside `workers` here. */
void envoy_begin(int workers, void (*act)(struct envoy_block *got))
{
    memset(&envoy, 0, sizeof envoy);
    realm_start_mute(&envoy_realm, workers, 1, 2);
    envoy_realm.may_lose = true;
    realm_open(&envoy_realm, NULL);
    envoy.act = act;
    board_step = envoy_listen;
}

void envoy_begin_below(void (*act)(struct envoy_block *got))
{
    memset(&envoy, 0, sizeof envoy);
    envoy.node = 1;
    envoy.act = act;
    realm_start_mute_below(&envoy_realm);
    realm_open(&envoy_realm, NULL);
}

void envoy_end(void)
{
    board_step = NULL;
    realm_end(&envoy_realm);
}

void envoy_answer_all(struct envoy_block *got)
{
    envoy_answer(got, 0, got->block.items);
}

bool envoy_is_sent_to(void)
{
    const struct agent *agent = envoy_realm.gang.manager.agents->agent;
    return agent->sending && !agent->node->lost;
}

const char *envoy_why(void)
{
    const char *said = road_why(envoy_realm.road, realm_first(&envoy_realm, envoy.node));
    return said ? said : "";
}
