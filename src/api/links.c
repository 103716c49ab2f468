#include "api/links.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "config/silence.h"

/* The process has one thread that calls MPI, the one that opened the first links: whatever it waits for, it
 * turns all roads. */
static struct roads roads;
static pthread_t turner;
static _Atomic unsigned bound; /* links that have a net */

#define ANSWER_S  5.0 /* that a leader has to reach the manager */
#define KIN_NODES 4   /* where leaders are bound to each other, too */
#define CUT_S     1.0 /* that leaders have to leave before the manager goes on without them */

/* ---- Who is bound to whom ---------------------------------------------------------------- */

/* A node's place on the road: the manager's own has none. */
static int stop_of(int node)
{
    return node - 1;
}

static int node_here_of(const struct comm *comm, const struct nodes *nodes)
{
    return nodes->node[comm_rank(comm)];
}

static bool manages(const struct comm *comm, const struct nodes *nodes)
{
    return comm_rank(comm) == nodes->manager;
}

static bool leads(const struct comm *comm, const struct nodes *nodes)
{
    return !manages(comm, nodes) && nodes->one[node_here_of(comm, nodes)].leader == comm_rank(comm);
}

/* Leaders that serve always hand on to each other what all nodes are to have, if they are many. */
static bool has_kin(const struct nodes *nodes, bool visits)
{
    return !visits && nodes->count >= KIN_NODES;
}

static bool are_kin(int stop, int other)
{
    return road_parent(stop) == other || road_parent(other) == stop;
}

/* The nodes whose leaders are peers of this one's. */
static int list_kin(const struct nodes *nodes, int node, int *kin)
{
    int count = 0;
    for (int other = 1; other < nodes->count; other++)
        if (are_kin(stop_of(node), stop_of(other)))
            kin[count++] = other;
    return count;
}

/* The ranks of a rank's peers: the leaders; or the manager and what leaders there are besides. */
static int list_peers(const struct comm *comm, const struct nodes *nodes, bool visits, int *peer)
{
    int count = 1;
    if (manages(comm, nodes)) {
        for (int node = 1; node < nodes->count; node++)
            peer[stop_of(node)] = nodes->one[node].leader;
        return nodes->count - 1;
    }
    if (!leads(comm, nodes))
        return 0;
    peer[0] = nodes->manager;
    if (has_kin(nodes, visits))
        count += list_kin(nodes, node_here_of(comm, nodes), peer + 1);
    for (int i = 1; i < count; i++)
        peer[i] = nodes->one[peer[i]].leader;
    return count;
}

static rp_status open_net(struct links *links, struct comm *comm, const struct nodes *nodes, bool visits,
                          struct error *error)
{
    int *peer = calloc((size_t)nodes->count, sizeof *peer);
    rp_status status = meet_agree(
        comm, peer ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count), error);
    if (!status)
        status = comm_open_net(comm, peer, list_peers(comm, nodes, visits, peer), &links->net, error);
    free(peer);
    return meet_agree(comm, status, error);
}

/* ---- The pulse --------------------------------------------------------------------------- */

/* A leader that cannot be heard is no reason not to open: the transport's errors must do then. */
static rp_status invite(struct links *links, const struct meeting *meeting,
                        struct pulse_invitation *invitation, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    bool all_near = true;
    int silence_s;
    rp_status status = silence_read(&silence_s, error);
    if (!status)
        status = pulse_open(nodes->count - 1, &links->pulse, error);
    for (int node = 1; !status && node < nodes->count; node++) {
        const struct crew_member *leader = &meeting->crew->member[nodes->one[node].first];
        all_near = all_near && leader->visible;
        if (leader->visible)
            pulse_watch(links->pulse, stop_of(node), leader->pid);
    }
    if (!status && !all_near)
        pulse_invite(links->pulse, silence_s, invitation, NULL);
    return status;
}

static void answer(struct links *links, const struct pulse_invitation *invitation, int node,
                   const struct crew_member *manager)
{
    if (manager->visible)
        pulse_watch_manager(manager->pid, &links->pulse, NULL);
    else if (invitation->port)
        pulse_answer(invitation, stop_of(node), ANSWER_S, &links->pulse, NULL);
}

/* A leader that says that it does not hear the manager is not heard. */
static void keep_who_hears(struct pulse *pulse, const struct meeting *meeting, const int32_t *hears)
{
    const char *deaf = NULL;
    int count = 0;
    for (int node = meeting->nodes.count - 1; node > 0; node--) {
        const struct crew_member *leader = &meeting->crew->member[meeting->nodes.one[node].first];
        if (!hears[leader->rank])
            pulse_forget(pulse, stop_of(node));
        if (pulse_hears(pulse, stop_of(node)))
            continue;
        deaf = leader->host;
        count++;
    }
    if (count)
        fprintf(stderr,
                "rankpool: no connection between %s and %s%s, by which they would hear of each other's end: "
                "should one fail, the others wait for it. Let processes there connect by TCP to each other's "
                "ports\n",
                meeting->crew->member[0].host, deaf, count > 1 ? " (and others)" : "");
}

static rp_status compare_notes(struct links *links, struct comm *comm, const struct meeting *meeting,
                               struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    int32_t mine = links->pulse != NULL, *all = calloc((size_t)comm_ranks(comm), sizeof *all);
    rp_status status = meet_agree(
        comm, all ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count), error);
    if (!status)
        status = comm_all_gather(comm, &mine, sizeof mine, all, error);
    if (!status && manages(comm, nodes))
        keep_who_hears(links->pulse, meeting, all);
    free(all);
    return status;
}

