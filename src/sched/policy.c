#include "sched/policy.h"

#define CLAIM_NS 20000.0 /* of work a claim: a hundred times what a claim costs */
#define GROWTH   4       /* items of a claim, over those that were measured behind the first one */

static uint64_t divided_up(uint64_t items, uint64_t by)
{
    return items / by + (items % by != 0);
}

static uint64_t at_least(uint64_t items, uint64_t least)
{
    return items < least ? least : items;
}

static uint64_t static_run(const struct policy_view *view)
{
    return divided_up(view->total, view->workers);
}

static uint64_t dynamic_run(const struct policy_view *view)
{
    return view->chunk;
}

static uint64_t guided_run(const struct policy_view *view)
{
    return at_least(divided_up(view->remaining, view->workers), view->chunk);
}

/* Sizes depend on the batch alone: the batches are gone through from the start until the one that
 * the remaining items lie in, at most 64 of them. */
static uint64_t factoring_run(const struct policy_view *view)
{
    uint64_t left = view->total;
    for (;;) {
        uint64_t run = at_least(divided_up(left, 2 * (uint64_t)view->workers), view->chunk);
        uint64_t batch = run > left / view->workers ? left : run * view->workers;
        if (left - batch < view->remaining || batch == left)
            return run;
        left -= batch;
    }
}

static uint64_t adaptive_run(const struct policy_view *view)
{
    double weight = view->weight < 0.1 ? 0.1 : view->weight > 10 ? 10 : view->weight;
    return (uint64_t)((double)factoring_run(view) * weight + 0.5);
}

static uint64_t auto_run(const struct policy_view *view)
{
    if (view->chunk)
        return view->chunk;
    if (!(view->item_ns > 0))
        return 1;
    double wanted = (view->claim_ns > 0 ? view->claim_ns : CLAIM_NS) / view->item_ns;
    uint64_t most = divided_up(view->remaining, 2 * (uint64_t)view->workers);
    if (view->measured && view->measured - 1 < most / GROWTH)
        most = at_least((view->measured - 1) * GROWTH, 1);
    return wanted < (double)most ? at_least((uint64_t)wanted, view->least < most ? view->least : most) : most;
}

static uint64_t (*const policies[])(const struct policy_view *) = {
    [SCHEDULE_AUTO] = auto_run,     [SCHEDULE_STATIC] = static_run,       [SCHEDULE_DYNAMIC] = dynamic_run,
    [SCHEDULE_GUIDED] = guided_run, [SCHEDULE_FACTORING] = factoring_run, [SCHEDULE_ADAPTIVE] = adaptive_run,
};

uint64_t policy_run(const struct policy_view *view)
{
    uint64_t run = at_least(policies[view->schedule](view), 1);
    return run < view->remaining ? run : view->remaining;
}

/* A claim comes to two parts, and each of them is combined once. */
uint64_t policy_least_reduced(uint32_t workers, double item_ns, double combine_ns)
{
    if (!(combine_ns > 0) || !(item_ns > 0))
        return 4; /* to be measured */
    double least = 8.0 * workers * combine_ns / item_ns;
    return least < 0x1p32 ? (uint64_t)least : UINT32_MAX;
}

double policy_learn(double item_ns, double measured_ns)
{
    return measured_ns >= item_ns ? measured_ns : item_ns + (measured_ns - item_ns) / 2;
}

double policy_learn_combined(double combine_ns, double measured_ns)
{
    return combine_ns > 0 && measured_ns > 2 * combine_ns ? 2 * combine_ns : measured_ns;
}
