/* What the drivers of rankpool itself share. */
#ifndef RANKPOOL_BENCH_POOL_H
#define RANKPOOL_BENCH_POOL_H

#include <rankpool/rankpool.h>

#include "work.h"

/* Opens a pool, or ends the program with the sentence that says why not. */
rp_pool *pool_open(void);

/* Ends the program with the pool's sentence unless `status` is RP_OK. */
void pool_check(const rp_pool *pool, rp_status status);

/* How many processes compute: the workers, and the manager where a launcher gave the ranks and
 * it therefore computes in maps. */
int pool_cores(const rp_pool *pool);

/* Answers an item of a list. */
int pool_answer(rp_call *call, const void *in, size_t size);

#endif
