/* What the manager knows of its posts: whose work they are, and what of it has ended. */
#ifndef RANKPOOL_RUN_POSTING_H
#define RANKPOOL_RUN_POSTING_H

#include "board/post.h"
#include "sched/lease.h"
#include "sched/task.h"

struct manager;
struct share;

/* A range of the arena that posts share. */
struct block {
    uint64_t offset;
    size_t size;
    int users; /* posts */
    int pins;  /* others that it is not to be given to something else for: a net that reads or writes it */
};

/* What is known of an item of a post. */
struct posting_item {
    uint64_t index; /* as its task sees it */
    int attempt;    /* the present try, from 1 */
    int retries;    /* further tries: 0 what is usual, below 0 none */
    bool stopped;   /* its work has been: there will be no further try */
};

/* What a kind of work (maps, submitted tasks) does about its posts. */
struct posting_ops {
    /* A worker's note; `payload` is its sentence or result, NULL if it carries none. True: the
     * payload is still needed, and parcel_mark_taken is the work's to call. */
    bool (*take_note)(void *work, int post, const struct note *note, const void *payload, int worker);

    /* Items that a dead worker held run elsewhere: their leases end here. With `charged` it is
     * another try of them. False: there is no room at present, and nothing has changed. */
    bool (*repost)(void *work, int post, uint32_t from, uint32_t count, bool charged);

    struct posting_item (*tell)(void *work, int post, uint32_t item);

    /* An item has begun at another node, of those of which that is told; or NULL. */
    void (*started)(void *work, int post, uint32_t item, int worker);

    /* So many items of a map have run at another node, as these have; their notes wait there. Or NULL. */
    void (*tallied)(void *work, int post, uint32_t items, float ran, uint64_t ended);
};

struct posting {
    const struct posting_ops *ops; /* NULL: the post is free */
    void *work;
    uint64_t serial; /* in the order of posting */
    struct lease lease;
    uint32_t suspect; /* of the claimed items before this one, some may have died with a worker */
    bool suspicious;  /* a node was lost that held these items: one of them may be why */
    bool written;     /* a net may still write where results of items go that have not ended */
    struct block *block;
    struct share *share; /* of a map: where its items are from ... */
    uint64_t first;      /* ... and the position of item 0 */
    struct task **tasks; /* submitted tasks: one an item, NULL once it is done */
};

/* A block whose one user is the caller; NULL: no memory is left at present. And a user less. */
struct block *posting_block(struct manager *manager, size_t size);
void posting_give_block(struct manager *manager, struct block *block);

/* A new post of `items` items that may grow to `room`, on a block of `size` bytes or, with
 * `shared`, on that one. -1: no descriptor or memory is left at present. */
int posting_take(struct manager *manager, const struct posting_ops *ops, void *work, uint32_t items,
                 uint32_t room, size_t size, struct block *shared);

/* All items of a post have ended: its memory may be used again. */
void posting_retire(struct manager *manager, int post);

/* The block of a post stays as it is until it is unpinned, whatever becomes of the post. */
struct block *posting_pin(struct manager *manager, int post);
void posting_unpin(struct manager *manager, struct block *block);

/* Who a post is for: a worker, or anybody (0). Before it is published. */
void posting_own(struct manager *manager, int post, int owner);

/* Frees what the posting holds, of a post that may be live: the board goes with it. */
void posting_free(struct posting *posting);

#endif
