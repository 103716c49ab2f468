/* random_queue: four tasks draw a random number each, and pass it back through a queue.
 *
 *     ./random_queue [SEED]
 *
 * A queue carries bytes from whoever puts to whoever gets, tasks or the manager. Tasks name it by a
 * number, which is put into their inputs. Items come in the order in which they were put, and that is
 * not the order of the tasks: so each says which task it is from.
 *
 * rp_random gives each task a stream of its own that depends on the pool's seed and the task's place
 * alone: the same numbers on every run, with any number of workers, and others with another seed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rankpool/rankpool.h>

enum { TASKS = 4 };

struct drawn {
    size_t task;
    uint64_t number;
};

/* The task: its input is the queue's number. */
static int draw(rp_call *call, const void *in, size_t size)
{
    (void)size;
    rp_queue_id queue = *(const rp_queue_id *)in;
    struct drawn drawn = {.task = rp_call_index(call)};
    rp_random(call, &drawn.number, 1);
    rp_status status = rp_call_put(call, queue, &drawn, sizeof drawn, RP_FOREVER);
    return status ? rp_fail(call, "the queue: %s", rp_strerror(status)) : 0;
}

/* Submits the tasks and takes their numbers out of the queue. */
static rp_status collect(rp_pool *pool, rp_queue *queue, uint64_t numbers[TASKS])
{
    rp_status status = RP_OK;
    rp_queue_id id = rp_queue_id_of(queue);
    for (int i = 0; i < TASKS && !status; i++)
        status = rp_submit(pool, draw, &id, sizeof id, NULL);
    for (int i = 0; i < TASKS && !status; i++) {
        rp_view view;
        status = rp_get(queue, &view, RP_FOREVER);
        if (!status) {
            const struct drawn *drawn = view.data;
            numbers[drawn->task] = drawn->number;
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (rp_open(RP_OPTIONS(.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 0), &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    rp_queue *queue = NULL;
    uint64_t numbers[TASKS];
    rp_status status = rp_queue_open(pool, 0, &queue);
    if (!status)
        status = collect(pool, queue, numbers);
    for (int i = 0; i < TASKS && !status; i++)
        printf("task %d drew %ju\n", i, (uintmax_t)numbers[i]);
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));

    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
        if (rp_result(future, NULL))
            fprintf(stderr, "%s\n", rp_error(future));
    rp_queue_close(&queue);
    return rp_close(&pool) || status ? EXIT_FAILURE : EXIT_SUCCESS;
}
