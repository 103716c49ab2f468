#include "queue_work.h"

#include <stdio.h>

rp_queue *open_queue(rp_pool *pool, size_t capacity)
{
    rp_queue *queue = NULL;
    REQUIRE_STATUS(rp_queue_open(pool, capacity, &queue), RP_OK);
    REQUIRE(queue && rp_queue_id_of(queue));
    return queue;
}

void close_queue(rp_queue *queue)
{
    CHECK_STATUS(rp_queue_close(&queue), RP_OK);
    CHECK(!queue);
}

rp_future *submit(rp_pool *pool, rp_fn *fn, struct job job)
{
    rp_future *future = NULL;
    job.ticket = ticket_of(0);
    REQUIRE_STATUS(rp_submit(pool, fn, &job, sizeof job, &future), RP_OK);
    return future;
}

void finish(rp_future *future)
{
    if (!CHECK_STATUS(rp_result(future, NULL), RP_OK))
        fprintf(stderr, "%s\n", rp_error(future));
    rp_release(&future);
}

void put_number(rp_queue *queue, uint64_t number)
{
    REQUIRE_STATUS(rp_put(queue, &number, sizeof number, RP_FOREVER), RP_OK);
}

uint64_t number_in(rp_view view)
{
    uint64_t number = UINT64_MAX;
    if (CHECK_UINT(view.size, sizeof number))
        memcpy(&number, view.data, sizeof number);
    return number;
}

uint64_t get_number(rp_queue *queue)
{
    rp_view view = {0};
    REQUIRE_STATUS(rp_get(queue, &view, 30), RP_OK);
    return number_in(view);
}

/* ---- Tasks ------------------------------------------------------------------------------------ */

int produce(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    for (uint64_t i = job->first; i < job->first + job->count; i++) {
        rp_status status = rp_call_put(call, job->to, &i, sizeof i, RP_FOREVER);
        if (status)
            return rp_fail(call, "put %s", rp_strerror(status));
        atomic_fetch_add(&stage->started, 1);
    }
    return 0;
}

int consume(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    uint64_t count = 0, number;
    for (;; count++) {
        rp_view view;
        rp_status status = rp_call_get(call, job->from, &view, RP_FOREVER);
        if (status)
            return rp_fail(call, "get %s", rp_strerror(status));
        if (!view.size)
            return rp_return(call, &count, sizeof count);
        memcpy(&number, view.data, sizeof number);
        atomic_fetch_add(&stage->runs[number], 1);
    }
}

int square_on(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    rp_view view;
    uint64_t number;
    (void)size;
    do {
        rp_status status = rp_call_get(call, job->from, &view, RP_FOREVER);
        if (!status && view.size) {
            memcpy(&number, view.data, sizeof number);
            number *= number;
        }
        if (!status)
            status = rp_call_put(call, job->to, view.size ? &number : NULL, view.size, RP_FOREVER);
        if (status)
            return rp_fail(call, "%s", rp_strerror(status));
    } while (view.size);
    return 0;
}

int produce_to_the_end(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    int code = produce(call, in, size);
    return code || !rp_call_put(call, job->to, NULL, 0, RP_FOREVER) ? code : 2;
}

int get_one(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    atomic_fetch_add(&stage->started, 1);
    rp_status status = rp_call_get(call, job->from, NULL, RP_FOREVER);
    return rp_return(call, &status, sizeof status);
}

int put_one(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    struct stage *stage = size == sizeof *job ? stage_at(job->ticket.stage) : NULL;
    atomic_fetch_add(&stage->started, 1);
    rp_status status = rp_call_put(call, job->to, "x", 1, RP_FOREVER);
    return rp_return(call, &status, sizeof status);
}

void check_answered(rp_future *future, rp_status wanted)
{
    rp_view view;
    rp_status answered = RP_BUSY;
    if (CHECK_STATUS(rp_result(future, &view), RP_OK) && CHECK_UINT(view.size, sizeof answered))
        memcpy(&answered, view.data, sizeof answered);
    CHECK_STATUS(answered, wanted);
    rp_release(&future);
}
