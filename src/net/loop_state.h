/* The loop's lines and ends: shared by the files loop*.c alone. loop.c is how messages travel, loop_set.c
 * what tests set, loop_open.c how a loop begins and ends. */
#ifndef RANKPOOL_NET_LOOP_STATE_H
#define RANKPOOL_NET_LOOP_STATE_H

#include <pthread.h>

#include "net/ending.h"
#include "net/loop.h"

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
    bool copied; /* to there */
    int segments;
    size_t head_size;
    _Alignas(16) unsigned char head[];
};

/* Between two ends. Of each pair the first is the first end's: what it sends, what it has lost. */
struct line {
    struct message *way[2]; /* the oldest first */
    bool held[2];
    bool lost[2], closed[2];
    bool kept[2]; /* of what was lost, what is not copied has not been told of */
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

static inline struct end *end_of(const struct net *net)
{
    return (struct end *)net;
}

static inline struct line *line_to(const struct end *end, int peer)
{
    return end->port[peer].line;
}

static inline struct end *other_end(const struct end *end, int peer)
{
    return end->port[peer].there;
}

static inline enum side here(const struct end *end, int peer)
{
    return end->port[peer].side;
}

static inline enum side there(const struct end *end, int peer)
{
    return here(end, peer) == FIRST ? SECOND : FIRST;
}

/* loop.c */
extern const struct net_ops loop_ops;

/* One holder less; and it is under way no longer. */
void loop_let_go(struct message *message);
void loop_take_off(struct message **way, struct message *message);

/* The peer is lost to this end, which is told so, or is not; and all that it waits for there has failed:
 * what is copied, or what is not. */
void loop_lose(struct end *end, int peer, bool tell_it);
void loop_tell_all(struct end *end, int peer, bool copied);

/* loop_open.c */
void loop_close(struct net *net);

#endif