static rp_status open_pulse(struct links *links, struct comm *comm, const struct meeting *meeting,
                            struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct pulse_invitation invitation = {0};
    rp_status status = manages(comm, nodes) ? invite(links, meeting, &invitation, error) : RP_OK;
    status = meet_agree(comm, status, error);
    if (!status)
        status = comm_broadcast(comm, nodes->manager, &invitation, sizeof invitation, error);
    if (status)
        return status;
    if (manages(comm, nodes))
        pulse_gather(links->pulse, nodes->count - 1, ANSWER_S);
    else if (leads(comm, nodes))
        answer(links, &invitation, node_here_of(comm, nodes), &meeting->crew->member[0]);
    return compare_notes(links, comm, meeting, error);
}

/* ---- The bell ---------------------------------------------------------------------------- */

static bool are_all_near(const struct nodes *nodes, const struct crew *crew)
{
    for (int node = 1; node < nodes->count; node++)
        if (!crew->member[nodes->one[node].first].visible)
            return false;
    return true;
}

static void answer_bell(struct links *links, struct bell_invitation *invitation, int node, bool near)
{
    if (!invitation->port || bell_open(1, near, &links->bell, NULL))
        return;
    if (near) {
        invitation->count = 1;
        invitation->address[0] = address_of_loopback();
    }
    bell_answer(links->bell, invitation, stop_of(node));
}

/* Who has none naps. */
static rp_status open_bell(struct links *links, struct comm *comm, const struct meeting *meeting,
                           struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct bell_invitation invitation = {0};
    if (manages(comm, nodes) &&
        !bell_open(nodes->count - 1, are_all_near(nodes, meeting->crew), &links->bell, NULL))
        bell_invite(links->bell, &invitation, NULL);
    rp_status status = comm_broadcast(comm, nodes->manager, &invitation, sizeof invitation, error);
    if (!status && leads(comm, nodes))
        answer_bell(links, &invitation, node_here_of(comm, nodes), meeting->crew->member[0].visible);
    return status;
}

/* ---- The parts --------------------------------------------------------------------------- */

static rp_status open_road(struct links *links, const struct meeting *meeting, bool visits,
                           struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct road_stop *stop = calloc((size_t)nodes->count, sizeof *stop);
    if (!stop)
        return error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count);
    for (int node = 1; node < nodes->count; node++) {
        const struct nodes_one *one = &nodes->one[node];
        stop[stop_of(node)] = (struct road_stop){.peer = stop_of(node),
                                                 .first = one->first,
                                                 .count = one->workers,
                                                 .host = meeting->crew->member[one->first].host};
    }
    struct road_setup setup = {.beside = &roads,
                               .net = links->net,
                               .pulse = links->pulse,
                               .bell = links->bell,
                               .crew = meeting->crew,
                               .nodes = nodes->count - 1,
                               .node = stop,
                               .kin = has_kin(nodes, visits),
                               .visits = visits};
    rp_status status = road_create(&setup, &links->road, error);
    free(stop);
    return status;
}

static rp_status open_leader(struct links *links, struct comm *comm, const struct meeting *meeting,
                             struct roster *roster, bool visits, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    int *kin = calloc((size_t)nodes->count, sizeof *kin), count = 0;
    struct crew *node = kin ? crew_of_roster(roster) : NULL;
    if (!node) {
        free(kin);
        return error_set(error, RP_NO_MEMORY, "no memory to lead a node");
    }
    if (has_kin(nodes, visits))
        count = list_kin(nodes, node_here_of(comm, nodes), kin);
    for (int i = 0; i < count; i++)
        kin[i] = nodes->one[kin[i]].first;
    struct leader_setup setup = {.net = links->net,
                                 .pulse = links->pulse,
                                 .bell = links->bell,
                                 .peer = 0,
                                 .roster = roster,
                                 .memory = meeting->memory,
                                 .crew = node,
                                 .kin = kin,
                                 .kin_count = count,
                                 .visits = visits};
    rp_status status = leader_create(&setup, &links->leader, error);
    crew_drop(node);
    free(kin);
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
    const struct nodes *nodes = &meeting->nodes;
    *links = (struct links){0};
    if (nodes->count == 1)
        return RP_OK;
    rp_status status = meet_agree(comm, want_turner(error), error);
    if (!status)
        status = open_net(links, comm, nodes, visits, error);
    if (links->net) {
        turner = pthread_self();
        links->bound = true;
        bound++;
    }
    if (!status)
        status = open_pulse(links, comm, meeting, error);
    if (!status)
        status = meet_agree(comm, open_bell(links, comm, meeting, error), error);
    if (!status) {
        if (manages(comm, nodes))
            status = open_road(links, meeting, visits, error);
        else if (leads(comm, nodes))
            status = open_leader(links, comm, meeting, roster, visits, error);
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

void links_cut(struct links *links, bool left)
{
    if (!links->net)
        return;
    if (links->road) {
        if (!left)
            road_quit(links->road, false);
        road_cut(links->road, left ? 0 : clock_deadline(CUT_S));
    } else {
        leader_cut(links->leader);
    }
    comm_close_net(links->net);
    links->net = NULL;
}

void links_close(struct links *links)
{
    road_destroy(links->road);
    leader_destroy(links->leader);
    if (links->net)
        comm_close_net(links->net);
    pulse_close(links->pulse);
    bell_close(links->bell);
    bound -= links->bound;
    *links = (struct links){0};
}
