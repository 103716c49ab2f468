/* The state of an end over MPI (mpi.h): mpi.c is the table of operations, mpi_peer.c has frames to and from a
 * peer, mpi_flight.c what is under way, mpi_copy.c what of that goes through memory of the net's. */
#ifndef RANKPOOL_NET_MPI_STATE_H
#define RANKPOOL_NET_MPI_STATE_H

#include <mpi.h>

#include "net/ending.h"

#define MPI_SLICE    64
#define MPI_RECEIVES (NET_BUFFERS + NET_BUFFERS / 2 + 1)
#define MPI_FRAMES   0          /* the tag of frames; segments have those above */
#define MPI_PIECE    (2u << 20) /* bytes */
#define MPI_BRIEF                                                                                            \
    (256u << 10) /* bytes of segments in MPI's hands, for a peer, with which more is given to it */

#define MPI_HASTE                                                                                            \
    (128u << 10) /* bytes beyond credits, in MPI's hands, for a peer: a connection takes as many unread */
#define MPI_EAGER (64u << 10) /* of a segment: Open MPI sends more only when it is received */

enum frame_kind { FRAME_HEAD, FRAME_CREDITS, FRAME_GOODBYE };

/* In front of a head. Both ends run the same build, so it travels as it is. */
struct frame {
    uint64_t size[NET_SEGMENTS];
    uint32_t head_size;
    uint16_t kind, segments;
    uint32_t credits; /* given back */
    uint32_t pad;
};
_Static_assert(sizeof(struct frame) % 16 == 0, "heads lie at a multiple of 16");

struct buffer {
    _Alignas(16) struct frame frame;
    unsigned char head[NET_HEAD];
};

/* What some requests carry: a frame and its segments out, or segments in. */
struct flight {
    struct flight *next; /* that waits for a credit, too */
    struct ending ending;
    int holders; /* its requests, and the ending while it waits */
    int requests;
    int peer;
    bool sends, lost;
    bool copied;        /* all of it: nothing of the caller's is MPI's */
    bool told;          /* how it ended */
    bool held;          /* its segments wait for those before them */
    bool in_turn;       /* they leave one after the other */
    struct copy *ready; /* a copy of its next piece; or NULL */
    struct {
        char *at; /* NULL: from nowhere, or to nowhere */
        size_t left;
        int tag;
        bool copied;
    } segment[NET_SEGMENTS];         /* what of it has not been begun */
    _Alignas(16) struct frame frame; /* of one that sends, with the head behind it */
    unsigned char head[];
};

struct peer {
    int rank;
    bool lost, failed;
    bool left;            /* its goodbye has come */
    bool departed;        /* ours was sent */
    bool hasty;           /* what waits is given to MPI at once ... */
    size_t beyond;        /* ... and that much was without credits */
    int credits;          /* heads that may be sent */
    int owed;             /* credits that are to be given back */
    int receiving;        /* flights from it */
    struct flight *queue; /* those that wait for a credit, or behind what is long */
    struct flight **queue_end;
    struct flight *held; /* those whose segments wait */
    struct flight **held_end;
    size_t outbound;         /* bytes of segments that MPI has to send */
    uint64_t sent, received; /* messages with segments */
    struct buffer *buffer;   /* MPI_RECEIVES: a ring */
    MPI_Request posted[MPI_RECEIVES];
    int oldest;
    int arrived; /* bytes of the frame in the oldest one */
    bool kept;   /* the buffers, by MPI */
    struct ending loss;
};

struct mpi_net {
    struct net net;
    MPI_Comm comm;
    uint64_t tags; /* messages with segments until tags come again */
    struct peer *peer;
    /* Requests: of each peer that of its oldest receive, then `busy` others, with room for `room`; `reserved`
     * of that is for flights that will begin. */
    MPI_Request *request;
    struct carried {
        struct flight *flight;
        int segment; /* -1: the frame */
        size_t size; /* of the piece */
        char *to;    /* where it is copied when it has come; NULL: nowhere */
        struct copy *copy;
    } * carried;
    int busy, room, reserved;
    int next;              /* the first request of the slice that is asked about next */
    int unsent;            /* flights to living peers */
    struct peer **arrived; /* peers whose oldest receive has completed: a ring */
    int first_arrived, arrivals;
    struct peer *current;  /* whose frame the caller looks at */
    struct flight *coming; /* for the segments behind it, until net_receive */
    struct endings endings;
    struct copy *copies; /* that nobody uses, the last used first: it may be in the caches still */
    int copies_kept;
    bool unsettled; /* some peer has failed, or has left */
};

