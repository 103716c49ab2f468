#include <stdlib.h>
#include <string.h>

#include "net/mpi_call.h"
#include "net/mpi_state.h"

#define MOST_REQUESTS (1 + NET_SEGMENTS) /* of a flight */

bool flight_reserve(struct mpi_net *net)
{
    int peers = net->net.peers, needed = net->busy + net->reserved + MOST_REQUESTS;
    if (needed > net->room) {
        int room = 2 * needed;
        MPI_Request *request = realloc(net->request, (size_t)(peers + room) * sizeof *request);
        if (request)
            net->request = request;
        struct carried *carried = realloc(net->carried, (size_t)room * sizeof *carried);
        if (carried)
            net->carried = carried;
        if (!request || !carried)
            return false;
        net->room = room;
    }
    net->reserved += MOST_REQUESTS;
    return true;
}

void flight_unreserve(struct mpi_net *net)
{
    net->reserved -= MOST_REQUESTS;
}

struct flight *flight_new(struct mpi_net *net, int peer, size_t head_size)
{
    struct flight *flight = malloc(sizeof *flight + head_size);
    if (!flight || !flight_reserve(net)) {
        free(flight);
        return NULL;
    }
    memset(flight, 0, sizeof *flight);
    flight->holders = 1;
    flight->peer = peer;
    return flight;
}

void flight_let_go(struct flight *flight)
{
    if (!flight || --flight->holders > 0)
        return;
    free(flight->ready);
    free(flight);
}

/* Who waits for it is told, once; without a token that is nobody. */
static void tell(struct mpi_net *net, struct flight *flight, enum net_kind kind)
{
    if (!flight->ending.token || flight->told)
        return;
    flight->told = true;
    flight->ending.kind = kind;
    flight->ending.peer = flight->peer;
    flight->ending.owner = flight;
    flight->holders++;
    endings_add(&net->endings, &flight->ending);
}

/* None of its requests is left. */
static void end(struct mpi_net *net, struct flight *flight)
{
    struct peer *peer = &net->peer[flight->peer];
    if (!flight->sends) {
        peer->receiving--;
        net->unsettled = net->unsettled || peer->left;
        tell(net, flight, flight->lost ? NET_LOST : NET_BODY);
    } else {
        net->unsent -= !flight->lost;
        tell(net, flight, flight->lost ? NET_LOST : NET_SENT);
    }
    flight_let_go(flight);
}

void flight_forget(struct mpi_net *net, struct flight *flight)
{
    net->unsent--;
    tell(net, flight, NET_LOST);
    flight_let_go(flight);
}

/* A failure is seen to when nothing is in the middle of something. */
static bool well(struct mpi_net *net, int peer, int code)
{
    if (code == MPI_SUCCESS)
        return true;
    net->peer[peer].failed = true;
    net->unsettled = true;
    return false;
}

/* Posts the next piece of a segment; false: there is none, or it failed. */
static bool post_piece(struct mpi_net *net, struct carried *carried, MPI_Request *request)
{
    struct flight *flight = carried->flight;
    int segment = carried->segment;
    int rank = net->peer[flight->peer].rank, tag = flight->segment[segment].tag;
    char *at = flight->segment[segment].at;
    size_t left = flight->segment[segment].left, size = left < MPI_PIECE ? left : MPI_PIECE;
    if (flight->lost || size == 0)
        return false;
    carried->size = size;
    carried->to = flight->sends ? NULL : at;
    if (flight->segment[segment].copied && !copy_fetch(net, carried, at))
        return well(net, flight->peer, MPI_ERR_NO_MEM);
    flight->segment[segment].at += at ? size : 0;
    flight->segment[segment].left -= size;
    at = flight->segment[segment].copied ? carried->copy->bytes : at;
    net->peer[flight->peer].outbound += flight->sends ? size : 0;
    return well(net, flight->peer,
                flight->sends ? mpi_isend(at, (int)size, rank, tag, net->comm, request)
                              : mpi_irecv(at, (int)size, rank, tag, net->comm, request));
}

static bool post_frame(struct mpi_net *net, struct flight *flight, MPI_Request *request)
{
    int size = (int)(sizeof flight->frame + flight->frame.head_size);
    return well(
        net, flight->peer,
        mpi_isend(&flight->frame, size, net->peer[flight->peer].rank, MPI_FRAMES, net->comm, request));
}

static MPI_Request *request_at(struct mpi_net *net, int busy)
{
    return &net->request[net->net.peers + busy];
}

/* Whose it is, is told when MPI has let go of its memory: at once if it has none. */
static void give_up(struct mpi_net *net, struct flight *flight)
{
    if (flight->lost)
        return;
    flight->lost = true;
    net->unsent -= flight->sends;
    copy_give(net, flight->ready);
    flight->ready = NULL;
    if (flight->copied)
        tell(net, flight, NET_LOST);
}

static void post(struct mpi_net *net, struct flight *flight, int from, int to)
{
    for (int i = from; i < to; i++) {
        MPI_Request *request = request_at(net, net->busy);
        struct carried carried = {flight, i, 0, NULL, NULL};
        if (i < 0 ? !post_frame(net, flight, request) : !post_piece(net, &carried, request)) {
            copy_give(net, carried.copy);
            continue;
        }
        net->carried[net->busy++] = carried;
        flight->requests++;
    }
    if (net->peer[flight->peer].failed)
        give_up(net, flight);
}

