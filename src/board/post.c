#include "board/post.h"

#include <assert.h>

#include "board/step.h"

#define NEXT_BITS  22
#define NEXT_MASK  ((UINT64_C(1) << NEXT_BITS) - 1)
#define FROZEN     NEXT_MASK
#define POST_BITS  12
#define POST_MASK  ((UINT64_C(1) << POST_BITS) - 1)
#define ITEM_BITS  21
#define ITEM_MASK  ((UINT64_C(1) << ITEM_BITS) - 1)
#define EPOCH_MASK UINT64_C(1023) /* of a generation, in an announcement */

_Static_assert(BOARD_POSTS == 1 << POST_BITS, "an order entry holds a post's number");
_Static_assert(BOARD_POST_ITEMS < 1 << ITEM_BITS, "an announcement holds an item's number");

static uint64_t cursor_of(uint64_t generation, uint64_t next)
{
    return generation << NEXT_BITS | next;
}

static uint64_t generation_of(uint64_t cursor)
{
    return cursor >> NEXT_BITS;
}

static uint64_t announcement(uint32_t post, uint64_t generation, uint32_t from, uint32_t count)
{
    return (uint64_t)post << 52 | (generation & EPOCH_MASK) << 42 | (uint64_t)from << ITEM_BITS | count;
}

void posts_init(struct posts *posts, struct board *board)
{
    posts->count = BOARD_POSTS;
    for (int i = 0; i < BOARD_POSTS; i++) {
        posts->free[i] = (uint16_t)(BOARD_POSTS - 1 - i);
        atomic_store(&board->post[i].cursor, cursor_of(1, FROZEN));
    }
}

int post_take(struct posts *posts)
{
    return posts->count ? posts->free[--posts->count] : -1;
}

static bool is_exhausted(struct board *board, uint64_t entry)
{
    struct post *post = &board->post[entry & POST_MASK];
    uint64_t cursor = atomic_load(&post->cursor);
    uint32_t limit = atomic_load(&post->limit);
    return generation_of(cursor) != entry >> POST_BITS ||
           ((limit & POST_CLOSED) && (cursor & NEXT_MASK) >= (limit & ~POST_CLOSED));
}

/* Only the manager writes `tail` and `order`. */
static void append_to_order(struct board *board, uint64_t entry)
{
    uint64_t tail = atomic_load_explicit(&board->shared->tail, memory_order_relaxed);
    while (tail >= BOARD_POSTS && !is_exhausted(board, atomic_load(&board->order[tail % BOARD_POSTS])))
        tail++;
    atomic_store(&board->order[tail % BOARD_POSTS], entry);
    STEP("publish: entry written");
    atomic_store(&board->shared->tail, tail + 1);
    STEP("publish: tail moved");
}

void post_publish(struct board *board, int post, uint32_t items, bool open)
{
    struct post *p = &board->post[post];
    uint64_t generation = generation_of(atomic_load_explicit(&p->cursor, memory_order_relaxed));
    assert(items <= BOARD_POST_ITEMS && (atomic_load(&p->cursor) & NEXT_MASK) == FROZEN);
    if (atomic_load_explicit(&p->priority, memory_order_relaxed))
        atomic_fetch_add(&board->shared->prioritized, 1);
    atomic_store(&p->limit, open ? items : items | POST_CLOSED);
    STEP("publish: limit written");
    atomic_store(&p->cursor, cursor_of(generation, 0));
    STEP("publish: cursor live");
    append_to_order(board, generation << POST_BITS | (uint64_t)post);
}

void post_extend(struct board *board, int post, uint32_t items)
{
    atomic_store(&board->post[post].limit, items);
    STEP("extend: limit moved");
}

void post_close(struct board *board, int post)
{
    atomic_fetch_or(&board->post[post].limit, POST_CLOSED);
}

uint32_t post_freeze(struct board *board, int post)
{
    struct post *p = &board->post[post];
    uint32_t limit = atomic_load(&p->limit) & ~POST_CLOSED;
    uint64_t cursor = atomic_load(&p->cursor);
    STEP("freeze: cursor read");
    while ((cursor & NEXT_MASK) < limit &&
           !atomic_compare_exchange_weak(&p->cursor, &cursor, cursor_of(generation_of(cursor), limit)))
        ;
    return (uint32_t)(cursor & NEXT_MASK);
}

uint32_t post_next(const struct board *board, int post)
{
    uint64_t cursor = atomic_load(&board->post[post].cursor);
    STEP("recover: cursor read");
    return (uint32_t)(cursor & NEXT_MASK);
}

