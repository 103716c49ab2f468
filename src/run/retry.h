/* Retries: an item that was running when its worker died is tried again, after a pause that doubles
 * each time; one that has had all the tries it may have fails with RP_WORKER_LOST. Items that the
 * worker merely held are not charged: they run elsewhere at once (recover.h).
 *
 * An item that waits for its next try stays where it was posted, its lease open. */
#ifndef RANKPOOL_RUN_RETRY_H
#define RANKPOOL_RUN_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RETRIES_LOST     2                    /* after a lost worker, where nothing was asked for */
#define RETRY_PAUSE_NS   UINT64_C(10000000)   /* before the second try */
#define RETRY_LONGEST_NS UINT64_C(1000000000) /* before any */

struct manager;

struct retries {
    struct retry *list;
    size_t count, room;
};

/* `worker` died while it ran this item. */
void retry_lost(struct manager *manager, int post, uint32_t item, int worker);

bool retry_waits(const struct manager *manager, int post, uint32_t item);

/* When the next one is due, as clock_ns; CLOCK_NEVER: none waits. */
uint64_t retry_due(const struct manager *manager);

/* Posts what is due. */
void retry_post(struct manager *manager);

/* The work stops: what waits of it is given back to it at once. */
void retry_give_up(struct manager *manager, const void *work);

void retry_free(struct retries *retries);

#endif
