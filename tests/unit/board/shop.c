#include "shop.h"

#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"

uint32_t shop_draw(struct shop *shop, int who)
{
    shop->random[who] = shop->random[who] * 1664525u + 1013904223u;
    return shop->random[who] >> 8;
}

static bool sees_work(struct shop *shop, int worker)
{
    struct post_offer offer;
    return atomic_load(&shop->quit) || post_peek(&shop->crowd.board[worker], 0, &offer);
}

static void rest(struct shop *shop, int worker, bool *searching)
{
    struct roster *roster = &shop->crowd.roster[worker];
    if (!*searching)
        roster_search(roster);
    *searching = true;
    post_leave(&shop->crowd.board[worker]);
    if (shop_draw(shop, worker) % 2)
        for (int i = 0; i < 50; i++)
            if (sees_work(shop, worker))
                return;
    roster_doze(roster);
    if (sees_work(shop, worker))
        roster_rouse(roster);
    else
        roster_sleep(roster, CLOCK_NEVER);
}

static void found(struct shop *shop, int worker, bool *searching)
{
    if (!*searching)
        return;
    *searching = false;
    if (roster_found(&shop->crowd.roster[worker]) && sees_work(shop, worker))
        roster_ring(&shop->crowd.roster[worker]);
}

struct start {
    struct shop *shop;
    int worker;
};

static void *work(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    struct shop *shop = start.shop;
    int worker = start.worker;
    bool searching = false;
    while (!atomic_load(&shop->quit)) {
        struct post_offer offer;
        uint32_t count = crowd_claim(&shop->crowd, worker, shop->run, &offer);
        if (!count) {
            rest(shop, worker, &searching);
            continue;
        }
        found(shop, worker, &searching);
        shop->trade->perform(shop, worker, &offer, count);
    }
    return NULL;
}

void shop_send(struct shop *shop, int worker, const struct note *note)
{
    struct board *board = &shop->crowd.board[worker];
    while (!outbox_put(board, note)) {
        roster_search(&shop->crowd.roster[worker]);
        outbox_say_spilled(board, true);
        outbox_wake_manager(board);
        roster_doze(&shop->crowd.roster[worker]);
        if (outbox_put(board, note)) {
            roster_rouse(&shop->crowd.roster[worker]);
            roster_found(&shop->crowd.roster[worker]);
            break;
        }
        roster_sleep(&shop->crowd.roster[worker], CLOCK_NEVER);
        roster_found(&shop->crowd.roster[worker]);
    }
    outbox_say_spilled(board, false);
    outbox_notify(board, note->count, note->status != RP_OK);
}

/* ---- The manager ----------------------------------------------------------------------------- */

struct shop *shop_open(int workers, uint32_t run, const struct trade *trade)
{
    struct shop *shop = calloc(1, sizeof *shop);
    REQUIRE(shop);
    if (trade->small)
        crowd_open_small(&shop->crowd, workers);
    else
        crowd_open(&shop->crowd, workers);
    shop->run = run;
    shop->trade = trade;
    for (int i = 0; i <= workers; i++)
        shop->random[i] = 1000u * (uint32_t)i + 1;
    for (int i = 1; i <= workers; i++) {
        struct start *start = malloc(sizeof *start);
        REQUIRE(start && parcels_init(&shop->parcels[i], &shop->crowd.board[i]) == 0);
        *start = (struct start){shop, i};
        REQUIRE(pthread_create(&shop->thread[i], NULL, work, start) == 0);
    }
    return shop;
}

void shop_close(struct shop *shop)
{
    atomic_store(&shop->quit, true);
    roster_ring_all(&shop->crowd.roster[0]);
    for (int i = 1; i <= shop->crowd.workers; i++) {
        pthread_join(shop->thread[i], NULL);
        parcels_fini(&shop->parcels[i]);
    }
    crowd_close(&shop->crowd);
    free(shop);
}

void shop_check_delivered(const struct shop *shop, uint64_t items)
{
    CHECK_UINT(shop->total, items);
    for (uint64_t i = 0; i < items; i++) {
        check_note("item %llu", (unsigned long long)i);
        if (!CHECK_INT(shop->performed[i], 1) || !CHECK_INT(shop->delivered[i], 1))
            break;
    }
    check_note("%s", "");
}

static void take_note(struct shop *shop, const struct note *note)
{
    for (uint32_t i = note->from; i < note->from + note->count; i++)
        shop->delivered[shop->first[note->post] + i]++;
    shop->total += note->count;
    shop->left[note->post] -= note->count;
    shop->trade->check(shop, note);
}

static bool collect(struct shop *shop)
{
    struct board *board = &shop->crowd.board[0];
    uint64_t ready = outbox_ready(board, 0);
    for (uint64_t bits = ready; bits; bits &= bits - 1) {
        int member = __builtin_ctzll(bits);
        struct outbox_span span = outbox_look(board, member);
        for (uint64_t at = span.first; at < span.end; at++)
            take_note(shop, outbox_note(board, member, at));
        outbox_take(board, member, span.end);
    }
    return ready != 0;
}

/* As run/wait.c does it, without its tick: only a note ends the sleep. */
void shop_await(struct shop *shop, uint64_t items)
{
    struct board *board = &shop->crowd.board[0];
    if (collect(shop))
        return;
    outbox_doze(board, items);
    if (atomic_load(&board->shared->ready[0]))
        outbox_rouse(board);
    else
        outbox_sleep(board, CLOCK_NEVER);
}

void shop_fill(struct shop *shop, int number, uint32_t from, uint32_t end)
{
    uint64_t *in = board_at(&shop->crowd.board[0], shop->crowd.board[0].post[number].in);
    for (uint32_t i = from; i < end; i++)
        in[i] = shop->first[number] + i;
}

/* A descriptor that is free, with its items' inputs in a fixed place of the arena; -1: none. */
int shop_take_post(struct shop *shop, uint64_t first, uint32_t items, int owner)
{
    int number = post_take(&shop->crowd.posts);
    if (number < 0)
        return -1;
    struct board *board = &shop->crowd.board[0];
    struct post *post = &board->post[number];
    post->first = shop->first[number] = first;
    post->in = board->shared->arena + (uint64_t)number * 2048;
    post->out = post->in + 1024;
    if (shop->trade->fed)
        shop_fill(shop, number, 0, items);
    atomic_store_explicit(&post->owner, (uint32_t)owner, memory_order_relaxed);
    return number;
}

void shop_ring(struct shop *shop, int owner)
{
    if (owner)
        roster_ring_member(&shop->crowd.roster[0], owner);
    else
        roster_ring(&shop->crowd.roster[0]);
}

int shop_post(struct shop *shop, uint64_t first, uint32_t items, int owner)
{
    int post = shop_take_post(shop, first, items, owner);
    shop->left[post] = items;
    post_publish(&shop->crowd.board[0], post, items, false);
    shop_ring(shop, owner);
    return post;
}

void shop_finish(struct shop *shop, int post)
{
    while (shop->left[post])
        shop_await(shop, shop->left[post]);
    post_retire(&shop->crowd.posts, &shop->crowd.board[0], post);
}

void shop_retire_ended(struct shop *shop, int *posts, int *count)
{
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        if (shop->left[posts[i]])
            posts[kept++] = posts[i];
        else
            post_retire(&shop->crowd.posts, &shop->crowd.board[0], posts[i]);
    }
    *count = kept;
}

void shop_pause(uint32_t ns)
{
    for (uint64_t until = clock_ns() + ns; clock_ns() < until;)
        continue;
}
