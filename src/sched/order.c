#include "sched/order.h"

#include <stdlib.h>

struct costed {
    double cost;
    uint64_t index;
};

static int compare(const void *a, const void *b)
{
    const struct costed *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost > y->cost ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

uint64_t *order_by_cost(const double *cost, size_t n)
{
    uint64_t *order = n <= SIZE_MAX / sizeof *order ? malloc(n * sizeof *order) : NULL;
    struct costed *costed = n <= SIZE_MAX / sizeof *costed ? malloc(n * sizeof *costed) : NULL;
    if (order && costed) {
        for (size_t i = 0; i < n; i++)
            costed[i] = (struct costed){cost[i] == cost[i] ? cost[i] : -1.0 / 0.0, i};
        qsort(costed, n, sizeof *costed, compare);
        for (size_t i = 0; i < n; i++)
            order[i] = costed[i].index;
    } else {
        free(order);
        order = NULL;
    }
    free(costed);
    return order;
}
