#include "realm.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

void (*realm_at_ends)(struct realm *realm);

int realm_first(const struct realm *realm, int node)
{
    return 1 + realm->gang.workers + node * realm->node[0].gang.workers;
}

/* ---- Who leads whom ---------------------------------------------------------------------- */

/* Nodes from..end-1, below one. */
static void plant(struct realm *realm, int above, int from, int end)
{
    int count = end - from, branches = realm->fanout && count > realm->fanout ? realm->fanout : count;
    for (int i = 0; i < branches; i++) {
        struct realm_node *node = &realm->node[from + count * i / branches];
        node->above = above;
        node->end = from + count * (i + 1) / branches;
        plant(realm, (int)(node - realm->node), (int)(node - realm->node) + 1, node->end);
    }
}

/* Those right below a node: how many. */
static int list_below(const struct realm *realm, int above, int *below)
{
    int count = 0;
    for (int i = 0; i < realm->nodes; i++)
        if (realm->node[i].above == above)
            below[count++] = i;
    return count;
}

static void open_net(struct realm *realm, int above, struct net **net)
{
    struct net *end[REALM_NODES];
    struct error error;
    int below[REALM_NODES], count = list_below(realm, above, below);
    if (!count)
        return;
    REQUIRE_STATUS(net_open_loop_kin(count, net, end, &error), RP_OK);
    for (int i = 0; i < count; i++)
        realm->end[below[i]] = end[i];
}

static void open_nets(struct realm *realm)
{
    plant(realm, -1, 0, realm->nodes);
    open_net(realm, -1, &realm->net);
    for (int i = 0; i < realm->nodes; i++)
        open_net(realm, i, &realm->node[i].net);
}

/* `first`: the number of the first one of the crew, which is its member 1. */
static void open_road(const struct realm *realm, int above, int first, struct net *net, struct crew *crew,
                      struct road **road)
{
    struct road_stop stop[REALM_NODES];
    struct error error;
    int each = realm->node[0].gang.workers, below[REALM_NODES], count = list_below(realm, above, below);
    for (int i = 0; i < count; i++)
        stop[i] = (struct road_stop){i, realm_first(realm, below[i]) - first + 1,
                                     each * (realm->node[below[i]].end - below[i]), "there",
                                     realm->node[below[i]].end - below[i] - 1};
    struct road_setup setup = {.net = net, .crew = crew, .nodes = count, .node = stop, .kin = true};
    REQUIRE_STATUS(road_create(&setup, road, &error), RP_OK);
}

/* ---- Leaders ----------------------------------------------------------------------------- */

static void *serve(void *state)
{
    struct realm_node *node = state;
    leader_serve(node->leader);
    return NULL;
}

static struct crew *crew_of_branch(const struct realm *realm, int i)
{
    const struct realm_node *node = &realm->node[i];
    struct crew *own = crew_of_roster(&node->gang.roster);
    struct crew *crew = crew_new(1 + node->gang.workers * (node->end - i));
    REQUIRE(own && crew);
    crew->here = own->here;
    for (int k = 0; k < crew->count; k++)
        crew->member[k] =
            k < own->count ? own->member[k] : realm->crew->member[realm_first(realm, i) + k - 1];
    crew->member[1].followers = realm->crew->member[realm_first(realm, i)].followers;
    crew_drop(own);
    return crew;
}

static void start_leader(struct realm *realm, int i)
{
    struct realm_node *node = &realm->node[i];
    struct error error;
    node->gang.roster.shared->first = (uint32_t)realm_first(realm, i);
    node->crew = crew_of_branch(realm, i);
    if (node->net)
        open_road(realm, i, realm_first(realm, i), node->net, node->crew, &node->road);
    int kin[REALM_NODES], count = 0, beside = list_below(realm, node->above, kin);
    for (int k = 0; k < beside; k++)
        if (kin[k] != i)
            kin[count++] = realm_first(realm, kin[k]);
    struct leader_setup setup = {.net = realm->end[i],
                                 .roster = &node->gang.roster,
                                 .memory = MEMORY_MEMFD,
                                 .crew = node->crew,
                                 .road = node->road,
                                 .kin = kin,
                                 .kin_count = count};
    REQUIRE_STATUS(leader_create(&setup, &node->leader, &error), RP_OK);
    REQUIRE(!pthread_create(&node->thread, NULL, serve, node));
}

