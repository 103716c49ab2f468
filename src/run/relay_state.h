/* A relay under way: shared by the files relay*.c alone. relay_open.c opens it, relay_take.c takes in what
 * comes, relay.c is its turns and its end; relay_block.c takes blocks in, relay_fill.c brings them to the
 * board, relay_post.c is what it does about its posts, relay_back.c gives back; relay_goods.c keeps what the
 * items of a map have in common, and what all share, which relay_fetch.c brings here; relay_reduce.c has
 * results of a reduction combined; relay_runs.c has notes wait for company, which relay_tally.c counts;
 * relay_send.c sends them; relay_aloof.c is what the process that leads the node leaves to others. */
#ifndef RANKPOOL_RUN_RELAY_STATE_H
#define RANKPOOL_RUN_RELAY_STATE_H

#include "run/relay.h"

#define RELAY_NOTES (NET_HEAD / WIRE_NOTE_SIZE)
/* In which others will have asked for goods that have come, or taken some more of what they are sent. */
#define RELAY_MIND_NS UINT64_C(500000000)

struct relay_goods {
    struct relay *relay;
    struct relay_goods *behind;
    enum wire_type kind; /* WIRE_COMMON, WIRE_SHARE */
    uint64_t id;
    uint64_t offset; /* of what is in common: of its copy on the board, when it is ready */
    size_t size;
    unsigned users;      /* blocks that name it, and leaders that it is sent to */
    struct fetch *fetch; /* its bytes are coming; or NULL */
    int asked;           /* the peer, ... */
    uint64_t due;        /* ... and until when it is waited for: clock_ns; 0: nobody had to be asked */
    uint32_t kids;       /* leaders that were told to ask for it here, and have not ... */
    uint64_t minded;     /* ... and until when that is expected: clock_ns */
    bool placed;         /* of a share: it has a place */
    bool ready, forgotten;
    bool given_up;           /* nobody here has use for it, but it may still be on its way to other nodes: */
    struct holding *holding; /* pinned; or NULL */
};

/* A run of placed results, whose note waits for those of its neighbours. */
struct relay_run {
    struct relay_block *block;
    struct wire_note note;
    uint64_t ended; /* clock_ns */
    uint64_t since; /* the same, of the first of them */
    uint32_t told;  /* items of it that are in a tally */
};

/* Items that have run, which nothing was said about: their notes wait for long. */
struct relay_tally {
    uint32_t items;
    float ran;      /* the first of them */
    uint64_t ended; /* the same: clock_ns */
};

/* Notes that wait to be sent, as the body of a message. */
struct relay_batch {
    _Alignas(16) unsigned char head[NET_HEAD];
    uint32_t count;
    size_t used;                 /* bytes */
    uint64_t ended[RELAY_NOTES]; /* of each: clock_ns */
    uint32_t at[RELAY_NOTES];    /* and where it stands */
};

/* What the results of a run of a reduction's items have been combined to, which waits for more. */
struct relay_part {
    struct reduced_part what; /* its items are those of the block */
    struct wire_note note;    /* by which it will be sent */
    uint64_t ended;           /* clock_ns */
    bool away;                /* a worker combines it with others */
};

