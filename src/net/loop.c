#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop_state.h"

/* ---- Messages ----------------------------------------------------------------------------- */

void loop_let_go(struct message *message)
{
    if (message && --message->holders == 0)
        free(message);
}

void loop_take_off(struct message **way, struct message *message)
{
    while (*way != message)
        way = &(*way)->next;
    *way = message->next;
    loop_let_go(message);
}

/* How it ended for one who has begun it; without a token nobody waits for that. */
static void tell(struct end *end, struct message *message, struct ending *ending, enum net_kind kind)
{
    if (!ending->token)
        return;
    ending->kind = kind;
    ending->owner = message;
    message->holders++;
    endings_add(&end->endings, ending);
}

static struct message *message_new(const void *head, size_t head_size, const struct net_segment *segment,
                                   int segments)
{
    struct message *message = calloc(1, sizeof *message + head_size);
    if (!message)
        return NULL;
    message->holders = 1;
    message->head_size = head_size;
    message->segments = segments;
    memcpy(message->head, head, head_size);
    for (int i = 0; i < segments; i++)
        message->segment[i] = segment[i];
    return message;
}

static rp_status loop_send(struct net *net, int peer, const void *head, size_t head_size,
                           const struct net_segment *segment, int segments, void *token, struct error *error)
{
    struct end *end = end_of(net);
    struct line *line = line_to(end, peer);
    enum side side = here(end, peer);
    rp_status status = RP_OK;
    assert(head_size <= NET_HEAD && segments <= NET_SEGMENTS);
    pthread_mutex_lock(&end->loop->lock);
    struct message *message = line->lost[side] ? NULL : message_new(head, head_size, segment, segments);
    if (line->lost[side]) {
        status = error_set(error, RP_WORKER_LOST, "node %d is lost", peer);
    } else if (!message) {
        status = error_set(error, RP_NO_MEMORY, "no memory for a message of %zu bytes", head_size);
    } else {
        const struct end *to = other_end(end, peer);
        struct message **way = &line->way[side];
        while (*way)
            way = &(*way)->next;
        *way = message;
        message->due = to->polls + 1 + to->head_delay;
        message->sent = (struct ending){.peer = peer, .token = segments > 0 ? token : NULL};
    }
    pthread_mutex_unlock(&end->loop->lock);
    return status;
}

/* ---- Events ------------------------------------------------------------------------------- */

/* The head that was given last is no longer looked at. */
static void leave_current(struct end *end)
{
    struct message *message = end->current;
    end->current = NULL;
    if (!message)
        return;
    assert(message->state == RECEIVING || message->segments == 0);
    if (message->state == HEADED)
        loop_take_off(&line_to(end, end->current_peer)->way[there(end, end->current_peer)], message);
}

static void give_head(struct end *end, int peer, struct message *message, struct net_event *event)
{
    message->state = HEADED;
    end->current = message;
    end->current_peer = peer;
    *event = (struct net_event){
        .kind = NET_HEADED, .peer = peer, .head = message->head, .head_size = message->head_size};
    event->segments = message->segments;
    for (int i = 0; i < message->segments; i++)
        event->size[i] = message->segment[i].size;
}

static void give_body(struct end *end, int peer, struct message *message, struct net_event *event)
{
    for (int i = 0; i < message->segments; i++)
        if (message->to[i] && message->segment[i].data && message->segment[i].size > 0)
            memcpy(message->to[i], message->segment[i].data, message->segment[i].size);
    *event = (struct net_event){.kind = NET_BODY, .peer = peer, .token = message->body.token};
    tell(other_end(end, peer), message, &message->sent, NET_SENT);
    loop_take_off(&line_to(end, peer)->way[there(end, peer)], message);
}

static bool is_copied(const struct message *message)
{
    bool copied = message->segments > 0;
    for (int i = 0; i < message->segments; i++)
        copied = copied && message->segment[i].copied;
    return copied;
}

/* All that this end waits for there has failed: what is copied, or what is not. */
void loop_tell_all(struct end *end, int peer, bool copied)
{
    struct line *line = line_to(end, peer);
    enum side side = here(end, peer);
    for (struct message *message = line->way[side]; message; message = message->next) {
        if (is_copied(message) != copied)
            continue;
        message->given_back = message->segments > 0;
        tell(end, message, &message->sent, NET_LOST);
    }
    for (struct message *message = line->way[there(end, peer)]; message; message = message->next)
        if (message->state == RECEIVING && message->copied == copied)
            tell(end, message, &message->body, NET_LOST);
}

