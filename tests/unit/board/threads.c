/* Workers as threads that really sleep: nothing is lost, nothing comes twice, nobody sleeps through
 * a ring. A lost wake is a hang, which the case's time ends. The threads keep to the order of calls
 * that run/worker.c and run/wait.c have. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/parcel.h"
#include "check.h"
#include "crowd.h"

enum { ITEMS_MAX = 200000 };

struct hall;

/* What workers do with `count` items of an offer, and what the manager checks of a note. */
struct trade {
    void (*perform)(struct hall *hall, int worker, const struct post_offer *offer, uint32_t count);
    void (*check)(struct hall *hall, const struct note *note);
    bool small; /* on a small board */
};

/* Items have numbers, the first of which its post knows. */
struct hall {
    struct crowd crowd;
    pthread_t thread[CROWD_MAX + 1];
    _Atomic bool quit;
    uint32_t run; /* items a claim */
    const struct trade *trade;
    struct parcels parcels[CROWD_MAX + 1];
    _Atomic uint8_t performed[ITEMS_MAX]; /* how often */
    uint8_t delivered[ITEMS_MAX];         /* to the manager */
    uint32_t left[BOARD_POSTS];           /* items of a post that were not delivered; the manager's */
    uint64_t first[BOARD_POSTS];
    uint64_t total; /* delivered */
    uint32_t random[CROWD_MAX + 1];
};

/* ---- A worker -------------------------------------------------------------------------------- */

static uint32_t draw(struct hall *hall, int who)
{
    hall->random[who] = hall->random[who] * 1664525u + 1013904223u;
    return hall->random[who] >> 8;
}

static bool sees_work(struct hall *hall, int worker)
{
    struct post_offer offer;
    return atomic_load(&hall->quit) || post_peek(&hall->crowd.board[worker], 0, &offer);
}

static void rest(struct hall *hall, int worker, bool *searching)
{
    struct roster *roster = &hall->crowd.roster[worker];
    if (!*searching)
        roster_search(roster);
    *searching = true;
    post_leave(&hall->crowd.board[worker]);
    if (draw(hall, worker) % 2)
        for (int i = 0; i < 50; i++)
            if (sees_work(hall, worker))
                return;
    roster_doze(roster);
    if (sees_work(hall, worker))
        roster_rouse(roster);
    else
        roster_sleep(roster, CLOCK_NEVER);
}

static void found(struct hall *hall, int worker, bool *searching)
{
    if (!*searching)
        return;
    *searching = false;
    if (roster_found(&hall->crowd.roster[worker]) && sees_work(hall, worker))
        roster_ring(&hall->crowd.roster[worker]);
}

struct start {
    struct hall *hall;
    int worker;
};

static void *work(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    struct hall *hall = start.hall;
    int worker = start.worker;
    bool searching = false;
    while (!atomic_load(&hall->quit)) {
        struct post_offer offer;
        uint32_t count = crowd_claim(&hall->crowd, worker, hall->run, &offer);
        if (!count) {
            rest(hall, worker, &searching);
            continue;
        }
        found(hall, worker, &searching);
        hall->trade->perform(hall, worker, &offer, count);
    }
    return NULL;
}

/* Waits for room as a worker with nothing else to do. */
static void send(struct hall *hall, int worker, const struct note *note)
{
    struct board *board = &hall->crowd.board[worker];
    while (!outbox_put(board, note)) {
        roster_search(&hall->crowd.roster[worker]);
        outbox_say_spilled(board, true);
        outbox_wake_manager(board);
        roster_doze(&hall->crowd.roster[worker]);
        if (outbox_put(board, note)) {
            roster_rouse(&hall->crowd.roster[worker]);
            roster_found(&hall->crowd.roster[worker]);
            break;
        }
        roster_sleep(&hall->crowd.roster[worker], CLOCK_NEVER);
        roster_found(&hall->crowd.roster[worker]);
    }
    outbox_say_spilled(board, false);
    outbox_notify(board, note->count, note->status != RP_OK);
}

static void count_performed(struct hall *hall, int worker, const struct post_offer *offer, uint32_t count)
{
    int owner = (int)atomic_load(&offer->post->owner);
    if (owner)
        CHECK_INT(worker, owner);
    for (uint32_t i = offer->next; i < offer->next + count; i++)
        atomic_fetch_add_explicit(&hall->performed[offer->post->first + i], 1, memory_order_relaxed);
}

