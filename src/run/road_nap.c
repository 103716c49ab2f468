/* How long who turns roads may sleep meanwhile. */
#include "base/clock.h"
#include "net/bell.h"
#include "run/agent.h"

#define AWAKE_NS  UINT64_C(20000)    /* after an event */
#define MOVING_NS UINT64_C(2000000)  /* the same while bytes are under way: they may wait for a copy */
#define LINGER_NS UINT64_C(200000)   /* after these: what comes next does soon */
#define DOZE_NS   UINT64_C(200000)   /* after one: what comes then comes rarely, and rings */
#define EAGER_NS  UINT64_C(100000)   /* after a wish at a queue: who had it waits, or has the next one soon */
#define BRISK_NS  UINT64_C(10000000) /* the same of short naps */
#define SLOW_NS   UINT64_C(1000000000)
#define BRISK_NAP UINT64_C(50000)
#define NAP       UINT64_C(1000000)
#define SLOW_NAP  UINT64_C(10000000)

/* Something is to come, or to be sent after a while. */
static bool is_agent_in_use(const struct agent *agent, uint64_t now)
{
    bool closing = atomic_load(&agent->pool->manager->board.shared->closing);
    bool awaited = !node_is_visited(agent->node) && !agent->node->lost;
    return agent->blocks || agent->asked || agent->handings || awaited || agent->rest > now ||
           (closing && agent_is_there(agent));
}

static bool is_in_use(const struct road *road, uint64_t now)
{
    for (const struct agents *pool = road->pools; pool; pool = pool->behind) {
        if (pool->left)
            return true;
        for (int i = 0; i < road->nodes; i++)
            if (is_agent_in_use(&pool->agent[i], now))
                return true;
    }
    return !net_is_quiet(road->net);
}

/* Nothing moves them but looks at the net. */
static bool has_bytes_under_way(const struct road *road)
{
    for (const struct agents *pool = road->pools; pool; pool = pool->behind) {
        if (pool->coming)
            return true;
        for (int i = 0; i < road->nodes; i++)
            if (pool->agent[i].arrivals && !road->node[i].lost)
                return true;
    }
    return !net_is_quiet(road->net);
}

/* Something is to be done after a while. */
static bool has_plans(const struct road *road, uint64_t now)
{
    for (const struct agents *pool = road->pools; pool; pool = pool->behind) {
        if (pool->left)
            return true;
        for (int i = 0; i < road->nodes; i++)
            if (pool->agent[i].rest > now || pool->agent[i].returning)
                return true;
    }
    return false;
}

static uint64_t last_event(const struct road *road)
{
    uint64_t rung = bell_rung(road->bell);
    return rung > road->eventful ? rung : road->eventful;
}

static uint64_t nap_of(const struct road *road)
{
    uint64_t now = clock_ns(), last = last_event(road), quiet = now > last ? now - last : 0;
    if (road->cut || !is_in_use(road, now))
        return CLOCK_NEVER;
    if (quiet < AWAKE_NS || now - road->wished < EAGER_NS || now - road->moved < LINGER_NS ||
        (quiet < MOVING_NS && has_bytes_under_way(road)))
        return now;
    uint64_t until = now + (quiet < BRISK_NS ? BRISK_NAP : quiet < SLOW_NS ? NAP : SLOW_NAP);
    for (const struct agents *pool = road->pools; pool; pool = pool->behind)
        until = agents_wish_due(pool) < until ? agents_wish_due(pool) : until;
    return until;
}

uint64_t roads_nap(const struct roads *roads)
{
    uint64_t nap = CLOCK_NEVER;
    for (const struct road *road = roads->first; road; road = road->behind)
        nap = nap_of(road) < nap ? nap_of(road) : nap;
    return nap;
}

uint64_t road_nap(const struct road *road)
{
    return road->beside ? roads_nap(road->beside) : nap_of(road);
}

/* Another one would have to be looked at. */
static bool is_one_of_several(const struct road *road)
{
    for (const struct road *other = road->beside ? road->beside->first : NULL; other; other = other->behind)
        if (other != road && nap_of(other) != CLOCK_NEVER)
            return true;
    return false;
}

_Atomic uint32_t *road_doze(struct road *road, uint64_t *nap)
{
    uint64_t now = clock_ns(), last = last_event(road), quiet = now > last ? now - last : 0;
    if (!road->bell || road->cut || *nap == CLOCK_NEVER || is_one_of_several(road) || quiet < DOZE_NS ||
        has_bytes_under_way(road) || has_plans(road, now) || !bell_doze(road->bell))
        return NULL;
    *nap = now + BELL_SLEEP_NS;
    for (const struct agents *pool = road->pools; pool; pool = pool->behind)
        *nap = agents_wish_due(pool) < *nap ? agents_wish_due(pool) : *nap;
    return bell_word(road->bell);
}

void road_rouse(struct road *road)
{
    bell_rouse(road->bell);
}
