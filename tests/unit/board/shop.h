/* A crowd at work: workers are threads, which claim what the test posts as their manager, do it as their
 * trade is, and send notes; who has nothing to do sleeps. They keep to the order of calls that run/worker.c
 * and run/wait.c have, without the ticks that help there. */
#ifndef RANKPOOL_TESTS_BOARD_SHOP_H
#define RANKPOOL_TESTS_BOARD_SHOP_H

#include "board/parcel.h"
#include "crowd.h"

enum { SHOP_ITEMS = 200000 };

struct shop;

/* What workers do with `count` items of an offer, and what the manager checks of a note. */
struct trade {
    void (*perform)(struct shop *shop, int worker, const struct post_offer *offer, uint32_t count);
    void (*check)(struct shop *shop, const struct note *note);
    bool fed;   /* items have inputs: their numbers */
    bool small; /* on a small board */
};

/* Items have numbers, the first of which its post knows. */
struct shop {
    struct crowd crowd;
    pthread_t thread[CROWD_MAX + 1];
    _Atomic bool quit;
    uint32_t run; /* items a claim */
    const struct trade *trade;
    struct parcels parcels[CROWD_MAX + 1];
    _Atomic uint8_t performed[SHOP_ITEMS]; /* how often */
    uint8_t delivered[SHOP_ITEMS];         /* to the manager */
    uint32_t left[BOARD_POSTS];            /* items of a post that were not delivered; the manager's */
    uint64_t first[BOARD_POSTS];
    uint64_t total; /* delivered */
    uint32_t random[CROWD_MAX + 1];
};

struct shop *shop_open(int workers, uint32_t run, const struct trade *trade);
void shop_close(struct shop *shop);

/* A random number: of a worker, or of the manager, 0. */
uint32_t shop_draw(struct shop *shop, int who);

/* For trades: sends a note, and waits for room as a worker with nothing else to do. */
void shop_send(struct shop *shop, int worker, const struct note *note);

/* Publishes items from number `first` on for `owner` (0: all), and rings; the post. */
int shop_post(struct shop *shop, uint64_t first, uint32_t items, int owner);

/* Its parts: a free descriptor, -1: none; the inputs of items from..end-1; the ring. */
int shop_take_post(struct shop *shop, uint64_t first, uint32_t items, int owner);
void shop_fill(struct shop *shop, int post, uint32_t from, uint32_t end);
void shop_ring(struct shop *shop, int owner);

/* Takes the notes that are there; where there are none, sleeps until there are: of `items` items, or fewer.
 */
void shop_await(struct shop *shop, uint64_t items);

/* Waits for the rest of a post, and retires it. */
void shop_finish(struct shop *shop, int post);

/* Retires those of which nothing is left. */
void shop_retire_ended(struct shop *shop, int *posts, int *count);

void shop_pause(uint32_t ns);

/* Items 0..items-1 were performed once and delivered once. */
void shop_check_delivered(const struct shop *shop, uint64_t items);

#endif
