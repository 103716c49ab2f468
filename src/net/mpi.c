#include "net/mpi.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/hangup.h"
#include "net/lockup.h"
#include "net/mpi_call.h"
#include "net/mpi_state.h"

#define GOODBYE_NS UINT64_C(1000000000) /* that net_close waits for peers */

static struct mpi_net *state_of(const struct net *net)
{
    return (struct mpi_net *)net;
}

/* The places of a message's segments, and their tags. */
static void place(struct mpi_net *net, struct flight *flight, uint64_t number, int i, void *at, size_t size,
                  bool copied)
{
    flight->segment[i].at = at;
    flight->segment[i].left = size;
    flight->segment[i].copied = copied;
    flight->copied = flight->copied && copied;
    flight->segment[i].tag = (int)(MPI_FRAMES + 1 + number % net->tags * NET_SEGMENTS + (uint64_t)i);
}

static rp_status mpi_send(struct net *given, int number, const void *head, size_t head_size,
                          const struct net_segment *segment, int segments, void *token, struct error *error)
{
    struct mpi_net *net = state_of(given);
    struct peer *peer = &net->peer[number];
    assert(head_size <= NET_HEAD && segments <= NET_SEGMENTS);
    if (peer->lost || peer->left)
        return error_set(error, RP_WORKER_LOST, "the node of rank %d is lost", peer->rank);
    struct flight *flight = flight_new(net, number, head_size);
    if (!flight)
        return error_set(error, RP_NO_MEMORY, "no memory for a message of %zu bytes", head_size);
    flight->sends = true;
    net->unsent++;
    flight->ending.token = segments > 0 ? token : NULL;
    flight->frame.head_size = (uint32_t)head_size;
    flight->frame.segments = (uint16_t)segments;
    flight->copied = segments > 0;
    memcpy(flight->head, head, head_size);
    for (int i = 0; i < segments; i++) {
        flight->frame.size[i] = segment[i].size;
        place(net, flight, peer->sent, i, (void *)(uintptr_t)segment[i].data, segment[i].size,
              segment[i].copied);
    }
    peer->sent += segments > 0;
    peer_send(net, peer, flight);
    return RP_OK;
}

static void mpi_drop(struct net *given, int number)
{
    struct mpi_net *net = state_of(given);
    peer_lose(net, &net->peer[number], false);
}

/* The first of the heads that have arrived. One with segments waits until there is memory to receive them. */
static bool take_arrived(struct mpi_net *net, struct net_event *event)
{
    while (net->arrivals > 0) {
        struct peer *peer = net->arrived[net->first_arrived];
        if (!peer->lost && !net->coming) {
            net->coming = flight_new(net, (int)(peer - net->peer), 0);
            if (!net->coming)
                return false;
        }
        net->first_arrived = (net->first_arrived + 1) % net->net.peers;
        net->arrivals--;
        if (!peer->lost && peer_take(net, peer, event))
            return true;
    }
    return false;
}

static void mpi_receive(struct net *given, const struct net_event *event, void *const to[], bool copied,
                        void *token)
{
    struct mpi_net *net = state_of(given);
    struct peer *peer = &net->peer[event->peer];
    struct flight *flight = net->coming;
    assert(net->current == peer && flight && token);
    net->coming = NULL;
    flight->peer = event->peer;
    flight->ending.token = token;
    peer->receiving++;
    flight->copied = true;
    for (int i = 0; i < event->segments; i++)
        place(net, flight, peer->received, i, to[i], event->size[i], copied || !to[i]);
    peer->received++;
    flight->lost = peer->lost || peer->failed;
    flight_begin(net, flight);
}

/* ---- Polling ------------------------------------------------------------------------------ */

static void note_arrival(struct mpi_net *net, struct peer *peer, const MPI_Status *status)
{
    MPI_Get_count(status, MPI_BYTE, &peer->arrived);
    net->arrived[(net->first_arrived + net->arrivals++) % net->net.peers] = peer;
}

static void fail_all(struct mpi_net *net)
{
    for (int i = 0; i < net->net.peers; i++)
        net->peer[i].failed = true;
    net->unsettled = true;
}

