#include "run/early.h"

#include <stdio.h>
#include <stdlib.h>

struct early_item {
    struct early_item *behind;
    uint64_t pool;
    int peer;
    enum wire_type type;
    struct board_module module;
    struct wire_want want;
};

static void lack(struct early *early, const struct wire_message *message, const char *why)
{
    if (message->type != WIRE_MODULE)
        return;
    early->lacking = message->pool;
    early->why = why;
}

void early_keep(struct early *early, int peer, const struct wire_message *message)
{
    if (message->type == WIRE_MODULE && message->body_size >= BOARD_PATH) {
        lack(early, message, "the path of a module is too long");
        return;
    }
    struct early_item *item = calloc(1, sizeof *item);
    if (!item) {
        lack(early, message, "no memory for the path of a module");
        return;
    }
    item->pool = message->pool;
    item->peer = peer;
    item->type = message->type;
    if (message->type == WIRE_WANT) {
        item->want = message->want;
    } else {
        item->module.id = message->module.id;
        snprintf(item->module.path, sizeof item->module.path, "%.*s", (int)message->body_size,
                 (const char *)message->body);
    }
    item->behind = early->items;
    early->items = item;
}

const char *early_refusal(const struct early *early, uint64_t pool)
{
    return pool == early->lacking ? early->why : NULL;
}

uint32_t early_list_modules(const struct early *early, uint64_t pool, struct board_module *modules)
{
    uint32_t count = 0;
    for (const struct early_item *item = early->items; item; item = item->behind)
        if (item->pool == pool && item->type == WIRE_MODULE && count < BOARD_MODULES)
            modules[count++] = item->module;
    return count;
}

void early_give(struct early *early, uint64_t pool, struct relay *relay)
{
    for (struct early_item **link = &early->items; *link;) {
        struct early_item *item = *link;
        if (item->pool > pool) {
            link = &item->behind;
            continue;
        }
        if (relay && item->pool == pool && item->type == WIRE_WANT)
            relay_take_want(relay, item->peer, &item->want);
        *link = item->behind;
        free(item);
    }
}

void early_forget(struct early *early)
{
    early_give(early, UINT64_MAX, NULL);
}
