/* Workers of another node that die between any two steps of the board: every item is delivered once by those
 * who are left, there or here, as on one node. And those of the manager's node: nothing is left to them. */
#include "base/clock.h"
#include "check.h"
#include "realm.h"
#include "run/watch.h"
#include "trials.h"
#include "work.h"

static struct realm realm;

static void settle(void)
{
    for (int i = 2; i <= realm.node[0].gang.workers; i++)
        gang_await_sleep(&realm.node[0].gang, i);
}

/* See killed.c: member 2 of the node is hit, which has member 1, its leader, and member 3 besides. */
static bool try_out(struct trial trial)
{
    const struct trial_work *kind = &trial_works[trial.work];
    struct gang_fate fates[2 * GANG_WORKERS + 1];
    trial_set_fates(trial, 1u << 2, SIGKILL, fates);
    check_note("%s, time %d, in %s", trial_places[trial.place], trial.count, kind->name);
    realm_start_fated(&realm, 3, fates);
    realm_open(&realm, NULL);
    settle();
    gang_arm();
    for (int round = 0; round < 10 && !gang_tally->struck; round++) {
        kind->work(&realm.gang);
        settle();
    }
    bool struck = gang_tally->struck > 0;
    kind->work(&realm.gang);
    realm_end(&realm);
    check_note("%s", "");
    return struck;
}

TEST_CASE(a_worker_of_another_node_killed_at_any_step_costs_no_item)
{
    struct trial trials[TRIAL_MOST];
    check_seconds(100);
    trials_run(trials, trials_list(trials, (int[]){1}, 1), try_out);
}

/* A wait would end with the next look at who is alive. A core may be taken away for as long now and then. */
TEST_CASE(other_nodes_leave_nothing_to_workers_of_the_manager_s_node_that_have_died)
{
    enum { MAPS = 9 };
    int late = 0;
    realm_start(&realm, 1, 1, 2);
    realm_open(&realm, NULL);
    for (int i = 0; i < 3; i++) /* how fast they are becomes known */
        work_map(&realm.gang, &(struct map_work){0}, 2000);
    gang_kill(&realm.gang, 1);
    while (!realm.crew->member[1].dead)
        work_map(&realm.gang, &(struct map_work){0}, 1);
    for (int i = 0; i < MAPS; i++) {
        uint64_t begun = clock_ns();
        work_map(&realm.gang, &(struct map_work){0}, 2000);
        late += clock_ns() - begun > WATCH_TICK_NS / 2;
    }
    CHECK(late <= MAPS / 2);
    realm_end(&realm);
}
