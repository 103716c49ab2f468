#include <stdlib.h>

#include "items.h"

enum { TASKS = 400, LARGEST = 100000 };

/* ---- Submitted tasks ---------------------------------------------------------------------- */

static void judge_task(struct work *work, rp_future *future, uint64_t number, size_t size)
{
    rp_view view;
    rp_task_info info;
    rp_status status = rp_result(future, &view);
    if (status == RP_OK && (view.size != size || !item_is_right(view.data, size, number)))
        work_fail(work, "task %llu is wrong", (unsigned long long)number);
    else if (status == RP_WORKER_LOST && (rp_info(future, &info) || info.attempts != work->retries + 1))
        work_fail(work, "a task was given up too soon: %s", rp_error(future));
    else if (status == RP_POOL_BROKEN && item_deaths(work) == rp_workers(work->pool))
        work->broken = true;
    else if (status && status != RP_WORKER_LOST)
        work_fail(work, "a task failed: %s", rp_error(future));
}

static bool put_in(struct work *work, uint64_t number, uint32_t size, uint64_t queue, uint64_t share)
{
    struct item item = item_of(work, number, 300, size);
    rp_task_options options = RP_TASK_OPTIONS_INIT;
    item.queue = queue;
    item.share = share;
    options.priority = (int)work_random(work, 3);
    if (work_random(work, 4) == 0)
        options.worker = 1 + (int)work_random(work, (uint64_t)rp_workers(work->pool));
    rp_status status = rp_submit_with(work->pool, item_answer, &item, sizeof item, &options, NULL);
    if (status)
        item_judge(work, "rp_submit", status, 0);
    else
        work->submitted++;
    return !status;
}

struct taken {
    size_t base; /* index of its first task */
    size_t n, begun, taken;
    uint32_t sizes[TASKS];
    bool seen[TASKS];
};

static struct taken *some_tasks(struct work *work)
{
    static struct taken taken;
    taken = (struct taken){.base = work->submitted, .n = (size_t)work_random(work, TASKS) + 1};
    for (size_t i = 0; i < taken.n; i++)
        taken.sizes[i] = 8 * (uint32_t)work_random(work, work_random(work, 20) ? 50 : LARGEST / 8);
    return &taken;
}

static bool take_one(struct work *work, struct taken *taken)
{
    rp_future *future = rp_next(work->pool, RP_FOREVER);
    if (!future)
        return false;
    size_t number = rp_index(future) - taken->base;
    if (number >= taken->begun || taken->seen[number])
        work_fail(work, "task %zu of %zu was given twice, or never begun", number, taken->begun);
    else
        judge_task(work, future, number, taken->sizes[number]);
    taken->seen[number < taken->n ? number : 0] = true;
    taken->taken++;
    rp_release(&future);
    return true;
}

static void take_all(struct work *work, struct taken *taken)
{
    while (take_one(work, taken))
        ;
    if (taken->taken != taken->begun)
        work_fail(work, "%zu of %zu tasks were given", taken->taken, taken->begun);
}

/* Results are taken while others are submitted; large ones among them. */
void work_submit(struct work *work)
{
    struct taken *taken = some_tasks(work);
    while (taken->begun < taken->n && !work->broken) {
        if (work_random(work, 3) == 0)
            take_one(work, taken);
        else
            taken->begun += put_in(work, taken->begun, taken->sizes[taken->begun], 0, 0);
    }
    take_all(work, taken);
}

static void count_call(rp_future *future, void *count)
{
    (void)future;
    ++*(size_t *)count;
}

