/* Waiting for sets of futures. */
#include <stdlib.h>

#include "api/pool.h"
#include "base/clock.h"
#include "run/submit.h"

#define ITER_MAGIC UINT32_C(0x72706974)

static bool is_done(const rp_future *future)
{
    return future->task.stage == TASK_DONE;
}

static rp_status check_set(rp_pool *pool, const char *call, rp_future *const *futures, size_t n)
{
    if (!futures && n)
        return error_set(&pool->error, RP_INVALID, "%s: the array of %zu futures is NULL", call, n);
    for (size_t i = 0; i < n; i++) {
        rp_status status = future_enter(futures[i], call);
        if (status)
            return status;
        if (futures[i]->pool != pool)
            return error_set(&pool->error, RP_INVALID, "%s: future %zu of the array is of another pool", call,
                             i);
    }
    return RP_OK;
}

/* ---- One by one -------------------------------------------------------------------------- */

struct iter_entry {
    struct task_watch watch; /* first */
    rp_iter *iter;
    rp_future *future;         /* NULL: given, or nobody's any more */
    struct iter_entry *behind; /* among the done ones */
};

struct rp_iter {
    uint32_t magic;
    rp_pool *pool;
    rp_status status;
    size_t left;                     /* not given yet */
    size_t count;                    /* entries */
    struct iter_entry *first, **end; /* done ones, in completion order */
    struct iter_entry entry[];
};

static void append_done(struct iter_entry *entry)
{
    *entry->iter->end = entry;
    entry->iter->end = &entry->behind;
}

static void take_done(struct task_watch *watch, struct task *task)
{
    struct iter_entry *entry = (struct iter_entry *)watch;
    if (task->kept) {
        append_done(entry);
        return;
    }
    entry->iter->left--; /* it was released: there is nothing to give */
    entry->future = NULL;
}

static int by_address(const void *a, const void *b)
{
    const struct iter_entry *x = a, *y = b;
    return (x->future > y->future) - (x->future < y->future);
}

static int by_completion(const void *a, const void *b)
{
    const struct iter_entry *x = a, *y = b;
    uint64_t p = is_done(x->future) ? x->future->task.ended : UINT64_MAX;
    uint64_t q = is_done(y->future) ? y->future->task.ended : UINT64_MAX;
    return p != q ? (p > q) - (p < q) : by_address(a, b);
}

static size_t drop_doubles(struct iter_entry *entry, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || entry[i].future != entry[kept - 1].future)
            entry[kept++] = entry[i];
    return kept;
}

rp_iter *rp_as_completed(rp_pool *pool, rp_future *const *futures, size_t n)
{
    if (pool_enter(pool, "rp_as_completed") || check_set(pool, "rp_as_completed", futures, n))
        return NULL;
    rp_iter *iter = NULL;
    if (n < SIZE_MAX / sizeof *iter->entry - 1)
        iter = malloc(sizeof *iter + n * sizeof *iter->entry);
    if (!iter) {
        error_set(&pool->error, RP_NO_MEMORY, "no memory to wait for %zu futures", n);
        return NULL;
    }
    *iter = (struct rp_iter){.magic = ITER_MAGIC, .pool = pool, .end = &iter->first};
    for (size_t i = 0; i < n; i++)
        iter->entry[i] = (struct iter_entry){.watch.tell = take_done, .iter = iter, .future = futures[i]};
    qsort(iter->entry, n, sizeof *iter->entry, by_address);
    iter->count = iter->left = drop_doubles(iter->entry, n);
    qsort(iter->entry, iter->count, sizeof *iter->entry, by_completion);
    for (size_t i = 0; i < iter->count; i++) {
        struct iter_entry *entry = &iter->entry[i];
        if (is_done(entry->future))
            append_done(entry);
        else
            task_watch(&entry->future->task, &entry->watch);
    }
    pool->users++;
    return iter;
}

static bool is_iter(const rp_iter *iter, const char *call)
{
    if (api_is_one(iter, offsetof(rp_iter, magic), ITER_MAGIC))
        return true;
    error_set(api_error(), RP_INVALID, "%s: its argument is no iterator", call);
    return false;
}

