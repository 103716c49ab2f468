/* sleeps: tasks of 3, 2 and 1 tenths of a second, taken as they complete.
 *
 *     ./sleeps                          three workers: the shortest is first
 *     mpirun -n 3 ./sleeps              two: the shortest waits for a free one
 *     RANKPOOL_LAUNCH=inline ./sleeps   the program itself: in the order of submission
 *
 * rp_as_completed goes through a set of futures in the order in which they are done, so that the
 * program can work on the first result while the others are still on their way. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rankpool/rankpool.h>

static const int tenths[] = {3, 2, 1};
enum { COUNT = sizeof tenths / sizeof *tenths };

static int sleep_task(rp_call *call, const void *in, size_t size)
{
    int duration = *(const int *)in;
    if (usleep((useconds_t)duration * 100000))
        return rp_fail(call, "woken too early");
    return rp_return(call, in, size);
}

/* Prints each result as soon as it is there; false if one is not. */
static bool print_completed(rp_pool *pool, rp_future **futures)
{
    rp_iter *iter = rp_as_completed(pool, futures, COUNT);
    if (!iter)
        return false;
    bool good = true;
    for (rp_future *future; good && (future = rp_iter_next(iter, RP_FOREVER));) {
        rp_view view;
        rp_task_info info;
        good = !rp_result(future, &view) && !rp_info(future, &info);
        if (good)
            printf("task %zu slept %d tenths of a second: waited %.3f s, ran %.3f s\n", rp_index(future),
                   *(const int *)view.data, info.queued, info.ran);
    }
    rp_iter_free(&iter);
    return good;
}

int main(void)
{
    rp_pool *pool;
    rp_future *futures[COUNT] = {NULL};
    if (rp_open(RP_OPTIONS(.workers = 3), &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    bool good = true;
    printf("%d worker%s\n", rp_workers(pool), rp_workers(pool) == 1 ? "" : "s");
    for (size_t i = 0; i < COUNT && good; i++)
        good = rp_submit(pool, sleep_task, &tenths[i], sizeof tenths[i], &futures[i]) == RP_OK;
    good = good && print_completed(pool, futures);
    if (!good)
        fprintf(stderr, "%s\n", rp_last_error(pool));

    for (size_t i = 0; i < COUNT; i++)
        rp_release(&futures[i]);
    return rp_close(&pool) || !good ? EXIT_FAILURE : EXIT_SUCCESS;
}
