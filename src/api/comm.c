#define _GNU_SOURCE
#include "api/comm_state.h"

#include <pthread.h>
#include <rankpool/mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/guest.h"
#include "api/last_error.h"
#include "api/meet.h"
#include "net/hangup.h"
#include "net/mpi.h"
#include "net/mpi_call.h"
#include "run/box.h"

/* The process has one MPI. */
static struct {
    struct comm *world;  /* of the program that leaves MPI to the library */
    struct wired *wired; /* nets that are open */
    struct comm *first;  /* kept with the caller's communicators, the newest first */
    bool watched;        /* the second key below is made, and on MPI_COMM_SELF ... */
    bool ready;          /* ... and the first one is made, too */
    int key, end;        /* of a communicator's comm; of the end of MPI, on MPI_COMM_SELF */
} process;

static void free_communicator(MPI_Comm *own)
{
    hangup_guard();
    bool outer = mpi_enter();
    MPI_Comm_free(own);
    mpi_leave(outer);
    hangup_unguard();
}

static rp_status duplicate(MPI_Comm callers, struct comm **comm, struct error *error)
{
    int rank, ranks;
    MPI_Comm_rank(callers, &rank);
    MPI_Comm_size(callers, &ranks);
    struct comm *made = calloc(1, sizeof *made + (size_t)ranks * sizeof *made->pid);
    if (!made)
        return error_set(error, RP_NO_MEMORY, "no memory for a communicator");
    made->callers = callers;
    made->rank = rank;
    made->ranks = ranks;
    rp_status status = comm_duplicate(made, callers, &made->own, error);
    if (status) {
        free(made);
        return status;
    }
    MPI_Comm_set_errhandler(made->own, MPI_ERRORS_RETURN);
    *comm = made;
    return RP_OK;
}

static void release(struct comm *comm)
{
    if (comm->kept && comm->keeping.release)
        comm->keeping.release(comm->kept);
    if (!comm->lost.status) /* else MPI has not ended what was begun there */
        free_communicator(&comm->own);
    free(comm);
}

/* ---- The end of MPI ---------------------------------------------------------------------- */

/* Its MPI is a copy of the rank's, which nobody would answer. */
static _Noreturn void end_child(void)
{
    fprintf(
        stderr,
        "rankpool: an isolated task has called MPI_Finalize, which only the program may: its process ends\n");
    _exit(1);
}

/* MPI_Finalize deletes the attributes of MPI_COMM_SELF first, those set last at first. */
static int begin_end(MPI_Comm self, int key, void *value, void *state)
{
    (void)self, (void)key, (void)value, (void)state;
    if (box_is_child())
        end_child();
    if (process.world && process.world->kept)
        process.world->keeping.end(process.world->kept);
    while (process.first) {
        if (process.first->kept)
            process.first->keeping.end(process.first->kept);
        MPI_Comm_delete_attr(process.first->callers, process.key);
    }
    if (process.ready)
        MPI_Comm_free_keyval(&process.key);
    MPI_Comm_free_keyval(&process.end);
    return MPI_SUCCESS;
}

static rp_status watch_end(struct error *error)
{
    if (process.watched)
        return RP_OK;
    rp_status status = mpi_judge(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, begin_end, &process.end, NULL),
                                 "MPI_Comm_create_keyval", error);
    if (!status)
        status = mpi_judge(MPI_Comm_set_attr(MPI_COMM_SELF, process.end, NULL), "MPI_Comm_set_attr", error);
    process.watched = !status;
    return status;
}

/* ---- The library's own MPI --------------------------------------------------------------- */

bool comm_runs(void)
{
    int initialized;
    MPI_Initialized(&initialized);
    return initialized;
}

/* No other thread ever calls MPI. In Open MPI 4.1 the levels differ in one thing alone: from
 * MPI_THREAD_FUNNELED on it takes locks, and over TCP one of them twice when a peer dies in the middle of a
 * long message. */
#if defined OMPI_MAJOR_VERSION && OMPI_MAJOR_VERSION < 5
#define THREAD_LEVEL MPI_THREAD_SINGLE
#else
#define THREAD_LEVEL MPI_THREAD_FUNNELED
#endif