rp_future *rp_iter_next(rp_iter *iter, double seconds)
{
    if (!is_iter(iter, "rp_iter_next"))
        return NULL;
    uint64_t deadline = clock_deadline(seconds);
    iter->status = RP_OK;
    if (iter->first && !iter->pool->closed && !pool_enter(iter->pool, "rp_iter_next"))
        submit_glance(&iter->pool->manager);
    for (bool in_time = true; !iter->first && iter->left && in_time;) {
        iter->status = pool_enter(iter->pool, "rp_iter_next");
        if (iter->status)
            return NULL;
        in_time = submit_round(&iter->pool->manager, deadline);
    }
    struct iter_entry *entry = iter->first;
    if (!entry) {
        iter->status = iter->left ? RP_TIMEOUT : RP_OK;
        return NULL;
    }
    iter->first = entry->behind;
    if (!iter->first)
        iter->end = &iter->first;
    iter->left--;
    rp_future *future = entry->future;
    entry->future = NULL;
    return future;
}

rp_status rp_iter_status(const rp_iter *iter)
{
    return is_iter(iter, "rp_iter_status") ? iter->status : RP_INVALID;
}

void rp_iter_free(rp_iter **iter)
{
    if (!iter || !*iter || !is_iter(*iter, "rp_iter_free"))
        return;
    rp_iter *freed = *iter;
    *iter = NULL;
    for (struct iter_entry *entry = freed->first; entry; entry = entry->behind)
        entry->future = NULL; /* done, and perhaps released by now */
    for (size_t i = 0; i < freed->count; i++)
        if (freed->entry[i].future)
            task_unwatch(&freed->entry[i].future->task, &freed->entry[i].watch);
    pool_drop(freed->pool);
    freed->magic = 0;
    free(freed);
}

/* ---- Many at once ------------------------------------------------------------------------ */

static int by_end(const void *a, const void *b)
{
    const rp_future *x = *(rp_future *const *)a, *y = *(rp_future *const *)b;
    return (x->task.ended > y->task.ended) - (x->task.ended < y->task.ended);
}

/* The done ones to the front, in completion order; the others keep theirs. */
static rp_status move_done(rp_future **futures, size_t n, size_t *done)
{
    rp_future **others = malloc((n ? n : 1) * sizeof(rp_future *));
    if (!others)
        return RP_NO_MEMORY;
    size_t front = 0, kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_done(futures[i]))
            futures[front++] = futures[i];
        else
            others[kept++] = futures[i];
    }
    for (size_t i = 0; i < kept; i++)
        futures[front + i] = others[i];
    free(others);
    if (front)
        qsort(futures, front, sizeof(rp_future *), by_end);
    if (done)
        *done = front;
    return RP_OK;
}

struct set {
    rp_future *const *futures;
    size_t n;
    size_t ended; /* futures before this one are done */
    rp_wait_for what;
    size_t settled; /* of the pool, at the last look */
};

static bool any_is(const struct set *set, bool failed)
{
    for (size_t i = 0; i < set->n; i++)
        if (is_done(set->futures[i]) && (!failed || set->futures[i]->task.status))
            return true;
    return false;
}

/* Each future is passed once where all must be done; the others are looked at again only if some
 * task of the pool has ended since. */
static bool is_satisfied(struct set *set, const struct manager *manager, bool closed)
{
    while (set->ended < set->n && is_done(set->futures[set->ended]))
        set->ended++;
    if (set->ended == set->n)
        return true;
    if (set->what == RP_ALL || (!closed && set->settled == manager->settled))
        return false;
    set->settled = manager->settled;
    return any_is(set, set->what == RP_FIRST_FAILED);
}

rp_status rp_wait_many(rp_future **futures, size_t n, rp_wait_for what, double seconds, size_t *done)
{
    uint64_t deadline = clock_deadline(seconds);
    if (n && !futures)
        return error_set(api_error(), RP_INVALID, "rp_wait_many: the array of %zu futures is NULL", n);
    if ((unsigned)what > RP_ALL)
        return error_set(api_error(), RP_INVALID, "rp_wait_many: %d is not what can be waited for",
                         (int)what);
    if (!n)
        return move_done(futures, n, done);
    rp_status status = future_enter(futures[0], "rp_wait_many");
    if (!status)
        status = check_set(futures[0]->pool, "rp_wait_many", futures, n);
    if (status)
        return status;
    rp_pool *pool = futures[0]->pool;
    struct set set = {.futures = futures, .n = n, .what = what, .settled = SIZE_MAX};
    bool satisfied = is_satisfied(&set, &pool->manager, pool->closed);
    if (satisfied)
        submit_glance(&pool->manager);
    for (bool in_time = true; !satisfied && in_time && !pool->closed;) {
        in_time = submit_round(&pool->manager, deadline);
        satisfied = is_satisfied(&set, &pool->manager, pool->closed);
    }
    if (move_done(futures, n, done))
        return error_set(&pool->error, RP_NO_MEMORY, "no memory to order %zu futures", n);
    return satisfied ? RP_OK : pool_say_late(pool, seconds);
}
