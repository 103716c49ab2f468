#include "net/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/ending.h"

/* Of the two ends of a line. */
enum side { FIRST, SECOND };

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

/* Between two ends. Of each pair the first is the first end's: what it sends, what it has lost. */
struct line {
    struct message *way[2]; /* the oldest first */
    bool held[2];
    bool lost[2], closed[2];
    bool kept[2]; /* of what was lost nothing has been told */
    struct ending loss[2];
};

/* What an end has of a line: the other end, and by what number that knows this one. */
struct port {
    struct line *line;
    enum side side;
    struct end *there;
    int number;
};

struct end {
    struct net net;
    struct loop *loop;
    struct port *port; /* one a peer */
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
    int leaders, lines, open;
    struct line *line;
    struct end end[]; /* the manager's, then the leaders' */
};

/* ---- Who is who --------------------------------------------------------------------------- */

static struct end *end_of(const struct net *net)
{
    return (struct end *)net;
}

static struct line *line_to(const struct end *end, int peer)
{
    return end->port[peer].line;
}

static struct end *other_end(const struct end *end, int peer)
{
    return end->port[peer].there;
}

static enum side here(const struct end *end, int peer)
{
    return end->port[peer].side;
}

static enum side there(const struct end *end, int peer)
{
    return here(end, peer) == FIRST ? SECOND : FIRST;
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
        take_off(&line_to(end, end->current_peer)->way[there(end, end->current_peer)], message);
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
        if (message->to[i] && message->segment[i].size > 0)
            memcpy(message->to[i], message->segment[i].data, message->segment[i].size);
    *event = (struct net_event){.kind = NET_BODY, .peer = peer, .token = message->body.token};
    tell(other_end(end, peer), message, &message->sent, NET_SENT);
    take_off(&line_to(end, peer)->way[there(end, peer)], message);
}

/* All that this end waits for there has failed. */
static void tell_all(struct end *end, int peer)
{
    struct line *line = line_to(end, peer);
    enum side side = here(end, peer);
    for (struct message *message = line->way[side]; message; message = message->next) {
        message->given_back = message->segments > 0;
        tell(end, message, &message->sent, NET_LOST);
    }
    for (struct message *message = line->way[there(end, peer)]; message; message = message->next)
        if (message->state == RECEIVING)
            tell(end, message, &message->body, NET_LOST);
}

static void lose(struct end *end, int peer, bool tell_it)
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
    if (!end->clings)
        tell_all(end, peer);
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
    if (line_to(end, event->peer)->lost[here(end, event->peer)] && !end->clings)
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
    lose(other_end(end, peer), end->port[peer].number, true);
    pthread_mutex_unlock(&end->loop->lock);
}

/* What a peer that has been lost may write at its last. */
static void write_over(const struct end *end, int peer)
{
    for (struct message *message = line_to(end, peer)->way[there(end, peer)]; message;
         message = message->next)
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
        if (!line->kept[here(end, peer)])
            continue;
        line->kept[here(end, peer)] = false;
        write_over(end, peer);
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
        enum side side = here(end, peer);
        struct message *message = line->lost[side] ? NULL : line->way[side];
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
    line_to(end, peer)->held[there(end, peer)] = held;
    pthread_mutex_unlock(&end->loop->lock);
}

/* ---- Life --------------------------------------------------------------------------------- */

static void free_loop(struct loop *loop)
{
    for (int i = 0; i < 2 * loop->lines; i++)
        while (loop->line[i / 2].way[i % 2])
            take_off(&loop->line[i / 2].way[i % 2], loop->line[i / 2].way[i % 2]);
    pthread_mutex_destroy(&loop->lock);
    for (int i = 0; i <= loop->leaders; i++)
        free(loop->end[i].port);
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
        line_to(end, peer)->closed[here(end, peer)] = true;
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

static void connect(struct loop *loop, struct end *first, struct end *second)
{
    struct line *line = &loop->line[loop->lines++];
    first->port[first->net.peers] = (struct port){line, FIRST, second, second->net.peers};
    second->port[second->net.peers] = (struct port){line, SECOND, first, first->net.peers};
    first->net.peers++;
    second->net.peers++;
}

static struct loop *loop_new(int leaders)
{
    size_t n = (size_t)leaders + 1;
    struct loop *loop = calloc(1, sizeof *loop + n * sizeof *loop->end);
    if (!loop)
        return NULL;
    bool done = (loop->line = calloc(n * n, sizeof *loop->line));
    for (size_t i = 0; i < n; i++) {
        loop->end[i] = (struct end){.net = {&loop_ops, 0}, .loop = loop};
        done = (loop->end[i].port = calloc(n, sizeof *loop->end[i].port)) && done;
    }
    pthread_mutex_init(&loop->lock, NULL);
    loop->leaders = leaders;
    loop->open = leaders + 1;
    if (done)
        return loop;
    free_loop(loop);
    return NULL;
}

static rp_status open_loop(int leaders, bool kin, struct net **manager, struct net *leader[],
                           struct error *error)
{
    struct loop *loop = loop_new(leaders);
    if (!loop)
        return error_set(error, RP_NO_MEMORY, "no memory for a net of %d nodes", leaders);
    for (int i = 1; i <= leaders; i++)
        connect(loop, &loop->end[0], &loop->end[i]);
    for (int i = 1; i <= leaders && kin; i++)
        for (int k = i + 1; k <= leaders; k++)
            connect(loop, &loop->end[i], &loop->end[k]);
    for (int i = 0; i < leaders; i++)
        leader[i] = &loop->end[i + 1].net;
    *manager = &loop->end[0].net;
    return RP_OK;
}

rp_status net_open_loop(int leaders, struct net **manager, struct net *leader[], struct error *error)
{
    return open_loop(leaders, false, manager, leader, error);
}

rp_status net_open_loop_kin(int leaders, struct net **manager, struct net *leader[], struct error *error)
{
    return open_loop(leaders, true, manager, leader, error);
}
