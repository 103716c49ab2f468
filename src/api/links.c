#include "api/links.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

/* The process has one thread that calls MPI, the one that opened the first links: whatever it waits for, it
 * turns all roads. */
static struct roads roads;
static pthread_t turner;
static _Atomic unsigned bound; /* links that have a net */

#define CUT_S 1.0 /* that leaders have to leave before the manager goes on without them */

/* The level at which this rank leads others, and the one at which it is led. */
static struct level *level_of(struct links *links, struct comm *comm, const struct nodes *nodes, int depth,
                              struct level *none)
{
    return level_manages(comm, nodes, depth) ? &links->below
           : level_leads(comm, nodes, depth) ? &links->above
                                             : none;
}

static void bind(struct links *links)
{
    if (links->bound || (!links->above.net && !links->below.net))
        return;
    turner = pthread_self();
    links->bound = true;
    bound++;
}

/* Leaders that serve always hand on to each other what all nodes are to have. */
static rp_status open_levels(struct links *links, struct comm *comm, const struct meeting *meeting,
                             bool visits, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct level none;
    rp_status status = RP_OK;
    for (int depth = 0; !status && depth < nodes->levels; depth++) {
        struct level *level = level_of(links, comm, nodes, depth, &none);
        status = level_open(level, comm, meeting, depth, !visits, error);
        bind(links);
    }
    return status;
}

static void count_followers(const struct meeting *meeting)
{
    const struct nodes *nodes = &meeting->nodes;
    for (int node = 1; node < nodes->count; node++)
        meeting->crew->member[nodes->one[node].first].followers = nodes_workers_of_branch(nodes, node) - 1;
}

/* ---- The parts --------------------------------------------------------------------------- */

/* Workers as who leads a branch numbers them: those of its node, then those below. */
static int first_of(const struct nodes *nodes, int head, int node)
{
    return nodes->one[node].first - nodes->one[head].first + 1;
}

static rp_status open_road(struct links *links, struct comm *comm, const struct meeting *meeting,
                           struct crew *crew, bool visits, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct road_stop *stop = calloc((size_t)nodes->count, sizeof *stop);
    int head = level_node(comm, nodes), count = 0;
    if (!stop)
        return error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count);
    for (int node = nodes_first_below(nodes, head); node < nodes->count;
         node = nodes_next_beside(nodes, node), count++)
        stop[count] = (struct road_stop){.peer = count,
                                         .first = first_of(nodes, head, node),
                                         .count = nodes_workers_of_branch(nodes, node),
                                         .host = meeting->crew->member[nodes->one[node].first].host,
                                         .led = nodes->one[node].end - node - 1};
    struct road_setup setup = {.beside = head ? NULL : &roads,
                               .net = links->below.net,
                               .pulse = links->below.pulse,
                               .bell = links->below.bell,
                               .crew = crew,
                               .nodes = count,
                               .node = stop,
                               .kin = !visits && level_has_kin(nodes, head),
                               .visits = visits};
    rp_status status = road_create(&setup, &links->road, error);
    free(stop);
    return status;
}

/* Of the node that this process leads, and of those below. */
static struct crew *crew_of_branch(const struct meeting *meeting, int node)
{
    const struct nodes_one *one = &meeting->nodes.one[node];
    struct crew *crew = crew_new(1 + nodes_workers_of_branch(&meeting->nodes, node));
    if (!crew)
        return NULL;
    crew->here = 1 + one->workers;
    crew->member[0] = meeting->crew->member[one->first];
    crew->member[0].number = 0;
    for (int i = 1; i < crew->count; i++)
        crew->member[i] = meeting->crew->member[one->first + i - 1];
    return crew;
}

static rp_status create_leader(struct links *links, struct comm *comm, const struct meeting *meeting,
                               struct crew *crew, bool visits, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    int *kin = calloc((size_t)nodes->count, sizeof *kin), count = 0;
    if (!kin)
        return error_set(error, RP_NO_MEMORY, "no memory to lead a node");
    if (!visits)
        count = level_list_kin(nodes, level_node(comm, nodes), kin);
    for (int i = 0; i < count; i++)
        kin[i] = nodes->one[kin[i]].first;
    struct leader_setup setup = {.net = links->above.net,
                                 .pulse = links->above.pulse,
                                 .bell = links->above.bell,
                                 .peer = 0,
                                 .roster = links->roster,
                                 .memory = meeting->memory,
                                 .crew = crew,
                                 .road = links->road,
                                 .kin = kin,
                                 .kin_count = count,
                                 .visits = visits};
    rp_status status = leader_create(&setup, &links->leader, error);
    free(kin);
    return status;
}

static rp_status open_leader(struct links *links, struct comm *comm, const struct meeting *meeting,
                             bool visits, struct error *error)
{
    struct crew *crew = crew_of_branch(meeting, level_node(comm, &meeting->nodes));
    if (!crew)
        return error_set(error, RP_NO_MEMORY, "no memory to lead a node");
    rp_status status = links->below.net ? open_road(links, comm, meeting, crew, visits, error) : RP_OK;
    if (!status)
        status = create_leader(links, comm, meeting, crew, visits, error);
    crew_drop(crew);
    return status;
}

bool links_are_anothers(void)
{
    return bound && !pthread_equal(turner, pthread_self());
}

static rp_status want_turner(struct error *error)
{
    return links_are_anothers()
               ? error_set(
                     error, RP_INVALID,
                     "pools over several nodes belong to the thread that opened the first one: open this "
                     "one there")
               : RP_OK;
}

rp_status links_open(struct links *links, struct comm *comm, const struct meeting *meeting,
                     struct roster *roster, bool visits, struct error *error)
{
    *links = (struct links){.roster = roster};
    if (meeting->nodes.count == 1)
        return RP_OK;
    rp_status status = meet_agree(comm, want_turner(error), error);
    if (!status)
        status = open_levels(links, comm, meeting, visits, error);
    count_followers(meeting);
    if (!status) {
        if (links->above.net)
            status = open_leader(links, comm, meeting, visits, error);
        else if (links->below.net)
            status = open_road(links, comm, meeting, meeting->crew, visits, error);
        status = meet_agree(comm, status, error);
    }
    if (status)
        links_close(links);
    return status;
}

const struct roads *links_roads(void)
{
    return &roads;
}

static void cut(struct level *level)
{
    if (level->net)
        comm_close_net(level->net);
    level->net = NULL;
}

void links_cut(struct links *links, bool left)
{
    if (links->below.net) {
        if (!left)
            road_quit(links->road, false);
        road_cut(links->road, left ? 0 : clock_deadline(CUT_S));
    }
    if (links->above.net)
        leader_cut(links->leader);
    cut(&links->below);
    cut(&links->above);
}

void links_close(struct links *links)
{
    leader_destroy(links->leader);
    road_destroy(links->road);
    level_close(&links->below);
    level_close(&links->above);
    bound -= links->bound;
    *links = (struct links){0};
}
