/* The public stream. */
#include "run/stream.h"

#include "api/pool.h"
#include "config/sized.h"

/* What a stream has no use for: it does not know its items beforehand. */
static rp_status refuse_arrays(rp_pool *pool, const rp_map_options *options)
{
    const char *name = options->cost       ? "cost"
                       : options->statuses ? "statuses"
                       : options->sizes    ? "sizes"
                                           : NULL;
    if (name)
        return error_set(&pool->error, RP_INVALID,
                         "rp_stream: `%s` is an array of n, which a stream does not know", name);
    if (options->stop_at_failure)
        return error_set(&pool->error, RP_INVALID,
                         "rp_stream: `stop_at_failure` is for maps: a sink stops a stream by its answer");
    return RP_OK;
}

rp_status rp_stream(rp_pool *pool, rp_fn *fn, rp_source *source, rp_sink *sink, void *state,
                    const rp_map_options *given)
{
    rp_map_options options;
    rp_status status = pool_enter(pool, "rp_stream");
    if (status)
        return status;
    if (!fn || !source || !sink)
        return error_set(&pool->error, RP_INVALID, "rp_stream: the %s is NULL",
                         !fn       ? "function"
                         : !source ? "source"
                                   : "sink");
    status = map_options_read(pool, "rp_stream", given, &options);
    if (!status)
        status = refuse_arrays(pool, &options);
    if (status)
        return status;
    struct stream_work work = {.fn = fn, .source = source, .sink = sink, .state = state};
    status = map_options_schedule(pool, "rp_stream", &options, &work.schedule);
    if (!status)
        status = pool_limit(pool, "rp_stream", options.timeout, &work.limit_ns);
    if (status)
        return status;
    work.window = options.window ? options.window : pool->options.window;
    work.chunk = options.chunk ? options.chunk : pool->options.chunk;
    work.retries = options.retries ? options.retries : pool->options.retries;
    work.common = options.common;
    work.common_size = options.common_size;
    work.label = options.label;
    pool->inside++;
    status = stream_run(&pool->manager, &work, &pool->error);
    pool->inside--;
    return status;
}
