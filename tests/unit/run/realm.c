#include "realm.h"

#include <string.h>

#include "check.h"

void (*realm_at_ends)(struct realm *realm);

int realm_first(const struct realm *realm, int node)
{
    return 1 + realm->gang.workers + node * realm->node[0].gang.workers;
}

static void *serve(void *state)
{
    struct realm_node *node = state;
    leader_serve(node->leader);
    return NULL;
}

static void start_leader(struct realm *realm, int i)
{
    struct realm_node *node = &realm->node[i];
    struct error error;
    node->gang.roster.shared->first = (uint32_t)realm_first(realm, i);
    node->crew = crew_of_roster(&node->gang.roster);
    REQUIRE(node->crew);
    int kin[REALM_NODES], count = 0;
    for (int k = 0; k < realm->nodes; k++)
        if (k != i)
            kin[count++] = realm_first(realm, k);
    struct leader_setup setup = {.net = realm->end[i],
                                 .roster = &node->gang.roster,
                                 .memory = MEMORY_MEMFD,
                                 .crew = node->crew,
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
}

static void start(struct realm *realm, int workers, int nodes, int each, bool mute,
                  const struct gang_fate *fates)
{
    struct road_stop stop[REALM_NODES];
    struct error error;
    *realm = (struct realm){.nodes = nodes, .mute = mute};
    gang_start(&realm->gang, workers, MEMORY_MEMFD, NULL);
    realm->node[0].gang.workers = each;
    for (int i = 0; i < nodes && !mute; i++)
        gang_start_led(&realm->node[i].gang, each, fates);
    REQUIRE_STATUS(net_open_loop_kin(nodes, &realm->net, realm->end, &error), RP_OK);
    if (realm_at_ends)
        realm_at_ends(realm);
    fill_crew(realm, each);
    for (int i = 0; i < nodes; i++)
        stop[i] = (struct road_stop){i, realm_first(realm, i), each, "there"};
    struct road_setup setup = {
        .net = realm->net, .crew = realm->crew, .nodes = nodes, .node = stop, .kin = true};
    REQUIRE_STATUS(road_create(&setup, &realm->road, &error), RP_OK);
    realm->gang.crew = crew_hold(realm->crew);
    for (int i = 0; i < nodes && !mute; i++)
        start_leader(realm, i);
}

void realm_start(struct realm *realm, int workers, int nodes, int each)
{
    start(realm, workers, nodes, each, false, NULL);
}

void realm_start_fated(struct realm *realm, int workers, const struct gang_fate *fates)
{
    start(realm, 0, 1, workers, false, fates);
}

void realm_start_mute(struct realm *realm, int workers, int nodes, int each)
{
    start(realm, workers, nodes, each, true, NULL);
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
    road_quit(realm->road);
    road_destroy(realm->road);
    for (int i = 0; i < realm->nodes && !realm->mute; i++) {
        pthread_join(realm->node[i].thread, NULL);
        leader_destroy(realm->node[i].leader);
        gang_end(&realm->node[i].gang);
        crew_drop(realm->node[i].crew);
    }
    for (int i = 0; i < realm->nodes; i++)
        net_close(realm->end[i]);
    net_close(realm->net);
    crew_drop(realm->crew);
}
