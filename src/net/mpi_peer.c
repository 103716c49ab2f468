#include <stdlib.h>
#include <string.h>

#include "net/mpi_state.h"

/* ---- Frames out --------------------------------------------------------------------------- */

/* It takes along what credits there are to be given back. */
static void send_flight(struct mpi_net *net, struct peer *peer, struct flight *flight)
{
    flight->frame.credits = (uint32_t)peer->owed;
    peer->owed = 0;
    flight_begin(net, flight);
}

/* Bytes that MPI has in its hands of it before it is received. */
static size_t weight(const struct flight *flight)
{
    size_t bytes = sizeof flight->frame + flight->frame.head_size;
    for (int i = 0; i < flight->frame.segments; i++)
        bytes += flight->frame.size[i] < MPI_EAGER ? (size_t)flight->frame.size[i] : MPI_EAGER;
    return bytes;
}

static bool may_leave(const struct peer *peer, const struct flight *flight)
{
    return peer->credits > 0 || flight->frame.kind != FRAME_HEAD ||
           (peer->hasty && peer->beyond + weight(flight) <= MPI_HASTE);
}

void peer_send_heads(struct mpi_net *net, struct peer *peer)
{
    while (peer->queue && !peer->left && peer_has_room(peer) && may_leave(peer, peer->queue)) {
        struct flight *flight = peer->queue;
        peer->queue = flight->next;
        if (!peer->queue)
            peer->queue_end = &peer->queue;
        peer->beyond += peer->credits > 0 ? 0 : weight(flight);
        peer->credits -= flight->frame.kind == FRAME_HEAD;
        send_flight(net, peer, flight);
    }
}

static void send_on(struct mpi_net *net, struct peer *peer)
{
    peer_send_heads(net, peer);
    flight_send_held(net, peer);
}

void peer_send(struct mpi_net *net, struct peer *peer, struct flight *flight)
{
    *peer->queue_end = flight;
    peer->queue_end = &flight->next;
    send_on(net, peer);
}

void peer_hasten(struct mpi_net *net, struct peer *peer)
{
    peer->hasty = true;
    send_on(net, peer);
    flight_hasten(net, (int)(peer - net->peer));
    peer->hasty = false;
}

static void put_ahead(struct peer *peer, struct flight *flight)
{
    flight->next = peer->queue;
    peer->queue = flight;
}

bool peer_say(struct mpi_net *net, struct peer *peer, enum frame_kind kind, bool ahead)
{
    struct flight *flight = flight_new(net, (int)(peer - net->peer), 0);
    if (!flight)
        return false;
    flight->frame.kind = (uint16_t)kind;
    flight->sends = true;
    net->unsent++;
    if (ahead && (peer->left || peer_has_room(peer)))
        send_flight(net, peer, flight);
    else if (ahead && peer->queue)
        put_ahead(peer, flight);
    else
        peer_send(net, peer, flight);
    return true;
}

/* ---- Loss --------------------------------------------------------------------------------- */

/* Gives the posted receives back to MPI; what it does not let go of keeps its buffer. */
static void withdraw(struct mpi_net *net, struct peer *peer)
{
    peer->posted[peer->oldest] = net->request[peer - net->peer];
    net->request[peer - net->peer] = MPI_REQUEST_NULL;
    for (int i = 0; i < MPI_RECEIVES; i++) {
        int done = 1;
        if (peer->posted[i] == MPI_REQUEST_NULL)
            continue;
        MPI_Cancel(&peer->posted[i]);
        MPI_Test(&peer->posted[i], &done, MPI_STATUS_IGNORE);
        if (!done)
            MPI_Request_free(&peer->posted[i]);
        peer->kept = peer->kept || !done;
    }
}

static void lose_queue(struct mpi_net *net, struct peer *peer)
{
    while (peer->queue) {
        struct flight *flight = peer->queue;
        peer->queue = flight->next;
        flight_unreserve(net);
        flight_forget(net, flight);
    }
    peer->queue_end = &peer->queue;
}

void peer_lose(struct mpi_net *net, struct peer *peer, bool tell)
{
    int number = (int)(peer - net->peer);
    if (peer->lost)
        return;
    peer->lost = true;
    peer->loss = (struct ending){.kind = NET_LOST, .peer = number};
    if (tell)
        endings_add(&net->endings, &peer->loss);
    withdraw(net, peer);
    lose_queue(net, peer);
    flight_lose(net, number);
}