/* Asks about one slice of the requests; false: nothing of it has completed. */
static bool ask(struct mpi_net *net)
{
    int index[MPI_SLICE], peers = net->net.peers, all = peers + net->busy, found = 0;
    MPI_Status status[MPI_SLICE];
    int from = net->next < all ? net->next : 0, count = all - from < MPI_SLICE ? all - from : MPI_SLICE;
    net->next = from + count;
    int code = MPI_Testsome(count, &net->request[from], &found, index, status);
    if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) {
        fail_all(net);
        return false;
    }
    if (found == MPI_UNDEFINED)
        return false;
    for (int i = 0; i < found; i++) {
        int at = from + index[i];
        bool well = code == MPI_SUCCESS || status[i].MPI_ERROR == MPI_SUCCESS;
        if (at >= peers)
            flight_step(net, at - peers, well);
        else if (well)
            note_arrival(net, &net->peer[at], &status[i]);
        else
            net->peer[at].failed = net->unsettled = true;
    }
    for (int i = 0; i < found; i++)
        if (from + index[i] >= peers)
            flight_compact(net, from + index[i] - peers);
    return found > 0;
}

static bool take_ending(struct mpi_net *net, struct net_event *event)
{
    struct ending *ending = endings_take(&net->endings, event);
    if (ending)
        flight_let_go(ending->owner);
    return ending != NULL;
}

static bool mpi_poll(struct net *given, struct net_event *event)
{
    struct mpi_net *net = state_of(given);
    if (net->current)
        peer_release(net, net->current);
    net->current = NULL;
    for (int in_vain = 0;;) {
        peers_settle(net);
        if (take_ending(net, event) || take_arrived(net, event))
            return true;
        if (in_vain * MPI_SLICE >= net->net.peers + net->busy)
            return false;
        in_vain = ask(net) ? 0 : in_vain + 1;
    }
}

static bool mpi_is_quiet(const struct net *given)
{
    return state_of(given)->unsent == 0;
}

static int mpi_room(const struct net *given, int number)
{
    const struct peer *peer = &state_of(given)->peer[number];
    int waiting = 0;
    for (const struct flight *flight = peer->queue; flight; flight = flight->next)
        waiting += flight->frame.kind == FRAME_HEAD;
    return waiting ? -waiting : peer->lost || !peer_has_room(peer) ? 0 : peer->credits;
}

static void mpi_hasten(struct net *given, int number)
{
    struct mpi_net *net = state_of(given);
    if (!net->peer[number].lost)
        peer_hasten(net, &net->peer[number]);
}

/* ---- Life --------------------------------------------------------------------------------- */

/* Says goodbye, and waits for the others': from then on nobody sends anything. */
static void part(struct mpi_net *net)
{
    uint64_t deadline = clock_ns() + GOODBYE_NS;
    struct net_event event;
    bool waits = true;
    for (struct peer *peer = net->peer; peer < net->peer + net->net.peers; peer++)
        if (!peer->lost && !peer->departed)
            peer->departed = peer_say(net, peer, FRAME_GOODBYE, false);
    while (waits && clock_ns() < deadline) {
        if (!mpi_poll(&net->net, &event))
            sched_yield();
        waits = net->unsent > 0;
        for (int i = 0; i < net->net.peers; i++)
            waits = waits || !net->peer[i].lost;
    }
}

static void free_net(struct mpi_net *net)
{
    for (int i = 0; i < net->net.peers && net->peer; i++)
        if (!net->peer[i].kept)
            free(net->peer[i].buffer);
    copies_free(net);
    free(net->coming);
    free(net->peer);
    free(net->request);
    free(net->carried);
    free(net->arrived);
    free(net);
}

static void mpi_close(struct net *given)
{
    struct mpi_net *net = state_of(given);
    struct net_event event;
    part(net);
    for (int i = 0; i < net->net.peers; i++)
        peer_lose(net, &net->peer[i], false);
    while (take_ending(net, &event))
        ;
    flight_abandon(net);
    free_net(net);
}

