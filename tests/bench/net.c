/* The transport between nodes, for `mpirun -n 2 bench_net ...`
 *
 *   ping SIZE N ROUNDS   ping-pong of SIZE bytes by net and, by turns, by MPI_Send and MPI_Recv; SIZE goes in
 *                        the head up to 16 KiB, else as a segment
 *   carry SIZE N ROUNDS  nanoseconds of the processor that a message of SIZE bytes takes: to send it, and to
 *                        receive it when it is there; with a message back now and then, which takes credits
 *   poll PEERS           nanoseconds of net_poll with so many idle peers */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/mpi.h"
#include "work.h"

#define IN_HEAD (16u << 10)

struct bench {
    int self;
    MPI_Comm comm;
    struct net *net;
    size_t size;
    char *out, *in;
    int come; /* heads of the other's next turn, that came early */
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_net: %s\n", what);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- Ping-pong ---- */

static void raw(const struct bench *bench, size_t n)
{
    int other = 1 - bench->self, size = (int)bench->size;
    for (size_t i = 0; i < n; i++) {
        if (bench->self == 0)
            MPI_Send(bench->out, size, MPI_BYTE, other, 0, MPI_COMM_WORLD);
        MPI_Recv(bench->in, size, MPI_BYTE, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (bench->self == 1)
            MPI_Send(bench->out, size, MPI_BYTE, other, 0, MPI_COMM_WORLD);
    }
}

static void say(struct bench *bench)
{
    struct net_segment segment = {.data = bench->out, .size = bench->size};
    struct error error;
    rp_status status = bench->size <= IN_HEAD
                           ? net_send(bench->net, 0, bench->out, bench->size, NULL, 0, NULL, &error)
                           : net_send(bench->net, 0, "head", 4, &segment, 1, NULL, &error);
    if (status)
        fail(error.text);
}

static void hear(struct bench *bench)
{
    struct net_event event;
    for (;;) {
        if (!net_poll(bench->net, &event))
            continue;
        if (event.kind == NET_LOST)
            fail("the other end is lost");
        if (event.kind == NET_BODY)
            return;
        if (event.kind == NET_HEADED && event.segments == 0) {
            memcpy(bench->in, event.head, event.head_size);
            return;
        }
        if (event.kind == NET_HEADED)
            net_receive(bench->net, &event, (void *[]){bench->in}, bench);
    }
}

static void ours(struct bench *bench, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bench->self == 0)
            say(bench);
        hear(bench);
        if (bench->self == 1)
            say(bench);
    }
}

static double timed(struct bench *bench, size_t n, bool net)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double begun = work_now();
    if (net)
        ours(bench, n);
    else
        raw(bench, n);
    return (work_now() - begun) / (double)n / 2; /* one way */
}

static void ping(struct bench *bench, size_t n, size_t rounds)
{
    for (size_t i = 0; i <= rounds; i++) {
        double by_mpi = timed(bench, n, false), by_net = timed(bench, n, true);
        if (bench->self == 0 && i > 0) /* after one that warms up */
            printf("NET what=ping size=%zu n=%zu raw_us=%.3f net_us=%.3f mbps=%.1f ratio=%.3f\n", bench->size,
                   n, by_mpi * 1e6, by_net * 1e6, (double)bench->size / by_net * 1e-6, by_mpi / by_net);
    }
}

/* ---- What a message takes ---- */

static double now_ns(void)
{
    return work_now() * 1e9;
}

static void wait_ns(double ns)
{
    for (double begun = now_ns(); now_ns() < begun + ns;)
        continue;
}

#define AT_ONCE (NET_BUFFERS / 2) /* the credits for these are back before the answer */

/* Until they have left. */
static void say_some(struct bench *bench)
{
    struct net_event event;
    for (int i = 0; i < AT_ONCE; i++)
        say(bench);
    while (!net_is_quiet(bench->net))
        bench->come += net_poll(bench->net, &event);
}

static void hear_some(struct bench *bench)
{
    for (; bench->come < AT_ONCE; bench->come++)
        hear(bench);
    bench->come = 0;
}

/* What n times take, each: medians. */
static void carried(struct bench *bench, size_t n, double *send, double *receive)
{
    double pause = (double)bench->size * 2 + 60e3, begun;
    for (size_t i = 0; i < n; i++) {
        if (bench->self == 0) {
            begun = now_ns();
            say_some(bench);
            send[i] = (now_ns() - begun) / AT_ONCE;
            wait_ns(pause);
        }
        begun = now_ns();
        hear_some(bench);
        receive[i] = (now_ns() - begun) / AT_ONCE;
        if (bench->self == 1)
            say_some(bench);
    }
    work_sort(send, n);
    work_sort(receive, n);
}

static void carry(struct bench *bench, size_t n, size_t rounds)
{
    double *send = calloc(n, sizeof *send), *receive = calloc(n, sizeof *receive);
    if (!send || !receive)
        fail("no memory");
    for (size_t i = 0; i <= rounds; i++) {
        carried(bench, n, send, receive);
        if (bench->self == 0 && i > 0) /* after one that warms up */
            printf("NET what=carry size=%zu send_ns=%.1f receive_ns=%.1f\n", bench->size, send[n / 2],
                   receive[n / 2]);
    }
    free(send);
    free(receive);
}

/* ---- Polling ---- */

static void poll(struct net *net)
{
    enum { CALLS = 20000 };
    struct net_event event;
    double begun = work_now();
    for (int i = 0; i < CALLS; i++)
        if (net_poll(net, &event))
            fail("something came");
    printf("NET what=poll peers=%d ns=%.0f\n", net->peers, (work_now() - begun) / CALLS * 1e9);
    for (int peer = 0; peer < net->peers; peer++)
        net_drop(net, peer);
}

static struct net *open_net(const struct bench *bench, int peers)
{
    struct net *net = NULL;
    struct error error;
    int *rank = malloc((size_t)peers * sizeof *rank + 1);
    for (int i = 0; rank && i < peers; i++)
        rank[i] = 1 - bench->self;
    if (!rank || net_open_mpi(&bench->comm, rank, peers, &net, &error))
        fail("no net");
    free(rank);
    return net;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    const char *what = argument(argc, argv, 1, "ping");
    bool polls = strcmp(what, "poll") == 0;
    int ranks, level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_dup(MPI_COMM_WORLD, &bench.comm);
    MPI_Comm_rank(bench.comm, &bench.self);
    MPI_Comm_size(bench.comm, &ranks);
    if (ranks != 2)
        fail("it takes two ranks");
    bench.size = argument_count(argc, argv, 2, 8);
    bench.out = calloc(bench.size, 1);
    bench.in = calloc(bench.size, 1);
    if (!bench.out || !bench.in)
        fail("no memory");
    if (polls && bench.self == 0) {
        bench.net = open_net(&bench, (int)bench.size);
        poll(bench.net);
    } else if (!polls) {
        size_t n = argument_count(argc, argv, 3, 1000), rounds = argument_count(argc, argv, 4, 5);
        bench.net = open_net(&bench, 1);
        (strcmp(what, "carry") == 0 ? carry : ping)(&bench, n, rounds);
    }
    net_close(bench.net);
    MPI_Comm_free(&bench.comm);
    free(bench.out);
    free(bench.in);
    return MPI_Finalize();
}
