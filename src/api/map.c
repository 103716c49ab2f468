/* The public maps. */

#include "run/map.h"
#include "api/pool.h"
#include "config/sized.h"

/* Whether n items of `size` bytes can be an array in memory. */
static bool fits(size_t n, size_t size)
{
    return !size || n <= PTRDIFF_MAX / size;
}

static rp_status check_arrays(rp_pool *pool, const char *call, const struct map_work *work)
{
    struct error *error = &pool->error;
    if (!work->fn)
        return error_set(error, RP_INVALID, "%s: the function is NULL", call);
    if (!work->range && !work->in && work->in_size && work->n)
        return error_set(error, RP_INVALID, "%s: `in` is NULL, yet %zu items of %zu bytes are to be read",
                         call, work->n, work->in_size);
    if (!work->out && work->out_size)
        return error_set(error, RP_INVALID,
                         "%s: `out` is NULL, yet results have %zu bytes: with out_size 0 they are dropped",
                         call, work->out_size);
    if (!fits(work->n, work->in_size) || !fits(work->combine ? 1 : work->n, work->out_size))
        return error_set(error, RP_INVALID, "%s: %zu items of %zu bytes with results of %zu are no arrays",
                         call, work->n, work->in_size, work->out_size);
    return RP_OK;
}

rp_status map_options_read(rp_pool *pool, const char *call, const rp_map_options *given,
                           rp_map_options *options)
{
    struct error *error = &pool->error;
    rp_status status = sized_read(given, options, sizeof *options, "rp_map_options", "RP_MAP_OPTIONS", error);
    if (status)
        return status;
    if (options->common_size && !options->common)
        return error_set(error, RP_INVALID, "%s: `common` is NULL, yet it has %zu bytes", call,
                         options->common_size);
    return RP_OK;
}

rp_status map_options_schedule(rp_pool *pool, const char *call, const rp_map_options *options,
                               enum schedule *schedule)
{
    *schedule = pool->options.schedule;
    if (options->schedule && !schedule_find(options->schedule, schedule))
        return error_set(&pool->error, RP_INVALID,
                         "%s: the schedule \"%s\" is unknown: auto, static, dynamic, guided, factoring or "
                         "adaptive are possible",
                         call, options->schedule);
    return RP_OK;
}

static rp_status apply_options(rp_pool *pool, const char *call, const rp_map_options *options,
                               struct map_work *work)
{
    work->chunk = options->chunk ? options->chunk : pool->options.chunk;
    work->common = options->common;
    work->common_size = options->common_size;
    work->cost = options->cost;
    work->statuses = options->statuses;
    work->sizes = options->sizes;
    work->stop_at_failure = options->stop_at_failure;
    work->retries = options->retries ? options->retries : pool->options.retries;
    work->label = options->label;
    rp_status status = pool_limit(pool, call, options->timeout, &work->limit_ns);
    return status ? status : map_options_schedule(pool, call, options, &work->schedule);
}

/* Callbacks that are due are made meanwhile. */
static rp_status run(rp_pool *pool, const struct map_work *work, rp_map_report *report)
{
    pool->inside++;
    rp_status status = map_run(&pool->manager, work, report, &pool->error);
    pool->inside--;
    return status;
}

static rp_status map(rp_pool *pool, const char *call, struct map_work *work, const rp_map_options *given,
                     rp_map_report *report)
{
    rp_map_options options;
    rp_status status = pool_enter(pool, call);
    if (!status)
        status = check_arrays(pool, call, work);
    if (!status)
        status = map_options_read(pool, call, given, &options);
    if (!status)
        status = apply_options(pool, call, &options, work);
    return status ? status : run(pool, work, report);
}

rp_status rp_map_with(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, size_t n, void *out,
                      size_t out_size, const rp_map_options *options, rp_map_report *report)
{
    struct map_work work = {.fn = fn, .in = in, .in_size = in_size, .n = n, .out = out, .out_size = out_size};
    return map(pool, "rp_map_with", &work, options, report);
}

rp_status rp_map(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, size_t n, void *out,
                 size_t out_size)
{
    struct map_work work = {.fn = fn, .in = in, .in_size = in_size, .n = n, .out = out, .out_size = out_size};
    return map(pool, "rp_map", &work, NULL, NULL);
}

rp_status rp_map_range(rp_pool *pool, rp_fn *fn, uint64_t begin, uint64_t end, void *out, size_t out_size)
{
    rp_status status = pool_enter(pool, "rp_map_range");
    if (status)
        return status;
    if (end < begin)
        return error_set(&pool->error, RP_INVALID, "rp_map_range: it ends at %llu, before its begin %llu",
                         (unsigned long long)end, (unsigned long long)begin);
    struct map_work work = {.fn = fn,
                            .in_size = sizeof begin,
                            .n = end - begin,
                            .out = out,
                            .out_size = out_size,
                            .range = true,
                            .begin = begin};
    return map(pool, "rp_map_range", &work, NULL, NULL);
}

rp_status rp_map_reduce(rp_pool *pool, rp_fn *fn, const void *in, size_t in_size, size_t n,
                        rp_combine *combine, void *out, size_t out_size, const rp_map_options *options,
                        rp_map_report *report)
{
    rp_status status = pool_enter(pool, "rp_map_reduce");
    if (status)
        return status;
    if (!combine)
        return error_set(&pool->error, RP_INVALID, "rp_map_reduce: the combining function is NULL");
    if (!out || !out_size)
        return error_set(&pool->error, RP_INVALID,
                         "rp_map_reduce: there is no result to combine: `out` is %s, of %zu bytes",
                         out ? "a place" : "NULL", out_size);
    struct map_work work = {
        .fn = fn, .in = in, .in_size = in_size, .n = n, .out = out, .out_size = out_size, .combine = combine};
    return map(pool, "rp_map_reduce", &work, options, report);
}
