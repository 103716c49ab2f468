/* What stands on the board: the shared memory of one pool on one node.
 *
 *     header     who made it, sleep words of the manager, tables filled once
 *     posts      descriptors of work, reused through their generations
 *     order      the ring in which posts were published
 *     slots      one for each process: what it holds, how far its notes go
 *     notes      a ring of completion notes for each worker
 *     queues     of the program's tasks, each with its lock
 *     arena      inputs and results, the manager's; then a region for each worker's own results
 *
 * The manager is process 0, workers count from 1. Everything is plain memory: processes or threads
 * that attach to it follow the protocol of post.h (claims), outbox.h (completions) and roster.h
 * (sleep). Words that several write are sequentially consistent unless a comment says less. */
#ifndef RANKPOOL_BOARD_LAYOUT_H
#define RANKPOOL_BOARD_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "board/roster.h"

#define BOARD_POSTS      4096 /* live posts, and entries of the order: a power of two */
#define BOARD_POST_ITEMS ((UINT32_C(1) << 20))
#define OUTBOX_NOTES     2048 /* of a worker: a power of two */
#define NOTE_INLINE      24   /* bytes of a result that travel in the note */
#define BOARD_MODULES    64
#define BOARD_QUEUES     256
#define BOARD_PATH       512

/* A function as {module, offset}: see func/func.h. */
struct board_function {
    uint64_t module, offset;
};

/* A post: items of one map, or tasks that were submitted one by one. Its life is described in
 * post.h. Claimers write the first part and read the second, which an open post's manager writes;
 * the third is read by those who have claimed. */
struct post {
    _Alignas(BOARD_LINE) _Atomic uint64_t cursor; /* {generation, next} */
    _Alignas(BOARD_LINE) _Atomic uint32_t limit;  /* items published, POST_CLOSED when it is final */
    _Atomic int32_t priority;                     /* higher first */
    _Atomic uint32_t owner;                       /* the worker that it is for; 0: any */
    _Atomic uint64_t map;                         /* 0: submitted tasks */
    _Atomic uint64_t behind;                      /* items of the map that were not posted yet */
    _Atomic uint64_t total;                       /* items of the map */
    _Atomic uint64_t chunk;                       /* items a claim; 0: the schedule's choice */
    _Atomic uint32_t schedule;

    _Alignas(BOARD_LINE) struct board_function function; /* of a map */
    struct board_function combine;                       /* of a reduction */
    uint64_t first;                                      /* position of item 0 in its map */
    uint64_t in, in_size;                                /* offset of the inputs, bytes of each */
    uint64_t out, out_size;                              /* the same of results */
    uint64_t indices;                                    /* offset of the items' indices; 0: in order */
    uint64_t common, common_size;
    uint64_t begin;    /* of a range: item i's input is begin + i */
    uint64_t limit_ns; /* that an item may take; 0: no limit */
    uint32_t flags;
    uint32_t attempt;
};

enum post_flags {
    POST_RANGE = 1,
    POST_DROP_RESULTS = 2,
    POST_STOP = 4,    /* items of a claim behind a failed one are not run */
    POST_PACKED = 8,  /* of a stream: inputs and results have any size, see struct packed_input */
    POST_REDUCE = 16, /* results are combined: a note has that of all its items */
    POST_RETRY = 32,  /* an item that crashes or runs too long is tried again: it stops nothing */
    POST_PARTS = 64,  /* of a reduction: its items have run, what is left is to combine their results */
};

/* Results of a post that combines parts lie there (`in` of the post, an array), one behind the other as their
 * items do: the post is claimed whole, and combined where they lie. */
struct reduced_part {
    union {
        unsigned char bytes[NOTE_INLINE]; /* as in a note */
        uint64_t offset;
    } result;
    uint32_t from, count; /* items of the post */
};

/* Where an input of a packed post lies; `indices` of the post is an array of these. */
struct packed_input {
    uint64_t offset; /* on the board */
    uint64_t size;
};

/* Results of a run of a packed post, in one parcel: `room` sizes of which the first `count` count,
 * then the results one behind the other, each at a multiple of PACKED_ALIGN. */