struct relay {
    struct relay *behind;
    struct relay_home *home;
    uint64_t pool;
    struct manager manager;
    bool open;    /* the manager is */
    bool refused; /* what comes is given back */
    char why[512];
    bool posted;
    bool parting; /* it is to end when what was begun is done */
    bool ending;  /* the workers are told to leave it */
    bool closing; /* the manager has said CLOSE ... */
    bool closed;  /* ... and has been told CLOSED */
    bool finalizes;
    bool broken; /* it has been said that it is */
    bool *said;  /* of each of the crew: its refusal has been sent */
    bool aloof;
    uint64_t called; /* since when tasks lie there that nobody has come for: clock_ns; 0: there are none */
    uint64_t looked; /* at tasks that run: clock_ns */
    unsigned deliveries; /* bytes under way to or from the board */
    size_t leaving;      /* of these, how many bytes are under way to the manager */
    struct delivery initarg;
    struct relay_goods *goods;  /* commons and shares */
    struct relay_want *wants;   /* of other leaders, for what is not here */
    unsigned given_up;          /* of these */
    unsigned shares_awaited;    /* nothing starts before they are here */
    uint64_t patient;           /* until then they are, at the end: clock_ns */
    unsigned lent, late;        /* deliveries that are for other leaders, or that nobody waits for */
    uint64_t lends;             /* until then those who take them are waited for: clock_ns */
    uint64_t pieces;            /* of the net's, that were seen: each puts that off */
    struct relay_block *blocks; /* all that have not ended */
    bool asked;                 /* some of them are to be given back */
    struct relay_block *waiting, **waiting_end; /* those that have come whole */
    uint64_t items;                             /* of blocks, without notes */
    uint64_t held;                              /* of these, those that have run: their results wait */
    uint64_t below; /* of these, those that have run on nodes that are led from here, and wait there */
    struct wire_function combines; /* the last function that combined here, ... */
    double combine_ns;             /* ... and how long one such takes; 0: not known */
    uint64_t tasks;                /* of these, submitted ones */
    struct relay_batch batch;
    struct relay_run *runs; /* to be put into it */
    uint32_t run_count, run_room;
    size_t run_bytes;
    bool crowded;    /* when some of them left last, there were many */
    bool counts;     /* a block has a tally */
    uint64_t fresh;  /* items that were run since notes were sent last, where there are many nodes */
    uint64_t wished; /* when a wish was passed on, or met: clock_ns */
    uint64_t due;    /* when notes are to leave at the latest: clock_ns; CLOCK_NEVER: none waits */
    uint64_t *moved; /* of each worker of the crew, 1 first: see WIRE_DONE */
    bool has_moved;
};

enum block_state {
    BLOCK_COMING, /* its bytes are */
    BLOCK_WAITING,
    BLOCK_POSTED,
    BLOCK_ENDED, /* but the net has to do with its memory */
};

struct relay_block {
    struct delivery delivery;
    struct relay *relay;
    struct relay_block *behind, **link; /* among all */
    struct relay_block *next;           /* of those that wait */
    struct wire_block told;
    struct wire_parts parts;
    enum block_state state;
    struct block *memory;      /* on the board; NULL: there was no room yet */
    unsigned char *table;      /* as it came; NULL: it has none, or stands on the board in its final form */
    unsigned char *apart;      /* the inputs, where there was no room on the board */
    uint64_t in, out, indices; /* offsets in its memory: of inputs, results, the table in its final form */
    struct relay_goods *common;
    uint64_t serial;                       /* of its first posting ... */
    int post;                              /* ... and where that was */
    uint32_t open;                         /* items without a note */
    uint32_t below;                        /* of these, those that wait at nodes that are led from here */
    unsigned sending;                      /* payloads that are sent from its memory */
    bool filled;                           /* the table is on the board */
    unsigned again;                        /* posts that repeat a part of it */
    bool yields;                           /* what others give back of it goes back to who sent it */
    uint64_t asked;                        /* it is to be given back, since: clock_ns; 0: it is not */
    struct relay_part *part;               /* of a reduction, in the order of items */
    uint32_t part_count, part_room, fresh; /* `fresh` of them came since it was last looked what to combine */
    uint32_t held;                         /* items of these */
    uint32_t *ran;                         /* and how many of them each worker of the node has run */
    struct relay_tally tally;
    uint64_t *started;   /* of submitted tasks, a bit each: it has been said ... */
    uint64_t *cancelled; /* ... and that it was cancelled before it had come whole, ... */
    uint64_t *asking;    /* ... or is asked for at another node, to be */
};

/* relay_open.c: a worker of the node, a member of its roster, refuses a pool. */
void relay_say_refused(struct relay_home *home, uint64_t pool, int member, const char *why);

/* relay.c: no more work comes, and the workers leave the pool. */
void relay_begin_to_end(struct relay *relay);

/* relay_block.c */
void relay_take_block(struct relay *relay, const struct net_event *event, const struct wire_message *message);
struct relay_block *relay_find_block(const struct relay *relay,
                                     uint64_t block); /* NULL: none, or it has ended */

