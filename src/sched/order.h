/* The order in which a map with cost hints runs: longest first (Graham, "Bounds on multiprocessing
 * timing anomalies", SIAM J. Appl. Math. 17, 1969). */
#ifndef RANKPOOL_SCHED_ORDER_H
#define RANKPOOL_SCHED_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* The indices 0..n-1 by falling cost, equal costs by rising index; a cost that is no number counts
 * as the lowest. To be freed; NULL without memory. */
uint64_t *order_by_cost(const double *cost, size_t n);

#endif
