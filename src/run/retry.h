/* Retries: an item whose end was not its function's own word may be tried again, after a pause that
 * doubles each time. One that was running when its worker died is, by itself; one that crashed or ran too
 * long (isolated ones can) only where retries were asked for, since that mostly happens again. All tries
 * count alike; one that has had all that it may have fails as it did at last. Items that a dead worker
 * merely held, and those beside a crashed one, are not charged: they run at once (recover.h, box.h).
 *
 * With workers an item that waits for its next try stays where it was posted, its lease open, so that
 * everybody goes on to wait for it. When its work stops it ends as what has not started does; when the
 * process drains it stays behind, for a later run.
 *
 * A manager that is alone keeps such an item with its own work (map_again.c, submit_alone.c), runs others
 * meanwhile, and rests where there are none. */
#ifndef RANKPOOL_RUN_RETRY_H
#define RANKPOOL_RUN_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rankpool/rankpool.h>

#define RETRIES_LOST     2                    /* after a lost worker, where nothing was asked for */
#define RETRY_PAUSE_NS   UINT64_C(10000000)   /* before the second try */
#define RETRY_LONGEST_NS UINT64_C(1000000000) /* before any */

struct manager;
struct note;

struct retries {
    struct retry *list;
    size_t count, room;
};

/* Whether an item that ended with `status` in its `attempt`-th try has another one. `retries`: as in
 * struct posting_item. */
bool retry_may(rp_status status, int attempt, int retries);

/* When it is due, as clock_ns. */
uint64_t retry_time(int attempt);

/* `worker` died while it ran this item. */
void retry_lost(struct manager *manager, int post, uint32_t item, int worker);

/* A note that is to be taken in. True: its item is tried again, and the note counts for nothing. */
bool retry_note(struct manager *manager, int post, const struct note *note);

bool retry_waits(const struct manager *manager, int post, uint32_t item);

/* When the next one is due, as clock_ns; CLOCK_NEVER: none waits. */
uint64_t retry_due(const struct manager *manager);

/* Posts what is due. */
void retry_post(struct manager *manager);

/* The work stops: what waits of it is given back to it at once. */
void retry_give_up(struct manager *manager, const void *work);

void retry_free(struct retries *retries);

/* Alone: sleeps until then, but no longer than the caller may be away. */
void retry_rest(uint64_t until);

#endif
