/* The little that the pool needs of MPI: to start, to meet, to end. A comm is a communicator of the
 * library's own; nothing is ever sent on the caller's, and no call of MPI is made between the
 * opening of a pool and the next one, but on the net between nodes, where there are several.
 *
 * Where the library runs MPI there is one comm, of all ranks: comm_start ... comm_stop. In programs
 * that run MPI themselves rp_open_comm, which stands here since it speaks of MPI_Comm, duplicates
 * each communicator once and keeps the duplicate with it as an attribute: it goes with the
 * communicator, or with MPI_Finalize.
 *
 * Errors of MPI are returned, as RP_MPI, and so is a rank's death during an exchange, which ends the comm:
 * each rank finds that out by itself, or is told by a rank of the dead one's machine that waits, too, and
 * some may have what they waited for. Of the last rank of a machine, and of the machine, those know who
 * manage or lead what is kept with the comm (comm_keeping.find_lost). Until something is, ranks that are in
 * the first opening, and say nothing for RANKPOOL_SILENCE and some seconds, are taken for dead; those that
 * have not come yet are waited for. Later deaths are not MPI's matter (run/watch.h, run/vigil.h). All calls
 * that exchange something are collective; who waits in one sees to the pools of its process meanwhile
 * (team_tend), and sleeps. */
#ifndef RANKPOOL_API_COMM_H
#define RANKPOOL_API_COMM_H

#include <stdbool.h>

#include "base/error.h"

struct comm;
struct net;

/* Initialises MPI and gives the comm of all ranks. RP_INVALID where the
 * program has initialised MPI itself. */
rp_status comm_start(struct comm **world, struct error *error);

/* Finalises MPI where comm_start initialised it. */
void comm_stop(void);

/* MPI has been initialised, by whomever. */
bool comm_runs(void);

int comm_rank(const struct comm *comm);
int comm_ranks(const struct comm *comm);

/* A rank is a process of this kernel: if it dies, exchanges end from now on. */
void comm_watch(struct comm *comm, int rank, long pid);

/* Whether all ranks are in the call now, and none has a reason to keep the others waiting for long; or may
 * take its time to come. */
void comm_expect(struct comm *comm, bool all);

/* Everybody's `size` bytes, in the order of ranks, to everybody. */
rp_status comm_all_gather(struct comm *comm, const void *mine, size_t size, void *all, struct error *error);

/* One rank's `size` bytes to everybody. */
rp_status comm_broadcast(struct comm *comm, int from, void *data, size_t size, struct error *error);

/* A net over a communicator of its own, between this rank and its peers; NULL for a rank that has none. */
rp_status comm_open_net(struct comm *comm, const int *peer, int peers, struct net **net, struct error *error);

/* Not collective, though all should do so at about the same time; NULL is fine. */
void comm_close_net(struct net *net);

/* A rank of the comm that is known to have died, or that a manager cannot reach any more. */
struct comm_loss {
    int rank;
    const char *why; /* it lives, and was given up; NULL: it has died */
    bool tells;      /* this rank tells the others */
};

/* What is kept with the comm (NULL at first), and released with it. */
struct comm_keeping {
    void (*release)(void *what); /* or NULL */
    void (*end)(void *what);     /* before that, where the program, or a task, calls MPI_Finalize */
    bool (*find_lost)(const void *what, struct comm_loss *loss); /* or NULL; false: nobody is lost */
};
void *comm_kept(const struct comm *comm);
void comm_keep(struct comm *comm, void *what, const struct comm_keeping *keeping);

#endif
