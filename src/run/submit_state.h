/* Submitted tasks: shared by the files submit*.c alone. */
#ifndef RANKPOOL_RUN_SUBMIT_STATE_H
#define RANKPOOL_RUN_SUBMIT_STATE_H

#include "run/submit.h"

/* submit_post.c: a posted task as it stands on the board. */
struct task_record *submit_record(const struct manager *manager, const struct task *task);

/* Gives a post back once all its tasks have ended, unless more may be added to it. */
void submit_leave_post(struct manager *manager, int post);

/* submit_take.c: a task that has left the list of its stage is done, as a note says or with a
 * status and, where it failed, a sentence. True: the result stays where the note has it, until
 * submit_let_go. */
bool submit_take_result(struct manager *manager, struct task *task, const struct note *note, int worker,
                        const void *payload);
void submit_settle(struct manager *manager, struct task *task, rp_status status, const char *sentence);
extern const struct posting_ops submit_posting_ops;

/* submit_journal.c: whether its result was stored by an earlier run: it is done then. And storing it. */
bool submit_find_stored(struct manager *manager, struct task *task, const void *in, size_t in_size,
                        struct board_function function);
void submit_store(struct manager *manager, const struct task *task, const struct note *note,
                  const void *payload);

/* submit_alone.c: runs the first queued task here that is due; false: there is none. */
bool submit_run_one(struct manager *manager);

#endif
