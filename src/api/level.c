#include "api/level.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/silence.h"
#include "run/road.h"

#define ANSWER_S  5.0 /* that a leader has to reach the manager */
#define KIN_NODES 3   /* right below one: then their leaders are bound to each other, too */

/* ---- Who is bound to whom ---------------------------------------------------------------- */

int level_node(const struct comm *comm, const struct nodes *nodes)
{
    return nodes->node[comm_rank(comm)];
}

static bool is_head(const struct nodes *nodes, int node, int depth)
{
    return nodes->one[node].depth == depth && nodes->one[node].end > node + 1;
}

bool level_manages(const struct comm *comm, const struct nodes *nodes, int depth)
{
    int node = level_node(comm, nodes);
    return nodes->one[node].leader == comm_rank(comm) && is_head(nodes, node, depth);
}

bool level_leads(const struct comm *comm, const struct nodes *nodes, int depth)
{
    const struct nodes_one *one = &nodes->one[level_node(comm, nodes)];
    return one->leader == comm_rank(comm) && one->depth == depth + 1;
}

int level_stop(const struct nodes *nodes, int node)
{
    int stop = 0;
    for (int at = nodes_first_below(nodes, nodes->one[node].above); at != node;
         at = nodes_next_beside(nodes, at))
        stop++;
    return stop;
}

static int count_below(const struct nodes *nodes, int node)
{
    int count = 0;
    for (int at = nodes_first_below(nodes, node); at < nodes->count; at = nodes_next_beside(nodes, at))
        count++;
    return count;
}

bool level_has_kin(const struct nodes *nodes, int above)
{
    return count_below(nodes, above) >= KIN_NODES;
}

static bool are_kin(int stop, int other)
{
    return road_parent(stop) == other || road_parent(other) == stop;
}

int level_list_kin(const struct nodes *nodes, int node, int *kin)
{
    int count = 0, stop = level_stop(nodes, node), at = 0;
    if (!level_has_kin(nodes, nodes->one[node].above))
        return 0;
    for (int other = nodes_first_below(nodes, nodes->one[node].above); other < nodes->count;
         other = nodes_next_beside(nodes, other))
        if (are_kin(stop, at++))
            kin[count++] = other;
    return count;
}

/* The ranks of a rank's peers: those whom it leads; or who leads it, and its kin. */
static int list_peers(const struct comm *comm, const struct nodes *nodes, int depth, bool kin, int *peer)
{
    int node = level_node(comm, nodes), count = 0;
    if (level_manages(comm, nodes, depth)) {
        for (int at = nodes_first_below(nodes, node); at < nodes->count; at = nodes_next_beside(nodes, at))
            peer[count++] = nodes->one[at].leader;
        return count;
    }
    if (!level_leads(comm, nodes, depth))
        return 0;
    peer[count++] = nodes->one[nodes->one[node].above].leader;
    if (kin)
        count += level_list_kin(nodes, node, peer + 1);
    for (int i = 1; i < count; i++)
        peer[i] = nodes->one[peer[i]].leader;
    return count;
}

static rp_status open_net(struct level *level, struct comm *comm, const struct nodes *nodes, int depth,
                          bool kin, struct error *error)
{
    int *peer = calloc((size_t)nodes->count, sizeof *peer);
    rp_status status = meet_agree(
        comm, peer ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count), error);
    if (!status)
        status = comm_open_net(comm, peer, list_peers(comm, nodes, depth, kin, peer), &level->net, error);
    free(peer);
    return meet_agree(comm, status, error);
}

/* What each of those who lead has to say to the ones whom it leads. */
static rp_status tell_below(struct comm *comm, const struct nodes *nodes, int depth, void *said, size_t size,
                            void *heard, struct error *error)
{
    int above = nodes->one[level_node(comm, nodes)].above;
    void *other = calloc(1, size);
    rp_status status = meet_agree(
        comm, other ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count), error);
    for (int node = 0; !status && node < nodes->count; node++)
        if (is_head(nodes, node, depth))
            status = comm_broadcast(comm, nodes->one[node].leader,
                                    nodes->one[node].leader == comm_rank(comm) ? said
                                    : node == above                            ? heard
                                                                               : other,
                                    size, error);
    free(other);
    return status;
}

/* ---- The pulse --------------------------------------------------------------------------- */

/* Who leads a node, as the crew of all has it: the manager, or its node's first worker. */
static const struct crew_member *head_of(const struct meeting *meeting, int node)
{
    return &meeting->crew->member[node ? meeting->nodes.one[node].first : 0];
}

/* A leader that cannot be heard is no reason not to open: the transport's errors must do then. */
static rp_status invite(struct level *level, const struct meeting *meeting, int node, int stops,
                        struct pulse_invitation *invitation, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    bool all_near = true;
    int silence_s, stop = 0;
    rp_status status = silence_read(&silence_s, error);
    if (!status)
        status = pulse_open(stops, &level->pulse, error);
    for (int at = nodes_first_below(nodes, node); !status && at < nodes->count;
         at = nodes_next_beside(nodes, at), stop++) {
        const struct crew_member *leader = head_of(meeting, at);
        all_near = all_near && leader->visible;
        if (leader->visible)
            pulse_watch(level->pulse, stop, leader->pid);
    }
    if (!status && !all_near)
        pulse_invite(level->pulse, silence_s, invitation, NULL);
    return status;
}

