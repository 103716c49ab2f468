/* A realm for the cases of a file: road.c, road_tasks.c. */
#ifndef RANKPOOL_TESTS_RUN_ROAD_CASES_H
#define RANKPOOL_TESTS_RUN_ROAD_CASES_H

#include "realm.h"

static struct realm realm;

static inline size_t done_there(void)
{
    size_t done = 0;
    for (int i = realm.crew->here; i < realm.crew->count; i++)
        done += manager_count_done(&realm.gang.manager, i);
    return done;
}

static inline void open_realm(int workers, int nodes, int each)
{
    realm_start(&realm, workers, nodes, each);
    realm_open(&realm, NULL);
}

#endif
