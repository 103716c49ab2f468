/* What the kinds of work share: the items, the task that most of them run, and how an end is judged. */
#ifndef RANKPOOL_TESTS_FAULTS_ITEMS_H
#define RANKPOOL_TESTS_FAULTS_ITEMS_H

#include "work.h"

enum { ITEMS_MOST = 3000, ITEMS_SHARED = 1 << 20 };

struct item {
    uint64_t number;
    uint32_t micros; /* of work */
    uint32_t size;   /* of the result */
    uint64_t share, queue;
};

/* Of up to `micros` of work. */
struct item item_of(struct work *work, uint64_t number, uint32_t micros, uint32_t size);

/* A task: does the item's work, looks at its share, puts its number into its queue, and answers the
 * words of its number. */
rp_fn item_answer;
void item_spend(uint32_t micros);

/* The words of a number, and whether these are. */
void item_fill(uint64_t *words, size_t count, uint64_t number);
bool item_is_right(const void *data, size_t size, uint64_t number);

/* Workers that have died so far. */
int item_deaths(const struct work *work);

/* Whether a whole piece of work may have ended so, with `lost` items given up. */
void item_judge(struct work *work, const char *what, rp_status status, int lost);

/* work_maps.c, work_tasks.c and work_isolated.c. */
void work_map(struct work *work);
void work_map_in_place(struct work *work);
void work_reduce(struct work *work);
void work_stream(struct work *work);
void work_submit(struct work *work);
void work_wait_for_many(struct work *work);
void work_queue(struct work *work);
void work_share(struct work *work);
void work_beside(struct work *work);
void work_isolated(struct work *work);

#endif