/* Threads of MPI's own write to other nodes, too: what has died there does not end this process. */
static rp_status start_mpi(struct error *error)
{
    int level;
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    rp_status status = mpi_judge(MPI_Init_thread(NULL, NULL, THREAD_LEVEL, &level), "MPI_Init_thread", error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

rp_status comm_start(struct comm **world, struct error *error)
{
    if (comm_runs())
        return error_set(
            error, RP_INVALID,
            "rp_open in a program that has called MPI_Init: open the pool with rp_open_comm instead");
    rp_status status = start_mpi(error);
    if (!status)
        status = watch_end(error);
    if (!status)
        status = duplicate(MPI_COMM_WORLD, &process.world, error);
    if (!status)
        *world = process.world;
    return status;
}

void comm_stop(void)
{
    int finalized;
    MPI_Finalized(&finalized);
    if (!process.world || finalized)
        return;
    release(process.world);
    process.world = NULL;
    MPI_Finalize();
}

/* ---- The caller's MPI -------------------------------------------------------------------- */

static int forget(MPI_Comm callers, int key, void *value, void *state)
{
    (void)callers, (void)key, (void)state;
    struct comm **link = &process.first;
    while (*link && *link != value)
        link = &(*link)->behind;
    if (*link) {
        *link = (*link)->behind;
        release(value);
    }
    return MPI_SUCCESS;
}

static rp_status make_keys(struct error *error)
{
    if (process.ready)
        return RP_OK;
    rp_status status = watch_end(error);
    if (!status)
        status = mpi_judge(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, forget, &process.key, NULL),
                           "MPI_Comm_create_keyval", error);
    process.ready = !status;
    return status;
}

/* What each rank can tell by itself, without a collective call. */
static rp_status check(MPI_Comm callers, struct error *error)
{
    int finalized, is_inter;
    if (box_is_child())
        return error_set(error, RP_INVALID, "rp_open_comm from inside an isolated task");
    if (!comm_runs())
        return error_set(error, RP_INVALID,
                         "rp_open_comm before MPI_Init: initialise MPI first, or open the pool with rp_open, "
                         "which does it");
    MPI_Finalized(&finalized);
    if (finalized)
        return error_set(error, RP_INVALID, "rp_open_comm after MPI_Finalize");
    if (process.world)
        return error_set(
            error, RP_INVALID,
            "rp_open_comm in a program that has left MPI to rp_open: open the pool with rp_open, "
            "too");
    if (callers == MPI_COMM_NULL)
        return error_set(error, RP_INVALID, "rp_open_comm: the communicator is MPI_COMM_NULL");
    rp_status status = mpi_judge(MPI_Comm_test_inter(callers, &is_inter), "MPI_Comm_test_inter", error);
    if (!status && is_inter)
        return error_set(error, RP_INVALID,
                         "rp_open_comm: the communicator is an intercommunicator: merge its groups with "
                         "MPI_Intercomm_merge");
    return status;
}

static rp_status comm_of(MPI_Comm callers, struct comm **comm, struct error *error)
{
    int found;
    rp_status status = check(callers, error);
    if (!status)
        status = make_keys(error);
    if (!status)
        status = mpi_judge(MPI_Comm_get_attr(callers, process.key, (void *)comm, &found), "MPI_Comm_get_attr",
                           error);
    if (status || found)
        return status;
    status = duplicate(callers, comm, error);
    if (status)
        return status;
    status = mpi_judge(MPI_Comm_set_attr(callers, process.key, *comm), "MPI_Comm_set_attr", error);
    if (status) {
        release(*comm);
        return status;
    }
    (*comm)->behind = process.first;
    process.first = *comm;
    return RP_OK;
}

rp_status rp_open_comm(MPI_Comm callers, int manager, const rp_options *options, rp_pool **pool)
{
    struct comm *comm;
    struct error *error = api_error();
    error_clear(error);
    rp_status status = comm_of(callers, &comm, error);
    return status ? status : guest_open(comm, manager, options, pool, error);
}

rp_status rp_serve(rp_pool *pool)
{
    return guest_serve(pool);
}

/* ---- Exchanges --------------------------------------------------------------------------- */

int comm_rank(const struct comm *comm)
{
    return comm->rank;
}

int comm_ranks(const struct comm *comm)
{
    return comm->ranks;
}

/* A net and its communicator. */
struct wired {
    struct wired *behind;
    struct net *net;
    MPI_Comm own;
};

rp_status comm_open_net(struct comm *comm, const int *peer, int peers, struct net **net, struct error *error)
{
    struct wired *wired = calloc(1, sizeof *wired);
    rp_status status = meet_agree(
        comm, wired ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for a communicator"), error);
    if (!status)
        status = comm_duplicate(comm, comm->own, &wired->own, error);
    if (status) {
        free(wired);
        return status;
    }
    if (peers)
        status = net_open_mpi(&wired->own, peer, peers, &wired->net, error);
    if (!wired->net) {
        free_communicator(&wired->own);
        free(wired);
        return status;
    }
    wired->behind = process.wired;
    process.wired = wired;
    *net = wired->net;
    return RP_OK;
}

/* Behind the end of MPI there is nothing left to be closed. */
void comm_close_net(struct net *net)
{
    int finalized;
    struct wired **link = &process.wired;
    MPI_Finalized(&finalized);
    while (*link && (*link)->net != net)
        link = &(*link)->behind;
    struct wired *wired = *link;
    if (!wired)
        return;
    *link = wired->behind;
    if (!finalized) {
        net_close(net);
        free_communicator(&wired->own);
    }
    free(wired);
}

void *comm_kept(const struct comm *comm)
{
    return comm->kept;
}

void comm_keep(struct comm *comm, void *what, const struct comm_keeping *keeping)
{
    comm->kept = what;
    comm->keeping = *keeping;
}
