#include <stdlib.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "net/bell.h"
#include "run/relay_state.h"

#define BATCH_SIZE  ((size_t)16 << 10) /* bytes of notes that do not wait for more */
#define INLINE_MOST ((size_t)16 << 10) /* bytes of a payload that is copied into a batch */
#define MOVED_MOST  2048u              /* workers that one message counts for */
#define ROOM        2048               /* for a message that has a sentence at most */

_Static_assert(INLINE_MOST + 2 * WIRE_NOTE_SIZE <= NET_HEAD, "a batch has room for any such note");

/* ---- Messages ---------------------------------------------------------------------------- */

/* What is not sent is missed by the manager for ever: then the two do without each other. */
static bool send(struct relay_home *home, const void *head, size_t size, const struct net_segment *segment,
                 void *token)
{
    if (!home->lost && net_send(home->net, home->peer, head, size, segment, segment ? 1 : 0, token, NULL))
        home->lost = true;
    if (!home->lost)
        bell_said(home->bell, home->peer);
    return !home->lost;
}

void relay_send(struct relay_home *home, const struct wire_message *message)
{
    unsigned char head[ROOM];
    size_t size = wire_message_pack(message, head, sizeof head);
    if (size)
        send(home, head, size, NULL, NULL);
}

bool relay_send_bytes(struct relay_home *home, struct wire_message *message, const void *data, size_t size,
                      struct delivery *delivery)
{
    _Alignas(WIRE_ALIGN) unsigned char head[NET_HEAD];
    bool is_long = size > INLINE_MOST;
    message->body = is_long || !size ? NULL : data;
    message->body_size = is_long ? 0 : size;
    size_t head_size = wire_message_pack(message, head, sizeof head);
    struct net_segment segment = {.data = data, .size = size};
    return send(home, head, head_size, is_long ? &segment : NULL, is_long ? delivery : NULL) && is_long;
}

static void forget(struct delivery *delivery, bool done)
{
    (void)delivery, (void)done;
}

void relay_take_nothing(struct relay_home *home, const struct net_event *event)
{
    static struct delivery nowhere = {forget};
    void *places[NET_SEGMENTS] = {NULL};
    if (event->segments)
        net_receive(home->net, event, places, &nowhere);
}

/* ---- Batches ----------------------------------------------------------------------------- */

void relay_send_batch(struct relay *relay)
{
    struct relay_batch *batch = &relay->batch;
    if (!batch->count)
        return;
    uint64_t now = clock_ns();
    for (uint32_t i = 0; i < batch->count; i++) {
        struct wire_note note;
        wire_note_unpack(&note, batch->head + batch->at[i]);
        note.age_ns = now > batch->ended[i] ? now - batch->ended[i] : 0;
        wire_note_pack(&note, batch->head + batch->at[i]);
    }
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = relay->pool, .notes = {batch->count}, .body_size = batch->used};
    size_t size = wire_message_pack(&message, batch->head, sizeof batch->head);
    send(relay->home, batch->head, size, NULL, NULL);
    batch->count = 0;
    batch->used = 0;
}

static void put(struct relay *relay, const struct wire_note *note, uint64_t ended, const void *payload)
{
    struct relay_batch *batch = &relay->batch;
    size_t start = wire_message_body(WIRE_NOTES), taken = 0;
    if (batch->count < RELAY_NOTES)
        taken = wire_note_put(note, payload, batch->head + start + batch->used,
                              sizeof batch->head - start - batch->used);
    if (!taken) {
        relay_send_batch(relay);
        taken = wire_note_put(note, payload, batch->head + start, sizeof batch->head - start);
    }
    batch->at[batch->count] = (uint32_t)(start + batch->used);
    batch->ended[batch->count++] = ended;
    batch->used += taken;
    if (batch->used >= BATCH_SIZE)
        relay_send_batch(relay);
}

/* In the memory of a batch, which is empty. */
static void send_moved(struct relay *relay, uint32_t from, uint32_t count)
{
    unsigned char *head = relay->batch.head, *at = head + wire_message_body(WIRE_DONE);
    uint64_t any = 0;
    for (uint32_t i = 0; i < count; i++) {
        wire_u64_pack(relay->moved[from + i], at + i * sizeof(uint64_t));
        any |= relay->moved[from + i];
        relay->moved[from + i] = 0;
    }
    struct wire_message message = {
        .type = WIRE_DONE, .pool = relay->pool, .done = {count, from}, .body_size = count * sizeof(uint64_t)};
    size_t size = wire_message_pack(&message, head, sizeof relay->batch.head);
    if (any)
        send(relay->home, head, size, NULL, NULL);
}

void relay_send_moved(struct relay *relay)
{
    uint32_t workers = (uint32_t)relay->home->crew->count - 1;
    if (!relay->has_moved)
        return;
    relay_flush(relay);
    for (uint32_t from = 0; from < workers; from += MOVED_MOST)
        send_moved(relay, from, workers - from < MOVED_MOST ? workers - from : MOVED_MOST);
    relay->has_moved = false;
}

/* ---- Long payloads ----------------------------------------------------------------------- */

/* One that is sent from where it lies. */
struct sending {
    struct delivery delivery;
    struct relay_block *block; /* in whose memory; NULL: in a parcel */
    struct relay *relay;
    size_t size;
    uint64_t parcel;
};

static void end_sending(struct delivery *delivery, bool done)
{
    struct sending *sending = (struct sending *)delivery;
    (void)done;
    sending->relay->deliveries--;
    sending->relay->leaving -= sending->size;
    if (sending->block) {
        sending->block->sending--;
        relay_let_go(sending->block);
    } else {
        parcel_mark_taken(&sending->relay->manager.board, sending->parcel);
    }
    free(sending);
}

static bool send_long(struct relay_block *block, struct wire_note *note, uint64_t ended, const void *payload,
                      uint64_t parcel)
{
    struct relay *relay = block->relay;
    struct sending *sending = malloc(sizeof *sending);
    bool in_place = note->flags & NOTE_PLACED;
    _Alignas(16) unsigned char head[WIRE_FRAME + 16 + WIRE_NOTE_SIZE];
    uint64_t now = clock_ns();
    if (!sending) {
        relay->home->lost = true; /* no memory for the least: what was done would never be known */
        return false;
    }
    *sending = (struct sending){{end_sending}, in_place ? block : NULL, relay, note->bytes, parcel};
    relay_send_batch(relay);
    note->age_ns = now > ended ? now - ended : 0;
    wire_note_put(note, NULL, head + wire_message_body(WIRE_NOTES), WIRE_NOTE_SIZE);
    struct wire_message message = {
        .type = WIRE_NOTES, .pool = relay->pool, .notes = {1}, .body_size = WIRE_NOTE_SIZE};
    size_t size = wire_message_pack(&message, head, sizeof head);
    if (!send(relay->home, head, size, &(struct net_segment){.data = payload, .size = note->bytes},
              &sending->delivery)) {
        free(sending);
        return false;
    }
    relay->deliveries++;
    relay->leaving += note->bytes;
    block->sending += in_place;
    return !in_place;
}

bool relay_send_note(struct relay_block *block, struct wire_note *note, uint64_t ended, const void *payload,
                     uint64_t parcel)
{
    if (note->bytes > INLINE_MOST)
        return send_long(block, note, ended, payload, parcel);
    put(block->relay, note, ended, payload);
    return false;
}
