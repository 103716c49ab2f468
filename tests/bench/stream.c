/* A stream beside a map of the same items: bench_stream LIST N REPETITIONS
 * Both run by turns in one pool; `ratio` is the stream's rate over the map's. */
#include <string.h>

#include <stdio.h>

#include "pool.h"

struct feed {
    struct work *work;
    size_t drawn;
};

static int draw(void *state, rp_view *item)
{
    struct feed *feed = state;
    if (feed->drawn == feed->work->n)
        return 0;
    *item = (rp_view){&feed->work->items[feed->drawn++], sizeof *feed->work->items};
    return 1;
}

static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct feed *feed = state;
    (void)error;
    if (status || result.size != sizeof *feed->work->results)
        return 1;
    memcpy(&feed->work->results[index], result.data, sizeof *feed->work->results);
    return 0;
}

/* Items a second. */
static double run(rp_pool *pool, struct work *work, bool streams, int repetition)
{
    struct feed feed = {.work = work};
    struct measure measure = measure_begin(work, pool_cores(pool));
    double begun = work_now();
    rp_status status = streams ? rp_stream(pool, pool_answer, draw, give, &feed, NULL)
                               : rp_map(pool, pool_answer, work->items, sizeof *work->items, work->n,
                                        work->results, sizeof *work->results);
    double seconds = work_now() - begun;
    pool_check(pool, status);
    measure_end(&measure, streams ? "stream" : "map", repetition);
    return (double)work->n / seconds;
}

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *pool = pool_open();
    work_make(&work, argument(argc, argv, 1, "empty"), argument_count(argc, argv, 2, 1000000));
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    for (int i = 0; i < repetitions; i++) {
        double map = run(pool, &work, false, i), stream = run(pool, &work, true, i);
        printf("STREAM n=%zu repetition=%d rate=%.0f map=%.0f ratio=%.4f\n", work.n, i, stream, map,
               stream / map);
    }
    work_free(&work);
    return rp_close(&pool) != RP_OK;
}
