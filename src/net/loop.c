#include "net/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/ending.h"

enum side { MANAGER, LEADER };

struct message {
    struct message *next;
    int holders; /* the way, and endings that wait */
    enum { WAITING, HEADED, RECEIVING } state;
    bool given_back; /* its segments are the sender's again, and nobody may read them */
    uint64_t due;    /* polls of the receiver */
    struct ending sent, body;
    struct net_segment segment[NET_SEGMENTS];
    void *to[NET_SEGMENTS];
    int segments;
    size_t head_size;
    _Alignas(16) unsigned char head[];
};

/* Between the manager and a leader. Of each pair the first is the manager's: what it sends, what it has lost.
 */
struct line {
    struct message *way[2]; /* the oldest first */
    bool held[2];
    bool lost[2], closed[2];
    bool kept[2]; /* of what was lost nothing has been told */
    struct ending loss[2];
};

struct end {
    struct net net;
    struct loop *loop;
    enum side side;
    int index; /* of a leader: its line */
    uint64_t polls;
    unsigned head_delay, body_delay;
    bool clings;
    int turn; /* the peer that is looked at first */
    struct endings endings;
    struct message *current; /* whose head was given last; it is still on its way */
    int current_peer;
};

struct loop {
    pthread_mutex_t lock;
    int lines, open;
    struct line *line;
    struct end manager;
    struct end leader[];
};

/* ---- Who is who --------------------------------------------------------------------------- */

static struct end *end_of(const struct net *net)
{
    return (struct end *)net;
}

static struct line *line_to(struct end *end, int peer)
{
    return &end->loop->line[end->side == MANAGER ? peer : end->index];
}

static struct end *other_end(struct end *end, int peer)
{
    return end->side == MANAGER ? &end->loop->leader[peer] : &end->loop->manager;
}

/* By what number the other end knows this one. */
static int number_there(const struct end *end)
{
    return end->side == MANAGER ? 0 : end->index;
}

static enum side other(enum side side)
{
    return side == MANAGER ? LEADER : MANAGER;
}

/* ---- Messages ----------------------------------------------------------------------------- */

static void let_go(struct message *message)
{
    if (message && --message->holders == 0)
        free(message);
}

static void take_off(struct message **way, struct message *message)
{
    while (*way != message)
        way = &(*way)->next;
    *way = message->next;
    let_go(message);
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
    struct end *end = end_of(net), *there = other_end(end, peer);
    struct line *line = line_to(end, peer);
    rp_status status = RP_OK;
    assert(head_size <= NET_HEAD && segments <= NET_SEGMENTS);
    pthread_mutex_lock(&end->loop->lock);
    struct message *message = line->lost[end->side] ? NULL : message_new(head, head_size, segment, segments);
    if (line->lost[end->side]) {
        status = error_set(error, RP_WORKER_LOST, "node %d is lost", peer);
    } else if (!message) {
        status = error_set(error, RP_NO_MEMORY, "no memory for a message of %zu bytes", head_size);
    } else {
        struct message **way = &line->way[end->side];
        while (*way)
            way = &(*way)->next;
        *way = message;
        message->due = there->polls + 1 + there->head_delay;
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
        take_off(&line_to(end, end->current_peer)->way[other(end->side)], message);
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
    struct end *there = other_end(end, peer);
    for (int i = 0; i < message->segments; i++)
        if (message->to[i] && message->segment[i].size > 0)
            memcpy(message->to[i], message->segment[i].data, message->segment[i].size);
    *event = (struct net_event){.kind = NET_BODY, .peer = peer, .token = message->body.token};
    tell(there, message, &message->sent, NET_SENT);
    take_off(&line_to(end, peer)->way[there->side], message);
}

/* All that this end waits for there has failed. */
static void tell_all(struct end *end, int peer)
{
    struct line *line = line_to(end, peer);
    enum side side = end->side;
    for (struct message *message = line->way[side]; message; message = message->next) {
        message->given_back = message->segments > 0;
        tell(end, message, &message->sent, NET_LOST);
    }
    for (struct message *message = line->way[other(side)]; message; message = message->next)
        if (message->state == RECEIVING)
            tell(end, message, &message->body, NET_LOST);
}

static void lose(struct end *end, int peer, bool tell_it)
{
    struct line *line = line_to(end, peer);
    enum side side = end->side;
    if (line->lost[side])
        return;
    line->lost[side] = true;
    line->loss[side] = (struct ending){.kind = NET_LOST, .peer = peer};
    if (tell_it)
        endings_add(&end->endings, &line->loss[side]);
    line->kept[side] = end->clings;
    if (!end->clings)
        tell_all(end, peer);
}

/* What has come from a peer: the oldest body or head that is due, heads in order; in the end that it has
 * closed. */
static bool look(struct end *end, int peer, struct net_event *event)
{
    struct line *line = line_to(end, peer);
    enum side there = other(end->side);
    bool more = false;
    if (line->lost[end->side] || line->held[there])
        return false;
    for (struct message *message = line->way[there]; message; message = message->next) {
        bool due = message->due <= end->polls && !message->given_back;
        if (message->state == RECEIVING && due)
            return give_body(end, peer, message, event), true;
        if (message->state == WAITING && due)
            return give_head(end, peer, message, event), true;
        more = more || !message->given_back;
        if (message->state == WAITING)
            break;
    }
    if (!more && line->closed[there])
        lose(end, peer, true);
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
        let_go(ending->owner);
    for (int i = 0; i < net->peers && !found; i++) {
        end->turn = (end->turn + 1) % net->peers;
        found = look(end, end->turn, event);
    }
    pthread_mutex_unlock(&end->loop->lock);
    return found;
}

static void loop_receive(struct net *net, const struct net_event *event, void *const to[], void *token)
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
    if (line_to(end, event->peer)->lost[end->side] && !end->clings)
        tell(end, message, &message->body, NET_LOST);
    pthread_mutex_unlock(&end->loop->lock);
}