#define PACKED_ALIGN 16u
#define PACKED_SIZE  (32u << 10) /* bytes of such a parcel */
#define PACKED_MOST  1024u       /* results in one */
struct packed_results {
    uint32_t room;
    uint32_t size[];
};

static inline uint32_t packed_aligned(uint32_t offset)
{
    return (offset + PACKED_ALIGN - 1) / PACKED_ALIGN * PACKED_ALIGN;
}

static inline uint32_t packed_start(uint32_t room)
{
    return packed_aligned((uint32_t)sizeof(struct packed_results) + room * (uint32_t)sizeof(uint32_t));
}

/* A submitted task as it stands in the block of its post (`in` of the post, an array). */
struct task_record {
    union {
        unsigned char bytes[NOTE_INLINE]; /* an input of up to NOTE_INLINE bytes */
        uint64_t offset;                  /* of a longer one */
    } input;
    uint64_t in_size;
    uint64_t index;
    struct board_function function;
    _Atomic uint32_t state;
    uint32_t attempt;
};

enum task_record_state {
    RECORD_PENDING,
    RECORD_RUNNING,
    RECORD_CANCELLED,
    RECORD_AWAY, /* another node has it, where it may run */
};

/* What a worker says when it has finished items: the truth about what is done. A run of items
 * that went as planned shares one note, in a reduction with their combined result. An item that
 * failed, or whose result has another size than the map's, and a submitted task have a note of
 * their own, with a result or a sentence. */
struct note {
    uint16_t post;
    uint16_t flags;  /* note_flags */
    uint32_t status; /* rp_status */
    uint32_t from, count;
    union {
        int32_t code;    /* what the task returned, if it failed; else: */
        uint32_t joined; /* from another node: further claims that it is of */
    };
    float ran;      /* seconds */
    uint64_t ended; /* clock_ns */
    uint64_t size;  /* bytes of the result or sentence */
    union {
        unsigned char bytes[NOTE_INLINE]; /* up to NOTE_INLINE bytes */
        uint64_t offset;                  /* of longer ones, in the worker's region, behind a parcel */
        uint32_t told;                    /* from another node, of results in their place: see WIRE_TALLY */
    } result;
};

enum note_flags {
    NOTE_FIRST = 1,   /* of its claim */
    NOTE_PLACED = 2,  /* the result, of `size` bytes, lies in the post's own memory */
    NOTE_PACKED = 8,  /* the results of a run, packed in one parcel of `size` bytes */
    NOTE_SKIPPED = 4, /* a task that was cancelled: it did not run */
};

/* Whether what the note carries lies in its worker's region. */
static inline bool note_has_parcel(const struct note *note)
{
    return (note->flags & NOTE_PACKED) || (!(note->flags & NOTE_PLACED) && note->size > NOTE_INLINE);
}

/* Before each result in a worker's region, and before each item of a queue. */
struct parcel {
    _Atomic uint32_t taken; /* by who read it: the owner may reuse the memory */
    uint32_t pad;
    _Atomic uint64_t next; /* of an item: the bytes of the one behind it in its queue; 0: it is the last */
    uint64_t size;         /* of an item */
    uint64_t pads[5];
};

#define RUNNING_NONE UINT64_MAX

enum queue_side { QUEUE_GET, QUEUE_PUT };

/* What a worker of an outlying node wants of a queue: see wish.h. */
struct wish {
    _Atomic uint32_t state;
    uint32_t side;   /* queue_side */
    uint32_t status; /* rp_status, once it is met */
    uint64_t serial; /* of the worker's wishes */
    uint64_t queue;
    uint64_t item; /* to be put */
    uint64_t deadline;
    uint64_t got; /* the leader's, as the status is: it may write them when another wish has been made */
};

/* A process on the board. */
struct slot {
    _Alignas(BOARD_LINE) _Atomic uint64_t announce; /* the claim that it makes or holds, see post.h */
    _Atomic uint64_t
        running; /* index of the item that it runs or ran last; RUNNING_NONE: none of its claim yet */
    _Atomic uint64_t done;    /* items it has run */
    _Atomic uint64_t item_ns; /* its measured time an item, a hint */
    _Atomic uint32_t state;
    _Atomic uint64_t held;                      /* an item of a queue that its task looks at */
    _Atomic uint64_t waits_for;                 /* the queue that its task waits at ... */
    _Atomic uint64_t waits;                     /* ... without end: see queue.h */
    _Alignas(BOARD_LINE) _Atomic uint64_t head; /* notes written */
    _Atomic uint32_t prioritized;               /* live posts whose priority is not 0 */
    _Alignas(BOARD_LINE) _Atomic uint64_t tail; /* notes read, by the manager */
    _Atomic uint32_t spilled;                   /* the worker holds notes that had no room */
    _Alignas(BOARD_LINE) struct wish wish;
};

