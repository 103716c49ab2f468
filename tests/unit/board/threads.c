/* Workers as threads that really sleep: nothing is lost, nothing comes twice, nobody sleeps through
 * a ring. A lost wake is a hang, which the case's time ends. */
#include <sched.h>
#include <string.h>

#include "check.h"
#include "shop.h"

/* ---- Trades ---------------------------------------------------------------------------------- */

static void count_performed(struct shop *shop, int worker, const struct post_offer *offer, uint32_t count)
{
    int owner = (int)atomic_load(&offer->post->owner);
    if (owner)
        CHECK_INT(worker, owner);
    for (uint32_t i = offer->next; i < offer->next + count; i++)
        atomic_fetch_add_explicit(&shop->performed[offer->post->first + i], 1, memory_order_relaxed);
}

/* Results in place, one note for all. */
static void square(struct shop *shop, int worker, const struct post_offer *offer, uint32_t count)
{
    struct board *board = &shop->crowd.board[worker];
    const uint64_t *in = board_at(board, offer->post->in);
    uint64_t *out = board_at(board, offer->post->out);
    for (uint32_t i = offer->next; i < offer->next + count; i++)
        out[i] = in[i] * in[i];
    count_performed(shop, worker, offer, count);
    struct note note = {.post = (uint16_t)offer->index, .from = offer->next, .count = count};
    shop_send(shop, worker, &note);
}

static void check_square(struct shop *shop, const struct note *note)
{
    struct board *board = &shop->crowd.board[0];
    const struct post *post = &board->post[note->post];
    const uint64_t *in = board_at(board, post->in), *out = board_at(board, post->out);
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        REQUIRE(out[i] == in[i] * in[i]);
}

static const struct trade squares = {.perform = square, .check = check_square, .fed = true};

/* A note for each item, whose bytes say which it was. */
static void tell(struct shop *shop, int worker, const struct post_offer *offer, uint32_t count)
{
    count_performed(shop, worker, offer, count);
    for (uint32_t i = offer->next; i < offer->next + count; i++) {
        struct note note = {.post = (uint16_t)offer->index, .from = i, .count = 1, .size = 8};
        uint64_t number = offer->post->first + i;
        memcpy(note.result.bytes, &number, 8);
        shop_send(shop, worker, &note);
    }
}

static void check_told(struct shop *shop, const struct note *note)
{
    uint64_t number = shop->first[note->post] + note->from;
    REQUIRE(memcmp(note->result.bytes, &number, 8) == 0);
}

static const struct trade tellings = {.perform = tell, .check = check_told};

/* The same in a parcel of a random length, filled with the item's lowest byte. */
static void parcel(struct shop *shop, int worker, const struct post_offer *offer, uint32_t count)
{
    count_performed(shop, worker, offer, count);
    for (uint32_t i = offer->next; i < offer->next + count; i++) {
        struct note note = {.post = (uint16_t)offer->index, .from = i, .count = 1};
        note.size = NOTE_INLINE + 1 + shop_draw(shop, worker) % (shop_draw(shop, worker) % 50 ? 500 : 50000);
        while ((note.result.offset = parcel_take(&shop->parcels[worker], note.size)) == ARENA_NONE)
            sched_yield();
        memset(board_at(&shop->crowd.board[worker], note.result.offset), (int)(offer->post->first + i) & 255,
               note.size);
        shop_send(shop, worker, &note);
    }
}

static void check_parcel(struct shop *shop, const struct note *note)
{
    struct board *board = &shop->crowd.board[0];
    const unsigned char *bytes = board_at(board, note->result.offset);
    for (uint64_t i = 0; i < note->size; i++)
        REQUIRE(bytes[i] == ((shop->first[note->post] + note->from) & 255));
    parcel_mark_taken(board, note->result.offset);
}

static const struct trade parcels_sent = {.perform = parcel, .check = check_parcel, .small = true};

/* ---- Cases ----------------------------------------------------------------------------------- */

/* One item at a time, and gaps of random length in which everybody falls asleep, or nearly. */
static void post_single_items(int workers)
{
    check_seconds(30);
    struct shop *shop = shop_open(workers, 1, &squares);
    uint64_t rounds = TIMES(8000);
    for (uint64_t item = 0; item < rounds; item++) {
        shop_finish(shop, shop_post(shop, item, 1, 0));
        if (shop_draw(shop, 0) % 4 == 0)
            shop_pause(shop_draw(shop, 0) % 60000);
    }
    shop_check_delivered(shop, rounds);
    shop_close(shop);
}

TEST_CASE(single_items_with_gaps_reach_one_sleeper)
{
    post_single_items(1);
}

TEST_CASE(single_items_with_gaps_reach_one_of_two_sleepers)
{
    post_single_items(2);
}

TEST_CASE(single_items_with_gaps_reach_one_of_eight_sleepers)
{
    post_single_items(8);
}

/* Bursts of as many items as workers, which must spread: each waits until all have begun. */
static struct {
    _Atomic uint32_t begun;
    _Atomic uint32_t wanted;
} meeting;

static void meet(struct shop *shop, int worker, const struct post_offer *offer, uint32_t count)
{
    atomic_fetch_add(&meeting.begun, 1);
    while (atomic_load(&meeting.begun) < atomic_load(&meeting.wanted))
        sched_yield();
    tell(shop, worker, offer, count);
}

