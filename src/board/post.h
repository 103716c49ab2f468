/* Posts: how work is published, claimed and taken back.
 *
 * The life of a post. The manager takes a free descriptor, fills it, and publishes it: from then
 * on its items are claimed in order, by anybody or by its owner alone. An open post grows
 * (post_extend) until it is closed. When the manager has seen the completion of every item, it
 * retires the descriptor, whose next life has the next generation.
 *
 *     FREE {g, frozen} --publish--> LIVE {g, 0} ... {g, limit} --retire--> FREE {g+1, frozen}
 *
 * States of the words:
 *   cursor    {generation, next}. Claims move `next` forward by compare-and-swap, so no item is
 *             claimed twice, and a claim that was delayed past a retirement fails by its
 *             generation. While a descriptor is free `next` is frozen beyond any limit: `limit`
 *             can be written for the next life while old readers still look.
 *   limit     items published; POST_CLOSED once no more will come.
 *   order     {generation, post} in the order of publication. `tail` counts publications. An
 *             entry whose post still has unclaimed items when its place comes round again stays
 *             where it is and counts as published anew.
 *   announce  {post, generation, from, count} of a process: written before the compare-and-swap of
 *             a claim, overwritten by the next one, or cleared.
 *
 * Death. A claim is complete when its items' notes are in the outbox (outbox.h); nothing else is
 * the truth. So the items that a dead process held are those below `next` that are neither noted
 * nor announced by a living one. The manager finds them in this order: read the cursor (once: the
 * dead claim no more), read the living announcements, drain all outboxes, subtract. An announcement that lost
 * its race covers items for a while that it does not hold: that may delay the finding, and it is tried again.
 * So do notes of a living process that its outbox has no room for: it says that it has some (outbox.h). */
#ifndef RANKPOOL_BOARD_POST_H
#define RANKPOOL_BOARD_POST_H

#include "board/board.h"

#define POST_CLOSED UINT32_C(0x80000000)

/* The manager's books of descriptors. */
struct posts {
    uint16_t free[BOARD_POSTS];
    int count;
};

void posts_init(struct posts *posts, struct board *board);

/* A free descriptor, to be filled: for anybody, of priority 0. -1: all are in use. */
int post_take(struct posts *posts);

/* Publishes a taken post of `items` items, to which more may be added if it is `open`. The caller
 * rings the roster. */
void post_publish(struct board *board, int post, uint32_t items, bool open);
void post_extend(struct board *board, int post, uint32_t items);
void post_close(struct board *board, int post);

/* Takes the unclaimed items of a closed post out of reach: they are [result, items). */
uint32_t post_freeze(struct board *board, int post);

/* Its items are claimed one by one: who waits in one holds no other back. */
static inline bool post_is_single(const struct post *post)
{
    return !atomic_load_explicit(&post->map, memory_order_relaxed) ||
           atomic_load_explicit(&post->chunk, memory_order_relaxed) == 1;
}

/* The first unclaimed item. */
uint32_t post_next(const struct board *board, int post);

/* All items are accounted for. */
void post_retire(struct posts *posts, struct board *board, int post);

/* Work that could be claimed: `available` items of `post` from `next` on. */
struct post_offer {
    struct post *post;
    uint64_t generation;
    uint32_t index, next, available;
};

/* The oldest offer for this process, of map `map` alone unless it is 0; false: there is none. */
bool post_peek(struct board *board, uint64_t map, struct post_offer *offer);

/* Claims the first `run` items of an offer; false: somebody was faster, look again. */
bool post_claim(struct board *board, const struct post_offer *offer, uint32_t run);

/* This process holds nothing any more. */
void post_leave(struct board *board);

/* What a process announces at this moment, and whether that covers an item of a post in its present
 * generation. */
uint64_t post_announcement(const struct board *board, int member);
/* The same as a claim; false: there is none, or it is of another generation. */
struct post_claim {
    int post;
    uint32_t from, count;
};
bool post_announcement_read(const struct board *board, uint64_t announced, struct post_claim *claim);
bool post_announcement_covers(const struct board *board, uint64_t announced, int post, uint32_t item);

#endif
