/* Work of all kinds over several nodes: what comes out is what comes out on one. */
#include "run/road.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "realm.h"
#include "run/map.h"
#include "run/stream.h"
#include "run/submit.h"
#include "work.h"

static struct realm realm;

static size_t done_there(void)
{
    size_t done = 0;
    for (int i = realm.crew->here; i < realm.crew->count; i++)
        done += manager_count_done(&realm.gang.manager, i);
    return done;
}

TEST_CASE(items_of_a_map_run_on_all_nodes_and_each_once)
{
    realm_start(&realm, 1, 2, 2);
    realm_open(&realm, NULL);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 2000);
    for (size_t i = 0; i < 2000; i++)
        CHECK_UINT(gang_tally->runs[i], 1);
    for (int i = 0; i < 2; i++)
        CHECK(manager_count_done(&realm.gang.manager, realm_first(&realm, i)) +
                  manager_count_done(&realm.gang.manager, realm_first(&realm, i) + 1) >
              0);
    CHECK_UINT(done_there() + manager_count_done(&realm.gang.manager, 1), 2000);
    realm_end(&realm);
}

TEST_CASE(a_manager_without_workers_of_its_own_has_those_of_other_nodes)
{
    realm_start(&realm, 0, 1, 3);
    realm_open(&realm, NULL);
    work_map(&realm.gang, &(struct map_work){.fn = gang_square}, GANG_ITEMS);
    CHECK_UINT(done_there(), GANG_ITEMS);
    realm_end(&realm);
}

TEST_CASE(submitted_tasks_run_on_all_nodes)
{
    realm_start(&realm, 1, 2, 2);
    realm_open(&realm, NULL);
    work_tasks(&realm.gang, gang_slow_square, 500, 500, false);
    CHECK(done_there() > 0);
    realm_end(&realm);
}
