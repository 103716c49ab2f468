/* What the manager and the leaders of other nodes say to each other: messages <-> bytes. Pure: no memory is
 * taken, nothing is sent, nothing is remembered.
 *
 * A message is a head, of at most NET_HEAD bytes, and what is long behind it as segments (net/net.h).
 *
 *     head:   frame, fields, body          the body begins at a multiple of 16, and so do its parts
 *     frame:  u8 type, u8 version, u16 0, u32 0, u64 pool
 *     fields: as the tables below say, in their order, little-endian, none between them left out
 *
 * The tables are the format: structs, packing and unpacking are made from them. Pool 0 is no pool's: it
 * stands in a message about the world.
 *
 * Order of calls. The sender fills a struct wire_message and packs it (wire_message_pack), with a body that
 * lies ready or that it writes behind the fields itself (wire_message_body), piece by piece with
 * wire_note_put and the like. The receiver unpacks head and sizes of segments in one step
 * (wire_message_unpack): from then on counts and sizes fit what is there. What a BLOCK says of its items
 * (wire_block_check) is checked once more when its table is there, since that may come as a segment.
 *
 * What can go wrong: bytes come from another process, and nothing of them is trusted. Unpacking refuses what
 * is short, long, of an unknown type or version, or does not fit together: RP_INVALID with a sentence.
 * Whether a post, an item or a worker of such a number exists is for the reader to check, and so are the
 * values of statuses, flags and schedules. */
#ifndef RANKPOOL_WIRE_MESSAGE_H
#define RANKPOOL_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define WIRE_VERSION 1
#define WIRE_ALIGN   16u
#define WIRE_FRAME   16u /* bytes */
#define WIRE_PARTS   2   /* segments that a message may have */

/* A function as {module, offset}: see func/func.h. Module 0: none. */
struct wire_function {
    uint64_t module, offset;
};

/* ---- Types -------------------------------------------------------------------------------- */

/* What stands behind the fields: nothing; a sentence or path, not ended by a zero byte; `size` bytes, as a
 * segment if they are many; see wire_block_parts; see wire_note_put; `count` u64. */
enum wire_body { WIRE_NOTHING, WIRE_TEXT, WIRE_BYTES, WIRE_ITEMS, WIRE_RUNS, WIRE_COUNTS };

/* TYPE(number, NAME, body). From the manager: */
#define WIRE_TYPES(TYPE)                                                                                     \
    TYPE(1, OPEN, BYTES)     /* a pool; its initarg */                                                       \
    TYPE(2, MODULE, TEXT)    /* where a module lies, before the first function of it */                      \
    TYPE(3, COMMON, BYTES)   /* before the first block that names it */                                      \
    TYPE(4, FORGET, NOTHING) /* a common that no later block names */                                        \
    TYPE(5, SHARE, BYTES)                                                                                    \
    TYPE(6, UNSHARE, NOTHING)                                                                                \
    TYPE(7, BLOCK, ITEMS)                                                                                    \
    TYPE(8, RECALL, NOTHING)  /* give back what nobody has claimed of a block: RECALLED */                   \
    TYPE(9, CANCEL, NOTHING)  /* an item of a block of submitted tasks: ANSWER */                            \
    TYPE(10, CLOSE, NOTHING)  /* a pool; finalizers run: CLOSED */                                           \
    TYPE(11, QUIT, NOTHING)   /* pool 0: the workers leave */                                                \
    TYPE(12, MET, BYTES)      /* a WISH: what a get has brought */                                           \
    TYPE(13, PAUSED, NOTHING) /* pool 0: to a PAUSE: no block is sent while it lasts */                      \
    /* From a leader: */                                                                                     \
    TYPE(32, NOTES, RUNS)                                                                                    \
    TYPE(33, RECALLED,                                                                                       \
         NOTHING)              /* `count` items from `from` on are given back; others have notes, or will */ \
    TYPE(34, STARTED, NOTHING) /* a submitted task */                                                        \
    TYPE(35, ANSWER, NOTHING)  /* `ok`: the task never runs, and no note follows */                          \
    TYPE(36, BROKEN, TEXT)     /* an initializer failed */                                                   \
    TYPE(37, REFUSED, TEXT)    /* a worker cannot serve the pool */                                          \
    TYPE(38, LOST, NOTHING)    /* a worker died; from the manager: the node of that one is lost */           \
    TYPE(39, CLOSED, NOTHING)                                                                                \
    TYPE(40, DONE, COUNTS) /* what notes that were joined say wrongly of who ran items: a number to be added \
                              for each of some workers of the node; all are 0 in sum */                      \
    TYPE(41, VISIT, NOTHING) /* pool 0: whether its process serves from now on */                            \
    TYPE(42, WISH,                                                                                           \
         BYTES) /* of a task, at a queue: what it puts, MET answers it; or to take back what was got */      \
    TYPE(43, GOT, NOTHING)    /* what MET has brought: its task has it, or it is first in its queue again */ \
    TYPE(44, PAUSE, NOTHING)  /* pool 0: its process would run something, and hear nothing: PAUSED */        \
    TYPE(45, WANT, NOTHING)   /* to another leader, or to the manager: its COMMON or SHARE is to come */     \
    TYPE(46, HANDED, NOTHING) /* by who leads others: what FORGET or UNSHARE has named has left for these */

