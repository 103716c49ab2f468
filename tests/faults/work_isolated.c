/* Tasks that end their process, in a pool beside that isolates them: they fail alone. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "items.h"

enum { MOST = 200, ONE_IN = 20 };

enum harm { NONE, SEGFAULT, EXIT, BOMB, STUCK };

struct harmful {
    struct item item;
    enum harm harm;
};

/* ---- Tasks -------------------------------------------------------------------------------- */

static char *volatile nowhere; /* NULL */

static void take_memory(void)
{
    for (;;) {
        char *memory = malloc((size_t)4 << 20);
        memset(memory, 1, (size_t)4 << 20); /* NULL in the end */
        __asm__ volatile("" : : "r"(memory) : "memory");
    }
}

static int harm(rp_call *call, const void *in, size_t size)
{
    struct harmful harmful;
    memcpy(&harmful, in, sizeof harmful);
    if (size != sizeof harmful)
        return rp_fail(call, "%zu bytes", size);
    switch (harmful.harm) {
    case SEGFAULT:
        *nowhere = 1;
        break;
    case EXIT:
        exit((int)(harmful.item.number % 3));
    case BOMB:
        take_memory();
        break;
    case STUCK:
        for (;;)
            pause();
    default:
        break;
    }
    return item_answer(call, &harmful.item, sizeof harmful.item);
}

/* ---- Work --------------------------------------------------------------------------------- */

/* One in three lists has a task that is stuck, which takes a second. */
static size_t some_harm(struct work *work, struct harmful *items)
{
    size_t n = (size_t)work_random(work, MOST) + 1, stuck = (size_t)work_random(work, 3 * MOST);
    for (size_t i = 0; i < n; i++) {
        items[i].item = item_of(work, i, 300, sizeof(uint64_t));
        items[i].harm = work_random(work, ONE_IN) ? NONE : SEGFAULT + (enum harm)work_random(work, 3);
    }
    if (stuck < n)
        items[stuck].harm = STUCK;
    return n;
}

/* `pool` is the one that isolates. Two further tries are what a lost worker costs, where no number is given.
 */
static void judge(struct work *pool, const struct harmful *item, rp_status status, uint64_t answer)
{
    rp_status due = item->harm == NONE ? RP_OK : item->harm == STUCK ? RP_TASK_TIMEOUT : RP_TASK_CRASHED;
    int dead = item_deaths(pool);
    if (status == RP_POOL_BROKEN && dead == rp_workers(pool->pool))
        pool->broken = true;
    else if (status != due && (status != RP_WORKER_LOST || dead < 3))
        work_fail(pool, "isolated, item %llu, harm %d: %s", (unsigned long long)item->item.number,
                  (int)item->harm, rp_strerror(status));
    else if (!status && !item_is_right(&answer, sizeof answer, item->item.number))
        work_fail(pool, "isolated, item %llu is wrong", (unsigned long long)item->item.number);
}

static void map_harm(struct work *pool, const struct harmful *items, size_t n)
{
    static rp_status statuses[MOST];
    static uint64_t out[MOST];
    rp_map_options options = RP_MAP_OPTIONS_INIT;
    options.statuses = statuses;
    options.chunk = work_random(pool, 2) ? work_random(pool, 50) : 0;
    rp_map_with(pool->pool, harm, items, sizeof *items, n, out, sizeof *out, &options, NULL);
    for (size_t i = 0; i < n; i++)
        judge(pool, &items[i], statuses[i], out[i]);
}

static void submit_harm(struct work *pool, const struct harmful *items, size_t n)
{
    size_t begun = 0, taken = 0;
    while (begun < n && !rp_submit(pool->pool, harm, &items[begun], sizeof items[begun], NULL))
        begun++;
    for (rp_future *future; (future = rp_next(pool->pool, RP_FOREVER)); rp_release(&future), taken++) {
        uint64_t answer = 0;
        rp_view view = {0};
        rp_status status = rp_result(future, &view);
        if (status == RP_OK && view.size == sizeof answer)
            memcpy(&answer, view.data, sizeof answer);
        judge(pool, &items[rp_index(future)], status, answer);
    }
    if (taken != begun || (begun < n && item_deaths(pool) < rp_workers(pool->pool)))
        work_fail(pool, "isolated: %zu of %zu tasks were given, of %zu", taken, begun, n);
}

void work_isolated(struct work *work)
{
    static struct harmful items[MOST];
    struct work pool = *work;
    rp_status status = work->open ? work->open(&pool, true) : RP_UNSUPPORTED;
    if (!status) {
        size_t n = some_harm(&pool, items);
        (work_random(&pool, 2) ? map_harm : submit_harm)(&pool, items, n);
        status = rp_close(&pool.pool);
    }
    work->wrong = pool.wrong;
    work->seed = pool.seed;
    if (status && status != RP_UNSUPPORTED && status != RP_POOL_BROKEN)
        work_fail(work, "a pool that isolates: %s", rp_last_error(NULL));
}
