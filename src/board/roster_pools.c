#include <stdio.h>

#include "board/roster.h"

rp_status roster_post_pool(struct roster *roster, uint64_t id, const struct memory_handle *board,
                           struct error *error)
{
    struct roster_shared *shared = roster->shared;
    for (int i = 0; i < ROSTER_POOLS; i++) {
        uint64_t nobody = 0;
        if (!atomic_compare_exchange_strong(&shared->pools[i].id, &nobody, ROSTER_TAKEN))
            continue;
        shared->pools[i].board = *board;
        atomic_store(&shared->pools[i].id, id);
        atomic_fetch_add(&shared->version, 1);
        roster_ring_all(roster);
        return RP_OK;
    }
    return error_set(error, RP_UNSUPPORTED, "%d pools are open: close one before another is opened",
                     ROSTER_POOLS);
}

void roster_drop_pool(struct roster *roster, uint64_t id)
{
    struct roster_shared *shared = roster->shared;
    for (int i = 0; i < ROSTER_POOLS; i++) {
        if (atomic_load(&shared->pools[i].id) != id)
            continue;
        atomic_store(&shared->pools[i].id, 0);
        atomic_fetch_add(&shared->version, 1);
        roster_ring_all(roster);
        return;
    }
}

/* The sentence of an earlier refusal may be read while this one is written: both are true. */
void roster_refuse(struct roster *roster, uint64_t pool, const char *why)
{
    struct roster_shared *shared = roster->shared;
    struct roster_member *me = &shared->member[roster->self];
    for (int i = 0; i < ROSTER_POOLS; i++) {
        if (atomic_load(&shared->pools[i].id) != pool || atomic_load(&me->refused[i]) == pool)
            continue;
        snprintf(me->why, sizeof me->why, "%s", why);
        atomic_store(&me->refused[i], pool);
        atomic_fetch_add(&shared->refusals, 1);
    }
}

const char *roster_refusal(const struct roster *roster, uint64_t pool, int member)
{
    const struct roster_member *from = &roster->shared->member[member];
    for (int i = 0; i < ROSTER_POOLS; i++)
        if (atomic_load(&from->refused[i]) == pool)
            return from->why;
    return NULL;
}
