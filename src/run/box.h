/* A box: where the tasks of a pool run that isolates them. It is a child process (forker.h) that a rank
 * orders to run what it would run itself; a performer that has a box runs nothing here, and its callers
 * need not know.
 *
 * The child sees the board, read-only, and shares one page with its rank (box_page.h). The rank puts an
 * order there, a run of items, and sleeps. It takes in the child's notes as they come, checks them
 * (box_read.h), copies the results to where they belong, and passes the notes on to the performer's sink.
 *
 * The end of a child. A signal, an exit, want of memory: the item that it ran has the note RP_TASK_CRASHED,
 * whose code is the negative number of the signal, or the exit status; what was good before it counts; the
 * rest of the run goes on in the next child, which is forked already. Where several items may have been the
 * one, or where the page was written over, items are run again one by one, until there is no doubt: tasks
 * may run more than once, notes are sent once.
 *
 * Time. Who waits for a child looks now and then at which item it runs. One that has run for longer than its
 * limit is asked to stop (SIGTERM), then, after as long again or a second, killed (SIGKILL): its note is
 * RP_TASK_TIMEOUT, even if it ended meanwhile. While a task waits at a queue its time stands still.
 *
 * The initializer runs at the start of each child. Where it fails or crashes, the box is broken: what is to
 * run in it has the note RP_POOL_BROKEN, and box_refusal the reason. The finalizer runs in the last child.
 *
 * Order of calls: box_open, box_hook(initializer) if there is one, box_run and box_errand ...,
 * box_hook(finalizer), box_close. */
#ifndef RANKPOOL_RUN_BOX_H
#define RANKPOOL_RUN_BOX_H

#include "run/perform.h"

/* Of work that a claim should have: a run costs two switches between the rank and its child. */
#define BOX_CLAIM_NS 1e6

struct box_setup {
    struct performer *performer; /* whose tasks it runs; its larder is where results go */
    const struct board *board;   /* as the rank sees it; NULL alone */
    struct memory_handle board_handle;
    size_t task_memory; /* bytes that tasks may take beyond what the child has at first; 0: no limit */
};

/* RP_UNSUPPORTED, RP_NO_MEMORY: there can be none here. */
rp_status box_open(const struct box_setup *setup, struct box **box, struct error *error);

/* Ends the child. NULL is fine. */
void box_close(struct box *box);

/* perform_run, perform_packed, perform_reduce, perform_errand and perform_hook, in the child. */
uint64_t box_run(struct box *box, const struct stretch *stretch, uint32_t from, uint32_t count,
                 note_sink *sink, void *state);
void box_errand(struct box *box, const struct errand *errand, const struct note *note, note_sink *sink,
                void *state);
rp_status box_hook(struct box *box, enum hook hook, rp_fn *fn, const void *in, size_t in_size,
                   struct error *error);

/* Why no task can run in it: status RP_OK, or RP_POOL_BROKEN. */
const struct error *box_refusal(const struct box *box);

/* Before the first MPI call: makes what children are forked from. */
rp_status box_prepare(struct error *error);

/* Whether this process is a child. */
bool box_is_child(void);

#endif