/* Results in place, one note for all. */
static void square(struct hall *hall, int worker, const struct post_offer *offer, uint32_t count)
{
    struct board *board = &hall->crowd.board[worker];
    const uint64_t *in = board_at(board, offer->post->in);
    uint64_t *out = board_at(board, offer->post->out);
    for (uint32_t i = offer->next; i < offer->next + count; i++)
        out[i] = in[i] * in[i];
    count_performed(hall, worker, offer, count);
    struct note note = {.post = (uint16_t)offer->index, .from = offer->next, .count = count};
    send(hall, worker, &note);
}

static void check_square(struct hall *hall, const struct note *note)
{
    struct board *board = &hall->crowd.board[0];
    const struct post *post = &board->post[note->post];
    const uint64_t *in = board_at(board, post->in), *out = board_at(board, post->out);
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        REQUIRE(out[i] == in[i] * in[i]);
}

static const struct trade squares = {square, check_square, false};

/* A note for each item, whose bytes say which it was. */
static void tell(struct hall *hall, int worker, const struct post_offer *offer, uint32_t count)
{
    count_performed(hall, worker, offer, count);
    for (uint32_t i = offer->next; i < offer->next + count; i++) {
        struct note note = {.post = (uint16_t)offer->index, .from = i, .count = 1, .size = 8};
        uint64_t number = offer->post->first + i;
        memcpy(note.result.bytes, &number, 8);
        send(hall, worker, &note);
    }
}

static void check_told(struct hall *hall, const struct note *note)
{
    uint64_t number = hall->first[note->post] + note->from;
    REQUIRE(memcmp(note->result.bytes, &number, 8) == 0);
}

static const struct trade tellings = {tell, check_told, false};

/* The same in a parcel of a random length, filled with the item's lowest byte. */
static void parcel(struct hall *hall, int worker, const struct post_offer *offer, uint32_t count)
{
    count_performed(hall, worker, offer, count);
    for (uint32_t i = offer->next; i < offer->next + count; i++) {
        struct note note = {.post = (uint16_t)offer->index, .from = i, .count = 1};
        note.size = NOTE_INLINE + 1 + draw(hall, worker) % (draw(hall, worker) % 50 ? 500 : 50000);
        while ((note.result.offset = parcel_take(&hall->parcels[worker], note.size)) == ARENA_NONE)
            sched_yield();
        memset(board_at(&hall->crowd.board[worker], note.result.offset), (int)(offer->post->first + i) & 255,
               note.size);
        send(hall, worker, &note);
    }
}

static void check_parcel(struct hall *hall, const struct note *note)
{
    struct board *board = &hall->crowd.board[0];
    const unsigned char *bytes = board_at(board, note->result.offset);
    for (uint64_t i = 0; i < note->size; i++)
        REQUIRE(bytes[i] == ((hall->first[note->post] + note->from) & 255));
    parcel_mark_taken(board, note->result.offset);
}

static const struct trade parcels_sent = {parcel, check_parcel, true};

/* ---- The manager ----------------------------------------------------------------------------- */

static struct hall *open_hall(int workers, uint32_t run, const struct trade *trade)
{
    struct hall *hall = calloc(1, sizeof *hall);
    REQUIRE(hall);
    if (trade->small)
        crowd_open_small(&hall->crowd, workers);
    else
        crowd_open(&hall->crowd, workers);
    hall->run = run;
    hall->trade = trade;
    for (int i = 0; i <= workers; i++)
        hall->random[i] = 1000u * (uint32_t)i + 1;
    for (int i = 1; i <= workers; i++) {
        struct start *start = malloc(sizeof *start);
        REQUIRE(start && parcels_init(&hall->parcels[i], &hall->crowd.board[i]) == 0);
        *start = (struct start){hall, i};
        REQUIRE(pthread_create(&hall->thread[i], NULL, work, start) == 0);
    }
    return hall;
}

static void close_hall(struct hall *hall)
{
    atomic_store(&hall->quit, true);
    roster_ring_all(&hall->crowd.roster[0]);
    for (int i = 1; i <= hall->crowd.workers; i++) {
        pthread_join(hall->thread[i], NULL);
        parcels_fini(&hall->parcels[i]);
    }
    crowd_close(&hall->crowd);
    free(hall);
}

static void check_delivered(const struct hall *hall, uint64_t items)
{
    CHECK_UINT(hall->total, items);
    for (uint64_t i = 0; i < items; i++) {
        check_note("item %llu", (unsigned long long)i);
        if (!CHECK_INT(hall->performed[i], 1) || !CHECK_INT(hall->delivered[i], 1))
            break;
    }
    check_note("%s", "");
}

