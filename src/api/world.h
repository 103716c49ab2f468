/* The world of a program that leaves MPI to the library: all its ranks, from the first rp_open to
 * the end of the process. Pools come and go in it. */
#ifndef RANKPOOL_API_WORLD_H
#define RANKPOOL_API_WORLD_H

#include "api/links.h"
#include "board/roster.h"
#include "config/options.h"
#include "run/crew.h"

struct world {
    bool alone; /* tasks run in this process */
    bool ours;  /* rp_open started the ranks: the manager has no core of its own, and only manages */
    struct roster roster;
    enum memory_kind memory;
    struct crew *crew; /* of all nodes */
    int nodes;
    struct links links; /* between these */
    char *description;
    struct handover *parent; /* of the manager where rp_open started it, or NULL */
};

/* Starts the world in the first call, by the options of the pool to be opened; later calls give
 * the same world. Under a launcher collective over all ranks, of which only the manager returns.
 * Started alone it starts the program again, and does not return in this process. */
rp_status world_enter(const struct options *options, struct world **world, struct error *error);

/* Parts of a world: the ranks of a comm, met (meet_ranks); a crew of this process alone; how it was sized and
 * why. `visits` is links_open's. RP_NO_MEMORY. */
rp_status world_meet(struct world *world, struct comm *comm, int manager, bool visits, struct error *error);
rp_status world_be_alone(struct world *world, const char *why);
rp_status world_describe(struct world *world, const char *format, ...) RP_PRINTF(2, 3);

/* RP_INVALID: there are pools over several nodes, and the call comes from another thread than theirs. */
rp_status world_check_thread(const char *call, struct error *error);

/* A task has called MPI_Finalize, in which the other ranks would be waited for: ends this process with a
 * sentence, as a worker of that roster that is lost. */
_Noreturn void world_lose_worker(const struct roster *roster);

/* True where a launcher started this process, with others perhaps. */
bool world_is_launched(void);

/* True in a rank that serves: it opens no pools. */
bool world_is_worker(void);

/* Numbers for pools, from 1. */
uint64_t world_new_pool(void);

/* How many pools are open: while there are any, the end of the process does not wait for their
 * tasks for long. */
void world_count_pool(int change);

#endif