#define WIRE_ENUM(number, name, body) WIRE_##name = (number),
enum wire_type { WIRE_TYPES(WIRE_ENUM) };
#undef WIRE_ENUM

/* ---- Fields ------------------------------------------------------------------------------- */

/* FIELD(kind, name), with the kinds u16, u32, u64, i32, f32 and function. */
#define WIRE_OPEN_FIELDS(FIELD)                                                                              \
    FIELD(u64, seed)                                                                                         \
    FIELD(u64, task_memory)                                                                                  \
    FIELD(u64, chunk)                                                                                        \
    FIELD(u32, schedule)                                                                                     \
    FIELD(u32, isolate)                                                                                      \
    FIELD(u32, drains)                                                                                       \
    FIELD(u32, reserved)                                                                                     \
    FIELD(function, initializer)                                                                             \
    FIELD(function, finalizer)                                                                               \
    FIELD(u64, size) /* of the initarg */

#define WIRE_MODULE_FIELDS(FIELD) FIELD(u64, id)

/* With `from` their bytes are not here: the leader of the node with this first worker will have them, and is
 * to be asked (WANT). */
#define WIRE_COMMON_FIELDS(FIELD)                                                                            \
    FIELD(u64, id) /* not 0 */                                                                               \
    FIELD(u64, size)                                                                                         \
    FIELD(u32, from)                                                                                         \
    FIELD(u32, kids) /* so many other leaders are told to ask this one */

#define WIRE_FORGET_FIELDS(FIELD) FIELD(u64, id)

#define WIRE_SHARE_FIELDS(FIELD)                                                                             \
    FIELD(u64, number)                                                                                       \
    FIELD(u64, size)                                                                                         \
    FIELD(u32, from) /* as of COMMON */                                                                      \
    FIELD(u32, kids)

#define WIRE_UNSHARE_FIELDS(FIELD) FIELD(u64, number)

/* Words of struct post (board/layout.h) where they have its names. */
#define WIRE_BLOCK_FIELDS(FIELD)                                                                             \
    FIELD(u64, block) /* its number: no other of this pool at this node ever has it */                       \
    FIELD(u64, map)   /* 0: submitted tasks */                                                               \
    FIELD(u64, first)                                                                                        \
    FIELD(u64, begin)                                                                                        \
    FIELD(u64, total)                                                                                        \
    FIELD(u64, behind)                                                                                       \
    FIELD(u64, chunk)                                                                                        \
    FIELD(function, function)                                                                                \
    FIELD(function, combine)                                                                                 \
    FIELD(u64, in_size)                                                                                      \
    FIELD(u64, out_size)                                                                                     \
    FIELD(u64, limit_ns)                                                                                     \
    FIELD(u64, common) /* its id; 0: none */                                                                 \
    FIELD(u64, common_size)                                                                                  \
    FIELD(u64, bytes) /* of the inputs as they follow */                                                     \
    FIELD(u32, items)                                                                                        \
    FIELD(u32, flags) /* post_flags, and WIRE_INDICES */                                                     \
    FIELD(u32, schedule)                                                                                     \
    FIELD(u32, attempt)                                                                                      \
    FIELD(i32, retries)                                                                                      \
    FIELD(i32, priority)                                                                                     \
    FIELD(u32, worker)      /* that it is for; 0: any */                                                     \
    FIELD(u32, patience_us) /* how long notes may wait for others; 0: as the leader thinks fit */            \
    FIELD(u32, visit)       /* of the leader, in which it is to be run: see VISIT */                         \
    FIELD(u32, reserved)

