#include "api/team.h"

#include <stdlib.h>

#include "api/meet.h"

/* The process has one, as it serves one task at a time. */
static struct worker worker;

struct worker *team_worker(void)
{
    worker.roads = links_roads();
    return &worker;
}

bool team_tend(void)
{
    return !links_are_anothers() && worker_tend(team_worker());
}

static bool team_is_managed_here(const struct team *team)
{
    return team->world.roster.self == 0 && !team->world.links.leader;
}

struct roster *team_roster(struct team *team)
{
    struct leader *leader = team->world.links.leader;
    return leader ? leader_roster(leader) : &team->world.roster;
}

static void drop_all(void *first)
{
    for (struct team *team = first, *behind; team; team = behind) {
        behind = team->behind;
        team_drop(team);
    }
}

/* A manager in MPI_Finalize waits for the others: none must wait for it in rp_serve. */
static void end_all(void *first)
{
    for (struct team *team = first; team && worker.serving; team = team->behind)
        if (team->world.roster.shared && !team_is_managed_here(team))
            world_lose_worker(&team->world.roster);
    for (struct team *team = first; team; team = team->behind) {
        if (team->world.roster.shared && team_is_managed_here(team))
            roster_quit(&team->world.roster);
        links_cut(&team->world.links, false);
    }
}

/* Of the ranks of other machines: the manager, or one that leads there. Pools that the comm's ranks have had
 * before go on to see that, also while no pool is open. All ranks of a machine see that the manager has
 * ended: one tells it. */
static bool find_lost(const void *first, struct comm_loss *loss)
{
    for (const struct team *team = first; team; team = team->behind) {
        const struct crew *crew = team->world.crew;
        const struct road *road = team->world.links.road;
        if (team->world.roster.shared && roster_is_orphaned(&team->world.roster)) {
            *loss = (struct comm_loss){crew->member[0].rank, NULL, team->world.links.leader};
            return true;
        }
        for (int i = 1; i < crew->count; i++) {
            if (!crew->member[i].dead)
                continue;
            *loss = (struct comm_loss){crew->member[i].rank, road ? road_gave_up(road, i) : NULL, true};
            return true;
        }
    }
    return false;
}

struct team *team_of(struct comm *comm, int manager)
{
    struct team *team = comm_kept(comm);
    while (team && team->manager != manager)
        team = team->behind;
    if (!team) {
        team = calloc(1, sizeof *team);
        if (!team)
            return NULL;
        team->manager = manager;
    }
    team->users++;
    return team;
}

void team_drop(struct team *team)
{
    if (!team || --team->users)
        return;
    if (team->world.roster.shared) {
        vigil_stop(team->vigil);
        worker_leave(&worker, team_roster(team));
        links_close(&team->world.links);
        roster_release(&team->world.roster);
    }
    crew_drop(team->world.crew);
    free(team->world.description);
    free(team);
}

/* In the vigil's thread. */
static void end_pools(void *roster)
{
    roster_bury(roster, 0);
}

static void end_node(void *kept)
{
    struct team *team = kept;
    if (pulse_has_parted(pulse_fd(team->world.links.above.pulse)))
        roster_quit(&team->world.roster); /* it has ended before this node could */
    else
        roster_bury(&team->world.roster, 0);
}

static rp_status gather(struct team *team, struct comm *comm, struct error *error)
{
    struct world *world = &team->world;
    int workers = comm_ranks(comm) - 1;
    rp_status status;
    if (!workers) {
        status = world_be_alone(world, "the communicator has one rank");
    } else {
        status = world_meet(world, comm, team->manager, true, error);
        if (status)
            return status;
        if (world->nodes > 1)
            status = world_describe(world, "%d ranks of a communicator on %d nodes: rank %d manages",
                                    workers + 1, world->nodes, team->manager);
        else
            status = world_describe(world,
                                    "%d ranks of a communicator: rank %d manages and works with the %d "
                                    "others in maps",
                                    workers + 1, team->manager, workers);
    }
    if (status)
        error_set(error, status, "no memory for a pool of %d ranks", workers + 1);
    return meet_agree(comm, status, error);
}

static rp_status lead(struct team *team, struct error *error)
{
    struct leader *leader = team->world.links.leader;
    return leader ? worker_lead(team_worker(), leader, error) : RP_OK;
}

/* Over the manager, or over who leads this node in its stead. */
static void keep_vigil(struct team *team)
{
    const struct links *links = &team->world.links;
    struct roster *roster = &team->world.roster;
    if (links->leader && links->above.pulse)
        team->vigil = vigil_start_on(pulse_fd(links->above.pulse), end_node, team);
    else if (roster->shared && roster->self)
        team->vigil = vigil_start(roster->shared->member[0].pid, end_pools, roster);
}

rp_status team_meet(struct team *team, struct comm *comm, struct error *error)
{
    rp_status status = gather(team, comm, error);
    if (!status && team->world.nodes > 1)
        status = meet_agree(comm, lead(team, error), error);
    if (status)
        return status;
    keep_vigil(team);
    team->met = true;
    team->users++;
    team->behind = comm_kept(comm);
    comm_keep(comm, team, &(struct comm_keeping){drop_all, end_all, find_lost});
    return RP_OK;
}