/* ---- What a peer that has died leaves to each call: see hangup.h, lockup.h ------------------ */

static rp_status send_on(struct net *net, int peer, const void *head, size_t head_size,
                         const struct net_segment *segment, int segments, void *token, struct error *error)
{
    bool before = mpi_enter();
    rp_status status = mpi_send(net, peer, head, head_size, segment, segments, token, error);
    mpi_leave(before);
    return status;
}

static bool poll_on(struct net *net, struct net_event *event)
{
    bool before = mpi_enter(), any = mpi_poll(net, event);
    mpi_leave(before);
    return any;
}

static void receive_on(struct net *net, const struct net_event *event, void *const to[], bool copied,
                       void *token)
{
    bool before = mpi_enter();
    mpi_receive(net, event, to, copied, token);
    mpi_leave(before);
}

static void let_go_on(struct net *net, const void *memory, size_t size)
{
    copies_let_go(state_of(net), memory, size);
}

static void drop_on(struct net *net, int peer)
{
    bool before = mpi_enter();
    mpi_drop(net, peer);
    mpi_leave(before);
}

static void hasten_on(struct net *net, int peer)
{
    bool before = mpi_enter();
    mpi_hasten(net, peer);
    mpi_leave(before);
}

static void close_on(struct net *net)
{
    bool before = mpi_enter();
    mpi_close(net);
    mpi_leave(before);
    lockup_unguard();
    hangup_unguard();
}

static const struct net_ops mpi_ops = {
    .send = send_on,
    .poll = poll_on,
    .receive = receive_on,
    .let_go = let_go_on,
    .drop = drop_on,
    .is_quiet = mpi_is_quiet,
    .room = mpi_room,
    .hasten = hasten_on,
    .close = close_on,
};

static bool allocate(struct mpi_net *net, const int *rank, int peers)
{
    size_t n = (size_t)peers + !peers;
    net->peer = calloc(n, sizeof *net->peer);
    net->request = malloc(n * sizeof *net->request);
    net->arrived = malloc(n * sizeof *net->arrived);
    for (int i = 0; i < peers && net->request; i++)
        net->request[i] = MPI_REQUEST_NULL;
    for (int i = 0; i < peers && net->peer; i++) {
        struct peer *peer = &net->peer[i];
        peer->rank = rank[i];
        peer->credits = NET_BUFFERS;
        peer->queue_end = &peer->queue;
        peer->held_end = &peer->held;
        for (int k = 0; k < MPI_RECEIVES; k++)
            peer->posted[k] = MPI_REQUEST_NULL;
        peer->buffer = aligned_alloc(_Alignof(struct buffer), MPI_RECEIVES * sizeof *peer->buffer);
        if (!peer->buffer)
            return false;
    }
    return net->peer && net->request && net->arrived;
}

/* How many messages with segments have tags of their own. */
static uint64_t count_tags(MPI_Comm comm)
{
    int found = 0, *most = NULL;
    MPI_Comm_get_attr(comm, MPI_TAG_UB, &most, &found);
    return (uint64_t)((found ? *most : 32767) - MPI_FRAMES) / NET_SEGMENTS;
}

rp_status net_open_mpi(const void *communicator, const int *rank, int peers, struct net **made,
                       struct error *error)
{
    MPI_Comm comm = *(const MPI_Comm *)communicator;
    rp_status status =
        mpi_judge(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", error);
    if (status)
        return status;
    struct mpi_net *net = calloc(1, sizeof *net);
    if (!net)
        return error_set(error, RP_NO_MEMORY, "no memory for connections to other nodes");
    net->net = (struct net){.ops = &mpi_ops, .peers = peers};
    if (!allocate(net, rank, peers)) {
        free_net(net);
        return error_set(error, RP_NO_MEMORY, "no memory for connections to %d nodes", peers);
    }
    status = lockup_guard(error);
    if (status) {
        free_net(net);
        return status;
    }
    net->comm = comm;
    net->tags = count_tags(comm);
    for (int i = 0; i < peers; i++)
        peer_open(net, &net->peer[i]);
    hangup_guard();
    *made = &net->net;
    return RP_OK;
}