#define WIRE_RECALL_FIELDS(FIELD) FIELD(u64, block)

#define WIRE_CANCEL_FIELDS(FIELD)                                                                            \
    FIELD(u64, block)                                                                                        \
    FIELD(u32, item)

/* The task's claim is items `from`..from+count-1 of the block, as far as is known. */
#define WIRE_WISH_FIELDS(FIELD)                                                                              \
    FIELD(u64, id)                                                                                           \
    FIELD(u64, queue)                                                                                        \
    FIELD(u64, patience_ns) /* UINT64_MAX: without end */                                                    \
    FIELD(u64, size)                                                                                         \
    FIELD(u64, block)                                                                                        \
    FIELD(u32, from)                                                                                         \
    FIELD(u32, count)                                                                                        \
    FIELD(u32, worker)                                                                                       \
    FIELD(u32, kind) /* wire_wishes */

#define WIRE_MET_FIELDS(FIELD)                                                                               \
    FIELD(u64, id)                                                                                           \
    FIELD(u64, queue)                                                                                        \
    FIELD(u64, size)                                                                                         \
    FIELD(u32, kind)                                                                                         \
    FIELD(u32, status)

#define WIRE_GOT_FIELDS(FIELD)                                                                               \
    FIELD(u64, id)                                                                                           \
    FIELD(u32, kept)                                                                                         \
    FIELD(u32, reserved)

#define WIRE_QUIT_FIELDS(FIELD)  FIELD(u32, shaken) /* somebody died: no one waits for the others */
#define WIRE_NOTES_FIELDS(FIELD) FIELD(u32, count)

#define WIRE_RECALLED_FIELDS(FIELD)                                                                          \
    FIELD(u64, block)                                                                                        \
    FIELD(u32, from)                                                                                         \
    FIELD(u32, count)

#define WIRE_STARTED_FIELDS(FIELD)                                                                           \
    FIELD(u64, block)                                                                                        \
    FIELD(u32, item)                                                                                         \
    FIELD(u32, worker)

#define WIRE_ANSWER_FIELDS(FIELD)                                                                            \
    FIELD(u64, block)                                                                                        \
    FIELD(u32, item)                                                                                         \
    FIELD(u32, ok)

#define WIRE_WANT_FIELDS(FIELD)                                                                              \
    FIELD(u64, id)   /* or number */                                                                         \
    FIELD(u32, kind) /* the message that it comes with: COMMON or SHARE */                                   \
    FIELD(u32, reserved)

#define WIRE_HANDED_FIELDS(FIELD) WIRE_WANT_FIELDS(FIELD)

#define WIRE_REFUSED_FIELDS(FIELD) FIELD(u32, worker)
#define WIRE_LOST_FIELDS(FIELD)    FIELD(u32, worker)
#define WIRE_DONE_FIELDS(FIELD)                                                                              \
    FIELD(u32, count)                                                                                        \
    FIELD(u32, from) /* the first of them, of the node's workers from 0 */

/* Where the program decides when a leader serves, each time that it does is a visit. At its end nothing that
 * was sent is left on the node; a block of an earlier visit is the manager's again, and nobody's there. Since
 * a leader may leave when a pool closes, no block is sent behind a CLOSE until it says that it stays. */
#define WIRE_VISIT_FIELDS(FIELD)                                                                             \
    FIELD(u32, visit) /* its number, from 1 */                                                               \
    FIELD(u32, serves)                                                                                       \
    FIELD(u32, closes) /* that have come before this was said */                                             \
    FIELD(u32, reserved)

/* Between PAUSED and the end of the pause the leader may be deaf for as long as a task of anybody takes. */
#define WIRE_PAUSE_FIELDS(FIELD)                                                                             \
    FIELD(u32, pause)  /* its number, from 1 */                                                              \
    FIELD(u32, begins) /* 0: it is over */

#define WIRE_PAUSED_FIELDS(FIELD) FIELD(u32, pause)