/* Posts what waits, as far as there is room. */
void relay_feed(struct relay *relay);

/* Items have notes, or were given back: the last ones end the block. */
void relay_end_items(struct relay_block *block, uint32_t count);
/* The net is done with one use of its memory. */
void relay_let_go(struct relay_block *block);
void relay_free_blocks(struct relay *relay);

/* relay_fill.c: bytes of the results that are placed; memory on the board, false: there is no room; what lies
 * there, by an offset in it; and writing to it what stands in the table of the message, once the inputs are
 * there, false: it makes no sense. */
uint64_t relay_out_bytes(const struct wire_block *told);
bool relay_take_memory(struct relay_block *block);
char *relay_place(const struct relay_block *block, uint64_t offset);
bool relay_fill(struct relay_block *block, const unsigned char *table);

/* relay_back.c: gives back what nobody has begun of a block, or of all. */
void relay_give_back(struct relay_block *block);
void relay_give_back_all(struct relay *relay);

/* The same where nobody is left to end what was begun. */
void relay_give_up(struct relay *relay);

/* What nobody has begun goes back at once, what those who are led from here give back as it comes. */
void relay_ask_back_all(struct relay *relay);
void relay_take_recall(struct relay *relay, uint64_t block);
void relay_answer_recalls(struct relay *relay);
void relay_take_cancel(struct relay *relay, uint64_t block, uint32_t item);

/* Whether the manager wants to know what has started. */
static inline bool relay_is_telling(const struct relay_block *block)
{
    return !block->told.map || block->told.flags & WIRE_TELLING;
}

static inline struct task_record *relay_records(const struct relay_block *block)
{
    return board_at(&block->relay->manager.board, block->memory->offset + block->indices);
}

/* relay_post.c: publishes the first items of a block as they lie; false: there is no room at present. */
bool relay_post(struct relay_block *block);
/* Posts of a block that combine: `size` bytes at `parts`, items from..from+count-1. */
bool relay_post_parts(struct relay_block *block, uint32_t from, uint32_t count, const void *parts,
                      size_t size);
bool relay_is_of_parts(const struct relay *relay, int post);
void relay_leave_post(struct relay *relay, int post);
extern const struct posting_ops relay_posting_ops;

/* Says of submitted tasks that they run, once each; with `soon` also of those that were claimed. */
void relay_tell_started(struct relay *relay, bool soon);

/* relay_aloof.c: whether others of this node serve the pool. */
bool relay_has_others(const struct relay *relay);

/* relay_aloof.c: sees who serves the pool, and what lies there. */
void relay_look_around(struct relay *relay);

/* relay_back.c: items that have been given back here go back themselves; false: they run here. Where late
 * bytes may still come over their results (`written`) they do in any case. */
bool relay_yield(struct relay_block *block, uint32_t from, uint32_t count, bool written);

/* A task that was asked for at another node, to be cancelled, never runs (`ok`), or has run; false: it was
 * not asked for. */
bool relay_answer_asking(struct relay_block *block, uint32_t item, bool ok);

/* The same of some of which nothing is known here any more, with `ok` false. */
void relay_answer_all_asking(struct relay_block *block, uint32_t from, uint32_t count);

/* relay_goods.c: FORGET and UNSHARE; that those who are led from here have had it. */
void relay_forget_goods(struct relay *relay, enum wire_type kind, uint64_t id);
void relay_say_handed(const struct relay *relay, enum wire_type kind, uint64_t id); /* if it leads others */
struct relay_goods *relay_find_goods(const struct relay *relay, enum wire_type kind, uint64_t id);
void relay_drop_goods(struct relay_goods *goods); /* a user less */
void relay_sweep_goods(struct relay *relay);      /* frees what is given up and has left */
void relay_share_goods(struct relay *relay);      /* hands on what is shared: the pool is open now */
void relay_free_goods(struct relay *relay);

/* For relay_fetch.c: new ones, NULL without memory; all of them is here; what nobody has use for is freed. */
struct relay_goods *relay_add_goods(struct relay *relay, enum wire_type kind, uint64_t id, uint64_t size,
                                    uint32_t kids);
