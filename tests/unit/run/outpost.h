/* A node that is led from elsewhere: its leader serves in a thread of the test, its other workers are
 * processes (gang.h), and the test itself is the manager at the other end of the net.
 *
 *     struct outpost post;
 *     outpost_start(&post, 3, NULL);       member 1, which leads, and two more
 *     outpost_open_pool(&post, 7);
 *     outpost_send(&post, &message, body, size);
 *     outpost_await_items(&post, 100);     notes are in post.said then
 *     outpost_end(&post);                  CLOSE, QUIT, and all have left */
#ifndef RANKPOOL_TESTS_RUN_OUTPOST_H
#define RANKPOOL_TESTS_RUN_OUTPOST_H

#include <pthread.h>

#include "gang.h"
#include "net/loop.h"
#include "run/leader.h"
#include "run/road.h"
#include "wire/message.h"

#define OUTPOST_FIRST 5 /* the number of member 1 */
#define OUTPOST_POOL  7
#define OUTPOST_NOTES 8192

struct outpost_note {
    struct wire_note note;
    unsigned char *payload; /* NULL: none */
    bool whole;
};

struct outpost {
    struct gang gang;
    struct crew *crew;
    struct net *net, *node; /* the test's end, the leader's */
    struct net *below,
        *far;          /* of one that leads another node: its end, and that node's, which is the test's */
    struct road *road; /* to that */
    struct leader *leader;
    pthread_t thread;
    bool left; /* the thread was waited for */
    bool lost; /* the node is, says the net */
    struct outpost_note said[OUTPOST_NOTES];
    int count;
    uint64_t items;   /* of notes that are whole */
    uint64_t tallied; /* items of tallies */
    _Atomic int started;
    uint64_t charged;      /* the most items at a time that had started, and had no note */
    int got[64];           /* messages by their types, ... */
    uint64_t items_at[64]; /* how many items there were when the first of each came, ... */
    struct wire_message last[64];
    char text[1024];             /* of the last one that had some */
    uint64_t done[GANG_WORKERS]; /* items by worker */
    int sent;                    /* bodies that have left */
};

/* `workers` with member 1; fates as in gang_start. */
void outpost_start(struct outpost *post, int workers, const struct gang_fate *fates);
void outpost_end(struct outpost *post);

/* The same where what comes to the node, heads and bodies, takes so many polls more (net/loop.h). */
void outpost_start_far(struct outpost *post, int workers, unsigned heads, unsigned bodies);

/* The same where the leader serves when its program wants it: a thread runs that, and ends before
 * outpost_end, or with it. */
void outpost_start_visited(struct outpost *post, int workers, void *(*program)(void *post));

/* The same where the leader leads another node besides its own, of so many workers. */
void outpost_start_above(struct outpost *post, int workers, int far);

/* Waits until the leader has left by itself. */
void outpost_await_leave(struct outpost *post);
/* The rest of outpost_end, of one that has left. */
void outpost_forget(struct outpost *post);

/* OPEN for OUTPOST_POOL: with these hooks, or without. */
void outpost_open_pool(struct outpost *post, rp_fn *initializer, rp_fn *finalizer, const void *initarg,
                       size_t initarg_size);

/* Sends a message whose body is `size` bytes, in the head, or with `apart` as segments: its parts, if it is a
 * block. What is sent apart must stay until the end of the test. */
void outpost_send(struct outpost *post, struct wire_message *message, const void *body, size_t size);
void outpost_send_apart(struct outpost *post, struct wire_message *message, const void *table,
                        size_t table_size, const void *inputs, size_t size);

/* Takes in what has come. */
void outpost_poll(struct outpost *post);

/* Waits for notes of so many items in all; for so many messages of a type in all. */
void outpost_await_items(struct outpost *post, uint64_t items);
void outpost_await(struct outpost *post, enum wire_type type, int count);

/* A block of a map of gang_square, whose inputs are numbers. */
struct wire_message outpost_squares(uint64_t block, uint32_t items);
struct wire_function outpost_name(rp_fn *fn);

/* As gang_square, but who runs item 13 dies of it. */
int outpost_die_at_thirteen(rp_call *call, const void *in, size_t size);

/* A block of submitted tasks, whose inputs have no bytes; and sends it with tasks of indices 900.. */
struct wire_message outpost_tasks(uint64_t block, uint32_t items);
void outpost_send_tasks(struct outpost *post, const struct wire_message *message, rp_fn *fn);

/* Sends one, with the inputs from, from + 1, ... */
void outpost_send_squares(struct outpost *post, const struct wire_message *message, uint64_t from);

/* Items from..from+items-1 of `block` each have one note that says RP_OK, with their squares. */
void outpost_check_squares(struct outpost *post, uint64_t block, uint64_t first, uint32_t from,
                           uint32_t items);

/* The note of an item; NULL: there is none, and it is said that there are several. */
struct outpost_note *outpost_find(struct outpost *post, uint64_t block, uint32_t item);

#endif
