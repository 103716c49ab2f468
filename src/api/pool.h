/* The objects behind the public pointers, and how every public call begins and ends. */
#ifndef RANKPOOL_API_POOL_H
#define RANKPOOL_API_POOL_H

#include <stddef.h>
#include <string.h>

#include "api/last_error.h"
#include "api/world.h"
#include "base/slab.h"
#include "config/options.h"
#include "record/event.h"
#include "record/journal.h"
#include "run/manager.h"

#define POOL_MAGIC   UINT32_C(0x72706f6c)
#define FUTURE_MAGIC UINT32_C(0x72706675)

struct rp_pool {
    uint32_t magic;
    bool closed;
    size_t users; /* who need this struct: the pool while it is open, and every future */
    struct manager manager;
    struct options options;
    struct crew *crew;
    struct recorder recorder;
    struct journal *journal;       /* or NULL */
    uint64_t deadline;             /* of a pool with a journal: clock_ns ... */
    const char *deadline_variable; /* ... and who says so; NULL: nobody */
    const struct world *world;
    struct team *team;   /* of rp_open_comm, else NULL: held while the pool is open */
    bool serves, joined; /* this rank is one of its workers; and serves it in rp_serve */
    uint64_t number;     /* of the pool, in its manager; for workers */
    struct error error;
    struct slab futures;
    unsigned inside;                 /* calls under way that run the user's callbacks, sources or sinks */
    struct callback *due, **due_end; /* callbacks whose futures are done, in order */
};

struct rp_future {
    struct task task; /* first */
    uint32_t magic;
    rp_pool *pool; /* one user of it */
    void *user;
};

/* A pool that is not open yet; NULL without memory. pool_drop frees it. */
rp_pool *pool_new(void);

/* Opens it in this process, the manager of the world, by its resolved options. */
rp_status pool_start(rp_pool *pool, const struct world *world, struct error *error);

/* Whether a user's pointer leads to an object of ours, by the magic number at `offset` in it. What is
 * passed may be anything that can be read, aligned for nothing; but in a rank that only runs tasks it
 * is an address of the manager's, and nothing is read. */
static inline bool api_is_one(const void *object, size_t offset, uint32_t magic)
{
    uint32_t found = 0;
    if (object && !world_is_worker())
        memcpy(&found, (const char *)object + offset, sizeof found);
    return found == magic;
}

static inline bool pool_is_one(const rp_pool *pool)
{
    return api_is_one(pool, offsetof(rp_pool, magic), POOL_MAGIC);
}

static inline bool future_is_one(const rp_future *future)
{
    return api_is_one(future, offsetof(rp_future, magic), FUTURE_MAGIC);
}

/* RP_OK where `pool` can take calls now; else the status and a sentence: NULL, another object,
 * closed, called from inside one of its tasks, or in a rank that serves. */
rp_status pool_enter(rp_pool *pool, const char *call);

/* The same for a future; a future that outlived its pool is fine. */
rp_status future_enter(const rp_future *future, const char *call);

/* The caller's map options in ours, checked; and the schedule that they, or the pool's, ask for. */
rp_status map_options_read(rp_pool *pool, const char *call, const rp_map_options *given,
                           rp_map_options *options);
rp_status map_options_schedule(rp_pool *pool, const char *call, const rp_map_options *options,
                               enum schedule *schedule);

/* How long a task may run: what is `given` for it, or the pool's; below 0 is off. RP_INVALID: the pool does
 * not isolate its tasks. */
rp_status pool_limit(rp_pool *pool, const char *call, double given, uint64_t *limit_ns);

/* RP_TIMEOUT, with the sentence of a wait for tasks that ended by time; or, where that had no limit,
 * since all tasks wait at queues. */
rp_status pool_say_late(rp_pool *pool, double seconds);

/* Makes the callbacks that are due. */
void pool_call_back(void *pool);

/* One user less; the last one frees the struct. */
void pool_drop(rp_pool *pool);

/* Frees a task that nobody holds any more. */
void future_dispose(struct task *task);

#endif