void post_retire(struct posts *posts, struct board *board, int post)
{
    struct post *p = &board->post[post];
    atomic_store(&p->cursor, cursor_of(generation_of(atomic_load(&p->cursor)) + 1, FROZEN));
    if (atomic_load_explicit(&p->priority, memory_order_relaxed))
        atomic_fetch_sub(&board->shared->prioritized, 1);
    atomic_store_explicit(&p->priority, 0, memory_order_relaxed);
    atomic_store_explicit(&p->owner, 0, memory_order_relaxed);
    STEP("retire: frozen");
    posts->free[posts->count++] = (uint16_t)post;
}

enum look { LOOK_OFFERED, LOOK_PASS, LOOK_OVER };

static bool is_for_us(const struct board *board, uint32_t owner)
{
    return !owner || owner - (uint32_t)board->self < (uint32_t)(board->self_end - board->self);
}

/* What an entry of the order holds for us: an offer, nothing at present, or nothing ever more. */
static enum look look_at(struct board *board, uint64_t entry, uint64_t map, struct post_offer *offer)
{
    struct post *post = &board->post[entry & POST_MASK];
    uint64_t cursor = atomic_load(&post->cursor);
    STEP("peek: cursor read");
    uint32_t limit = atomic_load(&post->limit);
    uint32_t owner = atomic_load_explicit(&post->owner, memory_order_relaxed);
    if (generation_of(cursor) != entry >> POST_BITS || !is_for_us(board, owner) ||
        (board->shuns && board->shuns & post->flags))
        return LOOK_OVER;
    uint64_t items = limit & ~POST_CLOSED;
    uint64_t next = cursor & NEXT_MASK;
    if (next >= items)
        return limit & POST_CLOSED ? LOOK_OVER : LOOK_PASS;
    if (board->reserved && !owner)
        return LOOK_PASS;
    if (map && atomic_load_explicit(&post->map, memory_order_relaxed) != map)
        return LOOK_PASS;
    *offer = (struct post_offer){.post = post,
                                 .generation = generation_of(cursor),
                                 .index = (uint32_t)(entry & POST_MASK),
                                 .next = (uint32_t)next,
                                 .available = (uint32_t)(items - next)};
    return LOOK_OFFERED;
}

static int32_t priority_of(const struct post_offer *offer)
{
    return atomic_load_explicit(&offer->post->priority, memory_order_relaxed);
}

/* With posts of different priorities all offers are looked at, and the oldest of the highest
 * priority is taken. */
bool post_peek(struct board *board, uint64_t map, struct post_offer *offer)
{
    bool prioritized = atomic_load_explicit(&board->shared->prioritized, memory_order_relaxed);
    uint64_t tail = atomic_load(&board->shared->tail);
    if (tail - board->seen > BOARD_POSTS)
        board->seen = tail - BOARD_POSTS;
    bool all_over = true, found = false;
    for (uint64_t at = board->seen; at < tail; at++) {
        struct post_offer seen;
        enum look look = look_at(board, atomic_load(&board->order[at % BOARD_POSTS]), map, &seen);
        if (look == LOOK_OFFERED && (!found || priority_of(&seen) > priority_of(offer))) {
            *offer = seen;
            found = true;
        }
        if (found && !prioritized)
            return true;
        all_over = all_over && look == LOOK_OVER;
        if (all_over)
            board->seen = at + 1;
    }
    return found;
}

bool post_claim(struct board *board, const struct post_offer *offer, uint32_t run)
{
    assert(run > 0 && run <= offer->available);
    atomic_store(&board_slot(board)->announce,
                 announcement(offer->index, offer->generation, offer->next, run));
    STEP("claim: announced");
    uint64_t expected = cursor_of(offer->generation, offer->next);
    bool claimed = atomic_compare_exchange_strong(&offer->post->cursor, &expected,
                                                  cursor_of(offer->generation, offer->next + run));
    STEP(claimed ? "claim: held" : "claim: lost the race");
    return claimed;
}

void post_leave(struct board *board)
{
    if (atomic_load_explicit(&board_slot(board)->announce, memory_order_relaxed))
        atomic_store(&board_slot(board)->announce, 0);
}

uint64_t post_announcement(const struct board *board, int member)
{
    uint64_t announced = atomic_load(&board->slot[member].announce);
    STEP("recover: announcement read");
    return announced;
}

bool post_announcement_read(const struct board *board, uint64_t announced, struct post_claim *claim)
{
    *claim = (struct post_claim){.post = (int)(announced >> 52),
                                 .from = (uint32_t)(announced >> ITEM_BITS & ITEM_MASK),
                                 .count = (uint32_t)(announced & ITEM_MASK)};
    uint64_t generation = generation_of(atomic_load(&board->post[claim->post].cursor));
    return claim->count && (announced >> 42 & EPOCH_MASK) == (generation & EPOCH_MASK);
}

bool post_announcement_covers(const struct board *board, uint64_t announced, int post, uint32_t item)
{
    struct post_claim claim;
    return post_announcement_read(board, announced, &claim) && claim.post == post && item >= claim.from &&
           item < claim.from + claim.count;
}
