#include "items.h"

static int invert(rp_call *call, const void *in, size_t size)
{
    struct item item;
    memcpy(&item, in, size);
    item_spend(item.micros);
    double x = 1.0 / (1.0 + (double)item.number);
    return rp_return(call, &x, sizeof x);
}

static void add(void *into, const void *from, size_t size)
{
    double *a = into;
    const double *b = from;
    (void)size;
    *a += *b;
}

static double sum_of(size_t from, size_t n)
{
    size_t half = 1;
    if (n == 1)
        return 1.0 / (1.0 + (double)from);
    while (2 * half < n)
        half *= 2;
    return sum_of(from, half) + sum_of(from + half, n - half);
}

/* ---- Maps --------------------------------------------------------------------------------- */

static const char *const schedules[] = {NULL, "auto", "static", "dynamic", "guided", "factoring", "adaptive"};

struct mapped {
    size_t n;
    struct item items[ITEMS_MOST];
    double cost[ITEMS_MOST];
    rp_status statuses[ITEMS_MOST];
    rp_map_options options;
};

static struct mapped *some_items(struct work *work, size_t most, uint32_t micros, uint32_t size)
{
    static struct mapped mapped;
    mapped.n = (size_t)work_random(work, most) + 1;
    for (size_t i = 0; i < mapped.n; i++) {
        mapped.items[i] = item_of(work, i, micros, size);
        mapped.cost[i] = mapped.items[i].micros;
    }
    mapped.options = (rp_map_options)RP_MAP_OPTIONS_INIT;
    mapped.options.schedule = schedules[work_random(work, sizeof schedules / sizeof *schedules)];
    mapped.options.chunk = work_random(work, 2) ? work_random(work, 200) : 0;
    mapped.options.cost = work_random(work, 3) ? NULL : mapped.cost;
    return &mapped;
}

void work_map(struct work *work)
{
    static uint64_t out[ITEMS_MOST];
    struct mapped *mapped = some_items(work, ITEMS_MOST, 100, sizeof *out);
    mapped->options.statuses = mapped->statuses;
    memset(out, 0xee, sizeof out);
    rp_status status = rp_map_with(work->pool, item_answer, mapped->items, sizeof *mapped->items, mapped->n,
                                   out, sizeof *out, &mapped->options, NULL);
    int lost = 0, wrong = 0;
    for (size_t i = 0; i < mapped->n && status != RP_POOL_BROKEN; i++) {
        lost += mapped->statuses[i] == RP_WORKER_LOST;
        wrong += mapped->statuses[i] == RP_OK && !item_is_right(&out[i], sizeof out[i], i);
    }
    item_judge(work, "rp_map", status, lost);
    if (wrong)
        work_fail(work, "rp_map: %d of %zu results are wrong", wrong, mapped->n);
}

void work_map_in_place(struct work *work)
{
    struct mapped *mapped = some_items(work, ITEMS_MOST, 50, sizeof(uint64_t));
    struct item *items = rp_alloc(work->pool, mapped->n * sizeof *items);
    uint64_t *out = rp_alloc(work->pool, mapped->n * sizeof *out);
    if (!items || !out) {
        work_fail(work, "rp_alloc: %s", rp_last_error(work->pool));
        return;
    }
    memcpy(items, mapped->items, mapped->n * sizeof *items);
    mapped->options.statuses = mapped->statuses;
    rp_status status = rp_map_with(work->pool, item_answer, items, sizeof *items, mapped->n, out, sizeof *out,
                                   &mapped->options, NULL);
    int lost = 0, wrong = 0;
    for (size_t i = 0; i < mapped->n && status != RP_POOL_BROKEN; i++) {
        lost += mapped->statuses[i] == RP_WORKER_LOST;
        wrong += mapped->statuses[i] == RP_OK && !item_is_right(&out[i], sizeof out[i], i);
    }
    item_judge(work, "rp_map in place", status, lost);
    if (wrong)
        work_fail(work, "rp_map in place: %d of %zu results are wrong", wrong, mapped->n);
    rp_free(work->pool, items);
    rp_free(work->pool, out);
}

void work_reduce(struct work *work)
{
    struct mapped *mapped = some_items(work, ITEMS_MOST, 50, 0);
    double out = 0, wanted = sum_of(0, mapped->n);
    mapped->options.cost = NULL;
    rp_status status = rp_map_reduce(work->pool, invert, mapped->items, sizeof *mapped->items, mapped->n, add,
                                     &out, sizeof out, &mapped->options, NULL);
    item_judge(work, "rp_map_reduce", status, status == RP_WORKER_LOST);
    if (status == RP_OK && memcmp(&out, &wanted, sizeof out))
        work_fail(work, "rp_map_reduce of %zu: %a, not %a", mapped->n, out, wanted);
}

/* ---- Streams ------------------------------------------------------------------------------ */

struct flow {
    struct work *work;
    struct item item;
    size_t n, drawn, given;
    int lost;
    unsigned char seen[ITEMS_MOST];
};

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    if (flow->drawn == flow->n)
        return 0;
    flow->item = item_of(flow->work, flow->drawn++, 100, 8 * (uint32_t)work_random(flow->work, 40));
    *item = (rp_view){&flow->item, sizeof flow->item};
    return 1;
}

static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    flow->given++;
    flow->lost += status == RP_WORKER_LOST;
    if (index >= flow->n || flow->seen[index]++)
        work_fail(flow->work, "rp_stream: item %zu twice", index);
    else if (status && status != RP_WORKER_LOST && status != RP_POOL_BROKEN)
        work_fail(flow->work, "rp_stream: item %zu: %s", index, error);
    else if (!status && !item_is_right(result.data, result.size, index))
        work_fail(flow->work, "rp_stream: item %zu is wrong", index);
    return 0;
}

void work_stream(struct work *work)
{
    struct flow flow = {.work = work, .n = (size_t)work_random(work, ITEMS_MOST)};
    rp_map_options options = RP_MAP_OPTIONS_INIT;
    options.window = work_random(work, 300);
    options.chunk = work_random(work, 2) ? work_random(work, 20) : 0;
    rp_status status = rp_stream(work->pool, item_answer, draw, give, &flow, &options);
    item_judge(work, "rp_stream", status, 0);
    if (flow.lost && item_deaths(work) < flow.lost * (work->retries + 1))
        work_fail(work, "rp_stream: %d items were given up", flow.lost);
    if (!status && flow.given != flow.n)
        work_fail(work, "rp_stream: %zu of %zu were given", flow.given, flow.n);
}
