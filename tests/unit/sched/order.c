#include "sched/order.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

static void check_order(const double *cost, const uint64_t *wanted, size_t n)
{
    uint64_t *order = order_by_cost(cost, n);
    REQUIRE(order);
    CHECK_MEM(order, wanted, n * sizeof *order);
    free(order);
}

TEST_CASE(the_most_costly_item_comes_first)
{
    check_order((double[]){3, 1, 9, 4}, (uint64_t[]){2, 3, 0, 1}, 4);
}

TEST_CASE(equal_costs_keep_the_order_of_their_indices)
{
    check_order((double[]){5, 7, 5, 7, 5, 0.0, -0.0}, (uint64_t[]){1, 3, 0, 2, 4, 5, 6}, 7);
}

TEST_CASE(a_cost_that_is_no_number_counts_as_the_lowest)
{
    check_order((double[]){NAN, 1, NAN, -INFINITY, INFINITY, -5}, (uint64_t[]){4, 1, 5, 0, 2, 3}, 6);
}

TEST_CASE(an_order_of_many_items_names_each_once_by_falling_cost)
{
    enum { N = 20000 };
    static double cost[N];
    static bool named[N];
    srand(5);
    for (int i = 0; i < N; i++)
        cost[i] = rand() % 500;
    uint64_t *order = order_by_cost(cost, N);
    REQUIRE(order);
    for (int i = 0; i < N; i++) {
        REQUIRE(order[i] < N && !named[order[i]]);
        named[order[i]] = true;
        if (i)
            REQUIRE(cost[order[i - 1]] > cost[order[i]] ||
                    (cost[order[i - 1]] == cost[order[i]] && order[i - 1] < order[i]));
    }
    free(order);
}

TEST_CASE(a_single_item_and_sizes_that_no_memory_holds)
{
    check_order((double[]){1}, (uint64_t[]){0}, 1);
    double one = 1;
    CHECK_PTR(order_by_cost(&one, SIZE_MAX / 2), NULL);
}