/* Futures of the caller's, some of them cancelled, with callbacks, waited for in one go. */
void work_wait_for_many(struct work *work)
{
    enum { n = 60 };
    rp_future *futures[n];
    size_t count = 0, called = 0, done = 0;
    for (; count < n && !work->broken; count++) {
        struct item item = item_of(work, count, 300, 64);
        rp_status status = rp_submit(work->pool, item_answer, &item, sizeof item, &futures[count]);
        if (status) {
            item_judge(work, "rp_submit", status, 0);
            break;
        }
        work->submitted++;
        rp_on_done(futures[count], count_call, &called);
        if (work_random(work, 10) == 0)
            rp_cancel(futures[count]);
    }
    size_t base = count ? rp_index(futures[0]) : 0;
    rp_status status = count ? rp_wait_many(futures, count, RP_ALL, RP_FOREVER, &done) : RP_OK;
    if (status || done != count)
        work_fail(work, "rp_wait_many: %zu of %zu: %s", done, count, rp_last_error(work->pool));
    for (size_t i = 0; i < count; i++) {
        if (rp_result(futures[i], NULL) != RP_CANCELLED)
            judge_task(work, futures[i], rp_index(futures[i]) - base, 64);
        rp_release(&futures[i]);
    }
    if (called != count)
        work_fail(work, "%zu callbacks of %zu futures", called, count);
}

/* ---- Queues, shares, other pools ---------------------------------------------------------- */

static void get_all(struct work *work, rp_queue *queue, const struct taken *taken)
{
    unsigned char seen[TASKS] = {0};
    rp_view view;
    uint64_t number;
    while (rp_get(queue, &view, RP_FOREVER) == RP_OK) {
        memcpy(&number, view.data, sizeof number);
        if (number >= taken->n || view.size != sizeof number)
            work_fail(work, "the queue gave number %llu", (unsigned long long)number);
        else if (seen[number]++ && !item_deaths(work))
            work_fail(work, "the queue gave number %llu twice", (unsigned long long)number);
    }
    for (size_t i = 0; i < taken->begun && !work->broken && !item_deaths(work); i++)
        if (!seen[i])
            work_fail(work, "the queue lost number %zu", i);
}

void work_queue(struct work *work)
{
    rp_queue *queue;
    struct taken *taken = some_tasks(work);
    rp_status status = rp_queue_open(work->pool, (size_t)work_random(work, 20), &queue);
    if (status) {
        item_judge(work, "rp_queue_open", status, 0);
        return;
    }
    while (taken->begun < taken->n &&
           put_in(work, taken->begun, taken->sizes[taken->begun], rp_queue_id_of(queue), 0))
        taken->begun++;
    get_all(work, queue, taken);
    take_all(work, taken);
    rp_queue_close(&queue);
}

void work_share(struct work *work)
{
    size_t size = 8 * ((size_t)work_random(work, 20000) + 1);
    uint64_t *table = malloc(size);
    rp_share_id id;
    if (!table)
        return;
    item_fill(table, size / sizeof *table, ITEMS_SHARED);
    rp_status status = rp_share(work->pool, table, size, &id);
    free(table);
    if (status) {
        item_judge(work, "rp_share", status, 0);
        return;
    }
    struct taken *taken = some_tasks(work);
    while (taken->begun < taken->n && put_in(work, taken->begun, taken->sizes[taken->begun], 0, id))
        taken->begun++;
    take_all(work, taken);
    if (rp_unshare(work->pool, id))
        work_fail(work, "rp_unshare: %s", rp_last_error(work->pool));
}

/* A pool beside this one, which has tasks under way. */
void work_beside(struct work *work)
{
    struct taken *taken = some_tasks(work);
    struct work beside = *work;
    while (taken->begun < taken->n && put_in(work, taken->begun, taken->sizes[taken->begun], 0, 0))
        taken->begun++;
    rp_status status = work->open ? work->open(&beside, false) : RP_UNSUPPORTED;
    if (!status) {
        work_map(&beside);
        work_reduce(&beside);
        status = rp_close(&beside.pool);
    }
    work->wrong = beside.wrong;
    if (status && status != RP_UNSUPPORTED && status != RP_POOL_BROKEN)
        work_fail(work, "a pool beside: %s", rp_last_error(NULL));
    take_all(work, taken);
}