enum slot_state {
    SLOT_EMPTY,
    SLOT_ENTERING, /* its initializer runs */
    SLOT_READY,
    SLOT_AWAY, /* it has entered, and may come back: nobody waits for it meanwhile */
    SLOT_LEFT,
};

/* What becomes of signals that would end the job. */
enum board_drains {
    DRAINS_NOT,
    DRAINS_THEN, /* they ask the manager to store what it has */
    DRAINS_NOW,  /* it does: no item is begun any more, claimed ones neither */
};

struct board_module {
    uint64_t id;
    char path[BOARD_PATH];
};

struct board_shared {
    uint64_t magic, id;
    uint32_t members;
    _Atomic uint32_t participants; /* who share a map: the workers, and the manager where it computes */
    uint64_t posts, order, slots, notes, queues, arena, region; /* offsets */
    uint64_t arena_size, region_size;
    uint64_t seed;
    _Atomic uint32_t drains; /* board_drains */
    uint32_t outlying;       /* another node's manager leads the pool: its board has the queues */
    struct board_function initializer, finalizer; /* module 0: none */
    uint64_t initarg, initarg_size;
    uint32_t isolate; /* tasks run in children of the workers */
    uint64_t task_memory;
    _Atomic uint32_t modules; /* entries of `module` that are filled */
    struct board_module module[BOARD_MODULES];

    _Atomic uint64_t share_table;               /* offset; 0: a share's number says where it lies (share.h) */
    _Atomic uint32_t queues_made;               /* places of the queues that were ever used */
    _Atomic uint32_t prioritized;               /* live posts whose priority is not 0 */
    _Alignas(BOARD_LINE) _Atomic uint64_t tail; /* entries of the order that were published */
    _Alignas(BOARD_LINE) _Atomic uint32_t manager; /* 1: it sleeps */
    _Atomic int64_t awaited;                       /* items that finish before it wants to be woken */
    _Atomic uint32_t stood; /* times that all who run something have begun to wait at queues, see queue.h */
    _Alignas(BOARD_LINE) _Atomic uint64_t ready[BOARD_WORDS];  /* workers that have written notes */
    _Alignas(BOARD_LINE) _Atomic uint64_t wished[BOARD_WORDS]; /* workers that have made wishes */
    _Alignas(BOARD_LINE) _Atomic uint32_t closing;
    _Atomic uint32_t broken; /* an initializer failed: `why` says why */
    char why[512];
};

/* Where those wait who want to get from a queue, or to put. */
struct queue_door {
    _Alignas(BOARD_LINE) _Atomic uint32_t bell; /* changes with each call; sleepers lie on it */
    uint32_t waiting;                           /* who have given up looking */
    uint32_t called;                            /* of these, who were called and are not back */
    uint32_t epoch;                             /* of the two counts: they begin anew */
    uint32_t manager;                           /* how often it waits here, to be woken then */
};

/* A queue, or the place of one: see queue.h. */
struct board_queue {
    _Alignas(BOARD_LINE) pthread_mutex_t lock; /* robust */
    _Atomic uint64_t state;                    /* {serial, open} */
    _Atomic uint64_t capacity;                 /* 0: none */
    _Atomic uint64_t count;
    _Atomic uint64_t head; /* the bytes of the first item, 0: there is none */
    uint64_t tail;         /* of the last one */
    struct queue_door door[2];
};

_Static_assert(sizeof(struct note) == 64, "a note is half a BOARD_LINE");
_Static_assert(sizeof(struct reduced_part) % 16 == 0, "results are aligned for any type");
_Static_assert(sizeof(struct task_record) == 64, "a record is half a BOARD_LINE");

#endif
