/* The public calls for memory that tasks read, or read and write, in place. */
#include "api/pool.h"
#include "run/holding.h"
#include "run/submit.h"

rp_status rp_share(rp_pool *pool, const void *data, size_t size, rp_share_id *id)
{
    rp_status status = pool_enter(pool, "rp_share");
    if (status)
        return status;
    if ((!data && size) || !id)
        return error_set(&pool->error, RP_INVALID, "rp_share: %s",
                         id ? "`data` is NULL, yet it has bytes" : "there is no place for its number");
    return holding_share(&pool->manager, data, size, id, &pool->error);
}

rp_status rp_unshare(rp_pool *pool, rp_share_id id)
{
    rp_status status = pool_enter(pool, "rp_unshare");
    if (!status)
        submit_close_blocks(&pool->manager); /* or tasks to come would keep it */
    return status ? status : holding_unshare(&pool->manager, id, &pool->error);
}

void *rp_alloc(rp_pool *pool, size_t size)
{
    if (pool_enter(pool, "rp_alloc"))
        return NULL;
    void *memory = holding_alloc(&pool->manager, size);
    if (!memory)
        error_set(&pool->error, RP_NO_MEMORY, "no shared memory for %zu bytes", size);
    return memory;
}

void rp_free(rp_pool *pool, void *memory)
{
    if (!memory || pool_enter(pool, "rp_free"))
        return;
    submit_close_blocks(&pool->manager);
    if (!holding_free(&pool->manager, memory))
        error_set(&pool->error, RP_INVALID, "rp_free: that memory is not from rp_alloc of this pool");
}