void loop_lose(struct end *end, int peer, bool tell_it)
{
    struct line *line = line_to(end, peer);
    enum side side = here(end, peer);
    if (line->lost[side])
        return;
    line->lost[side] = true;
    line->loss[side] = (struct ending){.kind = NET_LOST, .peer = peer};
    if (tell_it)
        endings_add(&end->endings, &line->loss[side]);
    line->kept[side] = end->clings;
    loop_tell_all(end, peer, true);
    if (!end->clings)
        loop_tell_all(end, peer, false);
}

/* What has come from a peer: the oldest body or head that is due, heads in order; in the end that it has
 * closed. */
static bool look(struct end *end, int peer, struct net_event *event)
{
    struct line *line = line_to(end, peer);
    enum side from = there(end, peer);
    bool more = false;
    if (line->lost[here(end, peer)] || line->held[from])
        return false;
    for (struct message *message = line->way[from]; message; message = message->next) {
        bool due = message->due <= end->polls && !message->given_back;
        if (message->state == RECEIVING && due)
            return give_body(end, peer, message, event), true;
        if (message->state == WAITING && due)
            return give_head(end, peer, message, event), true;
        more = more || !message->given_back;
        if (message->state == WAITING)
            break;
    }
    if (!more && line->closed[from])
        loop_lose(end, peer, true);
    return false;
}

static bool loop_poll(struct net *net, struct net_event *event)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    end->polls++;
    leave_current(end);
    struct ending *ending = endings_take(&end->endings, event);
    bool found = ending != NULL;
    if (found)
        loop_let_go(ending->owner);
    for (int i = 0; i < net->peers && !found; i++) {
        end->turn = (end->turn + 1) % net->peers;
        found = look(end, end->turn, event);
    }
    pthread_mutex_unlock(&end->loop->lock);
    return found;
}

static void loop_receive(struct net *net, const struct net_event *event, void *const to[], bool copied,
                         void *token)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    struct message *message = end->current;
    assert(message && message->state == HEADED && event->head == message->head && token);
    message->state = RECEIVING;
    message->due = end->polls + 1 + end->body_delay;
    message->body = (struct ending){.peer = event->peer, .token = token};
    for (int i = 0; i < message->segments; i++)
        message->to[i] = to[i];
    message->copied = copied;
    if (line_to(end, event->peer)->lost[here(end, event->peer)] && !(end->clings && !copied))
        tell(end, message, &message->body, NET_LOST);
    pthread_mutex_unlock(&end->loop->lock);
}

static bool lies_in(const void *data, const void *memory, size_t size)
{
    return (const char *)data >= (const char *)memory && (const char *)data < (const char *)memory + size;
}

static void let_go(struct message *message, bool sends, const void *memory, size_t size)
{
    for (int i = 0; i < message->segments; i++) {
        struct net_segment *segment = &message->segment[i];
        if (sends && segment->copied && lies_in(segment->data, memory, size))
            segment->data = NULL;
        if (!sends && message->copied && lies_in(message->to[i], memory, size))
            message->to[i] = NULL;
    }
}

static void loop_let_go_of(struct net *net, const void *memory, size_t size)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    for (int peer = 0; peer < net->peers; peer++)
        for (int k = 0; k < 2; k++)
            for (struct message *message = line_to(end, peer)->way[k]; message; message = message->next)
                let_go(message, k == (int)here(end, peer), memory, size);
    pthread_mutex_unlock(&end->loop->lock);
}

static void loop_drop(struct net *net, int peer)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    loop_lose(end, peer, false);
    pthread_mutex_unlock(&end->loop->lock);
}

static bool loop_is_quiet(const struct net *net)
{
    struct end *end = end_of(net);
    bool quiet = true;
    pthread_mutex_lock(&end->loop->lock);
    for (int peer = 0; peer < net->peers; peer++) {
        struct line *line = line_to(end, peer);
        enum side side = here(end, peer);
        struct message *message = line->lost[side] ? NULL : line->way[side];
        for (; message; message = message->next)
            quiet = quiet && message->state == HEADED && message->segments == 0;
    }
    pthread_mutex_unlock(&end->loop->lock);
    return quiet;
}

/* A line is as long as what is sent: beyond that it only says so. */
static int loop_room(const struct net *net, int peer)
{
    struct end *end = end_of(net);
    const struct line *line = line_to(end, peer);
    enum side side = here(end, peer);
    int room = NET_BUFFERS;
    pthread_mutex_lock(&end->loop->lock);
    for (const struct message *message = line->way[side]; message && room > -NET_BUFFERS;
         message = message->next)
        room -= message->state == WAITING;
    if (line->lost[side])
        room = 0;
    pthread_mutex_unlock(&end->loop->lock);
    return room;
}

const struct net_ops loop_ops = {
    .send = loop_send,
    .poll = loop_poll,
    .receive = loop_receive,
    .let_go = loop_let_go_of,
    .drop = loop_drop,
    .is_quiet = loop_is_quiet,
    .room = loop_room,
    .close = loop_close,
};