static const struct trade meetings = {.perform = meet, .check = check_told};

TEST_CASE(a_wake_spreads_as_far_as_there_is_work)
{
    enum { WORKERS = 5 };
    check_seconds(30);
    struct shop *shop = shop_open(WORKERS, 1, &meetings);
    uint64_t rounds = TIMES(1500);
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t items = 1 + shop_draw(shop, 0) % WORKERS;
        meeting.begun = 0;
        meeting.wanted = items;
        shop_finish(shop, shop_post(shop, round * WORKERS, items, 0));
        if (shop_draw(shop, 0) % 2)
            shop_pause(shop_draw(shop, 0) % 100000);
    }
    shop_close(shop);
}

/* Many posts of random sizes at a time, in descriptors that are used again and again. */
static void post_crowds(int workers, uint32_t run, const struct trade *trade, uint64_t items, int most,
                        bool owned)
{
    check_seconds(40);
    struct shop *shop = shop_open(workers, run, trade);
    int posts[BOARD_POSTS], count = 0;
    for (uint64_t posted = 0; shop->total < items;) {
        while (posted < items && count < most) {
            uint32_t size = 1 + shop_draw(shop, 0) % 100;
            size = posted + size > items ? (uint32_t)(items - posted) : size;
            int owner = owned ? (int)(shop_draw(shop, 0) % (uint32_t)(workers + 1)) : 0;
            posts[count++] = shop_post(shop, posted, size, owner);
            posted += size;
        }
        shop_await(shop, posted < items ? 1 + (posted - shop->total) / 2 : posted - shop->total);
        shop_retire_ended(shop, posts, &count);
        if (shop_draw(shop, 0) % 64 == 0)
            shop_pause(shop_draw(shop, 0) % 200000);
    }
    shop_check_delivered(shop, items);
    shop_close(shop);
}

TEST_CASE(posts_of_many_sizes_are_delivered_once)
{
    post_crowds(4, 7, &squares, TIMES(SHOP_ITEMS), 40, false);
}

TEST_CASE(few_descriptors_live_through_many_generations_among_eight)
{
    post_crowds(8, 100, &squares, TIMES(SHOP_ITEMS), 2, false);
}

TEST_CASE(posts_with_owners_among_others_reach_them)
{
    post_crowds(3, 9, &squares, TIMES(SHOP_ITEMS), 20, true);
}

TEST_CASE(full_outboxes_lose_nothing)
{
    post_crowds(2, 100, &tellings, TIMES(SHOP_ITEMS), 400, false);
}

TEST_CASE(parcels_arrive_whole)
{
    post_crowds(3, 5, &parcels_sent, TIMES(40000), 30, false);
}

/* Tasks submitted one by one to an open post, which is closed and followed by the next. */
TEST_CASE(items_added_to_open_posts_are_delivered_once)
{
    enum { ROOM = 128 };
    check_seconds(40);
    struct shop *shop = shop_open(3, 1, &squares);
    int posts[BOARD_POSTS], count = 0, open = -1;
    uint32_t size = 0;
    uint64_t items = TIMES(60000), posted = 0;
    while (shop->total < items) {
        for (uint32_t burst = 1 + shop_draw(shop, 0) % 40; burst && posted < items; burst--) {
            if (open < 0) {
                open = shop_take_post(shop, posted, 0, 0);
                size = 0;
                shop->left[open] = 1; /* itself, until it is closed */
                post_publish(&shop->crowd.board[0], open, 0, true);
                posts[count++] = open;
            }
            shop->left[open]++;
            posted++;
            shop_fill(shop, open, size, size + 1);
            post_extend(&shop->crowd.board[0], open, ++size);
            shop_ring(shop, 0);
            if (size == ROOM || shop_draw(shop, 0) % 200 == 0 || posted == items) {
                post_close(&shop->crowd.board[0], open);
                shop->left[open]--;
                open = -1;
            }
        }
        if (posted == items || shop_draw(shop, 0) % 3)
            shop_await(shop, posted == items ? posted - shop->total : 1);
        shop_retire_ended(shop, posts, &count);
        if (shop_draw(shop, 0) % 16 == 0)
            shop_pause(shop_draw(shop, 0) % 60000);
    }
    shop_check_delivered(shop, items);
    shop_close(shop);
}

/* What is frozen was either claimed before, and comes, or is the manager's. */
TEST_CASE(frozen_items_are_run_by_nobody_and_the_others_once)
{
    check_seconds(40);
    struct shop *shop = shop_open(3, 3, &squares);
    uint64_t items = 0, frozen = 0;
    for (int round = 0; round < TIMES(3000); round++) {
        uint32_t size = 1 + shop_draw(shop, 0) % 60;
        int post = shop_post(shop, items, size, 0);
        shop_pause(shop_draw(shop, 0) % 20000);
        uint32_t from = post_freeze(&shop->crowd.board[0], post);
        for (uint32_t i = from; i < size; i++)
            shop->delivered[items + i] = 100; /* must not be run */
        frozen += size - from;
        shop->left[post] -= size - from;
        shop_finish(shop, post);
        items += size;
    }
    CHECK(frozen <= items);
    CHECK_UINT(shop->total, items - frozen);
    for (uint64_t i = 0; i < items; i++)
        if (!CHECK_INT(shop->performed[i], shop->delivered[i] == 100 ? 0 : 1))
            break;
    shop_close(shop);
}
