#include "api/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/meet.h"
#include "api/pool.h"
#include "api/team.h"

/* ---- Opening ----------------------------------------------------------------------------- */

/* What each rank says at first. */
struct greeting {
    uint64_t kernel;
    int64_t pid;
    int64_t manager;
};

/* Whose deaths this process can see. */
static void know_ranks(struct comm *comm, const struct greeting *all)
{
    for (int rank = 0; rank < comm_ranks(comm); rank++)
        if (all[rank].kernel == all[comm_rank(comm)].kernel)
            comm_watch(comm, rank, all[rank].pid);
}

/* All ranks see the same table, and come to the same answer. */
static rp_status agree_on_manager(struct comm *comm, int manager, struct error *error)
{
    int ranks = comm_ranks(comm);
    struct greeting mine = {meet_kernel(), getpid(), manager}, *all = calloc((size_t)ranks, sizeof *all);
    if (!all)
        return error_set(error, RP_NO_MEMORY, "no memory to meet %d ranks", ranks);
    comm_expect(comm, false);
    rp_status status = comm_all_gather(comm, &mine, sizeof mine, all, error);
    if (!status) {
        know_ranks(comm, all);
        comm_expect(comm, true);
    }
    for (int i = 1; !status && i < ranks; i++)
        if (all[i].manager != all[0].manager)
            status = error_set(error, RP_INVALID,
                               "rp_open_comm: rank 0 says that the manager is %d, rank %d says %d: all must "
                               "say the same",
                               (int)all[0].manager, i, (int)all[i].manager);
    if (!status && (manager < 0 || manager >= ranks))
        status =
            error_set(error, RP_INVALID,
                      "rp_open_comm: rank %d cannot be the manager: the communicator's ranks are 0 to %d",
                      manager, ranks - 1);
    free(all);
    return status;
}

/* What this rank needs for the pool. */
static rp_status prepare(struct comm *comm, int manager, rp_pool **place, rp_pool **made, struct error *error)
{
    if (!place)
        return error_set(error, RP_INVALID,
                         "rp_open_comm: there is no place for the pool in rank %d: its last argument is NULL",
                         comm_rank(comm));
    *made = pool_new();
    struct team *team = *made ? team_of(comm, manager) : NULL;
    if (!team)
        return error_set(error, RP_NO_MEMORY, "no memory for a pool in rank %d", comm_rank(comm));
    (*made)->team = team;
    (*made)->world = &team->world;
    (*made)->serves = comm_rank(comm) != manager;
    return RP_OK;
}

/* What the manager says of the pool that it has opened, or could not open. */
struct opening {
    rp_status status;
    uint64_t number;
    char text[sizeof((struct error *)NULL)->text];
};

static rp_status open_in_manager(rp_pool *pool, const rp_options *options, struct error *error)
{
    rp_status status = options_resolve(options, &pool->options, error);
    return status ? status : pool_start(pool, &pool->team->world, error);
}

/* On other nodes the pool stands on the roster before anybody looks for it there. A node that cannot serve it
 * has told the manager, who does without. */
static rp_status await_everywhere(rp_pool *pool, struct comm *comm, struct error *error)
{
    struct leader *leader = pool->team->world.links.leader;
    if (leader)
        leader_await(leader, pool->number, error);
    if (!pool->serves)
        road_settle(pool->team->world.links.road); /* the leaders wait for it */
    return meet_agree(comm, RP_OK, error);
}

static rp_status open_everywhere(rp_pool *pool, struct comm *comm, const rp_options *options,
                                 struct error *error)
{
    struct opening opening = {0};
    if (!pool->serves) {
        opening.status = open_in_manager(pool, options, error);
        opening.number = pool->manager.setup.pool;
        if (opening.status)
            snprintf(opening.text, sizeof opening.text, "%s", error->text);
    }
    rp_status status = comm_broadcast(comm, pool->team->manager, &opening, sizeof opening, error);
    if (!status && opening.status)
        return error_set(error, opening.status, "%s", opening.text);
    pool->number = opening.number;
    if (!status && pool->team->world.nodes > 1)
        status = await_everywhere(pool, comm, error);
    if (status && !pool->serves)
        manager_close(&pool->manager);
    return status;
}

static rp_status open_together(rp_pool *pool, struct comm *comm, const rp_options *options,
                               struct error *error)
{
    rp_status status = RP_OK;
    if (!pool->team->met)
        status = team_meet(pool->team, comm, error);
    if (!status)
        status = open_everywhere(pool, comm, options, error);
    return status;
}

static rp_status join(rp_pool *pool)
{
    if (pool->joined)
        return RP_OK;
    rp_status status = worker_join(team_worker(), team_roster(pool->team), pool->number, &pool->error);
    pool->joined = !status;
    return status;
}

static void discard(rp_pool *pool)
{
    if (!pool)
        return;
    team_drop(pool->team);
    pool_drop(pool);
}

rp_status guest_open(struct comm *comm, int manager, const rp_options *options, rp_pool **pool,
                     struct error *error)
{
    rp_pool *made = NULL;
    rp_status status = agree_on_manager(comm, manager, error);
    if (status)
        return status;
    status = meet_agree(comm, prepare(comm, manager, pool, &made, error), error);
    if (!status)
        status = open_together(made, comm, options, error);
    if (status) {
        discard(made);
        return status;
    }
    if (made->serves)
        join(made); /* else rp_serve tries again, and says what is wrong */
    *pool = made;
    return RP_OK;
}

/* ---- Serving ----------------------------------------------------------------------------- */

static rp_status check_worker(rp_pool *pool, const char *call)
{
    if (team_worker()->serving)
        return error_set(&pool->error, RP_INVALID, "%s from inside a task, or from another thread", call);
    return RP_OK;
}

rp_status guest_serve(rp_pool *pool)
{
    if (!pool)
        return error_set(api_error(), RP_INVALID,
                         "rp_serve: the pool is NULL: it was not opened, or was closed");
    if (!pool_is_one(pool))
        return error_set(api_error(), RP_INVALID, "rp_serve: its argument is no pool");
    if (!pool->serves)
        return error_set(&pool->error, RP_INVALID,
                         "rp_serve in the manager: it is for the other ranks of the communicator");
    rp_status status = world_check_thread("rp_serve", &pool->error);
    if (!status)
        status = check_worker(pool, "rp_serve");
    if (!status)
        status = join(pool);
    if (status)
        return status;
    struct roster *roster = team_roster(pool->team);
    bool closed = worker_serve_pool(team_worker(), roster, pool->number);
    if (!closed && roster_is_orphaned(roster)) { /* else the manager may have gone on to its end */
        const struct crew_member *manager = &pool->team->world.crew->member[0];
        return error_set(&pool->error, RP_POOL_BROKEN,
                         "rp_serve: the pool's manager has died: rank %d on %s, process %ld", manager->rank,
                         manager->host, manager->pid);
    }
    return RP_OK;
}

rp_status guest_close(rp_pool **place)
{
    rp_pool *pool = *place;
    rp_status status = check_worker(pool, "rp_close");
    if (status)
        return status;
    worker_part(team_worker(), team_roster(pool->team), pool->number);
    *place = NULL;
    discard(pool);
    return RP_OK;
}