/* The rest of one that has been held, if it is to be sent still. */
static void let_fly(struct mpi_net *net, struct flight *flight)
{
    int before = flight->requests;
    flight->held = false;
    flight_unreserve(net);
    for (int i = 0; i < NET_SEGMENTS && !(flight->in_turn && flight->requests > before); i++)
        post(net, flight, i, i + 1);
    if (flight->requests == 0)
        end(net, flight);
    else
        copy_ahead(net, flight);
}

static struct flight *take_held(struct peer *peer)
{
    struct flight *flight = peer->held;
    peer->held = flight->next;
    if (!peer->held)
        peer->held_end = &peer->held;
    return flight;
}

void flight_send_held(struct mpi_net *net, struct peer *peer)
{
    while (peer->held && peer_has_room(peer))
        let_fly(net, take_held(peer));
    if (peer->held)
        copy_ahead(net, peer->held);
}

static void post_rest(struct mpi_net *net, struct flight *flight)
{
    for (int i = 0; i < NET_SEGMENTS; i++)
        while (flight->segment[i].left > 0 && !flight->lost && flight_reserve(net)) {
            post(net, flight, i, i + 1);
            flight_unreserve(net);
        }
}

/* What is posted now is added to those that are looked at. Without memory it waits as before. */
void flight_hasten(struct mpi_net *net, int peer)
{
    for (int i = 0; i < net->busy; i++) {
        struct flight *flight = net->carried[i].flight;
        if (flight && flight->peer == peer && flight->sends)
            post_rest(net, flight);
    }
}

static void hold(struct peer *peer, struct flight *flight)
{
    flight->held = flight->in_turn = true;
    flight->next = NULL;
    *peer->held_end = flight;
    peer->held_end = &flight->next;
}

static bool is_long(const struct flight *flight)
{
    size_t size = 0;
    for (int i = 0; i < NET_SEGMENTS; i++)
        size += flight->segment[i].left;
    return size > MPI_BRIEF;
}

/* Long ones leave one after the other, each when nothing waits to leave at once: side by side each would take
 * as long as all, and nothing could be done with the first before the last had come. */
void flight_begin(struct mpi_net *net, struct flight *flight)
{
    if (flight->sends)
        post(net, flight, -1, 0);
    if (flight->sends && !flight->lost && is_long(flight))
        hold(&net->peer[flight->peer], flight);
    else
        let_fly(net, flight);
}

/* What comes behind a piece that has gone, or has come. */
static bool post_next(struct mpi_net *net, struct carried *carried, MPI_Request *request)
{
    struct flight *flight = carried->flight;
    int end = flight->in_turn ? NET_SEGMENTS : carried->segment + 1;
    for (; carried->segment < end && !net->peer[flight->peer].failed; carried->segment++)
        if (post_piece(net, carried, request))
            return true;
    return false;
}

void flight_step(struct mpi_net *net, int busy, bool went_well)
{
    struct carried *carried = &net->carried[busy];
    struct flight *flight = carried->flight;
    struct peer *peer = &net->peer[flight->peer];
    bool is_piece = carried->segment >= 0;
    well(net, flight->peer, went_well || flight->lost ? MPI_SUCCESS : MPI_ERR_OTHER);
    net->net.pieces += is_piece && went_well;
    if (flight->sends && is_piece) {
        peer->outbound -= carried->size;
        peer_send_heads(net, peer);
    }
    if (carried->copy && carried->to && went_well && !flight->lost)
        memcpy(carried->to, carried->copy->bytes, carried->size);
    if (went_well && is_piece && post_next(net, carried, request_at(net, busy))) {
        copy_ahead(net, flight);
        return;
    }
    copy_give(net, carried->copy);
    carried->copy = NULL;
    if (peer->failed)
        give_up(net, flight);
    carried->flight = NULL;
    *request_at(net, busy) = MPI_REQUEST_NULL;
    if (--flight->requests == 0 && !flight->held)
        end(net, flight);
    flight_send_held(net, peer);
}

static void trim(struct mpi_net *net)
{
    while (net->busy > 0 && !net->carried[net->busy - 1].flight)
        net->busy--;
}

void flight_compact(struct mpi_net *net, int busy)
{
    trim(net);
    if (busy >= net->busy || net->carried[busy].flight)
        return;
    net->busy--;
    net->carried[busy] = net->carried[net->busy];
    *request_at(net, busy) = *request_at(net, net->busy);
    trim(net);
}

void flight_lose(struct mpi_net *net, int peer)
{
    while (net->peer[peer].held) {
        give_up(net, net->peer[peer].held);
        let_fly(net, take_held(&net->peer[peer]));
    }
    for (int i = 0; i < net->busy; i++) {
        struct flight *flight = net->carried[i].flight;
        if (!flight || flight->peer != peer || flight->frame.kind == FRAME_GOODBYE)
            continue;
        if (!flight->sends)
            MPI_Cancel(request_at(net, i));
        give_up(net, flight);
    }
}

/* What MPI does not let go of keeps its memory. */
void flight_abandon(struct mpi_net *net)
{
    for (int i = 0; i < net->busy; i++) {
        struct flight *flight = net->carried[i].flight;
        int done = 0;
        if (!flight)
            continue;
        if (!flight->sends)
            MPI_Cancel(request_at(net, i));
        MPI_Test(request_at(net, i), &done, MPI_STATUS_IGNORE);
        if (!done)
            MPI_Request_free(request_at(net, i));
        flight->holders += !done;
        if (done)
            copy_give(net, net->carried[i].copy);
        if (--flight->requests == 0)
            flight_let_go(flight);
    }
    net->busy = 0;
}