static void fill_crew(struct realm *realm, int each)
{
    int here = 1 + realm->gang.workers;
    realm->crew = crew_new(here + realm->nodes * each);
    REQUIRE(realm->crew);
    realm->crew->here = here;
    for (int i = 0; i < realm->crew->count; i++) {
        struct crew_member *member = &realm->crew->member[i];
        member->number = member->rank = i;
        strcpy(member->host, i < here ? "test" : "there");
        if (i < here)
            member->pid = (long)realm->gang.roster.shared->member[i].pid;
    }
    for (int i = 0; i < realm->nodes; i++)
        realm->crew->member[realm_first(realm, i)].followers = each * (realm->node[i].end - i) - 1;
}

static void start(struct realm *realm, int workers, int nodes, int each, int fanout, int led,
                  const struct gang_fate *fates)
{
    *realm = (struct realm){.nodes = nodes, .led = led, .fanout = fanout};
    gang_start(&realm->gang, workers, MEMORY_MEMFD, NULL);
    realm->node[0].gang.workers = each;
    for (int i = 0; i < led; i++)
        gang_start_led(&realm->node[i].gang, each, fates);
    open_nets(realm);
    if (realm_at_ends)
        realm_at_ends(realm);
    fill_crew(realm, each);
    open_road(realm, -1, 1, realm->net, realm->crew, &realm->road);
    realm->gang.crew = crew_hold(realm->crew);
    for (int i = 0; i < led; i++)
        start_leader(realm, i);
}

void realm_start(struct realm *realm, int workers, int nodes, int each)
{
    const char *fanout = getenv("REALM_FANOUT");
    start(realm, workers, nodes, each, fanout ? atoi(fanout) : 0, nodes, NULL);
}

void realm_start_deep(struct realm *realm, int workers, int nodes, int each, int fanout)
{
    start(realm, workers, nodes, each, fanout, nodes, NULL);
}

void realm_start_fated(struct realm *realm, int workers, const struct gang_fate *fates)
{
    start(realm, 0, 1, workers, 0, 1, fates);
}

void realm_start_mute(struct realm *realm, int workers, int nodes, int each)
{
    start(realm, workers, nodes, each, 0, 0, NULL);
}

void realm_start_mute_below(struct realm *realm)
{
    start(realm, 0, 2, 1, 1, 1, NULL);
}

void realm_open(struct realm *realm, const struct manager_setup *setup)
{
    struct manager_setup all = setup ? *setup : (struct manager_setup){.memory = MEMORY_MEMFD};
    all.road = realm->road;
    gang_open(&realm->gang, &all);
}

void realm_end(struct realm *realm)
{
    realm_at_ends = NULL;
    for (int i = 0; i < realm->nodes && !realm->may_lose; i++)
        if (road_why(realm->road, realm_first(realm, i)))
            CHECK_FAILED("%s", road_why(realm->road, realm_first(realm, i)));
    gang_end(&realm->gang);
    road_quit(realm->road, false);
    road_destroy(realm->road);
    for (int i = 0; i < realm->led; i++) {
        pthread_join(realm->node[i].thread, NULL);
        leader_destroy(realm->node[i].leader);
        if (realm->node[i].road)
            road_destroy(realm->node[i].road);
        gang_end(&realm->node[i].gang);
        crew_drop(realm->node[i].crew);
    }
    for (int i = 0; i < realm->nodes; i++) {
        if (realm->node[i].net)
            net_close(realm->node[i].net);
        net_close(realm->end[i]);
    }
    net_close(realm->net);
    crew_drop(realm->crew);
}