/* The messages that have fields: STRUCT(NAME, name). */
#define WIRE_STRUCTS(STRUCT)                                                                                 \
    STRUCT(OPEN, open)                                                                                       \
    STRUCT(MODULE, module)                                                                                   \
    STRUCT(COMMON, common)                                                                                   \
    STRUCT(FORGET, forget)                                                                                   \
    STRUCT(SHARE, share)                                                                                     \
    STRUCT(UNSHARE, unshare)                                                                                 \
    STRUCT(BLOCK, block)                                                                                     \
    STRUCT(RECALL, recall)                                                                                   \
    STRUCT(CANCEL, cancel)                                                                                   \
    STRUCT(QUIT, quit)                                                                                       \
    STRUCT(MET, met)                                                                                         \
    STRUCT(WISH, wish)                                                                                       \
    STRUCT(GOT, got)                                                                                         \
    STRUCT(NOTES, notes)                                                                                     \
    STRUCT(RECALLED, recalled)                                                                               \
    STRUCT(STARTED, started)                                                                                 \
    STRUCT(ANSWER, answer)                                                                                   \
    STRUCT(REFUSED, refused)                                                                                 \
    STRUCT(LOST, lost)                                                                                       \
    STRUCT(DONE, done)                                                                                       \
    STRUCT(VISIT, visit)                                                                                     \
    STRUCT(PAUSE, pause)                                                                                     \
    STRUCT(PAUSED, paused)                                                                                   \
    STRUCT(WANT, want)                                                                                       \
    STRUCT(HANDED, handed)

/* In the body of a BLOCK of submitted tasks, one an item. */
#define WIRE_TASK_FIELDS(FIELD)                                                                              \
    FIELD(u64, index)                                                                                        \
    FIELD(function, function)                                                                                \
    FIELD(u64, in_size)                                                                                      \
    FIELD(i32, attempt)                                                                                      \
    FIELD(i32, retries)

/* In the body of a packed BLOCK, one an item. */
#define WIRE_PACKED_FIELDS(FIELD)                                                                            \
    FIELD(u64, index)                                                                                        \
    FIELD(u64, size)

/* In the body of NOTES, each with its payload behind it: struct note of board/layout.h, but `post` is a
 * block's number, and `ended` an age. */
#define WIRE_NOTE_FIELDS(FIELD)                                                                              \
    FIELD(u64, block)                                                                                        \
    FIELD(u64, age_ns) /* since it ended, when it was sent */                                                \
    FIELD(u64, size)                                                                                         \
    FIELD(u64, bytes) /* of the payload: 0 where it has none */                                              \
    FIELD(u32, from)                                                                                         \
    FIELD(u32, count)                                                                                        \
    FIELD(i32, code)                                                                                         \
    FIELD(f32, ran)                                                                                          \
    FIELD(u32, worker)                                                                                       \
    FIELD(u16, status)                                                                                       \
    FIELD(u16, flags)  /* note_flags, or WIRE_TALLY */                                                       \
    FIELD(u32, joined) /* of results: further claims that it is of */                                        \
    FIELD(u32, told)   /* of these items, that a tally has counted */

#define WIRE_C_u16               uint16_t
#define WIRE_C_u32               uint32_t
#define WIRE_C_u64               uint64_t
#define WIRE_C_i32               int32_t
#define WIRE_C_f32               float
#define WIRE_C_function          struct wire_function
#define WIRE_MEMBER(kind, field) WIRE_C_##kind field;
#define WIRE_STRUCT(upper, lower)                                                                            \
    struct wire_##lower {                                                                                    \
        WIRE_##upper##_FIELDS(WIRE_MEMBER)                                                                   \
    };
WIRE_STRUCTS(WIRE_STRUCT)
WIRE_STRUCT(TASK, task)
WIRE_STRUCT(PACKED, packed)
WIRE_STRUCT(NOTE, note)
#undef WIRE_STRUCT
#undef WIRE_MEMBER

/* Bits of a block's flags that its form depends on. The first two are POST_RANGE and POST_PACKED, which this
 * layer does not see: run asserts that they are the same. */
