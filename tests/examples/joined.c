/* joined: two tasks started and joined; then both are done, and their workers are alive.
 *
 *     ./joined
 *
 * rp_wait_many with RP_ALL joins a set of tasks, as one joins threads. What differs from threads:
 * the workers that ran them do not end with them, and take the next tasks. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rankpool/rankpool.h>

static const useconds_t rests[] = {100000, 200000};
enum { COUNT = sizeof rests / sizeof *rests };

static int rest(rp_call *call, const void *in, size_t size)
{
    (void)size;
    return usleep(*(const useconds_t *)in) ? rp_fail(call, "woken too early") : 0;
}

static const char *state_name(const rp_future *future)
{
    static const char *const names[] = {
        [RP_PENDING] = "pending", [RP_RUNNING] = "running", [RP_DONE] = "done"};
    return names[rp_state_of(future)];
}

/* Tells what is known of a task that is done, and of the worker that ran it. */
static rp_status print_joined(rp_pool *pool, const rp_future *future)
{
    rp_task_info task;
    rp_worker_info worker;
    rp_status status = rp_info(future, &task);
    if (!status)
        status = rp_worker(pool, task.worker, &worker);
    if (!status)
        printf("task %zu is %s: %.3f s on worker %d, process %ld on %s, which is %s\n", rp_index(future),
               state_name(future), task.ran, worker.worker, worker.pid, worker.host,
               worker.alive ? "alive" : "dead");
    return status;
}

int main(void)
{
    rp_pool *pool;
    rp_future *futures[COUNT] = {NULL};
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    size_t done = 0;
    rp_status status = RP_OK;
    for (size_t i = 0; i < COUNT && !status; i++)
        status = rp_submit(pool, rest, &rests[i], sizeof rests[i], &futures[i]);
    if (!status)
        status = rp_wait_many(futures, COUNT, RP_ALL, RP_FOREVER, &done);
    if (!status)
        printf("joined %zu of %d tasks\n", done, COUNT);
    for (size_t i = 0; i < done && !status; i++)
        status = print_joined(pool, futures[i]);
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));

    for (size_t i = 0; i < COUNT; i++)
        rp_release(&futures[i]);
    return rp_close(&pool) || status ? EXIT_FAILURE : EXIT_SUCCESS;
}