void relay_goods_come(struct relay_goods *goods);
void relay_free_unused(struct relay_goods *goods);

/* relay_fetch.c: COMMON or SHARE, from whoever has them; LOST; until when one waits for so many bytes. */
uint64_t relay_when_late(size_t size);
void relay_take_goods(struct relay *relay, const struct net_event *event, const struct wire_message *message);
void relay_take_lost(struct relay *relay, const struct net_event *event, const struct wire_message *message);

/* Asks the manager for it; for all that has been waited for too long. */
void relay_chase_goods(struct relay_goods *goods);
void relay_chase_late(struct relay *relay);

/* Whether other leaders are waited for, or may want something: they ring nobody. */
bool relay_minds_goods(const struct relay *relay);

/* Whether others are to have something from here before this process is deaf. */
bool relay_owes_goods(struct relay *relay);

/* relay_wish.c */
extern const struct above_ops relay_above;   /* for nodes that are led from here; the relay is its owner */
bool relay_pass_wishes(struct relay *relay); /* true if there were any */
void relay_end_wishes(struct relay *relay);  /* nobody meets them any more */
void relay_take_met(struct relay *relay, const struct net_event *event, const struct wire_message *message);

/* Before notes of a block leave: when they will at the latest, if this one ended then. */
void relay_expect(struct relay *relay, const struct relay_block *block, uint64_t ended);

/* The note of items from `from` on as it is sent, without what depends on its payload. */
struct wire_note relay_describe_note(const struct relay_block *block, uint32_t from, const struct note *note,
                                     int worker);

/* relay_reduce.c: a good note of a reduction's items, or of a post that combines parts; true: its result is
 * held, as `kept` says (see posting_ops.take_note), else it is to be sent. */
bool relay_hold(struct relay_block *block, uint32_t from, const struct note *note, int worker);
void relay_hold_combined(struct relay_block *block, uint32_t from, const struct note *note);

/* Parts that a worker combined and that are of these items are lost: the items run again. */
void relay_drop_parts(struct relay_block *block, uint32_t from, uint32_t count);

/* Has combined what can be, unless the leader is away, and sends all once there is nothing more to come: that
 * may end the block. */
void relay_combine(struct relay_block *block);

/* Nobody comes for a post that was to combine these: they wait as before. */
void relay_keep_parts(struct relay_block *block, uint32_t from, uint32_t count);

/* Sends what is not being combined, and forgets the rest; false: that was the end of the block. */
bool relay_release_parts(struct relay_block *block);
void relay_free_parts(struct relay_block *block);

/* relay_send.c: a message with `size` bytes, as a segment if they are many: true: the delivery ends when they
 * have left, or the manager is lost. */
bool relay_send_bytes(struct relay_home *home, struct wire_message *message, const void *data, size_t size,
                      struct delivery *delivery);

/* A note, whose payload may be needed for longer: true then. `ended` is clock_ns. */
bool relay_send_note(struct relay_block *block, struct wire_note *note, uint64_t ended, const void *payload,
                     uint64_t parcel);
void relay_send_batch(struct relay *relay);
void relay_send_moved(struct relay *relay);

/* relay_runs.c: sends the notes that wait for nothing more; see relay_flush. */
void relay_flush_due(struct relay *relay);

/* Whether notes of the block may wait for long: many others do, and only the end of its map is watched for.
 */
bool relay_waits_for_long(const struct relay_block *block);

/* relay_tally.c: items have run whose notes wait, and a tally says so; sends these; what nodes that are led
 * from here have said of such items, and that notes of some have come; those that are known to wait there are
 * no more than are open. */
void relay_count_run(struct relay_block *block, uint32_t items, float ran, uint64_t ended);
void relay_send_tallies(struct relay *relay);
void relay_hear_tally(struct relay_block *block, uint32_t items, float ran, uint64_t ended);
void relay_hear_told(struct relay_block *block, uint32_t items);
void relay_trim_below(struct relay_block *block);

/* A note of items of the block, `payload` as take_note has it. True: that is kept. */
bool relay_tell(struct relay_block *block, uint32_t from, const struct note *note, const void *payload,
                int worker);

#endif