void peers_settle(struct mpi_net *net)
{
    if (!net->unsettled)
        return;
    net->unsettled = false;
    for (struct peer *peer = net->peer; peer < net->peer + net->net.peers; peer++) {
        if (peer->left && peer->queue && peer->departed) { /* our goodbye is at its end */
            lose_queue(net, peer);
            peer->departed = false;
        }
        if (peer->left && !peer->departed)
            peer->departed = peer_say(net, peer, FRAME_GOODBYE, true);
        if (peer->failed || (peer->left && peer->receiving == 0))
            peer_lose(net, peer, true);
    }
}

/* ---- Frames in ---------------------------------------------------------------------------- */

static bool post_receive(struct mpi_net *net, struct peer *peer, int i)
{
    int code = MPI_Irecv(&peer->buffer[i], (int)sizeof *peer->buffer, MPI_BYTE, peer->rank, MPI_FRAMES,
                         net->comm, &peer->posted[i]);
    if (code != MPI_SUCCESS) {
        peer->posted[i] = MPI_REQUEST_NULL;
        peer->failed = net->unsettled = true;
    }
    return code == MPI_SUCCESS;
}

/* The receive that the next frame will complete is the one that is asked about. */
static void watch_oldest(struct mpi_net *net, struct peer *peer)
{
    net->request[peer - net->peer] = peer->posted[peer->oldest];
    peer->posted[peer->oldest] = MPI_REQUEST_NULL;
}

void peer_open(struct mpi_net *net, struct peer *peer)
{
    for (int i = 0; i < MPI_RECEIVES; i++)
        post_receive(net, peer, i);
    watch_oldest(net, peer);
}

void peer_release(struct mpi_net *net, struct peer *peer)
{
    if (peer->lost)
        return;
    int read = peer->oldest;
    peer->oldest = (read + 1) % MPI_RECEIVES;
    peer->owed += peer->buffer[read].frame.kind == FRAME_HEAD;
    if (!post_receive(net, peer, read))
        return;
    watch_oldest(net, peer);
    bool waits =
        peer->queue && peer->queue->frame.kind == FRAME_CREDITS; /* it is the first if there is one */
    if (peer->owed >= NET_BUFFERS / 2 && !waits && !peer->departed)
        peer_say(net, peer, FRAME_CREDITS, true); /* without memory the next frame takes them along */
}

static bool is_sound(const struct frame *frame, int arrived)
{
    size_t size = (size_t)arrived;
    if (arrived < (int)sizeof *frame || frame->head_size != size - sizeof *frame ||
        frame->kind > FRAME_GOODBYE || frame->segments > NET_SEGMENTS)
        return false;
    for (int i = 0; i < frame->segments; i++)
        if (frame->size[i] > PTRDIFF_MAX)
            return false;
    return true;
}

static void give_head(struct mpi_net *net, struct peer *peer, const struct buffer *buffer,
                      struct net_event *event)
{
    net->current = peer;
    *event = (struct net_event){.kind = NET_HEADED, .peer = (int)(peer - net->peer), .head = buffer->head};
    event->head_size = buffer->frame.head_size;
    event->segments = buffer->frame.segments;
    for (int i = 0; i < event->segments; i++)
        event->size[i] = (size_t)buffer->frame.size[i];
}

bool peer_take(struct mpi_net *net, struct peer *peer, struct net_event *event)
{
    const struct buffer *buffer = &peer->buffer[peer->oldest];
    if (!is_sound(&buffer->frame, peer->arrived)) {
        peer->failed = net->unsettled = true;
        return false;
    }
    peer->credits += (int)buffer->frame.credits;
    peer->beyond = peer->credits > 0 ? 0 : peer->beyond;
    send_on(net, peer);
    if (buffer->frame.kind == FRAME_HEAD) {
        give_head(net, peer, buffer, event);
        return true;
    }
    peer->left = peer->left || buffer->frame.kind == FRAME_GOODBYE;
    net->unsettled = net->unsettled || peer->left;
    peer_release(net, peer);
    return false;
}
