/* A transport between the manager and the leaders of other nodes, as a table of operations: mpi.c, and
 * loop.c, whose ends are in one process.
 *
 * A struct net is one end: the manager's has each leader as a peer, a leader's has the manager. Peers are
 * numbered from 0. A message is a head, of at most NET_HEAD bytes, and up to NET_SEGMENTS segments of any
 * size, which go from the sender's memory to the receiver's without a copy between.
 *
 * Order of calls. net_send at any time; it never blocks. Nothing moves but in net_poll, which gives one event
 * a call and never blocks either: who has work outstanding calls it again and again, and decides itself when
 * to sleep. For a NET_HEADED that has segments net_receive says, before the next net_poll, where they go;
 * NET_BODY says that they are there.
 *
 *     sender:    net_send(head, segments, token) ......................... NET_SENT(token)
 *     receiver:       NET_HEADED(head, sizes) -> net_receive(places, token) ... NET_BODY(token)
 *
 * Heads of a peer arrive in the order in which they were sent. Later heads of it may come before a body;
 * bodies, and NET_SENT, come in any order. Between these no event tells of a segment that is on its way: that
 * it moves is seen by the number of its pieces.
 *
 * Room. A receiver has NET_BUFFERS buffers a peer for heads, and no more are under way: what is sent beyond
 * that waits with the sender, without bound, so a caller keeps its own count of what it has sent and not
 * heard of.
 *
 * What can go wrong. A peer is lost when the transport fails for it, when it has closed its end and all that
 * it said before has come, or when the caller drops it. All but the last come as a NET_LOST without token,
 * and from then on nothing is sent to it or heard of it. In each case the tokens that are outstanding come
 * back as NET_LOST, each when nothing reads its segments or writes to its places any more: at once for what
 * has not begun, but what is in the middle a transport may have to keep for long, at worst for ever. So what
 * a lost peer had is taken for lost with the peer, and memory that was given to the net stays as it is, and
 * mapped, until its token has come.
 *
 * Memory whose owner cannot wait for that is `copied`: the net moves it piece by piece through memory of its
 * own, which stays in the caches. Its token comes back at once when the peer is lost, and net_let_go takes it
 * back at any time.
 *
 * One thread at a time uses a net. */
#ifndef RANKPOOL_NET_NET_H
#define RANKPOOL_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define NET_HEAD     (32u << 10) /* bytes of the longest head */
#define NET_SEGMENTS 4
#define NET_BUFFERS  4 /* heads of a peer that may be under way */

struct net_segment {
    const void *data;
    size_t size;
    bool copied;
};

enum net_kind {
    NET_HEADED, /* a message: head, head_size, and how many segments of which sizes follow */
    NET_BODY,   /* all segments of a message have come */
    NET_SENT,   /* the segments of a sent message are the caller's again */
    NET_LOST,   /* token NULL: the peer is lost; else what the token stands for has not happened */
};

struct net_event {
    enum net_kind kind;
    int peer;
    const void *head; /* valid until the next net_poll, at a multiple of 16 */
    size_t head_size;
    int segments;
    size_t size[NET_SEGMENTS];
    void *token;
};

struct net {
    const struct net_ops *ops;
    int peers;
    uint64_t pieces; /* of segments that have left, or come, so far */
};

struct net_ops {
    rp_status (*send)(struct net *net, int peer, const void *head, size_t head_size,
                      const struct net_segment *segment, int segments, void *token, struct error *error);
    bool (*poll)(struct net *net, struct net_event *event);
    void (*receive)(struct net *net, const struct net_event *event, void *const to[], bool copied,
                    void *token);
    void (*let_go)(struct net *net, const void *memory, size_t size);
    void (*drop)(struct net *net, int peer);
    bool (*is_quiet)(const struct net *net);
    int (*room)(const struct net *net, int peer);
    void (*hasten)(struct net *net, int peer); /* or NULL: all leaves without this end */
    void (*close)(struct net *net);
};

/* Sends a message: the head is copied, the segments are the caller's, who leaves them unchanged, until
 * NET_SENT comes back with the token. Without segments, or with the token NULL, no NET_SENT comes.
 * RP_NO_MEMORY; RP_WORKER_LOST: the peer is lost. */
static inline rp_status net_send(struct net *net, int peer, const void *head, size_t head_size,
                                 const struct net_segment *segment, int segments, void *token,
                                 struct error *error)
{
    return net->ops->send(net, peer, head, head_size, segment, segments, token, error);
}

/* The next event; false: there is none at present. */
static inline bool net_poll(struct net *net, struct net_event *event)
{
    return net->ops->poll(net, event);
}

/* Where the segments of the NET_HEADED that net_poll has just given go, one place for each, NULL: nowhere.
 * The token is not NULL. */
static inline void net_receive(struct net *net, const struct net_event *event, void *const to[], void *token)
{
    net->ops->receive(net, event, to, false, token);
}

static inline void net_receive_copied(struct net *net, const struct net_event *event, void *const to[],
                                      void *token)
{
    net->ops->receive(net, event, to, true, token);
}

/* Copied segments and places there are the caller's from now on, who has no use for them: of what has not
 * left the peer gets other bytes, and what has not come goes nowhere. Their tokens come as they would have.
 */
static inline void net_let_go(struct net *net, const void *memory, size_t size)
{
    net->ops->let_go(net, memory, size);
}

/* Never talks to a peer again. Dropping twice is fine. */
static inline void net_drop(struct net *net, int peer)
{
    net->ops->drop(net, peer);
}

/* Nothing waits to be sent, or is being sent. */
static inline bool net_is_quiet(const struct net *net)
{
    return net->ops->is_quiet(net);
}

/* How many heads would leave at once if they were sent to the peer now; below 0: so many wait for room there.
 * 0: none would, or it is lost. */
static inline int net_room(const struct net *net, int peer)
{
    return net->ops->room(net, peer);
}

/* The peer takes nothing at present, and the caller may not look at the net again before it does: what waits
 * for it is the transport's now, room or not, which moves it whatever the process does with it; but of short
 * ones no more than a peer may die with unread. Not for a peer that is in the middle of something long: see
 * mpi.h. */
static inline void net_hasten(struct net *net, int peer)
{
    if (net->ops->hasten)
        net->ops->hasten(net, peer);
}

/* Whether more pieces have moved than had when it was asked before. */
static inline bool net_moves(const struct net *net, uint64_t *seen)
{
    bool moves = net->pieces != *seen;
    *seen = net->pieces;
    return moves;
}

/* Frees the end; NULL is fine. It is for when all is said: what is outstanding is forgotten, and never told
 * of. Both ends do it at about the same time: it may wait for the other's, but no longer than a second. */
static inline void net_close(struct net *net)
{
    if (net)
        net->ops->close(net);
}

#endif