static void take_note(struct hall *hall, const struct note *note)
{
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        hall->delivered[hall->first[note->post] + i]++;
    hall->total += note->count;
    hall->left[note->post] -= note->count;
    hall->trade->check(hall, note);
}

static bool collect(struct hall *hall)
{
    struct board *board = &hall->crowd.board[0];
    uint64_t ready = outbox_ready(board, 0);
    for (uint64_t bits = ready; bits; bits &= bits - 1) {
        int member = __builtin_ctzll(bits);
        struct outbox_span span = outbox_look(board, member);
        for (uint64_t at = span.first; at < span.end; at++)
            take_note(hall, outbox_note(board, member, at));
        outbox_take(board, member, span.end);
    }
    return ready != 0;
}

/* As run/wait.c does it, without its tick: only a note ends the sleep. */
static void await(struct hall *hall, uint64_t items)
{
    struct board *board = &hall->crowd.board[0];
    if (collect(hall))
        return;
    outbox_doze(board, items);
    if (atomic_load(&board->shared->ready[0]))
        outbox_rouse(board);
    else
        outbox_sleep(board, CLOCK_NEVER);
}

/* The inputs of items from..end-1. */
static void fill(struct hall *hall, int number, uint32_t from, uint32_t end)
{
    uint64_t *in = board_at(&hall->crowd.board[0], hall->crowd.board[0].post[number].in);
    for (uint32_t i = from; i < end; i++)
        in[i] = hall->first[number] + i;
}

/* A descriptor that is free, with its items' inputs in a fixed place of the arena; -1: none. */
static int take_post(struct hall *hall, uint64_t first, uint32_t items, int owner)
{
    int number = post_take(&hall->crowd.posts);
    if (number < 0)
        return -1;
    struct board *board = &hall->crowd.board[0];
    struct post *post = &board->post[number];
    post->first = hall->first[number] = first;
    post->in = board->shared->arena + (uint64_t)number * 2048;
    post->out = post->in + 1024;
    if (hall->trade == &squares)
        fill(hall, number, 0, items);
    atomic_store_explicit(&post->owner, (uint32_t)owner, memory_order_relaxed);
    return number;
}

static void ring(struct hall *hall, int owner)
{
    if (owner)
        roster_ring_member(&hall->crowd.roster[0], owner);
    else
        roster_ring(&hall->crowd.roster[0]);
}

static void retire_ended(struct hall *hall, int *posts, int *count)
{
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        if (hall->left[posts[i]])
            posts[kept++] = posts[i];
        else
            post_retire(&hall->crowd.posts, &hall->crowd.board[0], posts[i]);
    }
    *count = kept;
}

