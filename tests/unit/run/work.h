/* Work for a gang, whose every result is checked: items are squared (gang.h). */
#ifndef RANKPOOL_TESTS_RUN_WORK_H
#define RANKPOOL_TESTS_RUN_WORK_H

#include "gang.h"
#include "run/map.h"

/* A map of `n` items; checks that each was delivered once. */
void work_map(struct gang *gang, const struct map_work *like, size_t n);

/* The same, which may also end as RP_POOL_BROKEN: then what is done is right. True if it was. */
bool work_map_or_break(struct gang *gang, const struct map_work *like, size_t n);

/* One task with an input that names the item. */
struct task *work_submit(struct gang *gang, rp_fn *fn, uint64_t item);

/* Checks a task's result, and frees it. */
void work_check(struct gang *gang, struct task *task, uint64_t item);

/* `n` tasks at once, or one after the other: each is delivered once, in any order. With `may_break`
 * they may also end as RP_POOL_BROKEN; true if any did. */
bool work_tasks(struct gang *gang, rp_fn *fn, size_t n, size_t at_once, bool may_break);

#endif
