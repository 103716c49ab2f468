/* Submitted tasks: queued by the manager, posted as there is room, collected one by one. */
#ifndef RANKPOOL_RUN_SUBMIT_H
#define RANKPOOL_RUN_SUBMIT_H

#include "run/manager.h"

/* Takes in a zeroed task with its fn, with_pool, kept, owner, priority and label set; the input is copied. It
 * is posted at once where there is room, else it waits with the manager. */
rp_status submit_task(struct manager *manager, struct task *task, const void *in, size_t in_size,
                      struct error *error);

/* The next finished task of those left with the pool; NULL: none is left, or none in time. The
 * caller holds it then. */
struct task *submit_next(struct manager *manager, uint64_t deadline);

/* RP_OK once the task is done, RP_TIMEOUT. */
rp_status submit_wait(struct manager *manager, struct task *task, uint64_t deadline);

/* Takes in what has finished, without waiting; alone it runs nothing. */
void submit_look(struct manager *manager);

/* The same where nothing is waited for: only if other nodes have not been seen to for a while. Of a closed
 * manager too. */
void submit_glance(struct manager *manager);

/* Posts what waits, as far as there is room. */
void submit_feed(struct manager *manager);

/* Waits until every task is done, and disposes of those that rp_next has not given. */
void submit_finish(struct manager *manager);

/* Whether the task runs, to the best of the manager's knowledge. */
bool submit_is_running(const struct manager *manager, const struct task *task);

/* RP_OK: it is cancelled, now or before; RP_BUSY: it has started. */
rp_status submit_cancel(struct manager *manager, struct task *task);
size_t submit_cancel_all(struct manager *manager);

/* Nothing more will be added to the posts that submitted tasks are added to: what is posted from
 * now on comes behind them. */
void submit_close_blocks(struct manager *manager);

/* Frees what the task holds on the board, before task_clear; of a closed manager too. */
void submit_let_go(struct manager *manager, struct task *task);

/* Disposes of the task if it is done and nobody holds it any more. */
void submit_drop(struct manager *manager, struct task *task);

/* What every waiting call does without waiting: takes in what has finished, posts what waits, makes
 * callbacks, and alone runs a task. False: there was nothing. */
bool submit_turn(struct manager *manager);

/* The same, with sleep if there was nothing; false: the deadline has passed, or it would wait without
 * end for tasks that all wait at queues (stuck.h). */
bool submit_round(struct manager *manager, uint64_t deadline);

/* Alone: sleeps, where all queued tasks wait for another try, until one is due or the deadline passes. */
void submit_rest(struct manager *manager, uint64_t deadline);

#endif
