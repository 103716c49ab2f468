/* What the manager says about a pool: who takes each message in, and which are not wanted any more. */
#include <stdio.h>

#include "run/relay_state.h"

static void take_module(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    char path[BOARD_PATH];
    struct error error;
    (void)event;
    snprintf(path, sizeof path, "%.*s", (int)message->body_size, (const char *)message->body);
    if (message->body_size >= sizeof path)
        relay_refuse(relay, "the path of a module is too long");
    else if (board_add_module(&relay->manager.board, message->module.id, path, &error))
        relay_refuse(relay, error.text);
}

static void take_forget(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    (void)event;
    relay_forget_goods(relay, WIRE_COMMON, message->forget.id);
}

static void take_unshare(struct relay *relay, const struct net_event *event,
                         const struct wire_message *message)
{
    (void)event;
    relay_forget_goods(relay, WIRE_SHARE, message->unshare.number);
}

static void take_recall(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    (void)event;
    relay_take_recall(relay, message->recall.block);
}

static void take_cancel(struct relay *relay, const struct net_event *event,
                        const struct wire_message *message)
{
    (void)event;
    relay_take_cancel(relay, message->cancel.block, message->cancel.item);
}

static void take_close(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    (void)event, (void)message;
    relay_begin_to_end(relay);
    relay->closing = true;
}

/* What a pool is told that cannot be served: its blocks go back. So does what is for a visit that is over. */
static bool take_refused(struct relay *relay, const struct net_event *event,
                         const struct wire_message *message)
{
    bool ends = message->type == WIRE_CLOSE ||
                ((message->type == WIRE_CANCEL || message->type == WIRE_MET) && relay->open);
    bool stale =
        message->type == WIRE_BLOCK && (relay->home->away || message->block.visit != relay->home->visit);
    if ((!relay->refused || ends) && !stale)
        return false;
    relay_take_nothing(relay->home, event);
    if (message->type == WIRE_BLOCK)
        relay_send(relay->home, &(struct wire_message){.type = WIRE_RECALLED,
                                                       .pool = relay->pool,
                                                       .recalled = {.block = message->block.block,
                                                                    .count = message->block.items}});
    else if (message->type == WIRE_FORGET)
        relay_say_handed(relay, WIRE_COMMON, message->forget.id);
    else if (message->type == WIRE_UNSHARE)
        relay_say_handed(relay, WIRE_SHARE, message->unshare.number);
    return true;
}

void relay_take(struct relay *relay, const struct net_event *event, const struct wire_message *message)
{
    static void (*const takers[])(struct relay *, const struct net_event *, const struct wire_message *) = {
        [WIRE_MODULE] = take_module,     [WIRE_COMMON] = relay_take_goods, [WIRE_FORGET] = take_forget,
        [WIRE_BLOCK] = relay_take_block, [WIRE_RECALL] = take_recall,      [WIRE_CANCEL] = take_cancel,
        [WIRE_SHARE] = relay_take_goods, [WIRE_UNSHARE] = take_unshare,    [WIRE_CLOSE] = take_close,
        [WIRE_MET] = relay_take_met,     [WIRE_LOST] = relay_take_lost,
    };
    if (take_refused(relay, event, message))
        return;
    if (message->type < sizeof takers / sizeof *takers && takers[message->type]) {
        takers[message->type](relay, event, message);
        return;
    }
    relay_take_nothing(relay->home, event);
    relay_refuse(relay, "a message came that is not for a leader, or not for a pool that is open");
}
