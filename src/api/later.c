/* What the API names and this version does not do: each call says so, and does nothing. */
#include "api/pool.h"

static rp_status later(struct error *error, const char *call)
{
    return error_set(error, RP_UNSUPPORTED, "%s is not supported by this version", call);
}

static rp_status later_of(rp_pool *pool, const char *call)
{
    rp_status status = pool_enter(pool, call);
    return status ? status : later(&pool->error, call);
}

#define LATER(name, ...)                                                                                     \
    rp_status name(__VA_ARGS__)                                                                              \
    {                                                                                                        \
        return later(api_error(), #name);                                                                    \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"

rp_status rp_queue_open(rp_pool *pool, size_t capacity, rp_queue **queue)
{
    return later_of(pool, "rp_queue_open");
}

LATER(rp_put, rp_queue *queue, const void *data, size_t size, double seconds)
LATER(rp_get, rp_queue *queue, rp_view *view, double seconds)
LATER(rp_queue_close, rp_queue **queue)
LATER(rp_call_put, rp_call *call, rp_queue_id queue, const void *data, size_t size, double seconds)
LATER(rp_call_get, rp_call *call, rp_queue_id queue, rp_view *view, double seconds)

rp_queue_id rp_queue_id_of(const rp_queue *queue)
{
    later(api_error(), "rp_queue_id_of");
    return 0;
}
