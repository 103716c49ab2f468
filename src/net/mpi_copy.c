/* Memory that pieces go through where the caller's may not be MPI's. */
#include <stdlib.h>
#include <string.h>

#include "net/mpi_state.h"

#define KEPT 8 /* of those that nobody uses */

/* Of a short piece no more than its beginning is touched. */
static struct copy *take(struct mpi_net *net)
{
    struct copy *copy = net->copies;
    if (!copy)
        return aligned_alloc(_Alignof(struct copy), sizeof *copy);
    net->copies = copy->next;
    net->copies_kept--;
    return copy;
}

void copy_give(struct mpi_net *net, struct copy *copy)
{
    if (copy && net->copies_kept == KEPT) {
        free(copy);
    } else if (copy) {
        copy->next = net->copies;
        net->copies = copy;
        net->copies_kept++;
    }
}

bool copy_fetch(struct mpi_net *net, struct carried *carried, const char *at)
{
    struct copy *ready = carried->flight->ready;
    if (ready) {
        copy_give(net, carried->copy);
        carried->flight->ready = NULL;
        carried->copy = ready;
        return true;
    }
    if (!carried->copy)
        carried->copy = take(net);
    if (carried->copy && at && carried->flight->sends)
        memcpy(carried->copy->bytes, at, carried->size);
    else if (carried->copy && carried->flight->sends)
        memset(carried->copy->bytes, 0, carried->size);
    return carried->copy;
}

void copy_ahead(struct mpi_net *net, struct flight *flight)
{
    int next = 0;
    while (next < NET_SEGMENTS - 1 && !flight->segment[next].left)
        next++;
    const char *at = flight->segment[next].at;
    size_t left = flight->segment[next].left;
    if (!flight->in_turn || flight->ready || flight->lost || !flight->segment[next].copied || !at || !left)
        return;
    flight->ready = take(net);
    if (flight->ready)
        memcpy(flight->ready->bytes, at, left < MPI_PIECE ? left : MPI_PIECE);
}

static bool lies_in(const char *at, const char *memory, size_t size)
{
    return at >= memory && at < memory + size;
}

static void let_go(struct flight *flight, const char *memory, size_t size)
{
    for (int i = 0; i < NET_SEGMENTS; i++)
        if (flight->segment[i].copied && lies_in(flight->segment[i].at, memory, size))
            flight->segment[i].at = NULL;
}

void copies_let_go(struct mpi_net *net, const char *memory, size_t size)
{
    for (int i = 0; i < net->net.peers; i++) {
        for (struct flight *flight = net->peer[i].queue; flight; flight = flight->next)
            let_go(flight, memory, size);
        for (struct flight *flight = net->peer[i].held; flight; flight = flight->next)
            let_go(flight, memory, size);
    }
    for (int i = 0; i < net->busy; i++) {
        struct carried *carried = &net->carried[i];
        if (carried->flight)
            let_go(carried->flight, memory, size);
        if (carried->copy && lies_in(carried->to, memory, size))
            carried->to = NULL;
    }
}

void copies_free(struct mpi_net *net)
{
    while (net->copies) {
        struct copy *copy = net->copies;
        net->copies = copy->next;
        free(copy);
    }
}