/* Whether MPI is given more for it. Behind what is long nothing is: it would wait there all the same, and see
 * mpi.h. */
static inline bool peer_has_room(const struct peer *peer)
{
    return !peer->failed && (peer->hasty || peer->outbound < MPI_BRIEF);
}

/* ---- mpi_copy.c ---- */

/* Memory of the net's for a piece. */
struct copy {
    struct copy *next;
    _Alignas(64) char bytes[MPI_PIECE];
};

/* One for the next piece of a copied segment, which is copied to it if it is sent; false without memory. */
bool copy_fetch(struct mpi_net *net, struct carried *carried, const char *at);

/* The same for the piece behind the one that has just been posted, ahead of its time. */
void copy_ahead(struct mpi_net *net, struct flight *flight);

/* Nobody uses it any more; NULL is fine. */
void copy_give(struct mpi_net *net, struct copy *copy);

/* What is copied from there, or to there, is so no longer. */
void copies_let_go(struct mpi_net *net, const char *memory, size_t size);

void copies_free(struct mpi_net *net);

/* ---- mpi_flight.c ---- */

/* Room for a flight's requests, to be had before it begins: false without memory. */
bool flight_reserve(struct mpi_net *net);
void flight_unreserve(struct mpi_net *net);

/* With that room; NULL without memory. The caller says what it carries. */
struct flight *flight_new(struct mpi_net *net, int peer, size_t head_size);

/* The caller holds it no longer. */
void flight_let_go(struct flight *flight);

/* One that waits to begin never does. */
void flight_forget(struct mpi_net *net, struct flight *flight);

/* Posts what can be posted at once; long segments that are sent wait for flight_send_held. */
void flight_begin(struct mpi_net *net, struct flight *flight);

/* What of those that are leaving to a peer waits for the piece before it. */
void flight_hasten(struct mpi_net *net, int peer);

/* The long segments that may leave now. */
void flight_send_held(struct mpi_net *net, struct peer *peer);

/* The request at a place in the array has completed, well or not. */
void flight_step(struct mpi_net *net, int busy, bool well);

/* Removes what has completed from the array. */
void flight_compact(struct mpi_net *net, int busy);

/* The peer is lost: what is under way to it and from it has failed. */
void flight_lose(struct mpi_net *net, int peer);

/* Gives up all that is under way. */
void flight_abandon(struct mpi_net *net);

/* ---- mpi_peer.c ---- */

/* Posts the receives of a peer with buffers. */
void peer_open(struct mpi_net *net, struct peer *peer);

/* Sends a flight whose frame is filled, in its turn. */
void peer_send(struct mpi_net *net, struct peer *peer, struct flight *flight);

/* Sends the frames that wait for credits, or for what is long before them, if they need not any more. */
void peer_send_heads(struct mpi_net *net, struct peer *peer);

/* What waits to be sent to it is MPI's, as far as MPI_HASTE goes. */
void peer_hasten(struct mpi_net *net, struct peer *peer);

/* Sends a frame without a head, ahead of what waits for credits or behind it; false: there is no memory. */
bool peer_say(struct mpi_net *net, struct peer *peer, enum frame_kind kind, bool ahead);

/* Takes in the frame that has arrived in the oldest buffer; true: it is a head, for the caller, who releases
 * the buffer later. */
bool peer_take(struct mpi_net *net, struct peer *peer, struct net_event *event);
void peer_release(struct mpi_net *net, struct peer *peer);

/* Nothing is sent to the peer or received from it any more; with `tell` that is an event. */
void peer_lose(struct mpi_net *net, struct peer *peer, bool tell);

/* Peers that have failed, and those that have left and owe nothing more, are lost. */
void peers_settle(struct mpi_net *net);

#endif