static void pause_for(uint32_t ns)
{
    for (uint64_t until = clock_ns() + ns; clock_ns() < until;)
        continue;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* One item at a time, and gaps of random length in which everybody falls asleep, or nearly. */
static void post_single_items(int workers)
{
    check_seconds(30);
    struct hall *hall = open_hall(workers, 1, &squares);
    uint64_t rounds = TIMES(8000);
    for (uint64_t item = 0; item < rounds; item++) {
        int post = take_post(hall, item, 1, 0), count = 1;
        hall->left[post] = 1;
        post_publish(&hall->crowd.board[0], post, 1, false);
        ring(hall, 0);
        while (hall->left[post])
            await(hall, 1);
        retire_ended(hall, &post, &count);
        if (draw(hall, 0) % 4 == 0)
            pause_for(draw(hall, 0) % 60000);
    }
    check_delivered(hall, rounds);
    close_hall(hall);
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

static void meet(struct hall *hall, int worker, const struct post_offer *offer, uint32_t count)
{
    atomic_fetch_add(&meeting.begun, 1);
    while (atomic_load(&meeting.begun) < atomic_load(&meeting.wanted))
        sched_yield();
    tell(hall, worker, offer, count);
}

static const struct trade meetings = {meet, check_told, false};

TEST_CASE(a_wake_spreads_as_far_as_there_is_work)
{
    enum { WORKERS = 5 };
    check_seconds(30);
    struct hall *hall = open_hall(WORKERS, 1, &meetings);
    uint64_t rounds = TIMES(1500);
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t items = 1 + draw(hall, 0) % WORKERS;
        meeting.begun = 0;
        meeting.wanted = items;
        int post = take_post(hall, round * WORKERS, items, 0), count = 1;
        hall->left[post] = items;
        post_publish(&hall->crowd.board[0], post, items, false);
        ring(hall, 0);
        while (hall->left[post])
            await(hall, hall->left[post]);
        retire_ended(hall, &post, &count);
        if (draw(hall, 0) % 2)
            pause_for(draw(hall, 0) % 100000);
    }
    close_hall(hall);
}

/* Many posts of random sizes at a time, in descriptors that are used again and again. */
static void post_crowds(int workers, uint32_t run, const struct trade *trade, uint64_t items, int most,
                        bool owned)
{
    check_seconds(40);
    struct hall *hall = open_hall(workers, run, trade);
    int posts[BOARD_POSTS], count = 0;
    for (uint64_t posted = 0; hall->total < items;) {
        while (posted < items && count < most) {
            uint32_t size = 1 + draw(hall, 0) % 100;
            size = posted + size > items ? (uint32_t)(items - posted) : size;
            int owner = owned ? (int)(draw(hall, 0) % (uint32_t)(workers + 1)) : 0;
            int post = take_post(hall, posted, size, owner);
            hall->left[post] = size;
            post_publish(&hall->crowd.board[0], post, size, false);
            ring(hall, owner);
            posts[count++] = post;
            posted += size;
        }
        await(hall, posted < items ? 1 + (posted - hall->total) / 2 : posted - hall->total);
        retire_ended(hall, posts, &count);
        if (draw(hall, 0) % 64 == 0)
            pause_for(draw(hall, 0) % 200000);
    }
    check_delivered(hall, items);
    close_hall(hall);
}

TEST_CASE(posts_of_many_sizes_are_delivered_once)
{
    post_crowds(4, 7, &squares, TIMES(ITEMS_MAX), 40, false);
}

TEST_CASE(few_descriptors_live_through_many_generations_among_eight)
{
    post_crowds(8, 100, &squares, TIMES(ITEMS_MAX), 2, false);
}

TEST_CASE(posts_with_owners_among_others_reach_them)
{
    post_crowds(3, 9, &squares, TIMES(ITEMS_MAX), 20, true);
}

TEST_CASE(full_outboxes_lose_nothing)
{
    post_crowds(2, 100, &tellings, TIMES(ITEMS_MAX), 400, false);
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
    struct hall *hall = open_hall(3, 1, &squares);
    int posts[BOARD_POSTS], count = 0, open = -1;
    uint32_t size = 0;
    uint64_t items = TIMES(60000), posted = 0;
    while (hall->total < items) {
        for (uint32_t burst = 1 + draw(hall, 0) % 40; burst && posted < items; burst--) {
            if (open < 0) {
                open = take_post(hall, posted, 0, 0);
                size = 0;
                hall->left[open] = 1; /* itself, until it is closed */
                post_publish(&hall->crowd.board[0], open, 0, true);
                posts[count++] = open;
            }
            hall->left[open]++;
            posted++;
            fill(hall, open, size, size + 1);
            post_extend(&hall->crowd.board[0], open, ++size);
            ring(hall, 0);
            if (size == ROOM || draw(hall, 0) % 200 == 0 || posted == items) {
                post_close(&hall->crowd.board[0], open);
                hall->left[open]--;
                open = -1;
            }
        }
        if (posted == items || draw(hall, 0) % 3)
            await(hall, posted == items ? posted - hall->total : 1);
        retire_ended(hall, posts, &count);
        if (draw(hall, 0) % 16 == 0)
            pause_for(draw(hall, 0) % 60000);
    }
    check_delivered(hall, items);
    close_hall(hall);
}

/* What is frozen was either claimed before, and comes, or is the manager's. */
TEST_CASE(frozen_items_are_run_by_nobody_and_the_others_once)
{
    check_seconds(40);
    struct hall *hall = open_hall(3, 3, &squares);
    uint64_t items = 0, frozen = 0;
    for (int round = 0; round < TIMES(3000); round++) {
        uint32_t size = 1 + draw(hall, 0) % 60;
        int post = take_post(hall, items, size, 0), count = 1;
        hall->left[post] = size;
        post_publish(&hall->crowd.board[0], post, size, false);
        ring(hall, 0);
        pause_for(draw(hall, 0) % 20000);
        uint32_t from = post_freeze(&hall->crowd.board[0], post);
        for (uint32_t i = from; i < size; i++)
            hall->delivered[items + i] = 100; /* must not be run */
        frozen += size - from;
        hall->left[post] -= size - from;
        while (hall->left[post])
            await(hall, hall->left[post]);
        retire_ended(hall, &post, &count);
        items += size;
    }
    CHECK(frozen <= items);
    CHECK_UINT(hall->total, items - frozen);
    for (uint64_t i = 0; i < items; i++)
        if (!CHECK_INT(hall->performed[i], hall->delivered[i] == 100 ? 0 : 1))
            break;
    close_hall(hall);
}