static void answer(struct level *level, const struct pulse_invitation *invitation,
                   const struct meeting *meeting, int node)
{
    const struct crew_member *manager = head_of(meeting, meeting->nodes.one[node].above);
    if (manager->visible)
        pulse_watch_manager(manager->pid, &level->pulse, NULL);
    else if (invitation->port)
        pulse_answer(invitation, level_stop(&meeting->nodes, node), ANSWER_S, &level->pulse, NULL);
}

/* A leader that says that it does not hear the manager is not heard. */
static void keep_who_hears(struct pulse *pulse, const struct meeting *meeting, int node, const int32_t *hears)
{
    const struct nodes *nodes = &meeting->nodes;
    const char *deaf = NULL;
    int count = 0, stop = 0;
    for (int at = nodes_first_below(nodes, node); at < nodes->count;
         at = nodes_next_beside(nodes, at), stop++) {
        const struct crew_member *leader = head_of(meeting, at);
        if (!hears[leader->rank])
            pulse_forget(pulse, stop);
        if (pulse_hears(pulse, stop))
            continue;
        deaf = deaf ? deaf : leader->host;
        count++;
    }
    if (count)
        fprintf(stderr,
                "rankpool: no connection between %s and %s%s, by which they would hear of each other's end: "
                "should one fail, the others wait for it. Let processes there connect by TCP to each other's "
                "ports\n",
                head_of(meeting, node)->host, deaf, count > 1 ? " (and others)" : "");
}

static rp_status compare_notes(struct level *level, struct comm *comm, const struct meeting *meeting,
                               int depth, struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    int32_t mine = level->pulse != NULL, *all = calloc((size_t)comm_ranks(comm), sizeof *all);
    rp_status status = meet_agree(
        comm, all ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for %d nodes", nodes->count), error);
    if (!status)
        status = comm_all_gather(comm, &mine, sizeof mine, all, error);
    if (!status && level_manages(comm, nodes, depth))
        keep_who_hears(level->pulse, meeting, level_node(comm, nodes), all);
    free(all);
    return status;
}

static rp_status open_pulse(struct level *level, struct comm *comm, const struct meeting *meeting, int depth,
                            struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct pulse_invitation said = {0}, heard = {0};
    int node = level_node(comm, nodes), stops = count_below(nodes, node);
    bool manages = level_manages(comm, nodes, depth);
    rp_status status = manages ? invite(level, meeting, node, stops, &said, error) : RP_OK;
    status = meet_agree(comm, status, error);
    if (!status)
        status = tell_below(comm, nodes, depth, &said, sizeof said, &heard, error);
    if (status)
        return status;
    if (manages)
        pulse_gather(level->pulse, stops, ANSWER_S);
    else if (level_leads(comm, nodes, depth))
        answer(level, &heard, meeting, node);
    return compare_notes(level, comm, meeting, depth, error);
}

/* ---- The bell ---------------------------------------------------------------------------- */

static bool are_all_near(const struct meeting *meeting, int node)
{
    const struct nodes *nodes = &meeting->nodes;
    for (int at = nodes_first_below(nodes, node); at < nodes->count; at = nodes_next_beside(nodes, at))
        if (!head_of(meeting, at)->visible)
            return false;
    return true;
}

static void answer_bell(struct level *level, struct bell_invitation *invitation, int stop, bool near)
{
    if (!invitation->port || bell_open(1, near, &level->bell, NULL))
        return;
    if (near) {
        invitation->count = 1;
        invitation->address[0] = address_of_loopback();
    }
    bell_answer(level->bell, invitation, stop);
}

/* Who has none naps. */
static rp_status open_bell(struct level *level, struct comm *comm, const struct meeting *meeting, int depth,
                           struct error *error)
{
    const struct nodes *nodes = &meeting->nodes;
    struct bell_invitation said = {0}, heard = {0};
    int node = level_node(comm, nodes);
    if (level_manages(comm, nodes, depth) &&
        !bell_open(count_below(nodes, node), are_all_near(meeting, node), &level->bell, NULL))
        bell_invite(level->bell, &said, NULL);
    rp_status status = tell_below(comm, nodes, depth, &said, sizeof said, &heard, error);
    if (!status && level_leads(comm, nodes, depth))
        answer_bell(level, &heard, level_stop(nodes, node),
                    head_of(meeting, nodes->one[node].above)->visible);
    return status;
}

/* ---- All of it ---------------------------------------------------------------------------- */

rp_status level_open(struct level *level, struct comm *comm, const struct meeting *meeting, int depth,
                     bool kin, struct error *error)
{
    *level = (struct level){0};
    rp_status status = open_net(level, comm, &meeting->nodes, depth, kin, error);
    if (!status)
        status = open_pulse(level, comm, meeting, depth, error);
    return status ? status : meet_agree(comm, open_bell(level, comm, meeting, depth, error), error);
}

void level_close(struct level *level)
{
    if (level->net)
        comm_close_net(level->net);
    pulse_close(level->pulse);
    bell_close(level->bell);
    *level = (struct level){0};
}