enum wire_flags {
    WIRE_RANGE = 1,
    WIRE_PACKED = 8,
    WIRE_INDICES = 1 << 16, /* of a map: the indices of its items come first */
    WIRE_TELLING =
        1 << 17, /* of a map: its items are claimed one by one, and each that the leader starts is told */
};

/* Of a note: so many items of the block have run, whose notes, which say that they were counted, will come
 * together. */
#define WIRE_TALLY ((uint16_t)1 << 8)

/* To put back: first in its queue again, for a worker that has died meanwhile; nothing answers it. */
enum wire_wishes { WIRE_GET, WIRE_PUT, WIRE_PUT_BACK };

/* ---- Messages ----------------------------------------------------------------------------- */

#define WIRE_PLACE(upper, lower) struct wire_##lower lower;
struct wire_message {
    enum wire_type type;
    uint64_t pool;
    union {
        WIRE_STRUCTS(WIRE_PLACE)
    };
    const void *body; /* what of it stands in the head; NULL to pack: the caller writes it */
    size_t body_size;
};
#undef WIRE_PLACE

static inline size_t wire_aligned(size_t size)
{
    return (size + WIRE_ALIGN - 1) / WIRE_ALIGN * WIRE_ALIGN;
}

/* Where the body begins in a head of that type. */
size_t wire_message_body(enum wire_type type);

/* Writes the head, with room for body_size bytes of body: its size; 0: `room` is too small. */
size_t wire_message_pack(const struct wire_message *message, void *to, size_t room);

/* Reads a head whose message has `segments` segments of these sizes. The body stays where it lies: in `from`.
 * RP_INVALID. */
rp_status wire_message_unpack(struct wire_message *message, const void *from, size_t size,
                              const size_t *segment, int segments, struct error *error);

/* ---- Bodies ------------------------------------------------------------------------------- */

/* A block's body has two parts: a table of its items (struct wire_task of tasks, struct wire_packed of a
 * packed block, u64 indices of a map with WIRE_INDICES, else of 0 bytes), and the inputs: of a map one behind
 * the other (in_size each; none of a range), of tasks and packed blocks each at a multiple of 16, the last
 * one filled up too. Either both stand in the head, the inputs at the next multiple of 16, or each that has
 * bytes is a segment. */
struct wire_parts {
    uint64_t table, inputs; /* bytes */
};

/* False: no memory could hold them, or `bytes` is not what the items have. */
bool wire_block_parts(const struct wire_block *block, struct wire_parts *parts);

/* The same as the body of a head: bytes. */
static inline uint64_t wire_parts_together(const struct wire_parts *parts)
{
    return (parts->inputs ? (parts->table + WIRE_ALIGN - 1) / WIRE_ALIGN * WIRE_ALIGN : parts->table) +
           parts->inputs;
}

/* Whether the sizes in the table of tasks or of a packed block make up its `bytes`. RP_INVALID. */
rp_status wire_block_check(const struct wire_block *block, const void *table, struct error *error);

#define WIRE_TASK_SIZE   40u
#define WIRE_PACKED_SIZE 16u
#define WIRE_NOTE_SIZE   64u

/* Entries of tables, unchecked: `at` has so many bytes. */
void wire_task_pack(const struct wire_task *task, void *at);
void wire_task_unpack(struct wire_task *task, const void *at);
void wire_packed_pack(const struct wire_packed *item, void *at);
void wire_packed_unpack(struct wire_packed *item, const void *at);
void wire_note_pack(const struct wire_note *note, void *at);
void wire_note_unpack(struct wire_note *note, const void *at);
void wire_u64_pack(uint64_t word, void *at);
uint64_t wire_u64_unpack(const void *at);

/* Notes stand one behind the other in a body, each with its payload behind it, filled up to a multiple of 16.
 * Or there is one, and its payload is the segment.
 *
 * Writes a note with note->bytes bytes at `payload` (NULL: it comes as the segment), and returns how many
 * bytes they take; 0: more than `room`. The caller counts them. */
size_t wire_note_put(const struct wire_note *note, const void *payload, void *to, size_t room);

/* Reads the note at *at of a body of NOTES, and moves on; *at is 0 at first. `payload` is NULL where it has
 * none, or it is the segment. False: that was the last one. */
bool wire_note_get(const struct wire_message *message, size_t *at, struct wire_note *note,
                   const void **payload);

#endif