static void loop_drop(struct net *net, int peer)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    lose(end, peer, false);
    pthread_mutex_unlock(&end->loop->lock);
}

void net_loop_cut(struct net *net, int peer)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    lose(end, peer, true);
    lose(other_end(end, peer), number_there(end), true);
    pthread_mutex_unlock(&end->loop->lock);
}

/* What a peer that has been lost may write at its last. */
static void write_over(const struct end *end, const struct line *line)
{
    for (struct message *message = line->way[other(end->side)]; message; message = message->next)
        for (int i = 0; i < message->segments && message->state == RECEIVING; i++)
            if (message->to[i] && message->segment[i].size > 0)
                memset(message->to[i], 0xdd, message->segment[i].size);
}

void net_loop_cling(struct net *net, bool clings)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    end->clings = clings;
    for (int peer = 0; peer < net->peers && !clings; peer++) {
        struct line *line = line_to(end, peer);
        if (!line->kept[end->side])
            continue;
        line->kept[end->side] = false;
        write_over(end, line);
        tell_all(end, peer);
    }
    pthread_mutex_unlock(&end->loop->lock);
}

static bool loop_is_quiet(const struct net *net)
{
    struct end *end = end_of(net);
    bool quiet = true;
    pthread_mutex_lock(&end->loop->lock);
    for (int peer = 0; peer < net->peers; peer++) {
        struct line *line = line_to(end, peer);
        struct message *message = line->lost[end->side] ? NULL : line->way[end->side];
        for (; message; message = message->next)
            quiet = quiet && message->state == HEADED && message->segments == 0;
    }
    pthread_mutex_unlock(&end->loop->lock);
    return quiet;
}

/* A line is as long as what is sent. */
static int loop_room(const struct net *net, int peer)
{
    (void)net, (void)peer;
    return NET_BUFFERS;
}

/* ---- Settings ----------------------------------------------------------------------------- */

void net_loop_delay(struct net *net, unsigned heads, unsigned bodies)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    end->head_delay = heads;
    end->body_delay = bodies;
    pthread_mutex_unlock(&end->loop->lock);
}

void net_loop_hold(struct net *net, int peer, bool held)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    line_to(end, peer)->held[other(end->side)] = held;
    pthread_mutex_unlock(&end->loop->lock);
}

/* ---- Life --------------------------------------------------------------------------------- */

static void free_loop(struct loop *loop)
{
    for (int i = 0; i < 2 * loop->lines; i++)
        while (loop->line[i / 2].way[i % 2])
            take_off(&loop->line[i / 2].way[i % 2], loop->line[i / 2].way[i % 2]);
    pthread_mutex_destroy(&loop->lock);
    free(loop->line);
    free(loop);
}

static void loop_close(struct net *net)
{
    struct end *end = end_of(net);
    struct loop *loop = end->loop;
    struct net_event event;
    pthread_mutex_lock(&loop->lock);
    for (int peer = 0; peer < net->peers; peer++) {
        lose(end, peer, false);
        line_to(end, peer)->closed[end->side] = true;
    }
    for (struct ending *ending; (ending = endings_take(&end->endings, &event));)
        let_go(ending->owner);
    bool last = --loop->open == 0;
    pthread_mutex_unlock(&loop->lock);
    if (last)
        free_loop(loop);
}

static const struct net_ops loop_ops = {
    .send = loop_send,
    .poll = loop_poll,
    .receive = loop_receive,
    .drop = loop_drop,
    .is_quiet = loop_is_quiet,
    .room = loop_room,
    .close = loop_close,
};

rp_status net_open_loop(int leaders, struct net **manager, struct net *leader[], struct error *error)
{
    struct loop *loop = calloc(1, sizeof *loop + (size_t)leaders * sizeof *loop->leader);
    struct line *line = calloc((size_t)leaders, sizeof *line);
    if (!loop || !line) {
        free(loop);
        free(line);
        return error_set(error, RP_NO_MEMORY, "no memory for a net of %d nodes", leaders);
    }
    pthread_mutex_init(&loop->lock, NULL);
    loop->lines = leaders;
    loop->open = leaders + 1;
    loop->line = line;
    loop->manager = (struct end){.net = {&loop_ops, leaders}, .loop = loop, .side = MANAGER};
    for (int i = 0; i < leaders; i++) {
        loop->leader[i] = (struct end){.net = {&loop_ops, 1}, .loop = loop, .side = LEADER, .index = i};
        leader[i] = &loop->leader[i].net;
    }
    *manager = &loop->manager.net;
    return RP_OK;
}
