#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/relay_state.h"

struct relay_common *relay_find_common(const struct relay *relay, uint64_t id)
{
    struct relay_common *common = relay->commons;
    while (common && (common->id != id || common->forgotten))
        common = common->behind;
    return common;
}

static void free_unused(struct relay_common *common)
{
    struct relay *relay = common->relay;
    if (!common->forgotten || common->users || !common->ready)
        return;
    struct relay_common **link = &relay->commons;
    while (*link != common)
        link = &(*link)->behind;
    *link = common->behind;
    if (common->size)
        arena_give(&relay->manager.arena, common->offset, common->size);
    free(common);
}

void relay_drop_common(struct relay_common *common)
{
    if (!common)
        return;
    common->users--;
    free_unused(common);
}

static void end_coming(struct delivery *delivery, bool done)
{
    struct relay_common *common = (struct relay_common *)delivery;
    common->relay->deliveries--;
    common->ready = true;
    if (done)
        relay_feed(common->relay);
    free_unused(common);
}

static struct relay_common *add(struct relay *relay, uint64_t id, size_t size)
{
    uint64_t offset = size ? arena_take(&relay->manager.arena, size) : 0;
    struct relay_common *common = offset == ARENA_NONE ? NULL : calloc(1, sizeof *common);
    if (!common) {
        if (size && offset != ARENA_NONE)
            arena_give(&relay->manager.arena, offset, size);
        return NULL;
    }
    *common = (struct relay_common){
        .delivery = {end_coming}, .relay = relay, .behind = relay->commons, .id = id, .size = size};
    common->offset = offset;
    relay->commons = common;
    return common;
}

void relay_take_common(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    char why[128];
    if (relay_find_common(relay, message->common.id)) {
        relay_receive_nowhere(relay->home, event);
        relay_refuse(relay, "two things that items have in common came under one number");
        return;
    }
    struct relay_common *common = add(relay, message->common.id, message->common.size);
    if (!common) {
        snprintf(why, sizeof why, "no memory for the %zu bytes that items of a map have in common",
                 (size_t)message->common.size);
        relay_receive_nowhere(relay->home, event);
        relay_refuse(relay, why);
        return;
    }
    void *place = board_at(&relay->manager.board, common->offset);
    if (event->segments) {
        relay->deliveries++;
        net_receive(relay->home->net, event, &place, &common->delivery);
        return;
    }
    if (message->body_size)
        memcpy(place, message->body, message->body_size);
    common->ready = true;
}

void relay_take_forget(struct relay *relay, uint64_t id)
{
    struct relay_common *common = relay_find_common(relay, id);
    if (!common)
        return;
    common->forgotten = true;
    free_unused(common);
}

void relay_free_commons(struct relay *relay)
{
    while (relay->commons) {
        struct relay_common *common = relay->commons;
        relay->commons = common->behind;
        free(common);
    }
}
