/* Three ranks, of which the first leader is killed: net_killed [brief].
 *
 * It dies while long letters cross, or with `brief` before the manager goes on to write short ones. The
 * manager, who learns of its end from the system, drops it, gets back what it has sent, goes on with the
 * other leader, and closes its end without waiting for ever. It says so; nobody finalizes MPI, which would
 * wait for the dead. */
#define _GNU_SOURCE
#include <errno.h>
#include <mpi.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/mpi.h"
#include "office.h"

enum { LETTERS = 100, MIDDLE = 10 };

static const struct office_style styles[] = {
    {.head = 1000, .segment = 4u << 20, .segments = NET_SEGMENTS},
    {.head = 100, .segment = 100, .exact = true, .segments = NET_SEGMENTS}};

static void require(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "not so: %s\n", what);
    _exit(1);
}

static void close_soon(struct net *net)
{
    uint64_t begun = clock_ns();
    net_close(net);
    require(clock_ns() - begun < UINT64_C(5000000000), "the end is closed within five seconds");
}

static bool lives(long pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Many letters are on their way as it dies. */
static void lose_long(struct office *office, long victim)
{
    for (int i = 0; i < LETTERS; i++)
        office_send(office, 0);
    while (lives(victim))
        office_turn(office);
}

/* Nothing is on its way, and MPI has not been called since. */
static void lose_brief(struct office *office, long victim)
{
    office_send(office, 0);
    while (office->headed[0] < 1)
        office_turn(office);
    while (lives(victim))
        sched_yield();
    for (int i = 0; i < NET_BUFFERS / 2; i++)
        office_send(office, 0);
}

static void manage(struct net *net, long victim, bool brief)
{
    struct office office;
    office_open(&office, net, 0, &styles[brief]);
    for (int i = 0; i < LETTERS; i++)
        office_send(&office, 1);
    (brief ? lose_brief : lose_long)(&office, victim);
    net_drop(net, 0);
    office.first = 1;
    office_finish(&office, LETTERS);
    require(office.sending[0] <= NET_BUFFERS,
            "what was to be sent to the dead has come back, but what had begun");
    require(brief || office.lost_sending > LETTERS / 2, "it is lost");
    close_soon(net);
    printf("manager: all is well\n");
}

static void lead(struct net *net, int rank, bool brief)
{
    struct office office;
    int last = brief ? 1 : MIDDLE;
    office_open(&office, net, rank, &styles[brief]);
    for (int i = 0; i < (rank == 1 && brief ? last : LETTERS); i++)
        office_send(&office, 0);
    while (rank == 1 && office.headed[0] < last)
        office_turn(&office);
    if (rank == 1)
        kill(getpid(), SIGKILL);
    office_finish(&office, LETTERS);
    close_soon(net);
}

int main(int argc, char **argv)
{
    static const int manager = 0, leaders[] = {1, 2};
    int rank, level;
    long mine = (long)getpid(), pids[3];
    MPI_Comm comm;
    struct net *net;
    struct error error;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_rank(comm, &rank);
    MPI_Allgather(&mine, 1, MPI_LONG, pids, 1, MPI_LONG, comm);
    require(!(rank ? net_open_mpi(&comm, &manager, 1, &net, &error)
                   : net_open_mpi(&comm, leaders, 2, &net, &error)),
            "the end is opened");
    if (rank == 0)
        manage(net, pids[1], argc > 1);
    else
        lead(net, rank, argc > 1);
    fflush(stdout);
    _exit(0);
}
